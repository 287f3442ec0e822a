"""How long and how fast the loop learns: what a recipe's ``training`` section says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.learning.config import at_least, within


@dataclass(frozen=True)
class LoopSettings:
    """Of the loop itself, whatever is learnt.

    Attributes:
        epochs: passes over the clips.
        learning_rate: its peak, after the warm-up.
        weight_decay: of AdamW; biases and norms have none.
        warmup_epochs: in which the rate climbs.
        final_rate: share of the peak at the end of the cosine.
        gradient_clip: largest norm of the gradient, 0 = no limit.
        ema_decay: of the running mean of the weights that is then used, 0 = none.
        select: the weights that are kept: of the ``last`` epoch, or of the one that is ``best``
            on the validation part.
        patience_epochs: stop after so many without a better one, 0 = never.
        evaluate_every: epochs between two looks at the validation part.
        precision: ``auto`` computes in 16 bits on a GPU and in 32 elsewhere, ``bfloat16`` in 16
            everywhere: on many processors convolutions gain from it, too.
        checkpoint_every_s: least time between two checkpoints.
    """

    epochs: int = 60
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup_epochs: float = 3.0
    final_rate: float = 0.01
    gradient_clip: float = 1.0
    ema_decay: float = 0.0
    select: Literal['last', 'best'] = 'last'
    patience_epochs: int = 0
    evaluate_every: int = 1
    precision: Literal['auto', 'bfloat16', 'float32'] = 'auto'
    checkpoint_every_s: float = 20.0

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ParameterError: a value is outside its own.
        """
        at_least(1, epochs=self.epochs)
        self.check_loop()

    def check_loop(self) -> None:
        """Check what holds for any number of epochs."""
        at_least(1, evaluate_every=self.evaluate_every)
        at_least(0, learning_rate=self.learning_rate, weight_decay=self.weight_decay,
                 warmup_epochs=self.warmup_epochs, gradient_clip=self.gradient_clip,
                 patience_epochs=self.patience_epochs,
                 checkpoint_every_s=self.checkpoint_every_s)
        within(0, 1, final_rate=self.final_rate)
        within(0, 0.99999, ema_decay=self.ema_decay)

    def check_selection(self, validation_share: float) -> None:
        """Check that somebody is held back where weights are selected by them.

        Raises:
            ParameterError: nobody is.
        """
        if self.select == 'best' and not validation_share:
            raise ParameterError('training.select is best; it needs a data.validation_share')


@dataclass(frozen=True)
class TrainingSettings(LoopSettings):
    """Of learning to recognise.

    Attributes:
        mixup_alpha: of the Beta distribution by which two clips are mixed, 0 = never.
        label_smoothing: share of the target that all labels get alike.
        evidence_weight: of the loss of each label against all others: for the unknown score.
        frame_weight: of the loss of each frame's own answer.
        completion_weight: of the loss of the joints that were hidden.
        motion_weight: of the loss of the predicted next frame.
    """

    mixup_alpha: float = 0.0
    label_smoothing: float = 0.1
    evidence_weight: float = 0.0
    frame_weight: float = 0.0
    completion_weight: float = 0.0
    motion_weight: float = 0.0

    def __post_init__(self) -> None:
        """Check ranges."""
        super().__post_init__()
        at_least(0, mixup_alpha=self.mixup_alpha, evidence_weight=self.evidence_weight,
                 frame_weight=self.frame_weight, completion_weight=self.completion_weight,
                 motion_weight=self.motion_weight)
        within(0, 0.9, label_smoothing=self.label_smoothing)
