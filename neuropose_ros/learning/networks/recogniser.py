"""The whole network: completion, micro-movement encoder, context fusion and calibrated head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.networks.completion import Completed, Completion
from neuropose_ros.learning.networks.config import NetworkConfig
from neuropose_ros.learning.networks.encoder import Encoder
from neuropose_ros.learning.networks.features import Features
from neuropose_ros.learning.networks.fusion import ContextFusion
from neuropose_ros.learning.networks.head import Head
from neuropose_ros.learning.networks.memory import Memory
from neuropose_ros.learning.networks.stretching import Stretched
from neuropose_ros.learning.networks.summary import Summary, combined
from neuropose_ros.learning.networks.temporal import TemporalConv


class Output(NamedTuple):
    """Answers about N clips of T ticks.

    Attributes:
        logits: (N, C), calibrated.
        stream_logits: (N, M, C) of each stream, which `logits` are the mean of.
        frame_logits: (N, T, C); of a causal network the answer at each tick.
        unknown: (N,) 0..1, how unlike all known actions.
        strangeness: (N,) the same before it is calibrated.
        completed: (N, T, K, D) normalised poses without gaps.
        predicted: (N, T, K, D) from other ticks alone.
        error: (N, T, K) distance between measured and predicted, 0 where missing.
        attention: (N, T, K) how much each joint matters at each tick, sum 1.
        context_attention: (N, T, 1 + S + G) over "no context", scene and signal tokens;
            (N, T, 0) of a network without context.
        features: (N, F) what is classified.
    """

    logits: Tensor
    stream_logits: Tensor
    frame_logits: Tensor
    unknown: Tensor
    strangeness: Tensor
    completed: Tensor
    predicted: Tensor
    error: Tensor
    attention: Tensor
    context_attention: Tensor
    features: Tensor


class Encoded(NamedTuple):
    """What the network sees in N clips of T ticks, without context.

    Attributes:
        done: completed poses.
        moves: (N, T, width).
        attention: (N, T, K).
        valid: (N, T), 1 = inside the clip.
    """

    done: Completed
    moves: Tensor
    attention: Tensor
    valid: Tensor


class StepOutput(NamedTuple):
    """Answers about N people at one tick, shapes as in `Output` without T; unknown is (N, 1)."""

    logits: Tensor
    unknown: Tensor
    completed: Tensor
    error: Tensor
    attention: Tensor
    features: Tensor


class Recogniser(nn.Module):
    """Recognises actions in normalised poses; made by `build`.

    Attributes:
        config, layout, dimensions, classes: what it was built for.
    """

    def __init__(
        self, config: NetworkConfig, layout: SkeletonLayout, dimensions: int, classes: int,
    ) -> None:
        """Build it."""
        super().__init__()
        self.config, self.layout = config, layout
        self.dimensions, self.classes = dimensions, classes
        joints = len(layout)
        self.completion = Completion(
            joints, dimensions, config.completion_width, config.causal,
        ) if config.completion else None
        self.features = Features(layout, dimensions, config.lags, config.distances)
        self.encoder = Encoder(config, self.features)
        self.fusion = ContextFusion(config) if config.scene_size or config.signal_size else None
        self.head = Head(
            config.encoded, config.streams, classes, config.window, config.causal,
            config.dropout)
        self.stretched = Stretched(
            config, layout, dimensions, classes) if config.stretched else None
        self.summary = Summary(config, layout, dimensions, classes) if config.summary else None
        for name, module in self.named_modules():
            if isinstance(module, TemporalConv):
                module.state_name = name.replace('.', '_')

    def forward(
        self, keypoints: Tensor, mask: Tensor, lengths: Tensor, scene: Tensor | None = None,
        scene_mask: Tensor | None = None, signal: Tensor | None = None,
        signal_mask: Tensor | None = None,
    ) -> Output:
        """Recognise whole clips.

        Args:
            keypoints: (N, T, K, D) normalised, 0 where missing.
            mask: (N, T, K), 1 = measured.
            lengths: (N,) ticks of each clip; the rest of T is padding and changes nothing.
            scene: (N, S, E) scene vectors, None = no context.
            scene_mask: (N, S), 1 = there; None = all.
            signal: (N, G, F) tokens of a further modality.
            signal_mask: (N, G).
        """
        done, moves, attention, valid = self.encode(keypoints, mask, lengths)
        context = moves.new_zeros(*moves.shape[:2], 0)
        if self.fusion is not None:
            moves, context = self.fusion(moves, scene, scene_mask, signal, signal_mask)
        pooled, pooled_ticks = self.head.pool(moves, valid)
        streams = self.head(pooled)
        logits = streams.mean(-2)
        if self.stretched is not None:
            more = self.stretched(done.keypoints, mask, lengths) / self.head.temperature
            logits = (logits + more.mean(-2)) / 2
            streams = torch.cat((streams, more), -2)
        if self.summary is not None:
            whole = self.summary(
                keypoints, mask, lengths, scene, scene_mask) / self.head.temperature
            logits = logits.lerp(combined(whole), self.config.summary_share)
            streams = torch.cat((streams, whole), -2)
        several = self.stretched is not None or self.summary is not None
        strange = self.head.strangeness(logits, streams if several else None)
        return Output(
            logits, streams, self.head(pooled_ticks).mean(-2), self.head.unknown(strange), strange,
            done.keypoints, done.predicted, done.error, attention, context, pooled)

    def encode(self, keypoints: Tensor, mask: Tensor, lengths: Tensor) -> Encoded:
        """Return what is seen of whole clips before context and labels come in.

        Args are those of `forward`.
        """
        ticks = torch.arange(keypoints.shape[1], device=keypoints.device)
        valid = (ticks[None] < lengths[:, None]).to(keypoints.dtype)
        mask = mask * valid[..., None]
        keypoints = keypoints * mask[..., None]
        done = self._complete(keypoints, mask, valid)
        groups, joints = self.features(done.keypoints, mask, valid)
        moves, attention = self.encoder(groups, joints, valid)
        return Encoded(done, moves, attention, valid)

    def step(
        self, keypoints: Tensor, mask: Tensor, scene: Tensor | None,
        scene_mask: Tensor | None, state: Mapping[str, Tensor],
        signal: Tensor | None = None, signal_mask: Tensor | None = None,
    ) -> tuple[StepOutput, dict[str, Tensor]]:
        """Recognise one more tick of N people; only for causal networks.

        Args:
            keypoints: (N, K, D) normalised, 0 where missing.
            mask: (N, K), 1 = measured.
            scene: (N, E) the newest scene vector.
            scene_mask: (N, 1), 1 = there.
            state: from `initial_state` or the tick before.
            signal: (N, F) the newest token of a further modality.
            signal_mask: (N, 1).

        Raises:
            ParameterError: the network is not causal.
        """
        self._need_causal()
        memory = Memory(state)
        keypoints = keypoints * mask[..., None]
        done = self._complete_step(keypoints, mask, memory)
        groups, joints = self.features.step(done.keypoints, mask, memory)
        moves, attention = self.encoder.step(groups, joints, memory)
        if self.fusion is not None:
            moves = self.fusion(
                moves[:, None], None if scene is None else scene[:, None], scene_mask,
                None if signal is None else signal[:, None], signal_mask)[0][:, 0]
        pooled = self.head.pool_step(moves, memory)
        logits = self.head(pooled).mean(-2)
        return StepOutput(
            logits, self.head.unknown(self.head.strangeness(logits))[:, None], done.keypoints,
            done.error, attention, pooled), memory.next

    def states(self) -> dict[str, tuple[int, ...]]:
        """Return name -> shape, for one person, of what `step` keeps.

        Raises:
            ParameterError: the network is not causal.
        """
        self._need_causal()
        found = dict(self.completion.states()) if self.completion is not None else {}
        found |= self.features.states() | self.head.states()
        return found | {
            module.state_name: module.state_shape
            for module in self.modules() if isinstance(module, TemporalConv) and module.reach}

    def initial_state(self, people: int) -> dict[str, Tensor]:
        """Return the state of people who have not been seen yet: zeros."""
        like = self.head.temperature
        return {name: like.new_zeros(people, *shape) for name, shape in self.states().items()}

    def calibrate(self, logits: Tensor, labels: Tensor, strangeness: Tensor) -> None:
        """Fit temperature and open-set score on held-out answers; see `Head.calibrate`."""
        self.head.calibrate(logits, labels, strangeness)

    def _complete(self, keypoints: Tensor, mask: Tensor, valid: Tensor) -> Completed:
        if self.completion is None:
            return Completed(keypoints, keypoints, torch.zeros_like(mask))
        done = self.completion(keypoints, mask, valid)
        inside = valid[..., None, None]
        return Completed(done.keypoints * inside, done.predicted * inside, done.error)

    def _complete_step(self, keypoints: Tensor, mask: Tensor, memory: Memory) -> Completed:
        if self.completion is None:
            return Completed(keypoints, keypoints, torch.zeros_like(mask))
        done: Completed = self.completion.step(keypoints, mask, memory)
        return done

    def _need_causal(self) -> None:
        if not self.config.causal:
            raise ParameterError('this network sees whole clips and cannot run tick by tick: '
                                 'train one with network.causal: true')


def build(
    config: NetworkConfig, layout: SkeletonLayout, dimensions: int, classes: int,
) -> Recogniser:
    """Make a recogniser with fresh weights.

    Raises:
        ParameterError: no classes, or neither 2 nor 3 dimensions.
    """
    if classes < 1:
        raise ParameterError(f'a recogniser needs classes, not {classes}')
    if dimensions not in (2, 3):
        raise ParameterError(f'keypoints have 2 or 3 dimensions, not {dimensions}')
    return Recogniser(config, layout, dimensions, classes)
