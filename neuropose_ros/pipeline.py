"""The stages in a row as one object: what offline replay runs, frame by frame, without ROS.

The objects are those of the live graph; only the hand-over differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from neuropose_ros.core.pose import Frame, PoseFrame
from neuropose_ros.pose.intrinsics import Intrinsics
from neuropose_ros.pose.lifting import Lifter
from neuropose_ros.pose.stage import PoseStage
from neuropose_ros.refinement.stage import RefinementStage


@dataclass(frozen=True, slots=True)
class Result:
    """What the stages made of one frame."""

    frame: Frame
    poses: PoseFrame
    refined: PoseFrame


class Pipeline:
    """Pose and refinement in lock-step, with the refiner's feedback going back to the pose."""

    def __init__(
        self, pose: PoseStage, refinement: RefinementStage, *, use_feedback: bool = True,
        lens: Intrinsics | None = None,
    ) -> None:
        """Take the stages; the pipeline closes them.

        Args:
            lens: of the camera, with which frames that have depth give places in metres; None =
                their depth is not used.
        """
        self._pose = pose
        self._refinement = refinement
        self._use_feedback = use_feedback
        self._lens = lens
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
        return Result(frame, poses, refined)

    def run(self, frames: Iterable[Frame]) -> Iterator[Result]:
        """Run every frame, in order."""
        return map(self.process, frames)

    def reset(self) -> None:
        """Forget all earlier frames."""
        self._pose.reset()
        self._refinement.reset()
        self._feedback = None

    def close(self) -> None:
        """Give the model back."""
        self._pose.close()
