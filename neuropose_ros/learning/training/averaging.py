"""A running mean of a network's weights: it generalises better than the last step's."""

from __future__ import annotations

import copy

import torch
from torch import nn


class WeightAverage:
    """Exponential moving average (Polyak averaging) of all floating-point weights and buffers."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        """Start from the network's weights.

        Args:
            decay: share of the mean that stays at a step, once warmed up.
        """
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.steps = 0
        self._decay = decay

    def update(self, network: nn.Module) -> None:
        """Take in the weights after a step."""
        self.steps += 1
        # Few steps: a mean over most of them, rather than one of mainly the first weights.
        decay = min(self._decay, (1 + self.steps) / (10 + self.steps))
        current = network.state_dict()
        with torch.no_grad():
            for name, mean in self.network.state_dict().items():
                if mean.dtype.is_floating_point:
                    mean.lerp_(current[name], 1 - decay)
                else:
                    mean.copy_(current[name])
