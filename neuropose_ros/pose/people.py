"""From the points that a network gives to a person with honest states."""

from __future__ import annotations

import numpy as np

from neuropose_ros.core.pose import Floats, JointState, PersonPose, States
from neuropose_ros.pose.geometry import box_around, finite_points, in_picture

LEAST_JOINT_SCORE = 0.3
"""What mmpose's demos and the MoveNet model card recommend as the least score of a joint."""
_JOINTS_FOR_BOX = 3


def joint_states(
    points: Floats, scores: Floats, width: int, height: int, least_score: float,
) -> States:
    """Return (K,) states of joints in a picture.

    NaN = MISSING; beyond the border = OUT_OF_FRAME; under ``least_score`` = OCCLUDED: the value
    is the model's guess; otherwise MEASURED.

    Args:
        points: (K, 2) px.
        scores: (K,).
        width, height: of the picture, px.
        least_score: 0..1.
    """
    states = np.full(len(points), JointState.MEASURED, np.uint8)
    states[~(scores >= least_score)] = JointState.OCCLUDED
    states[~in_picture(points, width, height)] = JointState.OUT_OF_FRAME
    states[~finite_points(points)] = JointState.MISSING
    return states


def region_score(scores: Floats) -> float:
    """Return how sure a top-down network is that somebody is there, from (K,) scores.

    The mean of the better half of the joints: legs behind a table make nobody less of a person.
    """
    if not scores.size:
        return 0.0
    return float(np.sort(scores)[len(scores) // 2:].mean())


def make_person(
    points: Floats, scores: Floats, width: int, height: int, *,
    least_joint_score: float = LEAST_JOINT_SCORE, score: float | None = None,
    box: Floats | None = None,
) -> PersonPose:
    """Return an untracked person.

    Args:
        points: (K, 2) px of the picture; not finite = not found.
        scores: (K,); above 1 counts as 1, not finite as 0.
        width, height: of the picture, px.
        least_joint_score: of a joint that is seen.
        score: of the person; None = `region_score`.
        box: (4,) px; None = around the joints that are seen, around those in the picture where
            fewer than three are, around all where none is.
    """
    known = finite_points(points)
    points = np.where(known[:, np.newaxis], points, np.nan).astype(np.float32)
    scores = np.clip(np.nan_to_num(scores, nan=0.0), 0, 1).astype(np.float32)
    scores[~known] = 0
    states = joint_states(points, scores, width, height, least_joint_score)
    if box is None:
        box = _box(points, states)
    return PersonPose(
        keypoints=points, keypoint_scores=scores, keypoint_states=states, box=box,
        score=region_score(scores) if score is None else score)


def _box(points: Floats, states: States) -> Floats:
    seen = states == JointState.MEASURED
    inside = seen | (states == JointState.OCCLUDED)
    if seen.sum() >= _JOINTS_FOR_BOX:
        return box_around(points[seen])
    return box_around(points[inside] if inside.any() else points)
