"""Examples as the tensors that the refiner's network reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.refiner.examples import Example
from neuropose_ros.learning.refiner.network import Frame
from neuropose_ros.refinement.skeletal import SkeletalModel, follow, unknown_bodies


class Batch(NamedTuple):
    """N clips padded to T frames."""

    frames: Frame
    target: Tensor  # (N, T, C, 2) px
    weight: Tensor  # (N, T, C), 0 outside a clip
    box_px: Tensor  # (N,)
    found: Tensor  # (N,), 1 = by a detector


def prepare(model: SkeletalModel, points: Floats, sd_px: Floats, dt_s: Floats) -> Frame:
    """Return what a network reads of N clips: (N, T, C, 2), (N, T, C) and (N, T)."""
    bodies = unknown_bodies(len(points), points.shape[2])
    parts = []
    for tick in range(points.shape[1]):
        bodies, prepared = follow(
            model, bodies, dt_s[:, tick].astype(np.float64),
            points[:, tick].astype(np.float64), sd_px[:, tick].astype(np.float64))
        parts.append(prepared)
    stacked = [torch.from_numpy(np.stack(part, 1).astype(np.float32))
               for part in zip(*parts, strict=True)]
    return Frame._make((*stacked, torch.from_numpy(dt_s.astype(np.float32))))


def collate(model: SkeletalModel, examples: Sequence[Example]) -> Batch:
    """Return examples as one batch; the last frame of a short one is repeated without weight."""
    frames = max(len(example.points) for example in examples)

    def padded(parts: Sequence[Floats]) -> Floats:
        return np.stack([np.concatenate((part, np.repeat(part[-1:], frames - len(part), 0)))
                         for part in parts])

    inside = np.stack([np.arange(frames) < len(example.points) for example in examples])
    weight = padded([example.weight for example in examples]) * inside[..., None]
    return Batch(
        prepare(model, *(padded([getattr(example, name) for example in examples])
                         for name in ('points', 'sd_px', 'dt_s'))),
        torch.from_numpy(padded([example.target for example in examples])),
        torch.from_numpy(weight.astype(np.float32)),
        torch.tensor([example.box_px for example in examples]),
        torch.tensor([float(example.found) for example in examples]))
