"""What is looked at: frames and clips of J-HMDB, photographs of people, rendered people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.pose import Image
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.picture_files import load_pictures
from neuropose_ros.learning.datasets.picture_sets import (
    TEST,
    TRAIN,
    hold_out,
    read_picture_set,
)
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture, read_coco, read_mpii
from neuropose_ros.learning.pose_evaluation.data import open_pose_data
from neuropose_ros.learning.pose_robustness.shots import Shot, Take, one_person, warped

Item = TypeVar('Item')
Part = Literal['test', 'held']
FRAMES, CLIPS, PICTURES, RENDERED = 'frames', 'clips', 'pictures', 'rendered'
SOURCES = {
    FRAMES: 'single frames of J-HMDB', CLIPS: 'clips of J-HMDB',
    PICTURES: 'photographs of COCO and MPII', RENDERED: 'rendered people',
}
MOVING = (CLIPS, RENDERED)
_RATE_HZ = 30.0
# Of the training part, as the recipes hold back to choose weights by.
_HELD_SHARE = 0.1
_PICTURE_FILES = ('images/coco/test_coco.json', 'images/mpii/test_mpii.json')
_SCENES = (
    'synthetic:walk?view=oblique&background=room&width=480&height=360&seconds={seconds:g}&seed=3',
    'synthetic:sit_to_stand?background=room&width=480&height=360&seconds={seconds:g}&seed=4',
)
# Photographs show a person and half as much around; smaller people are left out.
_AROUND, _LEAST_SIDE_PX, _LEAST_JOINTS = 0.5, 64.0, 8
_LARGEST_PX = 400


def jhmdb_takes(root: Path, part: Part, frames: int, clips: int, length: int) -> list[Take]:
    """Read frames, evenly spread, and clips, evenly spread, of split 1.

    Args:
        part: ``held`` = of the training part, what is held back from training.
        frames: single ones.
        clips: so many, each of them ``length`` frames from its middle.

    Raises:
        DataError: see `read_picture_set`.
    """
    pictures = read_picture_set('jhmdb', root, TEST if part == 'test' else TRAIN).pictures
    if part == 'held':
        pictures = hold_out(pictures, _HELD_SHARE)[1]
    takes = [Take(FRAMES, (shot,)) for shot in _shots(_spread(pictures, frames))]
    of_clip = [tuple(group) for _, group in groupby(pictures, lambda picture: picture.path)]
    for clip in _spread([clip for clip in of_clip if len(clip) >= length], clips):
        begin = (len(clip) - length) // 2
        takes.append(Take(CLIPS, tuple(_shots(clip[begin:begin + length])), _RATE_HZ))
    return takes


def picture_takes(root: Path) -> list[Take]:
    """Read the photographs of COCO and MPII, cut to one annotated person each.

    Everybody who is at least 64 px large and has eight labelled joints; others may be in the
    picture, too. Empty where there are none.

    Raises:
        DataError: a file is not of the form.
    """
    takes = []
    for name in _PICTURE_FILES:
        path = root / name
        if not path.is_file():
            continue
        for truth, image in _photographs(path):
            for person in range(len(truth.keypoints)):
                shot = Shot(image, one_person(truth, person))
                labelled = np.isfinite(shot.truth.keypoints).all(-1).sum()
                if shot.size_px >= _LEAST_SIDE_PX and labelled >= _LEAST_JOINTS:
                    takes.append(Take(PICTURES, (_cut(shot),)))
    return takes


def rendered_takes(length: int) -> list[Take]:
    """Draw clips of rendered people whose joints are known exactly."""
    return [Take(RENDERED, tuple(
        Shot(image.copy(), one_person(truth, 0)) for truth, image in open_pose_data(
            scene.format(seconds=length / _RATE_HZ)).load(Findings())), _RATE_HZ)
        for scene in _SCENES if length]


def _photographs(path: Path) -> Iterator[tuple[AnnotatedPicture, Image]]:
    try:
        is_list = isinstance(json.loads(path.read_text('utf-8')), list)
    except (OSError, ValueError) as error:
        raise DataError(f'{path}: cannot be read as JSON ({error})') from error
    pictures = (read_mpii if is_list else read_coco)(path, path.parent)
    return ((truth, image) for _, truth, image in load_pictures(pictures, Findings()))


def _shots(pictures: Sequence[AnnotatedPicture]) -> Iterator[Shot]:
    for _, truth, image in load_pictures(pictures, Findings()):
        yield Shot(image, one_person(truth, 0))


def _cut(shot: Shot) -> Shot:
    height, width = shot.image.shape[:2]
    left, top, right, bottom = shot.truth.boxes[0]
    margin = _AROUND / 2 * max(right - left, bottom - top)
    x, y = (int(max(0, side - margin)) for side in (left, top))
    wide, high = int(min(width, right + margin)) - x, int(min(height, bottom + margin)) - y
    share = min(1.0, _LARGEST_PX / max(wide, high))
    move = share * np.array([[1, 0, -x], [0, 1, -y]], np.float64)
    return warped(shot, move, round(share * wide), round(share * high))


def _spread(items: Sequence[Item], count: int) -> list[Item]:
    places = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[place] for place in places]
