"""COCO keypoints: annotations with their images, or a list of results as detectors write it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import JointState, PersonPose, PoseFrame
from neuropose_ros.recording.importing.poses import (
    Imported,
    Joints,
    Options,
    frame_of,
    joints_of,
    need_rate,
    person_of,
    stamp_at,
)

# What an annotation says of a joint: 0 not labelled, 1 labelled but hidden, 2 visible.
_VISIBILITY = np.array([JointState.MISSING, JointState.OCCLUDED, JointState.MEASURED], np.uint8)


@dataclass(frozen=True)
class _Picture:
    id: Any
    size: tuple[int, int] | None


def read(path: Path, options: Options) -> Imported:
    """Read a file; pictures are frames, in the order of their ids.

    Raises:
        DataError: it is no such file, or no frame rate was given.
    """
    rate_hz = need_rate(path, options, 'COCO files')
    try:
        content = json.loads(path.read_text('utf-8'))
        results = isinstance(content, list)
        annotations = content if results else content['annotations']
        by_picture: dict[Any, list[Any]] = defaultdict(list)
        for annotation in annotations:
            if 'keypoints' in annotation:
                by_picture[annotation['image_id']].append(annotation)
        pictures = _pictures(by_picture if results else content['images'], results)
        joints = _joints(path, [] if results else content.get('categories', []), by_picture)
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise DataError(f'{path}: no keypoints in the form of COCO '
                        f'({type(error).__name__}: {error})') from error
    if not by_picture:
        raise DataError(f'{path}: no annotation has keypoints')
    return Imported(joints.layout, _frames(path, pictures, by_picture, joints, rate_hz, options,
                                           results), 'coco')


def _pictures(images: Any, results: bool) -> list[_Picture]:
    if results:
        return [_Picture(key, None) for key in sorted(images)]
    return [_Picture(image['id'], _size(image)) for image in
            sorted(images, key=lambda image: image['id'])]


def _size(image: Any) -> tuple[int, int] | None:
    known = image.get('width'), image.get('height')
    return (int(known[0]), int(known[1])) if all(known) else None


def _joints(path: Path, categories: Any, by_picture: dict[Any, list[Any]]) -> Joints:
    named = next((category for category in categories if category.get('keypoints')), None)
    if named is not None:
        edges = [(a - 1, b - 1) for a, b in named.get('skeleton', [])]  # they count from 1
        return joints_of(path, 'coco', named['keypoints'], edges)
    counts = {len(one['keypoints']) // 3 for found in by_picture.values() for one in found}
    if counts - {len(COCO17)}:
        raise DataError(f'{path}: it does not name its joints, and has not the {len(COCO17)} of '
                        'COCO')
    return Joints(COCO17, np.arange(len(COCO17), dtype=np.intp))


def _frames(
    path: Path, pictures: list[_Picture], by_picture: dict[Any, list[Any]], joints: Joints,
    rate_hz: float, options: Options, results: bool,
) -> Iterator[PoseFrame]:
    for index, picture in enumerate(pictures):
        people = (_person(path, one, joints, results) for one in by_picture.get(picture.id, ()))
        yield frame_of(index, stamp_at(index, rate_hz), people, joints.layout, 'coco',
                       picture.size or options.size)


def _person(path: Path, annotation: Any, joints: Joints, results: bool) -> PersonPose | None:
    try:
        points = np.array(annotation['keypoints'], np.float32).reshape(-1, 3)[joints.order]
        track_id = int(annotation.get('track_id', -1))
        score = annotation.get('score')
    except (TypeError, ValueError, IndexError) as error:
        raise DataError(f'{path}: the keypoints of picture {annotation["image_id"]} are not '
                        f'x, y and v of each joint ({type(error).__name__}: {error})') from error
    if results:  # the third value is a score
        return person_of(points[:, :2], points[:, 2], track_id, score=score)
    visibility = points[:, 2].astype(np.intp)
    if not np.isin(visibility, (0, 1, 2)).all():
        raise DataError(f'{path}: the visibility of a joint of picture {annotation["image_id"]} '
                        'is not 0, 1 or 2')
    known = np.where(visibility[:, None] > 0, points[:, :2], np.float32(np.nan))
    return person_of(known, np.ones(len(points)), track_id, _VISIBILITY[visibility], score)
