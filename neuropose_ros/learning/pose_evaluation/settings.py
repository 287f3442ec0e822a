"""What is measured of a pose model, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.learning.config import at_least, within
from neuropose_ros.learning.pose_evaluation.models import Regions
from neuropose_ros.learning.pose_evaluation.people import Size

THRESHOLDS = (0.05, 0.1, 0.2)


@dataclass(frozen=True)
class PoseEvaluationSettings:
    """What is measured, and how.

    Attributes:
        regions: ``truth`` = the model is told the annotated boxes; ``found`` = it, or a detector,
            finds people; ``auto`` = truth where it reads boxes and no detector is named.
        part: of data that its makers divided.
        thresholds: of PCK, as shares of the person's size.
        size: what distances are divided by, see `people.Size`.
        offsets: measure on the training part by how much the model's idea of each joint differs
            from the data's, and take that out.
        offset_pictures: of the training part, evenly spread.
        ap: COCO's AP and AR, where people have areas.
        right_within: share of the size within which a joint is right, for the calibration.
        bins: of the calibration curve.
        most_pictures: evenly spread over the data; 0 = all.
        examples: worst pictures to keep, and best.
        skipped_share: of the data that may be unusable before that stops the run.
        runtime, precision, threads: see `inference.select.create_runtime`.
        seed: of the intervals.
    """

    regions: Regions = 'auto'
    part: Literal['test', 'train'] = 'test'
    thresholds: tuple[float, ...] = THRESHOLDS
    size: Size = 'auto'
    offsets: bool = False
    offset_pictures: int = 600
    ap: bool = True
    right_within: float = 0.1
    bins: int = 10
    most_pictures: int = 0
    examples: int = 6
    skipped_share: float = 0.05
    runtime: str = 'auto'
    precision: str = 'fp16'
    threads: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ParameterError: a value is outside its own.
        """
        at_least(0, most_pictures=self.most_pictures, examples=self.examples,
                 threads=self.threads, seed=self.seed)
        at_least(1, bins=self.bins, offset_pictures=self.offset_pictures)
        within(0.001, 1, right_within=self.right_within)
        within(0, 1, skipped_share=self.skipped_share)
        if not self.thresholds:
            raise ParameterError('thresholds is empty: name one at least, as 0.1')
        for threshold in self.thresholds:
            within(0.001, 1, thresholds=threshold)
