"""The micro-movement encoder: from features of ticks to what moves, at several time scales."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from neuropose_ros.learning.networks.config import NetworkConfig
from neuropose_ros.learning.networks.features import Features
from neuropose_ros.learning.networks.memory import Memory
from neuropose_ros.learning.networks.temporal import Direction, MultiScaleBlock, TemporalConv


class JointAttention(nn.Module):
    """Joint tokens, pooled by how much each one matters; several heads look for several things."""

    heads = 4

    def __init__(self, joints: int, inputs: int, width: int) -> None:
        """Build it for tokens of `width` channels."""
        super().__init__()
        self.enter = nn.Linear(inputs, width)
        self.identity = nn.Parameter(torch.randn(joints, width) * 0.3)
        self.relevance = nn.Linear(width, self.heads)

    def forward(self, joints: Tensor) -> tuple[Tensor, Tensor]:
        """(..., K, J) -> (..., heads * W) and the mean attention (..., K), which sums to 1."""
        tokens = functional.silu(self.enter(joints) + self.identity)
        attention = self.relevance(tokens).softmax(-2).transpose(-2, -1)
        return (attention @ tokens).flatten(-2), attention.mean(-2)


class _Branch(nn.Module):
    """Embeds one group of features on its own before they are mixed."""

    def __init__(self, inputs: int, outputs: int, direction: Direction, dropout: float) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(inputs)
        self.enter = TemporalConv(inputs, outputs, 1, bias=False)
        self.enter_norm = nn.BatchNorm1d(outputs)
        self.dropout = nn.Dropout1d(dropout)
        self.near = TemporalConv(outputs, outputs, 3, 1, direction, bias=False)
        self.near_norm = nn.BatchNorm1d(outputs)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        y = functional.silu(self.enter_norm(self.enter(self.norm(x) * valid))) * valid
        return functional.silu(self.near_norm(self.near(self.dropout(y)))) * valid

    def step(self, x: Tensor, memory: Memory) -> Tensor:
        y = functional.silu(self.enter_norm(self.enter.step(self.norm(x), memory)))
        return functional.silu(self.near_norm(self.near.step(y, memory)))


class Stream(nn.Module):
    """Some groups of features, and perhaps joint tokens -> (N, T, width)."""

    def __init__(
        self, config: NetworkConfig, features: Features, uses: tuple[int, ...], tokens: bool,
    ) -> None:
        """Build it for the groups `uses` of those that `features` gives."""
        super().__init__()
        direction: Direction = 'causal' if config.causal else 'centred'
        width = config.token_width
        self.uses = uses
        self.tokens = JointAttention(
            features.joints, features.joint_size, width) if tokens else None
        sizes = [features.sizes[i] for i in uses]
        sizes += [JointAttention.heads * width] if tokens else []
        part = config.width // 2
        self.branches = nn.ModuleList(
            _Branch(size, part, direction, config.dropout) for size in sizes)
        self.mix = TemporalConv(part * len(sizes), config.width, 1, bias=False)
        self.mix_norm = nn.BatchNorm1d(config.width)
        self.blocks = nn.ModuleList(
            MultiScaleBlock(config.width, config.kernel, direction, config.dropout)
            for _ in range(config.blocks))

    def forward(
        self, groups: list[Tensor], joints: Tensor, valid: Tensor,
    ) -> tuple[Tensor, Tensor | None]:
        """Groups (N, T, F), joints (N, T, K, J), valid (N, T) -> (N, T, W), (N, T, K)."""
        groups, attention = self._seen(groups, joints)
        inside = valid[:, None]
        parts = [branch(group.transpose(1, 2), inside)
                 for branch, group in zip(self.branches, groups, strict=True)]
        y = functional.silu(self.mix_norm(self.mix(torch.cat(parts, 1)))) * inside
        for block in self.blocks:
            y = block(y, inside)
        return y.transpose(1, 2), attention

    def step(
        self, groups: list[Tensor], joints: Tensor, memory: Memory,
    ) -> tuple[Tensor, Tensor | None]:
        """Groups (N, F), joints (N, K, J) of one tick -> (N, W), (N, K)."""
        groups, attention = self._seen(groups, joints)
        parts = [branch.step(group, memory)
                 for branch, group in zip(self.branches, groups, strict=True)]
        y = functional.silu(self.mix_norm(self.mix.step(torch.cat(parts, 1), memory)))
        for block in self.blocks:
            y = block.step(y, memory)
        return y, attention

    def _seen(
        self, groups: list[Tensor], joints: Tensor,
    ) -> tuple[list[Tensor], Tensor | None]:
        chosen = [groups[i] for i in self.uses]
        if self.tokens is None:
            return chosen, None
        pooled, attention = self.tokens(joints)
        return [*chosen, pooled], attention


class Encoder(nn.Module):
    """Streams side by side, each with weights of its own: (N, T, streams * width).

    The first sees everything, the second, where there is one, only what does not depend on where
    joints are: their distances and motion; and so on in turn. Streams that look at different
    things err on different clips.
    """

    def __init__(self, config: NetworkConfig, features: Features) -> None:
        """Build it for the groups that `features` gives."""
        super().__init__()
        views = _views(config, len(features.sizes))
        self.streams = nn.ModuleList(
            Stream(config, features, *views[i % len(views)]) for i in range(config.streams))

    def forward(
        self, groups: list[Tensor], joints: Tensor, valid: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Groups (N, T, F), joints (N, T, K, J), valid (N, T) -> (N, T, W), (N, T, K)."""
        moves, attention = _together(
            [stream(groups, joints, valid) for stream in self.streams], joints)
        return moves, attention * valid[..., None]

    def step(
        self, groups: list[Tensor], joints: Tensor, memory: Memory,
    ) -> tuple[Tensor, Tensor]:
        """Groups (N, F), joints (N, K, J) of one tick -> (N, W), (N, K)."""
        return _together([stream.step(groups, joints, memory) for stream in self.streams], joints)


def _views(config: NetworkConfig, groups: int) -> list[tuple[tuple[int, ...], bool]]:
    """Return, in turn, which groups of features a stream sees, and whether joint tokens."""
    everything = (tuple(range(groups)), config.attention)
    return [everything, (tuple(range(1, groups)), False)]


def _together(
    parts: list[tuple[Tensor, Tensor | None]], joints: Tensor,
) -> tuple[Tensor, Tensor]:
    """What all streams see, and the mean of what those with joint tokens look at."""
    moves, looks = zip(*parts, strict=True)
    found = [attention for attention in looks if attention is not None]
    even = torch.full_like(joints[..., 0], 1 / joints.shape[-2])
    return torch.cat(moves, -1), torch.stack(found).mean(0) if found else even
