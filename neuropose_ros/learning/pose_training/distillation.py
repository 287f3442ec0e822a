"""Learning from a teacher: what a larger model finds in pictures that nobody labelled.

The teacher's joints become annotations where it is sure of them; the pupil sees the same people
in other light, turned and half hidden, and has to answer as the teacher did of the clear picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuropose_ros.core.errors import DataError, ImageError, SourceError
from neuropose_ros.core.layouts import convert_person
from neuropose_ros.core.pose import Floats, Frame, PersonPose
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.cache import cache_folder
from neuropose_ros.learning.config import at_least, within
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.picture_sets import PictureSet
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture
from neuropose_ros.learning.datasets.tables import read_arrays
from neuropose_ros.learning.datasets.unlabelled import files_below, frames_of
from neuropose_ros.pose.create import create_estimator
from neuropose_ros.pose.estimator import PoseEstimator

_BOX_GROWTH = 1.2
_LEAST_SIDE_PX = 8.0


@dataclass(frozen=True)
class DistillationSettings:
    """Of learning from a teacher.

    Attributes:
        every: frames of a video from one that is looked at to the next.
        least_score: joints that the teacher is less sure of are not known, 0..1.
        least_joints: people with fewer known joints are left out, share of all.
        most: pictures, drawn evenly; 0 = all.
    """

    every: int = 10
    least_score: float = 0.5
    least_joints: float = 0.5
    most: int = 0

    def __post_init__(self) -> None:
        """Check ranges."""
        at_least(1, every=self.every)
        at_least(0, most=self.most)
        within(0, 1, least_score=self.least_score, least_joints=self.least_joints)


@dataclass(frozen=True)
class Teacher:
    """A model of the registry, made when it is first needed.

    Attributes:
        name: by which what it found is kept.
        create: it; it is closed when it has looked at everything.
    """

    name: str
    create: Callable[[], PoseEstimator]


def taught(
    teacher: Teacher, root: Path, settings: DistillationSettings, *,
    layout: SkeletonLayout | None = None, cache: Path | None = None,
    findings: Findings | None = None, watch: Callable[[int, int], None] = lambda _done, _of: None,
) -> PictureSet:
    """Return the pictures and frames below a folder, annotated by a teacher.

    What it found is kept in a cache, file by file.

    Args:
        root: folder with videos and pictures, also below it.
        layout: to convert to; None = the teacher's.
        cache: folder; None = beside the user's other caches.
        findings: takes files that cannot be read.
        watch: told how many files are done, and of how many.

    Raises:
        DataError: there is no file, or the teacher finds nobody.
        LayoutError: the layouts have no joint in common.
    """
    findings = Findings() if findings is None else findings
    files = files_below(root)
    folder = (cache or cache_folder() / 'crops') / 'taught'
    estimator: PoseEstimator | None = None
    pictures: list[AnnotatedPicture] = []
    try:
        for number, path in enumerate(files):
            kept = folder / f'{_key(teacher, path, settings)}.npz'
            if not kept.is_file():
                estimator = estimator or teacher.create()
                try:
                    _keep(kept, estimator, path, settings)
                except (SourceError, ImageError) as error:
                    findings.skip(path.name, error)
                    continue
            pictures += _annotated(kept, path, settings, layout)
            watch(number + 1, len(files))
    finally:
        if estimator is not None:
            estimator.close()
    if not pictures:
        raise DataError(f'{root}: {teacher.name} is sure of nobody in {len(files)} files; '
                        f'{findings.report()}')
    if settings.most and settings.most < len(pictures):
        chosen = np.linspace(0, len(pictures) - 1, settings.most).round().astype(int)
        pictures = [pictures[index] for index in np.unique(chosen)]
    return PictureSet(
        f'{teacher.name} on {root.name}', pictures[0].layout, tuple(pictures),
        f'joints found by {teacher.name}: its terms, and those of the pictures')


def teacher_named(model: str, detector: str = '') -> Teacher:
    """Return a model of the registry as a teacher; it looks at each picture for itself.

    Args:
        model, detector: see `pose.create.create_estimator`.
    """
    return Teacher(
        f'{model} in {detector}' if detector else model,
        lambda: create_estimator(model, detector=detector, smoothing=False, tracking=False))


def together(labelled: PictureSet, other: PictureSet) -> PictureSet:
    """Return pictures of two sets as one.

    Raises:
        DataError: their joints differ.
    """
    if labelled.layout != other.layout:
        raise DataError(f'{labelled.name} has the joints {labelled.layout.id}, {other.name} '
                        f'{other.layout.id}: they cannot be learnt together')
    return PictureSet(
        f'{labelled.name} and {other.name}', labelled.layout,
        (*labelled.pictures, *other.pictures), '; '.join(filter(None, (
            labelled.source, other.source))))


def _key(teacher: Teacher, path: Path, settings: DistillationSettings) -> str:
    stat = path.stat()
    text = f'{teacher.name}/{settings.every}/{path.absolute()}/{stat.st_size}/{stat.st_mtime_ns}'
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _keep(
    target: Path, estimator: PoseEstimator, path: Path, settings: DistillationSettings,
) -> None:
    points, scores, boxes, frames = [], [], [], []
    for number, image in frames_of(path, settings.every):
        estimator.reset()  # frames that lie apart are pictures of their own
        for person in estimator.estimate(Frame(image, 1, 0)).persons:
            points.append(person.keypoints)
            scores.append(person.keypoint_scores)
            boxes.append(person.box)
            frames.append(number)
    layout = estimator.layout
    joints = len(layout)
    partial = target.with_name(f'.{target.name}')
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open('wb') as file:
            np.savez(
                file, points=np.array(points, np.float32).reshape(-1, joints, 2),
                scores=np.array(scores, np.float32).reshape(-1, joints),
                boxes=np.array(boxes, np.float32).reshape(-1, 4),
                frames=np.array(frames, np.int64), name=np.array(layout.name),
                names=np.array(layout.names),
                edges=np.array(layout.edges, np.int64).reshape(-1, 2),
                mirror_pairs=np.array(layout.mirror_pairs, np.int64).reshape(-1, 2))
        partial.replace(target)
    except OSError as error:
        raise DataError(f'{target}: cannot be written ({error.strerror}): make room, or choose '
                        'another folder by --cache') from error


def _annotated(
    kept: Path, path: Path, settings: DistillationSettings, layout: SkeletonLayout | None,
) -> Iterator[AnnotatedPicture]:
    table = read_arrays(kept, (
        'points', 'scores', 'boxes', 'frames', 'name', 'names', 'edges', 'mirror_pairs'))
    own = SkeletonLayout.from_table({
        'name': str(table['name']), 'names': table['names'].tolist(),
        'edges': table['edges'].tolist(), 'mirror_pairs': table['mirror_pairs'].tolist()})
    wanted = layout or own
    for frame in np.unique(table['frames']):
        rows = np.flatnonzero(table['frames'] == frame)
        people = [_converted(table['points'][row], table['scores'][row], own, wanted)
                  for row in rows]
        points = np.stack([
            np.where((scores >= settings.least_score)[:, np.newaxis], points, np.nan)
            for points, scores in people]).astype(np.float32)
        boxes = np.stack([_box(person, table['boxes'][row])
                          for person, row in zip(points, rows, strict=True)])
        known = np.asarray(np.isfinite(points).all(-1))
        sure = np.asarray((known.mean(1) >= settings.least_joints) & (
            (boxes[:, 2:] - boxes[:, :2]).min(1) >= _LEAST_SIDE_PX))
        if sure.any():
            count = int(sure.sum())
            yield AnnotatedPicture(
                path, wanted, points[sure], known[sure], boxes[sure],
                np.prod(boxes[sure, 2:] - boxes[sure, :2], 1), np.full(count, np.nan, np.float32),
                int(frame), str(path), is_beyond_meant=True)


def _converted(
    points: Floats, scores: Floats, own: SkeletonLayout, wanted: SkeletonLayout,
) -> tuple[Floats, Floats]:
    if own == wanted:
        return points, scores
    person = convert_person(PersonPose(
        keypoints=points, keypoint_scores=scores,
        keypoint_states=np.zeros(len(points), np.uint8), box=np.zeros(4, np.float32),
        score=1.0), own, wanted)
    return person.keypoints, person.keypoint_scores


def _box(points: Floats, found: Floats) -> Floats:
    """Return the box around sure joints, grown; the found one where that is larger."""
    known = points[np.isfinite(points).all(1)]
    if not len(known):
        return found
    low, high = known.min(0), known.max(0)
    middle, half = (low + high) / 2, (high - low) / 2 * _BOX_GROWTH
    grown = np.concatenate((middle - half, middle + half)).astype(np.float32)
    if not np.isfinite(found).all():
        return grown
    return np.concatenate((np.minimum(grown[:2], found[:2]), np.maximum(grown[2:], found[2:])))
