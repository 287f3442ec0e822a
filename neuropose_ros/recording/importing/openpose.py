"""OpenPose: a folder with a JSON file for each frame, as ``--write_json`` leaves it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.pose import PersonPose, PoseFrame
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

_LIMBS = ('nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist ')
_LEGS = 'right_hip right_knee right_ankle left_hip left_knee left_ankle '
_BONES = (
    'neck-right_shoulder neck-left_shoulder right_shoulder-right_elbow right_elbow-right_wrist '
    'left_shoulder-left_elbow left_elbow-left_wrist right_hip-right_knee right_knee-right_ankle '
    'left_hip-left_knee left_knee-left_ankle nose-neck ')
_FACE = 'right_eye left_eye right_ear left_ear'
_FACE_BONES = 'nose-right_eye right_eye-right_ear nose-left_eye left_eye-left_ear '
# The outputs of OpenPose by the number of joints: BODY_25 and COCO (doc/02_output.md).
_OUTPUTS = {
    25: (_LIMBS + 'pelvis ' + _LEGS + _FACE + ' left_big_toe left_small_toe left_heel '
         'right_big_toe right_small_toe right_heel',
         _BONES + _FACE_BONES + 'neck-pelvis pelvis-right_hip pelvis-left_hip '
         'left_ankle-left_heel left_ankle-left_big_toe left_big_toe-left_small_toe '
         'right_ankle-right_heel right_ankle-right_big_toe right_big_toe-right_small_toe'),
    18: (_LIMBS + _LEGS + _FACE, _BONES + _FACE_BONES + 'neck-right_hip neck-left_hip'),
}


def read(path: Path, options: Options) -> Imported:
    """Read the files of a folder in the order of their numbers; a file is a frame.

    Points in pixels are meant: OpenPose's ``--keypoint_scale 0``, its default. (0, 0, 0) means
    not found.

    Raises:
        DataError: there are no such files, one is damaged, the number of joints is not 25 or
            18, or no frame rate was given.
    """
    rate_hz = need_rate(path, options, "OpenPose's files")
    files = sorted(path.glob('*_keypoints.json')) if path.is_dir() else [path]
    if not files:
        raise DataError(f'{path}: there are no files *_keypoints.json in it')
    numbered = sorted((_number(file, i), file) for i, file in enumerate(files))
    joints = _joints(path, (file for _, file in numbered))
    return Imported(joints.layout, _frames(numbered, joints, rate_hz, options), 'openpose')


def _number(file: Path, place: int) -> int:
    found = re.search(r'(\d+)_keypoints$', file.stem)
    return int(found.group(1)) if found else place


def _people(file: Path) -> list[Any]:
    try:
        people = json.loads(file.read_text('utf-8'))['people']
        if not isinstance(people, list):
            raise ValueError('people are no list')
        return people
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise DataError(f'{file}: not as OpenPose writes it '
                        f'({type(error).__name__}: {error})') from error


def _joints(path: Path, files: Iterator[Path]) -> Joints:
    count = next((len(person.get('pose_keypoints_2d', ())) // 3
                  for file in files for person in _people(file)), 25)
    if count not in _OUTPUTS:
        raise DataError(f'{path}: its people have {count} joints; OpenPose has 25 or 18')
    names, bones = _OUTPUTS[count]
    joints = names.split()
    edges = [tuple(joints.index(end) for end in bone.split('-')) for bone in bones.split()]
    return joints_of(path, f'openpose{count}', joints, [(a, b) for a, b in edges])


def _frames(
    files: list[tuple[int, Path]], joints: Joints, rate_hz: float, options: Options,
) -> Iterator[PoseFrame]:
    for number, file in files:
        people = (_person(file, person, joints) for person in _people(file))
        yield frame_of(number, stamp_at(number, rate_hz), people, joints.layout, 'openpose',
                       options.size)


def _person(file: Path, person: Any, joints: Joints) -> PersonPose | None:
    try:
        points = np.array(person['pose_keypoints_2d'], np.float32).reshape(-1, 3)
        ids = person.get('person_id', [-1])
        track_id = int(ids[0] if isinstance(ids, list) and ids else -1)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f'{file}: a person is not as OpenPose writes it '
                        f'({type(error).__name__}: {error})') from error
    if len(points) != len(joints.order):
        raise DataError(f'{file}: a person has {len(points)} joints, others have '
                        f'{len(joints.order)}')
    points = np.where((points == 0).all(1)[:, None], np.float32(np.nan), points)[joints.order]
    return person_of(points[:, :2], points[:, 2], track_id)
