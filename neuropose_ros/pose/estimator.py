"""What a pose estimator is."""

from __future__ import annotations

from typing import Protocol

from neuropose_ros.core.pose import Frame, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout


class PoseEstimator(Protocol):
    """Finds people in one frame after the other; may keep state between frames."""

    @property
    def layout(self) -> SkeletonLayout:
        """The joints it finds."""
        ...

    @property
    def model(self) -> str:
        """Id of model and variant, for ``PersonArray.model``."""
        ...

    def estimate(self, frame: Frame, feedback: PoseFrame | None = None) -> PoseFrame:
        """Return the people in ``frame``; stamps, sequence and epoch are the frame's.

        Args:
            frame: the image.
            feedback: newest predicted people, where the refiner sends them.
        """
        ...

    def reset(self) -> None:
        """Forget all earlier frames."""
        ...

    def close(self) -> None:
        """Give back memory and devices; the estimator is not used again."""
        ...
