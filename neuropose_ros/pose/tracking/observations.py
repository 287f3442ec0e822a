"""The people of one frame as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import JointState, PersonPose, States

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]

# How much a joint says of where a body is: nothing, a guess, or all.
_WEIGHTS = np.zeros(256)
_WEIGHTS[[JointState.UNKNOWN, JointState.OCCLUDED, JointState.OUT_OF_FRAME]] = 0.3
_WEIGHTS[[JointState.INTERPOLATED, JointState.PREDICTED]] = 0.5
_WEIGHTS[[JointState.CORRECTED, JointState.MEASURED]] = 1.0
_FARTHEST_PX = 1e6
_LEAST_SIDE_PX = 1.0
_LEAST_JOINTS = 4
_DRAWN_PX = 1.0


@dataclass(frozen=True, slots=True)
class Observations:
    """N people of one frame whom one can follow.

    Attributes:
        indices: (N,) where they stand in the frame's list.
        keypoints: (N, K, 2) px, NaN where not known.
        weights: (N, K) 0..1.
        boxes: (N, 4) px, of the detector, or around the joints that are seen.
        is_boxed: (N,) bool, whether the box is evidence of its own, not drawn around joints.
        bodies: (N, 4) px, around all joints that are known or guessed, or the boxes.
        scores: (N,) 0..1.
    """

    indices: Indices
    keypoints: Array
    weights: Array
    boxes: Array
    is_boxed: Mask
    bodies: Array
    scores: Array

    def __len__(self) -> int:
        """Return N."""
        return len(self.indices)


def observe(people: Sequence[PersonPose], joints: int) -> Observations:
    """Return the people who have a place: a box, or two joints that span one.

    Args:
        people: of one frame.
        joints: K; people of another number of joints are left out.
    """
    indices, keypoints, weights, boxes, bodies, scores = [], [], [], [], [], []
    is_boxed = []
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
        is_boxed.append(not _is_around(box, points, person.keypoint_states))
        bodies.append(body_box(points, box))
        scores.append(person.score)
    count = len(indices)
    return Observations(
        np.array(indices, np.intp), np.array(keypoints).reshape(count, joints, 2),
        np.array(weights).reshape(count, joints), np.array(boxes).reshape(count, 4),
        np.array(is_boxed, bool), np.array(bodies).reshape(count, 4),
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


def body_box(points: Array, box: Array) -> Array:
    """Return the box around all known joints (K, 2), or ``box`` where they are too few."""
    known = points[np.isfinite(points).all(-1)]
    if len(known) < _LEAST_JOINTS:
        return box
    around = np.concatenate((known.min(0), known.max(0)))
    return around if _is_box(around) else box


def _is_around(box: Array, points: Array, states: States) -> bool:
    """Whether a box is only drawn around joints: around some of them, all within."""
    known = np.isfinite(points).all(-1)
    for chosen in (known, known & (states == JointState.MEASURED)):
        if chosen.any():
            around = np.concatenate((points[chosen].min(0), points[chosen].max(0)))
            if np.abs(around - box).max() <= _DRAWN_PX:
                return True
    return False


def _is_box(box: Array) -> bool:
    return bool((np.abs(box) < _FARTHEST_PX).all()
                and (box[2:] - box[:2] >= _LEAST_SIDE_PX).all())
