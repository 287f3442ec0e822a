"""What can be chosen about a recognising network."""

from __future__ import annotations

from dataclasses import dataclass, fields

from neuropose_ros.core.errors import ParameterError


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes and parts of a recogniser; every field is a scalar of a recipe.

    Attributes:
        streams: encoders side by side, each with a head of its own; their answers are averaged.
        stretched: further streams that see each clip stretched to one length; they and those
            above weigh alike. Not of causal networks.
        width: channels of each stream; a multiple of 4.
        blocks: multi-scale residual blocks.
        kernel: taps of their convolutions; odd.
        causal: sees the past alone, and can be run tick by tick.
        window: ticks that a causal answer pools over.
        completion: predicts missing joints; without, they are zeros.
        completion_width: channels of the predictor.
        distances: pairwise joint distances are a feature (JCD of DD-Net, arXiv:1907.09658).
        attention: joint tokens with attention are a branch of the encoder.
        motion_lags: how many lags (1, 2, 4 ... ticks) of motion are features.
        token_width: channels of a joint token; a multiple of 4.
        dropout: of channels in the encoder, and before the head.
        summary: hidden channels of a further stream that sees each clip as a whole, and of one
            that sees its scene, see `summary`; 0 = none. Not of causal networks.
        summary_share: of the answer, 0..1, that these streams give.
        scene_size: E of scene vectors; 0 = no context.
        signal_size: length of tokens of a further modality; 0 = none.
        context_width: channels of the context fusion.
        modality_dropout: how often a clip is trained without its context.
    """

    streams: int = 1
    stretched: int = 0
    width: int = 96
    blocks: int = 3
    kernel: int = 5
    causal: bool = False
    window: int = 40
    completion: bool = True
    completion_width: int = 64
    distances: bool = True
    attention: bool = True
    motion_lags: int = 3
    token_width: int = 32
    dropout: float = 0.3
    summary: int = 0
    summary_share: float = 0.5
    scene_size: int = 0
    signal_size: int = 0
    context_width: int = 32
    modality_dropout: float = 0.3

    def __post_init__(self) -> None:
        """Check the sizes.

        Raises:
            ParameterError: one is impossible.
        """
        for name in ('streams', 'width', 'blocks', 'window', 'completion_width', 'motion_lags',
                     'token_width', 'context_width'):
            if getattr(self, name) < 1:
                raise ParameterError(f'network.{name} must be 1 or more, not '
                                     f'{getattr(self, name)}')
        for name in ('width', 'token_width', 'context_width'):
            if getattr(self, name) % 4:
                raise ParameterError(f'network.{name} must be a multiple of 4, not '
                                     f'{getattr(self, name)}')
        if self.kernel < 1 or not self.kernel % 2:
            raise ParameterError(f'network.kernel must be odd, not {self.kernel}')
        for name in ('dropout', 'modality_dropout'):
            if not 0 <= getattr(self, name) < 1:
                raise ParameterError(f'network.{name} must be in 0..1 (1 excluded), not '
                                     f'{getattr(self, name)}')
        for name in ('scene_size', 'signal_size', 'summary', 'stretched'):
            if getattr(self, name) < 0:
                raise ParameterError(f'network.{name} must not be negative')
        if not 0 <= self.summary_share <= 1:
            raise ParameterError(f'network.summary_share must be in 0..1, not '
                                 f'{self.summary_share}')
        for name in ('summary', 'stretched'):
            if getattr(self, name) and self.causal:
                raise ParameterError(f'network.{name} needs whole clips: with causal it must be 0')

    @property
    def encoded(self) -> int:
        """Channels of all streams together."""
        return self.streams * self.width

    @property
    def lags(self) -> tuple[int, ...]:
        """Ticks between the two poses of each motion feature."""
        return tuple(2 ** i for i in range(self.motion_lags))


def names() -> tuple[str, ...]:
    """Return the names of all fields, for messages about a recipe."""
    return tuple(field.name for field in fields(NetworkConfig))
