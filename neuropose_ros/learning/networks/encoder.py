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
    """Joint tokens attend to each other and are pooled by how much each one matters."""

    def __init__(self, joints: int, inputs: int, width: int) -> None:
        """Build it for tokens of `width` channels."""
        super().__init__()
        self.enter = nn.Linear(inputs, width)
        self.identity = nn.Parameter(torch.randn(joints, width) * 0.1)
        self.norm = nn.LayerNorm(width)
        self.heads = 4
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.relevance = nn.Linear(width, 1)

    def forward(self, joints: Tensor) -> tuple[Tensor, Tensor]:
        """(..., K, J) -> (..., W) and the attention (..., K), which sums to 1."""
        tokens = functional.silu(self.enter(joints)) + self.identity
        parts = self.qkv(self.norm(tokens)).unflatten(-1, (3, self.heads, -1))
        query, key, value = (parts.select(-3, i).transpose(-3, -2) for i in range(3))
        scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
        mixed = (scores.softmax(-1) @ value).transpose(-3, -2).flatten(-2)
        tokens = tokens + self.out(mixed)
        attention = self.relevance(tokens).squeeze(-1).softmax(-1)
        return (tokens * attention[..., None]).sum(-2), attention


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
    """Features of joints, bones and motion -> (N, T, width)."""

    def __init__(self, config: NetworkConfig, features: Features) -> None:
        """Build it for the groups that `features` gives."""
        super().__init__()
        direction: Direction = 'causal' if config.causal else 'centred'
        self.tokens = JointAttention(
            features.joints, features.joint_size, config.token_width,
        ) if config.attention else None
        sizes = features.sizes + ((config.token_width,) if config.attention else ())
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
    ) -> tuple[Tensor, Tensor]:
        """Groups (N, T, F), joints (N, T, K, J), valid (N, T) -> (N, T, W), (N, T, K)."""
        groups, attention = self._tokens(groups, joints)
        inside = valid[:, None]
        parts = [branch(group.transpose(1, 2), inside)
                 for branch, group in zip(self.branches, groups, strict=True)]
        y = functional.silu(self.mix_norm(self.mix(torch.cat(parts, 1)))) * inside
        for block in self.blocks:
            y = block(y, inside)
        return y.transpose(1, 2), attention * valid[..., None]

    def step(
        self, groups: list[Tensor], joints: Tensor, memory: Memory,
    ) -> tuple[Tensor, Tensor]:
        """Groups (N, F), joints (N, K, J) of one tick -> (N, W), (N, K)."""
        groups, attention = self._tokens(groups, joints)
        parts = [branch.step(group, memory)
                 for branch, group in zip(self.branches, groups, strict=True)]
        y = functional.silu(self.mix_norm(self.mix.step(torch.cat(parts, 1), memory)))
        for block in self.blocks:
            y = block.step(y, memory)
        return y, attention

    def _tokens(self, groups: list[Tensor], joints: Tensor) -> tuple[list[Tensor], Tensor]:
        if self.tokens is None:
            return groups, torch.full_like(joints[..., 0], 1 / joints.shape[-2])
        pooled, attention = self.tokens(joints)
        return [*groups, pooled], attention


class Encoder(nn.Module):
    """Streams side by side, each with weights of its own: (N, T, streams * width)."""

    def __init__(self, config: NetworkConfig, features: Features) -> None:
        """Build it for the groups that `features` gives."""
        super().__init__()
        self.streams = nn.ModuleList(Stream(config, features) for _ in range(config.streams))

    def forward(
        self, groups: list[Tensor], joints: Tensor, valid: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Groups (N, T, F), joints (N, T, K, J), valid (N, T) -> (N, T, W), (N, T, K)."""
        return _together([stream(groups, joints, valid) for stream in self.streams])

    def step(
        self, groups: list[Tensor], joints: Tensor, memory: Memory,
    ) -> tuple[Tensor, Tensor]:
        """Groups (N, F), joints (N, K, J) of one tick -> (N, W), (N, K)."""
        return _together([stream.step(groups, joints, memory) for stream in self.streams])


def _together(parts: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """What all streams see, and the mean of what they look at."""
    moves, attention = zip(*parts, strict=True)
    return torch.cat(moves, -1), torch.stack(attention).mean(0)
