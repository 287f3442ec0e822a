"""Context fusion: pose tokens attend to what the scene and further modalities say."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neuropose_ros.learning.networks.config import NetworkConfig


class Tokens(nn.Module):
    """Makes tokens of one modality; in training whole clips lose it now and then."""

    def __init__(self, inputs: int, width: int, dropout: float, absence: float) -> None:
        """Build it; `absence` is how often a clip is trained without this modality."""
        super().__init__()
        self.absence = absence
        self.enter = nn.Sequential(
            nn.LayerNorm(inputs), nn.Dropout(dropout), nn.Linear(inputs, width))

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(N, S, E), (N, S) -> tokens (N, S, C) and which of them are there (N, S)."""
        if self.training and self.absence:
            stays = torch.rand(len(mask), 1, device=mask.device) >= self.absence
            mask = mask * stays.to(mask.dtype)
        return self.enter(values * mask[..., None]), mask


class ContextFusion(nn.Module):
    """Cross-attention of pose tokens over context tokens.

    One learned token, "there is no context", is always there: without scene and signal it is
    all that there is to see, and the pose stands on its own.
    """

    def __init__(self, config: NetworkConfig) -> None:
        """Build it for the modalities whose size is not 0."""
        super().__init__()
        width, heads = config.context_width, 4
        self.heads = heads
        self.scene = _tokens(config.scene_size, config)
        self.signal = _tokens(config.signal_size, config)
        self.nothing = nn.Parameter(torch.zeros(1, 1, width))
        self.query = nn.Linear(config.encoded, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, config.encoded)

    def forward(
        self, poses: Tensor, scene: Tensor | None, scene_mask: Tensor | None,
        signal: Tensor | None = None, signal_mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Attend from (N, T, W) poses.

        Returns:
            (N, T, W) with the context added, and the attention (N, T, 1 + S + G) over "none",
            scene and signal tokens, mean of the heads.
        """
        people = poses.shape[0]  # len() would be a constant in an exported network
        tokens, there = [self.nothing.expand(people, -1, -1)], [poses.new_ones(people, 1)]
        for enter, values, mask in (
                (self.scene, scene, scene_mask), (self.signal, signal, signal_mask)):
            if enter is None or values is None:
                continue
            made, seen = enter(
                values, values.new_ones(values.shape[:2]) if mask is None else mask)
            tokens.append(made)
            there.append(seen)
        keys, seen = torch.cat(tokens, 1), torch.cat(there, 1)
        query, key, value = (
            layer(part).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, part in ((self.query, poses), (self.key, keys), (self.value, keys)))
        scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
        scores = scores.masked_fill(seen[:, None, None] <= 0, -1e4)
        attention = scores.softmax(-1)
        mixed = (attention @ value).transpose(1, 2).flatten(-2)
        return poses + self.out(mixed), attention.mean(1)


def _tokens(size: int, config: NetworkConfig) -> Tokens | None:
    if not size:
        return None
    return Tokens(size, config.context_width, config.dropout, config.modality_dropout)
