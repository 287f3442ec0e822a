"""What the refiner's network is trained to do: be near, move alike, and know how near it is."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from neuropose_ros.learning.refiner.batches import Batch
from neuropose_ros.refinement.canonical import CORE_JOINTS

JOINTS = len(CORE_JOINTS)
_NEAR = 0.07  # boxes: within it an estimate is about right
_HASTE_WEIGHT, _FAST = 8.0, 0.3  # further weight of true joints that move, boxes/s
_SPAN = 2  # frames on either side that a speed is taken over
_HIDDEN_WEIGHT = 5.0  # of true joints that are hidden: the visible ones are easy
_FREEDOM = 4.0  # twice the degrees of freedom that a Student-t has more than 2 axes: heavy tails
# Of the trunk joints that detectors lack, the parts they are made of for the comparison.
_DERIVED = {'neck': ('left_shoulder', 'right_shoulder'),
            'belly': ('left_shoulder', 'right_shoulder', 'left_hip', 'right_hip')}


def refiner_loss(
    position: Tensor, log_variance: Tensor, batch: Batch, smoothness: float,
) -> Tensor:
    """Return the loss of (N, T, C, 2) px positions and (N, T, C) log variances in body sizes.

    Args:
        position: what the network says.
        log_variance: how unsure it is.
        batch: with the truth.
        smoothness: weight of the acceleration error beside the distance.
    """
    found = batch.found[:, None, None]
    boxes = batch.box_px[:, None, None, None]
    error = (position - batch.target) / boxes
    error, weight = _with_derived(error, position, batch)
    squared = error.square().sum(-1)
    distance = (squared + 1e-6).sqrt()
    miss = 1 - torch.exp(-squared / (2 * _NEAR ** 2))
    hidden = torch.zeros_like(weight)
    hidden[..., :JOINTS] = 1 - batch.frames.seen
    emphasis = weight * (1 + (1 - found) * (
        (_HIDDEN_WEIGHT - 1) * hidden + _HASTE_WEIGHT * _haste(batch) * (1 - hidden)))
    near = ((3 * distance + 0.5 * miss * found) * emphasis).sum() / emphasis.sum()
    both = torch.minimum(torch.minimum(weight[:, 2:], weight[:, 1:-1]), weight[:, :-2])
    change = error[:, 2:] - 2 * error[:, 1:-1] + error[:, :-2]
    jerky = ((change.square().sum(-1) + 1e-6).sqrt() * both).sum() / both.sum()
    # In boxes, and detached: how sure it is must not change where it says a joint is.
    variance = log_variance.exp() * (batch.frames.size / batch.box_px[:, None])[..., None] ** 2
    variance = variance + 1e-6
    away = squared[..., :JOINTS].detach()
    surprise = variance.log() + _FREEDOM * torch.log1p(away / (2 * variance))
    unsure = (surprise * emphasis[..., :JOINTS]).sum() / emphasis[..., :JOINTS].sum()
    return near + smoothness * jerky + 0.02 * unsure


def _haste(batch: Batch) -> Tensor:
    """Return (N, T, C + 2) 0..1: how fast a joint truly moves; being late would be an error."""
    frames = batch.target.shape[1]
    later = (torch.arange(frames) + _SPAN).clamp(max=frames - 1)
    earlier = (torch.arange(frames) - _SPAN).clamp(min=0)
    way = (batch.target[:, later] - batch.target[:, earlier]).norm(dim=-1)
    time_s = batch.frames.dt_s.cumsum(1)
    time_s = (time_s[:, later] - time_s[:, earlier]).clamp(min=1e-3)
    speed = way / batch.box_px[:, None, None] / time_s[..., None]
    return functional.pad((speed / _FAST).clamp(max=1.0), (0, len(_DERIVED)))


def _with_derived(error: Tensor, position: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return error and weight with the trunk joints as they are made of their parts, too."""
    errors, weights = [error], [batch.weight]
    for name, parts in _DERIVED.items():
        joint = CORE_JOINTS.index(name)
        middle = position[:, :, [CORE_JOINTS.index(part) for part in parts]].mean(2)
        errors.append(((middle - batch.target[:, :, joint])
                       / batch.box_px[:, None, None])[:, :, None])
        inside = (batch.weight.amax(-1) * batch.found[:, None])[..., None]
        weights.append(inside)
    return torch.cat(errors, 2), torch.cat(weights, 2)
