"""The answer: pooling over time, calibrated logits and how unlike all known actions it is."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from neuropose_ros.learning.networks.memory import Memory

_RING, _INSIDE = 'head_ring', 'head_inside'
_LOWEST = -1e4


class Head(nn.Module):
    """Pools, classifies and says "unknown"; calibrated after training.

    Each stream of the encoder is classified on its own; the answer is the mean of their logits.
    They are trained one by one, so that no stream can lean on the others.

    The open-set score of streams of one kind is the energy of their logits (Liu et al.,
    arXiv:2010.03759). Streams of several kinds, which look at a clip in different ways, tell it
    better by how much they disagree: the mutual information of answer and stream (Depeweg et
    al., arXiv:1710.07283). Either is placed on 0..1 such that 0.5 is exceeded by 5 % of the known
    actions it was calibrated on.
    """

    temperature: Tensor
    unknown_offset: Tensor
    unknown_scale: Tensor

    def __init__(
        self, width: int, streams: int, classes: int, window: int, causal: bool, dropout: float,
    ) -> None:
        """Build it for `width` channels of `streams`; a causal one pools `window` ticks."""
        super().__init__()
        self.width, self.streams, self.window, self.causal = width, streams, window, causal
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.ModuleList(
            nn.Linear(2 * width // streams, classes) for _ in range(streams))
        self.register_buffer('temperature', torch.ones(()))
        self.register_buffer('unknown_offset', torch.zeros(()))
        self.register_buffer('unknown_scale', torch.ones(()))

    def states(self) -> dict[str, tuple[int, ...]]:
        """Return name -> shape of what `step` keeps."""
        return {_RING: (self.window - 1, self.width), _INSIDE: (self.window - 1,)}

    def pool(self, x: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """(N, T, W), (N, T) -> of the clip (N, 2W) and of its ticks (N, T, 2W): mean and max."""
        inside = valid[..., None]
        if not self.causal:
            mean = (x * inside).sum(1) / inside.sum(1).clamp(min=1)
            top = x.masked_fill(inside <= 0, _LOWEST).amax(1)
            return torch.cat((mean, top), -1), torch.cat((x, x), -1)
        before = self.window - 1
        values = functional.pad((x * inside).transpose(1, 2), (before, 0))
        counts = functional.pad(inside.transpose(1, 2), (before, 0))
        mean = functional.avg_pool1d(values, self.window, 1)
        share = functional.avg_pool1d(counts, self.window, 1)
        mean = mean / share.clamp(min=0.5 / self.window)
        top = functional.max_pool1d(
            values.masked_fill(counts <= 0, _LOWEST), self.window, 1)
        ticks = torch.cat((mean, top), 1).transpose(1, 2)
        last = (valid.sum(1).long() - 1).clamp(min=0)
        return ticks[torch.arange(x.shape[0], device=x.device), last], ticks

    def pool_step(self, x: Tensor, memory: Memory) -> Tensor:
        """(N, W) of one tick -> (N, 2W) of the window that ends with it."""
        ring = torch.cat((memory.read(_RING), x[:, None]), 1)
        inside = torch.cat((memory.read(_INSIDE), torch.ones_like(x[:, :1])), 1)
        memory.write(_RING, ring[:, 1:])
        memory.write(_INSIDE, inside[:, 1:])
        mean = (ring * inside[..., None]).sum(1) / inside.sum(1, keepdim=True)
        top = ring.masked_fill(inside[..., None] <= 0, _LOWEST).amax(1)
        return torch.cat((mean, top), -1)

    def forward(self, pooled: Tensor) -> Tensor:
        """(N, 2W) or (N, T, 2W) -> calibrated logits of each stream (..., M, C)."""
        # All ticks of a clip lose the same channels: cheaper, and ticks are alike anyway.
        kept = self.dropout(torch.ones_like(pooled if pooled.ndim < 3 else pooled[:, :1]))
        parts = (pooled * kept).unflatten(-1, (2, self.streams, -1))
        return torch.stack([
            classify(parts.select(-2, i).flatten(-2))
            for i, classify in enumerate(self.classify)], -2) / self.temperature

    def strangeness(self, logits: Tensor, kinds: Tensor | None = None) -> Tensor:
        """Return (N,) how unlike all known actions, in no unit; more = stranger.

        Args:
            logits: (N, C) calibrated.
            kinds: (N, M, C) calibrated, of streams of several kinds, where there are any.
        """
        if kinds is None:
            return -torch.logsumexp(logits * self.temperature, -1)
        each = (kinds * self.temperature).softmax(-1)
        shared = _entropy(each.mean(1)) - _entropy(each).mean(1)
        return shared.clamp(min=0).add(1e-6).log()

    def unknown(self, strangeness: Tensor) -> Tensor:
        """Place (N,) `strangeness` on 0..1."""
        return torch.sigmoid((strangeness - self.unknown_offset) / self.unknown_scale)

    def calibrate(self, logits: Tensor, labels: Tensor, strangeness: Tensor) -> None:
        """Fit temperature and open-set score on answers to clips not trained on.

        Targets are smoothed as by Platt (1999, "Probabilistic outputs for support vector
        machines", section 2.2): the truth of n clips counts 1 - 1/(n + 2). A few clips that are
        all right would else have the temperature fall without end.

        Args:
            logits: (N, C) as this head gave them.
            labels: (N,) what is true.
            strangeness: (N,) as this head gave it.
        """
        raw = (logits * self.temperature).detach()
        grid = torch.logspace(-1.5, 1.5, 301, dtype=raw.dtype, device=raw.device)
        clips, classes = raw.shape
        # Of PyTorch's smoothing the truth itself gets a share, too.
        smoothing = classes / max(classes - 1, 1) / (clips + 2)
        losses = torch.stack([functional.cross_entropy(
            raw / t, labels, label_smoothing=smoothing) for t in grid])
        self.temperature.copy_(grid[losses.argmin()])
        self.unknown_offset.copy_(strangeness.quantile(0.95))
        self.unknown_scale.copy_(strangeness.std().clamp(min=1e-3) / 2)


def _entropy(shares: Tensor) -> Tensor:
    return -(shares * shares.clamp(min=1e-9).log()).sum(-1)
