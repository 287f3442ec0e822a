"""Where the heads are, as far as joints can tell reliably; else where the whole person is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Floats, JointState, PersonPose
from neuropose_ros.core.skeleton import SkeletonLayout

_EARS = frozenset(('left_ear', 'right_ear'))
_HEAD = _EARS.union((
    'nose', 'face', 'head', 'head_center', 'head_top', 'mouth_left', 'mouth_right', 'left_eye',
    'right_eye', 'left_eye_inner', 'left_eye_outer', 'right_eye_inner', 'right_eye_outer'))
_FACE_POINTS = 'face_'  # COCO-WholeBody's 68
# Of an adult in heads, chin to crown: shoulder joints are 2.0 apart, the trunk from shoulders to
# hips is 2.2 long (Winter, Biomechanics and Motor Control of Human Movement, figure 4.1: .259,
# .288 and .130 of the body's height). The head of a child is larger against its body, so each
# stands for more. Points of the face span 0.6 of a head.
_HEADS_PER_SHOULDERS, _HEADS_PER_TRUNK, _HEADS_PER_SPAN = 1 / 1.3, 1 / 1.6, 1.7
# Half of the head's height would touch its border; hair, hats and errors of joints lie beyond.
_RADIUS = 0.85
# Joints of a head that lie further apart than this many head radii are not of one head.
_FARTHEST = 2.2
_LEAST_SCORE = 0.5
_LEAST_JOINTS = 2
_LEAST_SIZES = 2
_LEAST_RADIUS_PX = 6.0
# A detector's box ends at the hair; joints' boxes end at the eyes.
_BOX_ROOM = 0.15
# Two heads nearer than this many radii: the joints of one may be of the other's.
_TOO_NEAR = 0.6


@dataclass(frozen=True)
class Circle:
    """A head: its centre and radius, px."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Box:
    """A whole person, px: x_min y_min x_max y_max."""

    edges: tuple[float, float, float, float]


Region = Circle | Box


def regions_of(persons: Sequence[PersonPose], layout: SkeletonLayout) -> list[Region] | None:
    """Return what hides the face of each person; None = somebody's place is not known at all.

    A head counts as known where at least two of its joints were measured in this frame with
    confidence, lie as near to each other as those of a head do and in the person's box, shoulders
    and trunk or ears say how large it is, and no other person claims the same place. Else the
    whole person is returned.

    Args:
        persons: those that this frame showed; joints in ``layout``, px.
    """
    heads = [_head(person, layout) for person in persons]
    regions: list[Region] = []
    for index, (person, head) in enumerate(zip(persons, heads, strict=True)):
        others = [other for i, other in enumerate(heads) if i != index and other is not None]
        if head is not None and not any(_same_place(head, other) for other in others):
            regions.append(head)
            continue
        box = whole_person(person)
        if box is None:
            return None
        regions.append(box)
    return regions


def whole_person(person: PersonPose) -> Box | None:
    """Return a box that holds the person: that of the detector and of all joints, and room.

    None where neither is known.
    """
    points = person.keypoints[np.isfinite(person.keypoints).all(-1)]
    corners = np.concatenate([np.asarray(person.box, np.float32).reshape(2, 2), points])
    corners = corners[np.isfinite(corners).all(-1)]
    if len(corners) < 2:
        return None
    low, high = corners.min(0), corners.max(0)
    size = float((high - low).max())
    if size < 2 * _LEAST_RADIUS_PX:
        return None
    room = _BOX_ROOM * size
    (left, top), (right, bottom) = (low - room).tolist(), (high + room).tolist()
    return Box((left, top, right, bottom))


def _head(person: PersonPose, layout: SkeletonLayout) -> Circle | None:
    measured = _measured(person)
    joints = _joints(layout, _HEAD)
    seen = person.keypoints[joints[measured[joints]]].astype(np.float64)
    if len(seen) < _LEAST_JOINTS:
        return None
    low, high = seen.min(0), seen.max(0)
    span = float(np.hypot(*(high - low)))
    sizes = _sizes_of_body(person, layout, measured)
    if sizes and span > _FARTHEST * _RADIUS * max(sizes):
        return None
    # With an ear the span is at least 0.4 of a head from every side, two eyes have none in profile
    if measured[_joints(layout, _EARS)].any():
        sizes.append(_HEADS_PER_SPAN * span)
    x, y = ((low + high) / 2).tolist()
    # Each size alone may be foreshortened: shoulders from the side, a trunk that bends forward.
    if len(sizes) < _LEAST_SIZES or not _inside(x, y, person):
        return None
    return Circle(x, y, max(_RADIUS * max(sizes), _LEAST_RADIUS_PX))


def _sizes_of_body(
    person: PersonPose, layout: SkeletonLayout, measured: NDArray[np.bool_],
) -> list[float]:
    """Return the height of the head as shoulders and as the trunk tell it, px."""
    shoulders = _middle_and_width('shoulder', person, layout, measured)
    hips = _middle_and_width('hip', person, layout, measured)
    if shoulders is None:
        return []
    sizes = [_HEADS_PER_SHOULDERS * shoulders[1]]
    if hips is not None:
        sizes.append(_HEADS_PER_TRUNK * float(np.hypot(*(shoulders[0] - hips[0]))))
    return sizes


def _middle_and_width(
    joint: str, person: PersonPose, layout: SkeletonLayout, measured: NDArray[np.bool_],
) -> tuple[Floats, float] | None:
    names = (f'left_{joint}', f'right_{joint}')
    if not all(name in layout.names for name in names):
        return None
    left, right = (layout.index(name) for name in names)
    if not (measured[left] and measured[right]):
        return None
    ends = person.keypoints[[left, right]]
    middle: Floats = ends.mean(0)
    return middle, float(np.hypot(*(ends[0] - ends[1])))


def _measured(person: PersonPose) -> NDArray[np.bool_]:
    """Say which joints this frame showed with confidence."""
    states = person.keypoint_states
    known = (states == JointState.MEASURED) | (states == JointState.CORRECTED)
    return np.asarray(known & (person.keypoint_scores >= _LEAST_SCORE)
                      & np.isfinite(person.keypoints).all(-1))


@lru_cache(maxsize=32)
def _joints(layout: SkeletonLayout, wanted: frozenset[str]) -> NDArray[np.intp]:
    return np.array([i for i, name in enumerate(layout.names)
                     if name in wanted or (wanted is _HEAD and name.startswith(_FACE_POINTS))],
                    np.intp)


def _inside(x: float, y: float, person: PersonPose) -> bool:
    box = np.asarray(person.box, np.float64)
    if not np.isfinite(box).all():
        return True
    room = _BOX_ROOM * float((box[2:] - box[:2]).max())
    return bool(box[0] - room <= x <= box[2] + room and box[1] - room <= y <= box[3] + room)


def _same_place(head: Circle, other: Circle) -> bool:
    return float(np.hypot(head.x - other.x, head.y - other.y)) < _TOO_NEAR * max(
        head.radius, other.radius)
