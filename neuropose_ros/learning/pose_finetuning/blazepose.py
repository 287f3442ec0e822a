"""Learning on BlazePose's landmark network.

It looks at a person twice: at a box, which only tells where the hips are and what is up, and then
upright around the hips (`pose.blazepose.people`). Both are taught. What nobody annotated stays as
the network had it (learning without forgetting: Li and Hoiem 2016): fingers, feet and face, the
points by which it follows a person, depths, metres, and how sure it is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from neuropose_ros.core.layouts import convert_points
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.learning.pose_finetuning.looks import LookBatch, Outputs, joints_of
from neuropose_ros.learning.pose_training.augmentation import (
    CropMaker,
    Person,
    PictureAugmentation,
    about_centre,
)
from neuropose_ros.pose.blazepose.landmarks import INPUT_SIZE, JOINTS
from neuropose_ros.pose.blazepose.people import (
    BOX_ROOM,
    square_around_box,
    square_around_pose,
)

_VALUES = 5
_ALL = JOINTS + 6
# The published network's maps are bells with about 10 cells of probability: a deviation of 1.35.
_BELL_CELLS = 1.35
_REACH = 4
_LEAST_CONFIDENCE = 0.5
_NEAR_PX = 4.0
_FIRST_LOOKS = 0.3
_HEAT_WEIGHT, _KEPT_WEIGHT = 0.02, 0.5


class BlazePoseLook:
    """Of the decoder ``blazepose-landmarks``; a `Look`."""

    size = (INPUT_SIZE, INPUT_SIZE)
    room = BOX_ROOM

    def __init__(
        self, entry: ModelEntry, layout: SkeletonLayout, augmentation: PictureAugmentation,
    ) -> None:
        """Take the network's entry and the layout of the data."""
        self._layout, self._skeleton = layout, entry.skeleton()
        self._augmentation = augmentation
        self._maker = CropMaker(
            layout, INPUT_SIZE, INPUT_SIZE, BOX_ROOM, augmentation, replicated=True)
        joints = joints_of(layout, self._skeleton)
        self._taught, self._annotated = joints.taught, joints.annotated
        self._kept = [*joints.kept, *range(JOINTS, _ALL)]

    def cut(self, person: Person, rng: np.random.Generator) -> Person:
        """Return a first or second look at a person, shifted, turned and perhaps mirrored."""
        square = None
        if rng.random() >= _FIRST_LOOKS:
            known = np.where(person.weights[:, np.newaxis] > 0, person.points, np.nan)
            square = square_around_pose(convert_points(known, self._layout, self._skeleton))
        square = square or square_around_box(person.box)
        settings = self._augmentation
        zoom = float(np.exp(rng.uniform(-1, 1) * np.log1p(settings.scale)))
        angle = np.deg2rad(rng.uniform(-settings.turn_deg, settings.turn_deg)) * (
            rng.random() < settings.turned)
        x, y = rng.uniform(-settings.shift, settings.shift, 2) * square.size
        square = replace(square, x=square.x + x, y=square.y + y)
        warp: NDArray[np.float64] = about_centre(
            square.warp(INPUT_SIZE), zoom, angle, INPUT_SIZE, INPUT_SIZE)
        return self._maker.cut(person, warp, rng)

    def lit(self, crop: Person, rng: np.random.Generator) -> Person:
        """Return a crop in other light."""
        return replace(crop, image=self._maker.lit(crop.image, rng))

    def losses(self, found: Outputs, batch: LookBatch) -> dict[str, Tensor]:
        """Return the distances of both answers, and of the maps."""
        values, maps = _table(found), found['heatmaps'].float()
        truth = batch.points[:, self._annotated]
        weights = batch.weights[:, self._annotated]
        total = weights.sum().clamp_min(1.0)
        raw, own_maps = values[:, self._taught, :2], maps[:, self._taught]
        refined = refine(raw.detach(), own_maps)

        def away(points: Tensor) -> Tensor:
            far = functional.smooth_l1_loss(points, truth, reduction='none', beta=_NEAR_PX)
            return (far.sum(-1) * weights).sum() / total / _NEAR_PX

        heat = functional.binary_cross_entropy_with_logits(
            own_maps, bells(truth, maps.shape[-1]), reduction='none').sum((-2, -1))
        return {'points': away(raw), 'refined': away(refined),
                'maps': _HEAT_WEIGHT * (heat * weights).sum() / total}

    def changed(self, found: Outputs, before: Outputs) -> Tensor:
        """Return how far what nobody annotated is from what it was."""
        now, then = _table(found), _table(before)

        def differs(a: Tensor, b: Tensor, unit: float) -> Tensor:
            return functional.smooth_l1_loss(a / unit, b / unit)

        kept = self._kept
        return _KEPT_WEIGHT * (
            differs(now[:, kept, :2], then[:, kept, :2], _NEAR_PX)
            + differs(now[..., 2], then[..., 2], 4 * _NEAR_PX)
            + differs(now[..., 3:].clamp(-8, 8), then[..., 3:].clamp(-8, 8), 1.0)
            + differs(found['presence'].float(), before['presence'].float(), 0.1)
            + differs(found['world'].float(), before['world'].float(), 0.02)
            + differs(found['heatmaps'][:, kept].float().sigmoid(),
                      before['heatmaps'][:, kept].float().sigmoid(), 0.05))


def _table(outputs: Outputs) -> Tensor:
    return outputs['landmarks'].float().unflatten(1, (_ALL, _VALUES))


def bells(points: Tensor, side: int) -> Tensor:
    """Return the (N, K, side, side) maps that (N, K, 2) points in px of the crop are taught by."""
    cells = torch.arange(side, device=points.device, dtype=torch.float32)
    away = (points / (INPUT_SIZE / side)).unsqueeze(-1) - cells
    rows = (-away.square() / (2 * _BELL_CELLS ** 2)).exp()
    return rows[:, :, 1].unsqueeze(-1) * rows[:, :, 0].unsqueeze(-2)


def refine(points: Tensor, maps: Tensor) -> Tensor:
    """Do what the decoder's `landmarks.refine` does, with a gradient for the maps.

    Args:
        points: (N, K, 2) px of the crop.
        maps: (N, K, H, W) logits.
    """
    side = maps.shape[-1]
    px = INPUT_SIZE / side
    cells = (points / px).trunc()
    steps = torch.arange(side, device=maps.device, dtype=torch.float32)
    near = ((steps - cells.unsqueeze(-1)).abs() <= _REACH).float()
    window = near[:, :, 1].unsqueeze(-1) * near[:, :, 0].unsqueeze(-2)
    weights = maps.sigmoid() * window
    total = weights.sum((-2, -1)).clamp_min(1e-6)
    middle = torch.stack(((weights.sum(-2) * steps).sum(-1), (weights.sum(-1) * steps).sum(-1)),
                         -1) / total.unsqueeze(-1)
    sure = weights.detach().amax((-2, -1)) >= _LEAST_CONFIDENCE
    inside = ((cells >= 0) & (cells < side)).all(-1)
    return torch.where((sure & inside).unsqueeze(-1), middle * px, points)
