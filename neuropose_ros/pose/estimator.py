"""What finds people: whole estimators, person detectors, and networks that read one region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from neuropose_ros.core.pose import Floats, Frame, PersonPose, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.ops.device import Picture


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

    @property
    def uses_expected(self) -> bool:
        """Whether it looks at whom `estimate` is told to expect."""
        ...

    def estimate(self, frame: Frame, expected: Sequence[PersonPose] = ()) -> PoseFrame:
        """Return the people in ``frame``; stamps, sequence and epoch are the frame's.

        Args:
            frame: the image.
            expected: the tracked people where they are predicted to be in this frame, in this
                estimator's layout; lost ones too while they are remembered.
        """
        ...

    def reset(self) -> None:
        """Forget all earlier frames."""
        ...

    def close(self) -> None:
        """Give back memory and devices; the estimator is not used again."""
        ...


@dataclass(frozen=True, slots=True)
class Detections:
    """People found as boxes, best first.

    Attributes:
        boxes: (N, 4) float32, px: x_min y_min x_max y_max.
        scores: (N,) float32, 0..1.
    """

    boxes: Floats
    scores: Floats


class PersonDetector(Protocol):
    """Finds people as boxes in one picture."""

    @property
    def model(self) -> str:
        """Id of model and runtime."""
        ...

    def detect(self, picture: Picture) -> Detections:
        """Return the people, best first, overlapping finds of one person already merged."""
        ...

    def close(self) -> None:
        """Give back memory and devices."""
        ...


@dataclass(frozen=True, slots=True)
class Region:
    """Where to look for one person.

    Attributes:
        box: (4,) float32, px, around the person without margin.
        person: the predicted pose there, where one is known, in the estimator's layout.
    """

    box: Floats
    person: PersonPose | None = None


class RegionEstimator(Protocol):
    """Finds the joints of the one person in each of several regions (top-down estimation)."""

    @property
    def layout(self) -> SkeletonLayout:
        """The joints it finds."""
        ...

    @property
    def model(self) -> str:
        """Id of model and runtime."""
        ...

    def estimate(self, picture: Picture, regions: Sequence[Region]) -> list[PersonPose]:
        """Return one person for each region, in order; untracked.

        ``score`` says how sure it is that somebody is there at all. The networks see all
        regions in as few batches as they can.
        """
        ...

    def close(self) -> None:
        """Give back memory and devices."""
        ...
