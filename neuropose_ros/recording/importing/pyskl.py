"""Skeleton pickles of PYSKL and MMAction2: each clip becomes an epoch, named by event markers.

A pickle can run programs: only arrays and plain containers are read, see `core.safe_pickle`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.events import EventMarker
from neuropose_ros.core.layouts import COCO17, NTU25
from neuropose_ros.core.pose import Floats, JointState, PersonPose, PoseFrame
from neuropose_ros.core.safe_pickle import load_pickle
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.recording.importing.poses import (
    Imported,
    Options,
    frame_of,
    need_rate,
    person_of,
    stamp_at,
    with_3d,
)

_LAYOUTS = {len(layout): layout for layout in (COCO17, NTU25)}


def read(path: Path, options: Options) -> Imported:
    """Read all annotations, one after the other; markers ``class_N`` start and stop name them.

    Raises:
        DataError: it is no such pickle, its clips have different joints, or no frame rate was
            given.
    """
    rate_hz = need_rate(path, options, 'PYSKL files')
    content = load_pickle(path)
    found = content.get('annotations') if isinstance(content, dict) else content
    if not isinstance(found, list) or not found:
        raise DataError(f'{path}: this is no list of annotations, the form of PYSKL')
    clips = [_clip(path, i, entry) for i, entry in enumerate(found)]
    counts = {clip.points.shape[2] for clip in clips}
    if len(counts) != 1 or not counts <= _LAYOUTS.keys():
        raise DataError(f'{path}: its clips have {", ".join(map(str, sorted(counts)))} joints; '
                        'one of 17 (COCO) and 25 (NTU) can be read')
    layout = _LAYOUTS[counts.pop()]
    starts = np.cumsum([0, *(clip.points.shape[1] for clip in clips)]).tolist()
    events = [EventMarker(stamp_at(at, rate_hz), f'class_{clip.label}', value)
              for clip, first, end in zip(clips, starts, starts[1:], strict=False)
              for at, value in ((first, 'start'), (end - 1, 'stop'))]
    return Imported(layout, _frames(clips, starts, layout, rate_hz, options), 'pyskl',
                    tuple(events))


@dataclass(frozen=True)
class _Clip:
    """An annotation: M people, T frames, V joints.

    Attributes:
        points: (M, T, V, 2 or 3).
        scores: (M, T, V).
        size: width and height of the picture.
    """

    points: Floats
    scores: Floats
    label: int
    size: tuple[int, int] | None


def _clip(path: Path, index: int, entry: Any) -> _Clip:
    try:
        points = np.asarray(entry['keypoint'], np.float32)
        scores = entry.get('keypoint_score')
        size = entry.get('img_shape')
        clip = _Clip(
            points, np.ones(points.shape[:3], np.float32) if scores is None else np.asarray(
                scores, np.float32), int(entry.get('label', 0)),
            None if size is None else (int(size[1]), int(size[0])))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise DataError(
            f'{path}: annotation {index} is not as PYSKL has it ({error!r})') from error
    if points.ndim != 4 or points.shape[3] not in {2, 3} or (
            clip.scores.shape != points.shape[:3]):
        raise DataError(f'{path}: the keypoints of annotation {index} are of shape '
                        f'{points.shape}, not (people, frames, joints, 2 or 3)')
    return clip


def _frames(
    clips: list[_Clip], starts: list[int], layout: SkeletonLayout, rate_hz: float,
    options: Options,
) -> Iterator[PoseFrame]:
    for epoch, (clip, first) in enumerate(zip(clips, starts, strict=False)):
        points = np.where(
            (clip.points == 0).all(-1, keepdims=True), np.float32(np.nan), clip.points)
        for t in range(points.shape[1]):
            people = (_person(points[m, t], clip.scores[m, t], m) for m in range(len(points)))
            yield frame_of(first + t, stamp_at(first + t, rate_hz), people, layout, 'pyskl',
                           clip.size or options.size, epoch)


def _person(points: Any, scores: Any, track_id: int) -> PersonPose | None:
    if points.shape[1] == 2:
        return person_of(points, scores, track_id)
    known = np.isfinite(points).all(1)
    states = np.where(known, JointState.MEASURED, JointState.MISSING).astype(np.uint8)
    return with_3d(None, points, states, track_id) if known.any() else None
