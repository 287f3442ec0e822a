"""Learning on top-down networks: SimCC and heat maps, as mmpose trains them.

SimCC (Li et al. 2022) as RTMPose has it (Jiang et al. 2023): each axis is classified, the
divergence is that of the outputs times 10 from bells of a deviation of sqrt(side / 8) bins. Heat
maps are regressed to bells of 2 cells (Xiao et al. 2018). Joints that nobody annotated stay as
they were.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.learning.pose_finetuning.looks import LookBatch, Outputs, joints_of
from neuropose_ros.learning.pose_training.augmentation import (
    CropMaker,
    Person,
    PictureAugmentation,
)
from neuropose_ros.pose.topdown import PADDING

_SHARPNESS = 10.0
_MAP_CELLS = 2.0
_MAP_WEIGHT = 10.0


class TopDownLook:
    """What the decoders ``simcc`` and ``heatmap`` have in common; most of a `Look`."""

    def __init__(
        self, entry: ModelEntry, layout: SkeletonLayout, augmentation: PictureAugmentation,
    ) -> None:
        """Take the network's entry and the layout of the data."""
        self.size = entry.input.width, entry.input.height
        self.room = float(entry.options.get('padding', PADDING))
        self._fill = entry.options.get('fill')
        self._maker = CropMaker(layout, *self.size, self.room, augmentation)
        joints = joints_of(layout, entry.skeleton())
        self._taught, self._annotated = joints.taught, joints.annotated
        self._kept = joints.kept

    def cut(self, person: Person, rng: np.random.Generator) -> Person:
        """Return an augmented crop around the box."""
        return self._maker.cut(person, self._maker.warp(person, rng), rng)

    def lit(self, crop: Person, rng: np.random.Generator) -> Person:
        """Return a crop in other light."""
        return replace(crop, image=self._maker.lit(crop.image, rng))


class SimccLook(TopDownLook):
    """Of the decoder ``simcc``; a `Look`."""

    def losses(self, found: Outputs, batch: LookBatch) -> dict[str, Tensor]:
        """Return the divergence along each axis."""
        weights = batch.weights[:, self._annotated]
        total = weights.sum().clamp_min(1.0)
        losses = {}
        for axis, name in enumerate(_axes(found, self.size)):
            logits = found[name].float() * _SHARPNESS
            truth = batch.points[:, self._annotated, axis]
            target = _bells(truth, logits.shape[-1], self.size[axis])
            away = _divergence(logits[:, self._taught], target)
            losses['xy'[axis]] = (away * weights).sum() / total
        return losses

    def changed(self, found: Outputs, before: Outputs) -> Tensor:
        """Return the divergence of the other joints from what they were."""
        names = _axes(found, self.size)
        if not self._kept:
            return torch.zeros(())
        return torch.stack([_divergence(
            found[name][:, self._kept].float() * _SHARPNESS,
            (before[name][:, self._kept].float() * _SHARPNESS).softmax(-1)).mean()
            for name in names]).sum()


class HeatmapLook(TopDownLook):
    """Of the decoder ``heatmap``; a `Look`."""

    def losses(self, found: Outputs, batch: LookBatch) -> dict[str, Tensor]:
        """Return the squared distance of the maps from bells."""
        maps = _maps(found)
        weights = batch.weights[:, self._annotated]
        px = self.size[0] / maps.shape[-1]
        rows = [(-(torch.arange(side, device=maps.device) - batch.points[
            :, self._annotated, axis].unsqueeze(-1) / px).square() / (2 * _MAP_CELLS ** 2)).exp()
            for axis, side in enumerate(maps.shape[:1:-1])]
        target = rows[1].unsqueeze(-1) * rows[0].unsqueeze(-2)
        away = (maps[:, self._taught] - target).square().mean((-2, -1))
        return {'maps': _MAP_WEIGHT * (away * weights).sum() / weights.sum().clamp_min(1.0)}

    def changed(self, found: Outputs, before: Outputs) -> Tensor:
        """Return the squared distance of the other joints' maps from what they were."""
        if not self._kept:
            return torch.zeros(())
        away = _maps(found)[:, self._kept] - _maps(before)[:, self._kept]
        return _MAP_WEIGHT * away.square().mean()


def _maps(found: Outputs) -> Tensor:
    named = [value for value in found.values() if value.ndim == 4]
    if len(named) != 1:
        raise TrainingError(f'the network has {len(named)} outputs of four axes; one of heat maps '
                            'is expected')
    return named[0].float()


def _axes(found: Outputs, size: tuple[int, int]) -> tuple[str, str]:
    """Return the outputs along x and y: by name, else by order."""
    names = [name for name, value in found.items() if value.ndim == 3]
    if {'simcc_x', 'simcc_y'} <= set(names):
        return 'simcc_x', 'simcc_y'
    if len(names) != 2:
        raise TrainingError(f'the network has {len(names)} outputs of three axes; SimCC has two, '
                            f'for the {size[0]} px of x and the {size[1]} of y')
    return names[0], names[1]


def _bells(places: Tensor, bins: int, side: int) -> Tensor:
    """Return (N, K, bins): the softmax of bells whose middle is at (N, K) px."""
    steps = torch.arange(bins, device=places.device, dtype=torch.float32)
    away = steps - places.unsqueeze(-1) * (bins / side)
    return (_SHARPNESS * (-away.square() / (2 * side / 8)).exp()).softmax(-1)


def _divergence(logits: Tensor, target: Tensor) -> Tensor:
    return functional.kl_div(logits.log_softmax(-1), target, reduction='none').sum(-1)
