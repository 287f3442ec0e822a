"""Reading the person detector's output: anchors, boxes, weighted non-maximum suppression.

Single-shot detection: Liu et al. 2016 (SSD). Blending overlapping boxes by their scores instead
of dropping all but one: Bazarevsky et al. 2019 (BlazeFace). Anchor strides and the order of the
values are those published with the network (MediaPipe pose_detection, Apache-2.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from neuropose_ros.core.pose import Floats

INPUT_SIZE = 224
# Neighbouring layers of one stride have their anchors side by side; two anchors per layer
# (the second one for the scale between two layers).
_STRIDES = (8, 16, 32, 32, 32)
_ANCHORS_PER_LAYER = 2
_LEAST_LOGIT = 0.0  # a score of 0.5
_LEAST_OVERLAP = 0.3
_LOGIT_LIMIT = 100.0


@dataclass(frozen=True, slots=True)
class Detection:
    """A person found.

    Attributes:
        score: 0..1.
        box: (4,) x_min y_min x_max y_max, 0..1 of the detector's input.
        points: (4, 2), 0..1: middle of the hips, top of the body's circle, middle of the
            shoulders, top of the upper body's circle.
    """

    score: float
    box: Floats
    points: Floats


@cache
def anchor_centres() -> Floats:
    """Return the (2254, 2) anchor centres x y, 0..1 of the input; all anchors have size 1."""
    grids = []
    for stride in sorted(set(_STRIDES)):
        cells = -(-INPUT_SIZE // stride)
        centres = (np.arange(cells, dtype=np.float32) + np.float32(0.5)) / np.float32(cells)
        y, x = np.meshgrid(centres, centres, indexing='ij')
        grid = np.stack((x.ravel(), y.ravel()), -1)
        grids.append(np.repeat(grid, _ANCHORS_PER_LAYER * _STRIDES.count(stride), axis=0))
    centres = np.concatenate(grids)
    centres.setflags(write=False)
    return centres


def decode_detections(values: Floats, logits: Floats) -> list[Detection]:
    """Return the people, best first.

    Args:
        values: (1, 2254, 12): box centre and size, then four points, in px of the input,
            relative to the anchor.
        logits: (1, 2254, 1).
    """
    flat = logits.ravel()
    chosen = np.flatnonzero(flat >= _LEAST_LOGIT)
    if not chosen.size:
        return []
    limited = np.clip(flat[chosen], -_LOGIT_LIMIT, _LOGIT_LIMIT)
    scores = (1 / (1 + np.exp(-limited))).astype(np.float32)
    sizes: Floats = values[0, chosen] / np.float32(INPUT_SIZE)
    anchors = anchor_centres()[chosen]
    centre, half = sizes[:, :2] + anchors, sizes[:, 2:4] / 2
    boxes: Floats = np.concatenate((centre - half, centre + half), -1)
    points: Floats = sizes[:, 4:].reshape(-1, 4, 2) + anchors[:, np.newaxis]
    valid = (half >= 0).all(-1)
    return blend_overlapping(scores[valid], boxes[valid], points[valid])


def blend_overlapping(scores: Floats, boxes: Floats, points: Floats) -> list[Detection]:
    """Return one detection for each group of overlapping ones, best first.

    Each group is what overlaps its best box by more than an intersection over union of 0.3; box
    and points are the group's means weighted with the scores, the score is the best one.

    Args:
        scores: (N,).
        boxes: (N, 4) x_min y_min x_max y_max.
        points: (N, P, 2).
    """
    found = []
    left = np.argsort(-scores, kind='stable')
    while left.size:
        best = left[0]
        overlaps = intersection_over_union(boxes[best], boxes[left]) > _LEAST_OVERLAP
        # An empty box does not even overlap itself.
        overlaps[0] = True
        group = left[overlaps]
        weights = scores[group] / scores[group].sum()
        found.append(Detection(
            float(scores[best]),
            np.tensordot(weights, boxes[group], 1).astype(np.float32),
            np.tensordot(weights, points[group], 1).astype(np.float32),
        ))
        left = left[~overlaps]
    return found


def intersection_over_union(box: Floats, others: Floats) -> Floats:
    """Return (N,) overlaps of one (4,) box with (N, 4) others."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    common = np.clip(high - low, 0, None).prod(-1)
    union = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(-1) - common
    overlaps: Floats = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return overlaps
