"""The stages in a row as one object: what offline replay runs, frame by frame, without ROS.

The objects are those of the live graph; only the hand-over differs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from neuropose_ros.action.scene_arrivals import SceneArrivals
from neuropose_ros.action.stage import ActionStage
from neuropose_ros.core.action import ActionFrame
from neuropose_ros.core.pose import Frame, PoseFrame, SceneEmbedding
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.pose.intrinsics import Intrinsics
from neuropose_ros.pose.lifting import Lifter
from neuropose_ros.pose.scene import SceneEncoder
from neuropose_ros.pose.stage import Look, PoseStage
from neuropose_ros.refinement.correcting import Corrector
from neuropose_ros.refinement.stage import RefinementStage

_KEPT_FEEDBACK = 256


@dataclass(frozen=True, slots=True)
class Lived:
    """What a live run used for one frame, to be used again.

    Attributes:
        feedback_stamp_ns: of the feedback; 0 = none.
        scene_stamp_ns: of the scene; 0 = none; None = not known, the newest is used.
    """

    feedback_stamp_ns: int = 0
    scene_stamp_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What the stages made of one frame.

    Attributes:
        frame: None where it could not be read, only its poses are there, or the whole recording
            was refined at once.
        actions: None where no stage tells them.
        scene: None where none was encoded.
    """

    frame: Frame | None
    poses: PoseFrame
    refined: PoseFrame
    actions: ActionFrame | None = None
    scene: SceneEmbedding | None = None


Smoother = Callable[[Sequence[PoseFrame]], list[PoseFrame]]
"""Refines all frames of a recording at once; as many come out, in the same order."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A frame whose refined poses are still to come."""

    frame: Frame | None
    poses: PoseFrame
    lived: Lived | None
    scene: SceneEmbedding | None = None


