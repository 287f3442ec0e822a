"""How a refiner is trained."""

from __future__ import annotations

from dataclasses import dataclass

from neuropose_ros.learning.config import within


@dataclass(frozen=True)
class RefinerSettings:
    """Settings of ``config/learning/refiner.yaml``.

    Attributes:
        name: of the refiner's folder.
        split: official split of the data.
        steps: updates of the weights.
        batch: clips in each.
        learning_rate: the highest; it rises to it and falls to nothing.
        weight_decay: of the weights.
        hidden: size of the memory.
        width: of the layers.
        smoothness: weight of the acceleration error beside the distance.
        averaging: share of the average of the weights that each step keeps.
        hold_out: share of the clips to judge and calibrate by.
        detections: share of clips with real detections; the rest are true joints.
    """

    name: str = 'jhmdb14'
    split: int = 1
    steps: int = 1900
    batch: int = 48
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    hidden: int = 160
    width: int = 256
    smoothness: float = 1.0
    averaging: float = 0.995
    hold_out: float = 0.1
    detections: float = 0.58

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ParameterError: a value is out of its range.
        """
        within(50, 10_000_000, steps=self.steps)
        within(1, 10_000, batch=self.batch)
        within(1, 4096, hidden=self.hidden, width=self.width)
        within(1, 3, split=self.split)
        within(0, 1, averaging=self.averaging, detections=self.detections,
               weight_decay=self.weight_decay, learning_rate=self.learning_rate)
        within(0.02, 0.5, hold_out=self.hold_out)
        within(0, 1000, smoothness=self.smoothness)
