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
    metres = world.reshape(-1, 3)[:JOINTS].copy()
    cos, sin = math.cos(region.rotation), math.sin(region.rotation)
    x, y = metres[:, 0].copy(), metres[:, 1].copy()
    metres[:, 0] = cos * x - sin * y
    metres[:, 1] = sin * x + cos * y
    return Landmarks(
        points[:JOINTS], points[JOINTS:], metres, probabilities[:, 0], probabilities[:, 1])


def sigmoid(values: Floats) -> Floats:
    """Return 1 / (1 + exp(-values)); float32 overflow gives 0, as it should."""
    with np.errstate(over='ignore'):
        result: Floats = np.float32(1) / (np.float32(1) + np.exp(-values))
    return result


_OFFSETS = np.arange(-_REACH, _REACH + 1)


def refine(points: Floats, heatmaps: Floats) -> Floats:
    """Replace points by the centre of mass of their heat map nearby, where that is confident.

    Args:
        points: (K, 2) x y, 0..1.
        heatmaps: (>= K, H, W) logits, the k-th for the k-th point.

    Returns:
        (K, 2); a point whose 9 x 9 cells nowhere reach a confidence of 0.5, or outside, is kept.
    """
    count = len(points)
    height, width = heatmaps.shape[1:]
    # Truncation, not floor: a point less than a cell outside still counts as in the first cell.
    cells = (points * np.array([width, height], np.float32)).astype(np.int32)
    columns = cells[:, :1] + _OFFSETS
    rows = cells[:, 1:] + _OFFSETS
    inside_x = (columns >= 0) & (columns < width)
    inside_y = (rows >= 0) & (rows < height)
    window = heatmaps[
        np.arange(count)[:, None, None],
        np.clip(rows, 0, height - 1)[:, :, None],
        np.clip(columns, 0, width - 1)[:, None, :],
    ]
    weights = sigmoid(window)
    weights *= inside_y[:, :, None] & inside_x[:, None, :]
    by_column, by_row = weights.sum(1), weights.sum(2)
    total = by_row.sum(1)
    confident = (
        (weights.reshape(count, -1).max(1) >= _LEAST_CONFIDENCE)
        & inside_x[:, _REACH] & inside_y[:, _REACH]
    )
    with np.errstate(invalid='ignore', divide='ignore'):
        x = (by_column * columns).sum(1) / total / width
        y = (by_row * rows).sum(1) / total / height
    refined = np.stack((x, y), -1).astype(np.float32)
    return np.where(confident[:, None], refined, points)
