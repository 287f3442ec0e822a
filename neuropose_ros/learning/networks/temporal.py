"""Convolutions over time that can also be run one tick at a time."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from neuropose_ros.learning.networks.memory import Memory

Direction = Literal['causal', 'anticausal', 'centred']


class TemporalConv(nn.Conv1d):
    """A convolution over time that keeps the length; outside the clip are zeros.

    Attributes:
        direction: which ticks an output sees: up to its own, from its own on, or around it.
        state_name: key of the past inputs in a `Memory`; set by the network that owns it.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, dilation: int = 1,
        direction: Direction = 'centred', bias: bool = True,
    ) -> None:
        """Build it; `kernel` taps `dilation` ticks apart."""
        super().__init__(inputs, outputs, kernel, dilation=dilation, bias=bias)
        self.direction = direction
        self.reach = (kernel - 1) * dilation
        self.state_name = ''

    @property
    def state_shape(self) -> tuple[int, ...]:
        """Shape of the past inputs of one person."""
        return (self.reach * self.in_channels,)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T) -> (N, C', T)."""
        before = {'causal': self.reach, 'anticausal': 0, 'centred': self.reach // 2}
        left = before[self.direction]
        return super().forward(functional.pad(x, (left, self.reach - left)))

    def step(self, x: Tensor, memory: Memory) -> Tensor:
        """(N, C) of one tick -> (N, C').

        One matrix product for all people: a convolution would go through the weights for each.
        """
        taps = x
        if self.reach:  # the past is flat, tick after tick: few and simple operators
            taps = torch.cat((memory.read(self.state_name), x), -1)
            memory.write(self.state_name, taps[:, self.in_channels:])
            if self.dilation[0] > 1:
                ticks = taps.reshape(-1, self.reach + 1, self.in_channels)
                taps = ticks[:, ::self.dilation[0]].flatten(1)
        return functional.linear(taps, self.weight.transpose(1, 2).flatten(1), self.bias)


class MultiScaleBlock(nn.Module):
    """Residual block: quarter-width convolutions at several time scales side by side.

    The scales are dilations 1, 2 and 4 and one tick alone, mixed by a 1x1 convolution
    (as in the multi-scale TCN of MS-G3D, arXiv:2003.14111, without its pooling branch).
    """

    def __init__(self, width: int, kernel: int, direction: Direction, dropout: float) -> None:
        """Build it for `width` channels."""
        super().__init__()
        self.part = part = width // 4
        self.reduce = TemporalConv(width, width, 1, bias=False)
        self.reduce_norm = nn.BatchNorm1d(width)
        self.scales = nn.ModuleList(
            TemporalConv(part, part, kernel if dilation else 1, max(dilation, 1), direction,
                         bias=False)
            for dilation in (0, 1, 2, 4))
        self.scale_norm = nn.BatchNorm1d(width)
        self.mix = TemporalConv(width, width, 1, bias=False)
        self.mix_norm = nn.BatchNorm1d(width)
        self.dropout = nn.Dropout1d(dropout)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """(N, C, T), valid (N, 1, T) -> (N, C, T); ticks outside the clip stay zero."""
        y = functional.silu(self.reduce_norm(self.reduce(x))) * valid
        parts = zip(self.scales, y.split(self.part, 1), strict=True)
        y = torch.cat([scale(part) for scale, part in parts], 1)
        y = self.mix_norm(self.mix(functional.silu(self.scale_norm(y))))
        return (x + self.dropout(functional.silu(y))) * valid

    def step(self, x: Tensor, memory: Memory) -> Tensor:
        """(N, C) of one tick -> (N, C)."""
        y = functional.silu(self.reduce_norm(self.reduce.step(x, memory)))
        parts = zip(self.scales, y.split(self.part, 1), strict=True)
        y = torch.cat([scale.step(part, memory) for scale, part in parts], 1)
        y = self.mix_norm(self.mix.step(functional.silu(self.scale_norm(y)), memory))
        return x + functional.silu(y)