class Pipeline:
    """Pose, refinement and action in lock-step; the refiner's feedback goes back to the pose.

    Attributes:
        missing_feedback: frames for which the feedback of the live run could not be made again.
    """

    def __init__(
        self, pose: PoseStage | None, refinement: RefinementStage, *, use_feedback: bool = True,
        lens: Intrinsics | None = None, action: ActionStage | None = None,
        scene: SceneEncoder | None = None, corrector: Corrector | None = None,
        smoother: Smoother | None = None,
    ) -> None:
        """Take the stages; the pipeline closes them.

        Args:
            pose: None = only poses that are there already are worked on.
            action: None = nobody asks what people do.
            scene: encodes pictures for an action stage that reads them.
            corrector: lays what people said over the refined poses.
            smoother: refines at `flush` what the refinement stage, whose feedback goes on, would
                refine frame by frame.
            lens: of the camera, with which frames that have depth give places in metres; None =
                their depth is not used.
        """
        self._pose = pose
        self._refinement = refinement
        self._use_feedback = use_feedback
        self._lens = lens
        self._action = action
        self._scene = scene
        self._corrector = corrector
        self._smoother = smoother
        self._scenes = SceneArrivals()
        self._lifter = None if pose is None else Lifter(pose.layout)
        self._feedback: deque[PoseFrame] = deque(maxlen=_KEPT_FEEDBACK)
        # Scenes keep their place among the frames, so that answers are those without a delay.
        self._waiting: deque[_Waiting | SceneEmbedding] = deque()
        self.missing_feedback = 0

    @property
    def restarts(self) -> int:
        """Times that time or epoch began anew."""
        return self._refinement.restarts

    def process(self, frame: Frame, lived: Lived | None = None) -> Result | None:
        """Run one frame through all stages.

        Args:
            frame: the next one.
            lived: None = the newest feedback and scene are used.

        Returns:
            What became of the oldest frame that waits; None while refinement waits for more.

        Raises:
            DepthError: depth or lens are of another view than the frame.
        """
        return self.finish(self.look(frame, lived), lived)

    def look(
        self, frame: Frame, lived: Lived | None = None,
        settle: Callable[[], object] = lambda: None,
    ) -> Look:
        """Do the first half of `process`; `finish` is the second, in order, in any one thread.

        Args:
            settle: returns when all earlier frames are finished.
        """
        assert self._pose is not None
        return self._pose.look(frame, lambda: self._feedback_for(lived), settle)

    def finish(self, look: Look, lived: Lived | None = None) -> Result | None:
        """Do the second half of `process`, which says what comes out.

        Raises:
            DepthError: depth or lens are of another view than the frame.
        """
        assert self._pose is not None and self._lifter is not None
        frame, poses = look.frame, self._pose.follow(look)
        if self._lens is not None and frame.depth is not None and poses.persons:
            poses = self._lifter.lift(poses, frame.depth, self._lens)
        scene = None
        if self._scene is not None and self._action is not None and self._action.uses_scene:
            scene = self._scene.encode(frame)
        kept = frame if self._smoother is None else None  # not a whole recording's pictures
        result = self._take(_Waiting(kept, poses, lived, scene))
        if scene is not None:
            self.put_scene(scene)
        return result

    def unreadable(
        self, info: FrameInfo, *, seq_is_local: bool, settle: Callable[[], object] = lambda: None,
    ) -> PoseFrame:
        """Return the poses, for `process_poses`, of a frame whose picture cannot be read."""
        assert self._pose is not None
        return self._pose.failed(info, seq_is_local, settle)

    def process_poses(self, poses: PoseFrame, lived: Lived | None = None) -> Result | None:
        """Run poses through the stages behind the pose stage; see `process`."""
        return self._take(_Waiting(None, poses, lived))

    def flush(self) -> Iterator[Result]:
        """Yield what became of the frames that still wait: no more will come."""
        if self._smoother is None:
            refined = self._refinement.flush()
        else:
            refined = self._smoother(
                [item.poses for item in self._waiting if isinstance(item, _Waiting)])
        return map(self._answer, refined)

    def put_scene(self, scene: SceneEmbedding) -> None:
        """Take a scene that poses of later frames are judged with."""
        self._waiting.append(scene)
        self._pass_scenes()

    def _take(self, given: _Waiting) -> Result | None:
        self._waiting.append(given)
        refined = self._refinement.process(given.poses)
        if self._use_feedback:
            feedback = self._refinement.feedback()
            if feedback is not None:
                self._feedback.append(feedback)
        return None if refined is None or self._smoother is not None else self._answer(refined)

    def _answer(self, refined: PoseFrame) -> Result:
        """Return the result of the oldest frame that waits, which is that of ``refined``."""
        given = self._waiting.popleft()
        assert isinstance(given, _Waiting)  # scenes before it are passed on
        if self._corrector is not None:
            refined = self._corrector.apply(refined)
        actions = self._recognise(refined, given.lived)
        self._pass_scenes()
        return Result(given.frame, given.poses, refined, actions, given.scene)

    def _pass_scenes(self) -> None:
        while self._waiting and isinstance(scene := self._waiting[0], SceneEmbedding):
            self._scenes.put(scene)
            self._waiting.popleft()

    def _feedback_for(self, lived: Lived | None) -> PoseFrame | None:
        newest = self._feedback[-1] if self._feedback else None
        if lived is None or not self._use_feedback:
            return newest
        if not lived.feedback_stamp_ns:
            return None
        for feedback in reversed(self._feedback):
            if feedback.stamp_ns == lived.feedback_stamp_ns:
                return feedback
        self.missing_feedback += 1
        return newest

    def _recognise(self, refined: PoseFrame, lived: Lived | None) -> ActionFrame | None:
        if self._action is None:
            return None
        if lived is None or lived.scene_stamp_ns is None:
            scene = self._scenes.before(refined.stamp_ns, refined.epoch)
        else:
            scene = self._scenes.of(lived.scene_stamp_ns)
        actions = self._action.process(refined, scene)
        # A live run that told no actions had no use of them either.
        if lived is None or lived.scene_stamp_ns is not None:
            self._refinement.put_actions(actions)
        return actions

    def run(self, frames: Iterable[Frame]) -> Iterator[Result]:
        """Run every frame, in order, and what still waits at the end."""
        for frame in frames:
            result = self.process(frame)
            if result is not None:
                yield result
        yield from self.flush()

    def reset(self) -> None:
        """Forget all earlier frames."""
        self._refinement.reset()
        self._feedback.clear()
        self._waiting.clear()
        self._scenes.reset()
        for stage in (self._pose, self._action, self._scene):
            if stage is not None:
                stage.reset()

    def close(self) -> None:
        """Give the networks back."""
        for stage in (self._pose, self._action, self._scene):
            if stage is not None:
                stage.close()
