"""Clips stretched to one length: how far an action has come, whatever its speed.

A stream that keeps time tells walking from running; one that sees every clip at the same length
tells begin, middle and end. They err on different clips.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.networks.config import NetworkConfig
from neuropose_ros.learning.networks.encoder import Encoder
from neuropose_ros.learning.networks.features import Features
from neuropose_ros.learning.networks.head import Head

TICKS = 32
"""To which each clip is stretched."""


class Stretched(nn.Module):
    """Streams of an encoder on stretched clips, each with a head of its own."""

    def __init__(
        self, config: NetworkConfig, layout: SkeletonLayout, dimensions: int, classes: int,
    ) -> None:
        """Build `config.stretched` streams."""
        super().__init__()
        config = replace(config, streams=config.stretched, stretched=0)
        self.features = Features(layout, dimensions, config.lags, config.distances)
        self.encoder = Encoder(config, self.features)
        self.head = Head(
            config.encoded, config.streams, classes, config.window, False, config.dropout)

    def forward(self, keypoints: Tensor, mask: Tensor, lengths: Tensor) -> Tensor:
        """Classify clips, arguments as of `Recogniser.forward`; return (N, streams, C) logits."""
        points, seen = stretched(keypoints, mask, lengths)
        valid = seen.new_ones(seen.shape[:2])
        groups, joints = self.features(points, seen, valid)
        moves, _ = self.encoder(groups, joints, valid)
        logits: Tensor = self.head(self.head.pool(moves, valid)[0])
        return logits


def stretched(points: Tensor, mask: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Stretch (N, T, K, D) clips of `lengths` ticks to 32; known is what both neighbours are."""
    at = torch.linspace(0, 1, TICKS, device=points.device) * (lengths[:, None] - 1)
    before = at.floor().long()
    after = torch.minimum(before + 1, lengths[:, None] - 1)
    share = (at - before)[..., None, None]
    # Not len(): in ONNX that is the number of clips it was traced with.
    rows = torch.arange(points.shape[0], device=points.device)[:, None]
    seen = mask[rows, before] * mask[rows, after]
    return (points[rows, before] * (1 - share) + points[rows, after] * share), seen
