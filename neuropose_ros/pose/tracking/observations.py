"""The people of one frame as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import JointState, PersonPose

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

# How much a joint says of where a body is: nothing, a guess, or all.
_WEIGHTS = np.zeros(256)
_WEIGHTS[[JointState.UNKNOWN, JointState.OCCLUDED, JointState.OUT_OF_FRAME]] = 0.3
_WEIGHTS[[JointState.INTERPOLATED, JointState.PREDICTED]] = 0.5
_WEIGHTS[[JointState.CORRECTED, JointState.MEASURED]] = 1.0
_FARTHEST_PX = 1e6
_LEAST_SIDE_PX = 1.0


@dataclass(frozen=True, slots=True)
class Observations:
    """N people of one frame whom one can follow.

    Attributes:
        indices: (N,) where they stand in the frame's list.
        keypoints: (N, K, 2) px, NaN where not known.
        weights: (N, K) 0..1.
        boxes: (N, 4) px.
        scores: (N,) 0..1.
    """

    indices: Indices
    keypoints: Array
    weights: Array
    boxes: Array
    scores: Array

    def __len__(self) -> int:
        """Return N."""
        return len(self.indices)

    @property
    def log_heights(self) -> Array:
        """(N,) logarithms of the heights of the boxes in px."""
        heights: Array = np.log(self.boxes[:, 3] - self.boxes[:, 1])
        return heights

    def chosen(self, which: Indices | NDArray[np.bool_]) -> Observations:
        """Return some of them."""
        return Observations(
            self.indices[which], self.keypoints[which], self.weights[which], self.boxes[which],
            self.scores[which])


def observe(people: Sequence[PersonPose], joints: int) -> Observations:
    """Return the people who have a place: a box, or two joints that span one.

    Args:
        people: of one frame.
        joints: K; people of another number of joints are left out.
    """
    indices, keypoints, weights, boxes, scores = [], [], [], [], []
    for index, person in enumerate(people):
        if len(person.keypoints) != joints:
            continue
        points = np.where(
            np.abs(person.keypoints) < _FARTHEST_PX, person.keypoints, np.nan).astype(float)
        box = _box(person.box.astype(float), points)
        if box is None:
            continue
        known = np.isfinite(points).all(-1)
        indices.append(index)
        keypoints.append(np.where(known[:, None], points, np.nan))
        weights.append(np.where(known, _WEIGHTS[person.keypoint_states], 0.0))
        boxes.append(box)
        scores.append(person.score)
    count = len(indices)
    return Observations(
        np.array(indices, np.intp), np.array(keypoints).reshape(count, joints, 2),
        np.array(weights).reshape(count, joints), np.array(boxes).reshape(count, 4),
        np.nan_to_num(np.array(scores, float)))


def _box(box: Array, points: Array) -> Array | None:
    """Return the box, that of the joints where it is none, or None where they span nothing."""
    if _is_box(box):
        return box
    known = points[np.isfinite(points).all(-1)]
    if not len(known):
        return None
    box = np.concatenate((known.min(0), known.max(0)))
    return box if _is_box(box) else None


def _is_box(box: Array) -> bool:
    return bool((np.abs(box) < _FARTHEST_PX).all()
                and (box[2:] - box[:2] >= _LEAST_SIDE_PX).all())
