"""What a recipe's ``pretraining`` section says."""

from __future__ import annotations

from dataclasses import dataclass

from neuropose_ros.learning.config import at_least, within
from neuropose_ros.learning.training.settings import LoopSettings


@dataclass(frozen=True)
class PretrainingSettings(LoopSettings):
    """Of learning how people move, without labels.

    Attributes:
        epochs: 0 = none.
        sources: names of further data sets without labels, beside the training part's own poses.
        clips_per_epoch: of all sources together, drawn anew each epoch; 0 = all.
        hidden_joints: share of the joints that are hidden, in bursts.
        burst_ticks: mean length of a burst.
        hidden_ticks: share of the ticks in which the whole pose is hidden, in bursts.
        horizon_ticks: how far ahead motion is predicted.
        motion_weight: of that prediction beside the hidden joints.
        contrast_weight: of telling each clip, augmented in another way, from all others
            (SimCLR, Chen et al. 2020); 0 = not asked, and half the cost.
    """

    epochs: int = 0
    sources: tuple[str, ...] = ()
    clips_per_epoch: int = 0
    hidden_joints: float = 0.4
    burst_ticks: float = 8.0
    hidden_ticks: float = 0.15
    horizon_ticks: int = 4
    motion_weight: float = 1.0
    contrast_weight: float = 0.0

    def __post_init__(self) -> None:
        """Check ranges."""
        at_least(0, epochs=self.epochs, clips_per_epoch=self.clips_per_epoch,
                 motion_weight=self.motion_weight, contrast_weight=self.contrast_weight)
        at_least(1, horizon_ticks=self.horizon_ticks, burst_ticks=self.burst_ticks)
        within(0, 0.9, hidden_joints=self.hidden_joints, hidden_ticks=self.hidden_ticks)
        self.check_loop()
