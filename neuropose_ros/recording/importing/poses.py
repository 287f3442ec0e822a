"""What the importers share: people from arrays, layouts from names, times from numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.clocks import FILE_EPOCH_NS, nanoseconds
from neuropose_ros.core.errors import DataError, LayoutError
from neuropose_ros.core.events import EventMarker
from neuropose_ros.core.layouts import BUILT_IN
from neuropose_ros.core.pose import (
    Floats,
    FrameStatus,
    JointState,
    Origin3D,
    PersonPose,
    PoseFrame,
    States,
)
from neuropose_ros.core.skeleton import SkeletonLayout


@dataclass(frozen=True)
class Options:
    """What a file may not say of itself.

    Attributes:
        rate_hz: frames per second; None = the file says so.
        size: width and height of the picture, px; None = the file says so, or nobody knows.
        right: axis of a laboratory that points right, where the file does not say.
        up: axis that points up, where the file does not say.
    """

    rate_hz: float | None = None
    size: tuple[int, int] | None = None
    right: str = '+X'
    up: str = '+Y'


@dataclass(frozen=True)
class Imported:
    """What a file holds.

    Attributes:
        frames: in order, of one layout.
        model: who made the poses.
        notes: what a person should know about the import, a sentence each.
    """

    layout: SkeletonLayout
    frames: Iterable[PoseFrame]
    model: str
    events: tuple[EventMarker, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Joints:
    """The joints of a file as a layout, and where each lies in the file.

    Attributes:
        order: (K,) index into the file's joints.
    """

    layout: SkeletonLayout
    order: NDArray[np.intp]


def need_rate(path: Path, options: Options, what: str) -> float:
    """Return the frame rate that was given for a format that says none.

    Raises:
        DataError: none was, or it is not above 0.
    """
    if options.rate_hz is None:
        raise DataError(f'{path}: {what} say no frame rate: give it, as --rate 30')
    if not options.rate_hz > 0:
        raise DataError(f'{path}: {options.rate_hz:g} frames per second are not above 0')
    return options.rate_hz


def stamp_at(index: int, rate_hz: float) -> int:
    """Return the stamp of a frame by its number, in ns since 1970; number 0 is in 2000."""
    return FILE_EPOCH_NS + nanoseconds(index / rate_hz)


def joints_of(
    path: Path, tool: str, names: Sequence[str], edges: Iterable[tuple[int, int]] = (),
) -> Joints:
    """Return the layout of a file's joints: a built-in one if it has the same names.

    Args:
        tool: name of a layout that has to be made.
        names: as the file has them; capitals and blanks are levelled.
        edges: bones as pairs of indices into the names.

    Raises:
        DataError: two names are the same.
    """
    plain = tuple(re.sub(r'[^a-z0-9]+', '_', name.strip().lower()).strip('_') for name in names)
    for layout in BUILT_IN.values():
        if set(layout.names) == set(plain) and len(layout) == len(plain):
            return Joints(layout, np.array([plain.index(name) for name in layout.names], np.intp))
    pairs = tuple((i, plain.index(other)) for i, name in enumerate(plain) if 'left' in name
                  and (other := name.replace('left', 'right')) in plain)
    try:
        made = SkeletonLayout(tool, plain, tuple((int(a), int(b)) for a, b in edges), pairs)
    except LayoutError as error:
        raise DataError(f'{path}: its joints make no skeleton layout: {error}') from error
    return Joints(made, np.arange(len(plain), dtype=np.intp))


def track_ids(names: Sequence[str]) -> list[int]:
    """Return ids for the names of people: the number at their end, or else their place."""
    found = [re.search(r'(\d+)$', name) for name in names]
    numbers = [int(match.group(1)) for match in found if match]
    if len(set(numbers)) == len(names) and all(number < 2**31 for number in numbers):
        return numbers
    return list(range(len(names)))


def person_of(
    points: Any, scores: Any, track_id: int = -1, states: States | None = None,
    score: float | None = None,
) -> PersonPose | None:
    """Return a person, None where not one joint is known.

    Args:
        points: (K, 2) px, NaN where not known.
        scores: (K,) 0..1.
        states: (K,); None = MEASURED where known.
        score: of the person; None = the mean of the known joints.
    """
    keypoints: Floats = np.asarray(points, np.float32)
    known: NDArray[np.bool_] = np.asarray(np.isfinite(keypoints).all(1))
    if not known.any():
        return None
    if states is None:
        states = np.where(known, JointState.MEASURED, JointState.MISSING).astype(np.uint8)
    keypoints = keypoints.copy()
    keypoints[~known] = np.nan
    box = np.concatenate((keypoints[known].min(0), keypoints[known].max(0)))
    joint_scores: Floats = np.array(scores, np.float32)
    joint_scores[~known | ~np.isfinite(joint_scores)] = 0
    mean = float(joint_scores[known].mean())
    return PersonPose(
        keypoints, joint_scores, states, box.astype(np.float32), track_id=track_id,
        score=mean if score is None or not np.isfinite(score) else float(score))


def with_3d(person: PersonPose | None, points: Any, states: States, track_id: int) -> PersonPose:
    """Return a person, perhaps of whom no pixels are known, with (K, 3) points in m."""
    metres: Floats = np.asarray(points, np.float32)
    count = len(metres)
    nothing = np.full((count, 2), np.nan, np.float32)
    known: NDArray[np.bool_] = np.asarray(np.isfinite(metres).all(1))
    flat = person or PersonPose(
        nothing, known.astype(np.float32), np.full(count, JointState.MISSING, np.uint8),
        np.full(4, np.nan, np.float32), 1.0, track_id)
    return replace(flat, keypoints_3d=metres, keypoint_states_3d=states,
                   origin_3d=Origin3D.UNKNOWN)


def frame_of(
    index: int, stamp_ns: int, people: Iterable[PersonPose | None], layout: SkeletonLayout,
    model: str, size: tuple[int, int] | None, epoch: int = 0,
) -> PoseFrame:
    """Return a frame with the people who are known in it."""
    persons = tuple(person for person in people if person is not None)
    width, height = size or (0, 0)
    return PoseFrame(
        stamp_ns, index, layout.id, width, height, epoch=epoch, stage='import', model=model,
        status=FrameStatus.OK if persons else FrameStatus.NO_PERSON, persons=persons)
