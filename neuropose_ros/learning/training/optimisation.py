"""AdamW, with a rate that climbs and then falls along a cosine."""

from __future__ import annotations

import math

import torch
from torch import nn

from neuropose_ros.learning.training.settings import LoopSettings


def make_optimiser(network: nn.Module, settings: LoopSettings) -> torch.optim.Optimizer:
    """Return AdamW; one-dimensional weights (biases, norms) do not decay."""
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    return torch.optim.AdamW(
        [{'params': [weight for weight in weights if weight.ndim > 1],
          'weight_decay': settings.weight_decay},
         {'params': [weight for weight in weights if weight.ndim <= 1], 'weight_decay': 0.0}],
        lr=settings.learning_rate, fused=True)


def rate_at(epoch: float, settings: LoopSettings) -> float:
    """Return the learning rate at a time in epochs (fractions count)."""
    warmup = min(settings.warmup_epochs, settings.epochs / 2)
    if epoch < warmup:
        return settings.learning_rate * (epoch + 1e-3) / (warmup + 1e-3)
    share = min(1.0, (epoch - warmup) / max(settings.epochs - warmup, 1e-9))
    least = settings.final_rate
    return settings.learning_rate * (least + (1 - least) * (1 + math.cos(math.pi * share)) / 2)


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all weights."""
    for group in optimiser.param_groups:
        group['lr'] = rate
