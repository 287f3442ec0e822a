"""Reading networks that give whole poses: RTMO, the YOLO family and MoveNet.

Boxes are px of the crop counted from the edge of its first pixel, points px counted from that
pixel's centre.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuropose_ros.core.pose import Floats
from neuropose_ros.pose.decoders.boxes import PERSON

_BOX = 4
_END_TO_END = 6  # box, score, class
_JOINT = 3  # x, y, score


class Poses(NamedTuple):
    """People in a crop.

    Attributes:
        boxes: (N, 4) x_min y_min x_max y_max.
        scores: (N,).
        points: (N, K, 2).
        point_scores: (N, K).
    """

    boxes: Floats
    scores: Floats
    points: Floats
    point_scores: Floats

    def take(self, chosen: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Poses:
        """Return some of them, by index or mask."""
        return Poses(*(values[chosen] for values in self))


def rtmo_poses(dets: Floats, joints: Floats, least_score: float) -> Poses:
    """Read RTMO (Lu et al. 2024) as mmdeploy exports it, with its own suppression.

    Args:
        dets: (N, 5) x_min y_min x_max y_max score.
        joints: (N, K, 3) x y score.
        least_score: weaker people are left out.
    """
    poses = Poses(dets[:, :4], dets[:, 4], joints[..., :2], joints[..., 2])
    return poses.take(poses.scores >= least_score)


def yolo_poses(values: Floats, joints: int, least_score: float) -> Poses:
    """Read the pose head of the YOLO family (Maji et al. 2022), before any suppression.

    Args:
        values: (4 + classes + 3 K, A): centre and sides of the box, score of each class, then
            x y score of each joint.
        joints: K.
        least_score: weaker people are left out.
    """
    rows = values[:, values[_BOX + PERSON] >= least_score].T
    centres, half = rows[:, :2], rows[:, 2:4] / 2
    table = rows[:, -_JOINT * joints:].reshape(-1, joints, _JOINT)
    return Poses(
        np.concatenate((centres - half, centres + half), 1), rows[:, _BOX + PERSON],
        table[..., :2], table[..., 2])


def end_to_end_yolo_poses(values: Floats, joints: int, least_score: float) -> Poses:
    """Read the heads of the YOLO family that need no suppression.

    Args:
        values: (N, 6 + 3 K): x_min y_min x_max y_max, score, class, then x y score of each joint.
        joints: K.
        least_score: weaker people are left out.
    """
    rows = values[(values[:, 4] >= least_score) & (values[:, 5] == PERSON)]
    table = rows[:, _END_TO_END:].reshape(-1, joints, _JOINT)
    return Poses(rows[:, :_BOX], rows[:, _BOX], table[..., :2], table[..., 2])


def yolo_channels(joints: int) -> int:
    """Return the rows of a pose head with one class."""
    return _BOX + 1 + _JOINT * joints


def end_to_end_yolo_channels(joints: int) -> int:
    """Return the columns of a pose head that needs no suppression."""
    return _END_TO_END + _JOINT * joints


def movenet_points(values: Floats, width: int, height: int) -> tuple[Floats, Floats]:
    """Read MoveNet, single pose.

    Args:
        values: (..., K, 3) y x score; y and x are 0..1 from edge to edge of the crop.
        width, height: of the crop, px.

    Returns:
        (..., K, 2) points and (..., K) scores.
    """
    points = values[..., 1::-1] * np.array([width, height], np.float32) - np.float32(0.5)
    return points, values[..., 2]
