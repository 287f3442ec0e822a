"""Labelled pictures to measure on: sets on the disk, and the synthetic subject."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuropose_ros.core.errors import DataError, ParameterError
from neuropose_ros.core.layouts import BLAZEPOSE33
from neuropose_ros.core.pose import Image, JointState, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.picture_files import load_pictures
from neuropose_ros.learning.datasets.picture_sets import FORMS, TRAIN, read_picture_set
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture

Labelled = tuple[AnnotatedPicture, Image]
SYNTHETIC = 'synthetic'
_SEEN = (JointState.MEASURED, JointState.OCCLUDED)


@dataclass(frozen=True)
class PoseData:
    """Labelled pictures, read one after the other.

    Attributes:
        part: of the data that its makers divided; '' = all.
        source: whose it is, and its terms.
        count: of the pictures that are there; those that cannot be read are among them.
        load: gives annotations, checked, and picture; the findings take what cannot be used.
    """

    name: str
    part: str
    source: str
    layout: SkeletonLayout
    count: int
    load: Callable[[Findings], Iterator[Labelled]]


def open_pose_data(
    data: str, form: str = '', part: str = '', findings: Findings | None = None, *,
    most: int = 0, empty: bool = False,
) -> PoseData:
    """Open a set of labelled pictures.

    Args:
        data: folder or file; or ``synthetic:SCENE?seconds=4&...``, as sources take it.
        form: one of `FORMS`; '' = told by the files.
        part: ``train`` or ``test`` of data that its makers divided, '' = all of it.
        findings: takes annotations that cannot be used.
        most: take so many, evenly spread; 0 = all.
        empty: keep pictures in which nobody is labelled.

    Raises:
        DataError: see `read_picture_set`.
        SourceError: there is no such scene.
        ParameterError: the scene has no end.
    """
    findings = Findings() if findings is None else findings
    if data.partition(':')[0] == SYNTHETIC or form == SYNTHETIC:
        return _synthetic(data, most)
    found = read_picture_set(form, Path(data), part, findings, empty=empty)
    pictures = found.pictures
    if most and most < len(pictures):
        chosen = np.linspace(0, len(pictures) - 1, most).round().astype(int)
        pictures = tuple(pictures[index] for index in np.unique(chosen))

    def load(notes: Findings) -> Iterator[Labelled]:
        return ((truth, image) for _, truth, image in load_pictures(pictures, notes))

    return PoseData(found.name, part, found.source, found.layout, len(pictures), load)


def open_training_part(data: str, form: str, most: int) -> PoseData:
    """Open the training part of data that its makers divided.

    Raises:
        DataError: as `open_pose_data`, or the data is not divided.
    """
    if data.partition(':')[0] == SYNTHETIC:
        raise DataError('the synthetic subject has no training part: set offsets=false')
    return open_pose_data(data, form, TRAIN, most=most)


def forms() -> tuple[str, ...]:
    """Return the names of the forms that can be opened."""
    return (*FORMS, SYNTHETIC)


def _synthetic(spec: str, most: int) -> PoseData:
    from neuropose_ros.sources.synthetic.source import open_synthetic

    seconds, rate_hz = open_synthetic(spec).scene.seconds, open_synthetic(spec).rate_hz
    if not seconds:
        raise ParameterError(f'{spec} has no end: say how long, as {SYNTHETIC}:walk?seconds=4')
    count = max(1, round(seconds * rate_hz))
    step = max(1, count // most) if most else 1

    def load(_notes: Findings) -> Iterator[Labelled]:
        source = open_synthetic(spec)
        number = 0
        while (picture := source.read()) is not None:
            if number % step == 0 and picture.truth is not None:
                yield _annotated(picture.truth, picture.source, number), picture.image
            number += 1

    return PoseData(spec, '', 'rendered: the truth is exact, the pictures are no photographs',
                    BLAZEPOSE33, len(range(0, count, step)), load)


def _annotated(truth: PoseFrame, scene: str, number: int) -> AnnotatedPicture:
    """Return the true people; a stretch of 15 frames is a group, as neighbours are alike."""
    people = truth.persons
    points = np.array([person.keypoints for person in people], np.float32)
    states = np.array([person.keypoint_states for person in people], np.uint8)
    points = points.reshape(-1, len(BLAZEPOSE33), 2)
    states = states.reshape(points.shape[:2])
    points[~np.isin(states, _SEEN)] = np.nan
    metres = np.array([person.keypoints_3d for person in people], np.float32)
    unknown = np.full(len(people), np.nan, np.float32)
    return AnnotatedPicture(
        Path(scene), BLAZEPOSE33, points, states == JointState.MEASURED,
        np.full((len(people), 4), np.nan, np.float32), unknown, unknown, number,
        f'{scene} {number // 15}', number, keypoints_3d=metres.reshape(*points.shape[:2], 3))
