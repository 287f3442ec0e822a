"""The stages in a row as one object: what offline replay runs, frame by frame, without ROS.

The objects are those of the live graph; only the hand-over differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from neuropose_ros.action.scene_arrivals import SceneArrivals
from neuropose_ros.action.stage import ActionStage
from neuropose_ros.core.action import ActionFrame
from neuropose_ros.core.pose import Frame, PoseFrame
from neuropose_ros.pose.intrinsics import Intrinsics
from neuropose_ros.pose.lifting import Lifter
from neuropose_ros.pose.scene import SceneEncoder
from neuropose_ros.pose.stage import PoseStage
from neuropose_ros.refinement.stage import RefinementStage


@dataclass(frozen=True, slots=True)
class Result:
    """What the stages made of one frame; ``actions`` is None where no stage tells them."""

    frame: Frame
    poses: PoseFrame
    refined: PoseFrame
    actions: ActionFrame | None = None


class Pipeline:
    """Pose, refinement and action in lock-step; the refiner's feedback goes back to the pose."""

    def __init__(
        self, pose: PoseStage, refinement: RefinementStage, *, use_feedback: bool = True,
        lens: Intrinsics | None = None, action: ActionStage | None = None,
        scene: SceneEncoder | None = None,
    ) -> None:
        """Take the stages; the pipeline closes them.

        Args:
            action: None = nobody asks what people do.
            scene: encodes pictures for an action stage that reads them.
            lens: of the camera, with which frames that have depth give places in metres; None =
                their depth is not used.
        """
        self._pose = pose
        self._refinement = refinement
        self._use_feedback = use_feedback
        self._lens = lens
        self._action = action
        self._scene = scene
        self._scenes = SceneArrivals()
        self._lifter = Lifter(pose.layout)
        self._feedback: PoseFrame | None = None

    def process(self, frame: Frame) -> Result:
        """Run one frame through all stages.

        Raises:
            DepthError: depth or lens are of another view than the frame.
        """
        poses = self._pose.process(frame, self._feedback)
        if self._lens is not None and frame.depth is not None and poses.persons:
            poses = self._lifter.lift(poses, frame.depth, self._lens)
        refined = self._refinement.process(poses)
        if self._use_feedback:
            self._feedback = self._refinement.feedback()
        return Result(frame, poses, refined, self._recognise(frame, refined))

    def _recognise(self, frame: Frame, refined: PoseFrame) -> ActionFrame | None:
        if self._action is None:
            return None
        actions = self._action.process(
            refined, self._scenes.before(refined.stamp_ns, refined.epoch))
        if self._scene is not None and self._action.uses_scene:
            scene = self._scene.encode(frame)
            if scene is not None:
                self._scenes.put(scene)
        return actions

    def run(self, frames: Iterable[Frame]) -> Iterator[Result]:
        """Run every frame, in order."""
        return map(self.process, frames)

    def reset(self) -> None:
        """Forget all earlier frames."""
        self._pose.reset()
        self._refinement.reset()
        self._feedback = None
        self._scenes.reset()
        for stage in (self._action, self._scene):
            if stage is not None:
                stage.reset()

    def close(self) -> None:
        """Give the networks back."""
        for stage in (self._pose, self._action, self._scene):
            if stage is not None:
                stage.close()
