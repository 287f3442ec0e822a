"""Whether what a network calls a person can be one, and whether two finds are one person.

A network that reads one region always finds a pose, in a basketball hoop too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.metrics import object_keypoint_similarity, oks_sigmas
from neuropose_ros.core.pose import Floats, JointState, PersonPose
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.pose.geometry import box_areas, box_around, box_iou, finite_points

SAME_PERSON = 0.6
"""Similarity (OKS) from which two poses of one frame are of one person."""
# Of the larger side of the box around the joints: how far the body reaches beyond, as detectors
# draw it. Medians over 146 people of MPII and J-HMDB (training split): 0.06 0.11 0.06 0.08.
_BEYOND = np.array([-0.06, -0.11, 0.06, 0.08], np.float32)
# Share of its box that a body covers, about: OKS is defined by the body's area.
_FILLED = 0.6
_LEAST_JOINTS = 4
_LEAST_SHARE = 0.2
_LEAST_SPREAD = 0.25
_LONGEST_BONE = 0.75
_BOX_ROOM = 0.2
_LEAST_INSIDE = 0.6
_SURE_SCORE = 0.6


def outline(person: PersonPose) -> Floats:
    """Return the (4,) box that a detector would draw, px, from the joints that are seen.

    NaN where no joint is known.
    """
    box = box_around(person.keypoints[_seen(person)])
    if not np.isfinite(box).all():
        box = np.asarray(person.box, np.float32)
    grown: Floats = box + _BEYOND * float((box[2:] - box[:2]).max())
    return grown


def is_plausible(
    person: PersonPose, box: Floats, layout: SkeletonLayout, *, box_score: float = 0.0,
    least_score: float = 0.15,
) -> bool:
    """Whether a pose can be of the person in a box.

    Always: the pose lies in the box. Unless the detector is sure that the box holds a person,
    the network must be: of somebody there, of enough joints, which spread over the box, with no
    bone longer than a body allows.

    Args:
        person: what the network found.
        box: (4,) px, of the detector or of the predicted person.
        layout: of the pose.
        box_score: the detector's, 0 = it did not look or did not find.
        least_score: of the person, where the detector is not sure.
    """
    seen = _seen(person)
    points = person.keypoints[seen]
    size = float((box[2:] - box[:2]).max())
    if size <= 0:
        return False
    if len(points) and _share_inside(points, box, size) < _LEAST_INSIDE:
        return False
    if box_score >= _SURE_SCORE:
        return True
    if person.score < least_score or len(points) < max(
            _LEAST_JOINTS, _LEAST_SHARE * len(layout)):
        return False
    if float((points.max(0) - points.min(0)).max()) < _LEAST_SPREAD * size:
        return False
    diagonal = float(np.hypot(*(box[2:] - box[:2])))
    return _longest_bone(person, seen, layout) <= _LONGEST_BONE * diagonal


def duplicates(
    people: Sequence[PersonPose], layout: SkeletonLayout,
) -> list[tuple[int, int]]:
    """Return the pairs of people that are one pose, the most similar first."""
    if len(people) < 2:
        return []
    points = np.stack([person.keypoints for person in people]).astype(np.float64)
    areas = box_areas(np.stack([outline(person) for person in people])) * _FILLED
    seen = np.stack([_seen(person) for person in people])
    either = seen[:, np.newaxis] | seen[np.newaxis]
    similar = object_keypoint_similarity(
        points[np.newaxis], points[:, np.newaxis],
        np.sqrt(np.multiply.outer(areas, areas)), oks_sigmas(layout), either)
    rows, columns = np.nonzero(np.triu(similar >= SAME_PERSON, 1))
    return sorted(
        zip(rows.tolist(), columns.tolist(), strict=True), key=lambda pair: -similar[pair])


def innovation(found: PersonPose, expected: PersonPose) -> float:
    """Return how far a pose lies from where it was expected: RMS as a share of the body's size.

    0 where no joint is known in both.
    """
    distances = ((found.keypoints - expected.keypoints) ** 2).sum(-1)
    known = distances[np.isfinite(distances) & _seen(found)]
    box = outline(found)
    size = float((box[2:] - box[:2]).max())
    return float(np.sqrt(known.mean())) / size if known.size and size > 0 else 0.0


def fit(person: PersonPose, box: Floats) -> float:
    """Return how well a pose fills a box, intersection over union."""
    return float(box_iou(outline(person)[np.newaxis], box[np.newaxis])[0, 0])


def _seen(person: PersonPose) -> NDArray[np.bool_]:
    """Whether each joint is known by measurement; predicted ones count in predicted people."""
    states = person.keypoint_states
    seen = (states == JointState.MEASURED) | (states == JointState.PREDICTED)
    return np.asarray(seen & finite_points(person.keypoints))


def _share_inside(points: Floats, box: Floats, size: float) -> float:
    room = _BOX_ROOM * size
    inside = ((points >= box[:2] - room) & (points <= box[2:] + room)).all(-1)
    return float(inside.mean())


def _longest_bone(
    person: PersonPose, seen: NDArray[np.bool_], layout: SkeletonLayout,
) -> float:
    ends = np.array(layout.edges, np.intp).reshape(-1, 2)
    both = ends[seen[ends].all(-1)]
    if not both.size:
        return 0.0
    bones = person.keypoints[both[:, 0]] - person.keypoints[both[:, 1]]
    return float(np.hypot(bones[:, 0], bones[:, 1]).max())
