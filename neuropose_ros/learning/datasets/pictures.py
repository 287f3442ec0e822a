"""Annotated pictures for judging pose estimators: COCO keypoints and MPII Human Pose."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import COCO17, MPII16
from neuropose_ros.core.pose import Floats
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.matlab import read_matlab
from neuropose_ros.learning.datasets.tables import locate

# Head sizes of PCKh: this share of the diagonal of the head's box (Andriluka et al. 2014).
_HEAD_SHARE = 0.6


@dataclass(frozen=True)
class AnnotatedPicture:
    """A picture and the people annotated in it.

    Attributes:
        path: of the picture.
        layout: of the keypoints.
        keypoints: (P, K, 2) float32 px, NaN where not labelled.
        visible: (P, K) bool, labelled and not hidden.
        boxes: (P, 4) float32 px, x_min y_min x_max y_max; NaN = not annotated.
        areas: (P,) float32 px^2 of the person's outline; NaN = not annotated.
        head_sizes: (P,) float32 px, by which PCKh divides; NaN = not annotated.
    """

    path: Path
    layout: SkeletonLayout
    keypoints: Floats
    visible: Any
    boxes: Floats
    areas: Floats
    head_sizes: Floats


@dataclass(frozen=True)
class _Person:
    keypoints: Floats
    visible: Any
    box: Iterable[float] = (np.nan,) * 4
    area: float = np.nan
    head_size: float = np.nan


def read_coco(
    annotations: Path, pictures: Path, findings: Findings | None = None,
) -> tuple[AnnotatedPicture, ...]:
    """Read COCO's person keypoints (Lin et al. 2014; format of ``person_keypoints_*.json``).

    Crowds and people without a labelled joint are left out, as in COCO's own evaluation.

    Args:
        annotations: the JSON file.
        pictures: folder with its pictures.
        findings: takes pictures without a file and annotations that are not of the form.

    Raises:
        DataError: the file is missing or not of the form.
    """
    findings = Findings() if findings is None else findings
    content = _json(annotations)
    try:
        files = {int(image['id']): str(image['file_name']) for image in content['images']}
        entries = list(content['annotations'])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f'{annotations}: it lacks images or annotations, the form of COCO '
                        f'({error})') from error
    people: defaultdict[str, list[_Person]] = defaultdict(list)
    for entry in entries:
        try:
            if entry.get('iscrowd') or not entry.get('num_keypoints'):
                continue
            table = np.array(entry['keypoints'], np.float32).reshape(len(COCO17), 3)
            x, y, width, height = (float(value) for value in entry['bbox'])
            people[files[int(entry['image_id'])]].append(_Person(
                np.where(table[:, 2:] > 0, table[:, :2], np.float32(np.nan)), table[:, 2] == 2,
                (x, y, x + width, y + height), float(entry['area'])))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            name = entry.get('id', '?') if isinstance(entry, dict) else '?'
            findings.skip(f'annotation {name}', f'it is not of the form of COCO ({error!r})')
    return _pictures(pictures, people, COCO17, findings)


def read_mpii(
    annotations: Path, pictures: Path, findings: Findings | None = None,
) -> tuple[AnnotatedPicture, ...]:
    """Read MPII Human Pose (Andriluka et al. 2014).

    Both the release (``mpii_human_pose_v1_u12_1.mat``; its pictures for training have
    annotations) and the common JSON form (a list of image, joints, joints_vis, center, scale) are
    read. MATLAB counts pixels from 1: 1 is taken from all coordinates.

    Args:
        annotations: the .mat or .json file.
        pictures: folder with its pictures.
        findings: takes pictures without a file and annotations that are not of the form.

    Raises:
        DataError: the file is missing or not of the form.
    """
    findings = Findings() if findings is None else findings
    people: defaultdict[str, list[_Person]] = defaultdict(list)
    if annotations.suffix == '.mat':
        _from_release(annotations, people)
        return _pictures(pictures, people, MPII16, findings)
    content = _json(annotations)
    if not isinstance(content, list):
        raise DataError(f'{annotations}: this is no list of people with image and joints')
    for number, entry in enumerate(content):
        try:
            points = np.array(entry['joints'], np.float32).reshape(len(MPII16), 2) - 1
            visible = np.array(entry['joints_vis'], bool).reshape(len(MPII16))
            points[~visible] = np.nan
            people[str(entry['image'])].append(_Person(points, visible))
        except (KeyError, TypeError, ValueError) as error:
            findings.skip(f'annotation {number}', f'it is not of the form of MPII ({error!r})')
    return _pictures(pictures, people, MPII16, findings)


def _from_release(path: Path, people: defaultdict[str, list[_Person]]) -> None:
    release = read_matlab(path, 'RELEASE', structs=True)
    try:
        for picture in np.atleast_1d(release.annolist):
            for person in np.atleast_1d(getattr(picture, 'annorect', ())):
                found = _release_person(person)
                if found is not None:
                    people[str(picture.image.name)].append(found)
    except (AttributeError, ValueError, TypeError, IndexError) as error:
        raise DataError(f'{path}: this is not the release of MPII Human Pose '
                        f'({error})') from error


def _release_person(person: Any) -> _Person | None:
    """Return a person of the release; None of one without joints (only a head is boxed)."""
    marked = getattr(getattr(person, 'annopoints', None), 'point', None)
    if marked is None:
        return None
    points = np.full((len(MPII16), 2), np.nan, np.float32)
    visible = np.zeros(len(MPII16), bool)
    for point in np.atleast_1d(marked):
        points[int(point.id)] = float(point.x) - 1, float(point.y) - 1
        shown = getattr(point, 'is_visible', 1)  # left empty for heads, which are seen
        visible[int(point.id)] = bool(int(shown)) if np.size(shown) else True
    corners = [float(getattr(person, key)) for key in ('x1', 'y1', 'x2', 'y2')]
    diagonal = float(np.hypot(corners[2] - corners[0], corners[3] - corners[1]))
    return _Person(points, visible, head_size=_HEAD_SHARE * diagonal)


def _pictures(
    folder: Path, people: dict[str, list[_Person]], layout: SkeletonLayout, findings: Findings,
) -> tuple[AnnotatedPicture, ...]:
    found = []
    for name, persons in people.items():
        if not (folder / name).is_file():
            findings.skip(name, f'it is annotated, but {folder} has no such picture')
            continue
        found.append(AnnotatedPicture(
            folder / name, layout, np.stack([person.keypoints for person in persons]),
            np.stack([person.visible for person in persons]),
            np.array([tuple(person.box) for person in persons], np.float32),
            np.array([person.area for person in persons], np.float32),
            np.array([person.head_size for person in persons], np.float32)))
    return tuple(found)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text('utf-8'))
    except (OSError, ValueError) as error:
        raise DataError(f'{path}: cannot be read as JSON ({error})') from error


def find_coco(root: Path, findings: Findings) -> tuple[AnnotatedPicture, ...]:
    """Read the validation part of COCO as it is unpacked: ``annotations`` and ``val2017``.

    Raises:
        DataError: as `read_coco`, or one of them is missing.
    """
    return read_coco(locate(root, 'annotations/person_keypoints_val2017.json'),
                     locate(root, 'val2017', 'images/val2017'), findings)


def find_mpii(root: Path, findings: Findings) -> tuple[AnnotatedPicture, ...]:
    """Read MPII as it is unpacked: ``images`` and the release or ``annot/valid.json``.

    Raises:
        DataError: as `read_mpii`, or one of them is missing.
    """
    return read_mpii(locate(root, 'annot/valid.json', 'mpii_human_pose_v1_u12_1.mat',
                            'annotations/mpii_human_pose_v1_u12_1.mat'),
                     locate(root, 'images'), findings)
