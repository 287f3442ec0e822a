"""Reading the landmark network's output.

33 joints and 6 auxiliary points, each x y z in px of the crop with the logits of visibility and
presence; coarse heat maps refine x and y; a second head gives metres around the hips.
Order and meaning as published with the network (MediaPipe pose_landmark, Apache-2.0).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neuropose_ros.core.pose import Floats
from neuropose_ros.pose.blazepose.regions import Region

INPUT_SIZE = 256
JOINTS = 33
# Of the auxiliary points two are used: the middle of the hips and the top of the body's circle.
POINTS = JOINTS + 2
_VALUES = 5
_REACH = 4  # kernel of 9 cells
_LEAST_CONFIDENCE = 0.5


@dataclass(frozen=True, slots=True)
class Landmarks:
    """One person.

    Attributes:
        points: (33, 2) px of the picture.
        auxiliary: (2, 2) px: middle of the hips, top of the circle around the body.
        world: (33, 3) m, axes along the picture's, origin between the hips.
        visibility: (33,) 0..1, in the picture and not hidden.
        presence: (33,) 0..1, in the picture.
    """

    points: Floats
    auxiliary: Floats
    world: Floats
    visibility: Floats
    presence: Floats


def decode_landmarks(
    values: Floats, heatmaps: Floats, world: Floats, region: Region,
) -> Landmarks:
    """Return the landmarks in the picture.

    Args:
        values: (1, 195) = 39 x (x y z visibility presence).
        heatmaps: (1, 39, H, W) logits.
        world: (1, 117) = 39 x (x y z), m, in the crop's axes.
        region: where the crop was taken.
    """
    table = values.reshape(-1, _VALUES)[:POINTS]
    points = refine(table[:, :2] / np.float32(INPUT_SIZE), heatmaps[0])
    points = region.to_picture(points)
    probabilities = sigmoid(table[:JOINTS, 3:])
    cos, sin = math.cos(region.rotation), math.sin(region.rotation)
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]], np.float32)
    metres = world.reshape(-1, 3)[:JOINTS] @ turn
    return Landmarks(
        points[:JOINTS], points[JOINTS:], metres, probabilities[:, 0], probabilities[:, 1])


def sigmoid(values: Floats) -> Floats:
    """Return 1 / (1 + exp(-values)), by way of a function that cannot overflow."""
    result: Floats = np.tanh(values * np.float32(0.5))
    result += np.float32(1)
    result *= np.float32(0.5)
    return result


# x y of the 9 x 9 cells around a cell, and a column of ones that gives their sum.
_WINDOW = np.stack(np.meshgrid(*[np.arange(-_REACH, _REACH + 1)] * 2), -1).reshape(-1, 2)
_MOMENTS = np.column_stack((_WINDOW, np.ones(len(_WINDOW)))).astype(np.float32)


def refine(points: Floats, heatmaps: Floats) -> Floats:
    """Replace points by the centre of mass of their heat map nearby, where that is confident.

    Args:
        points: (K, 2) x y, 0..1.
        heatmaps: (>= K, H, W) logits, the k-th for the k-th point.

    Returns:
        (K, 2); a point whose 9 x 9 cells nowhere reach a confidence of 0.5, or outside, is kept.
    """
    height, width = heatmaps.shape[1:]
    size = np.array([width, height], np.int32)
    # Truncation, not floor: a point less than a cell outside still counts as in the first cell.
    cells = (points * size.astype(np.float32)).astype(np.int32)
    maps = np.arange(len(points)) * (height * width)
    places = (maps + cells @ (1, width))[:, np.newaxis] + _WINDOW @ (1, width)
    if ((cells >= _REACH) & (cells < size - _REACH)).all():
        weights = sigmoid(heatmaps.ravel().take(places))
    else:
        window = cells[:, np.newaxis] + _WINDOW
        inside = ((window >= 0) & (window < size)).all(2)
        weights = sigmoid(heatmaps.ravel().take(np.where(inside, places, 0))) * inside
    moments = weights @ _MOMENTS
    known = ((cells >= 0) & (cells < size)).all(1) & (weights.max(1) >= _LEAST_CONFIDENCE)
    total = np.where(known, moments[:, 2], np.float32(1))[:, np.newaxis]
    refined = (cells + moments[:, :2] / total) / size
    return np.where(known[:, np.newaxis], refined, points).astype(np.float32)
