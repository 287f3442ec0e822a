"""Clips of one person's poses, and sets of them on disk."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError, LabelError, LayoutError
from neuropose_ros.core.pose import Floats
from neuropose_ros.core.skeleton import SkeletonLayout

_FORMAT = 1
UNREADABLE = (OSError, ValueError, KeyError, IndexError, TypeError, EOFError, RuntimeError,
              MemoryError, OverflowError, SyntaxError, tokenize.TokenError, struct.error,
              zipfile.BadZipFile, zlib.error)
"""What numpy and zipfile raise on damaged .npz files."""


@dataclass(frozen=True)
class Clip:
    """One person over time; T frames, K joints, D dimensions.

    Attributes:
        name: unique in its set, as ``walk/clip_3``.
        keypoints: (T, K, D) float32, px (D = 2) or m (D = 3); NaN = not known.
        times_s: (T,) float64, from the first frame, increasing.
        label: index into the set's labels, -1 = none.
        group: source recording or subject: validation never splits one.
        scores: (T, K) float32, the estimator's confidence; None = ground truth.
        scene: (S, E) float32, what the pictures look like; None = not known.
        scene_times_s: (S,) float64.
    """

    name: str
    keypoints: Floats
    times_s: NDArray[np.float64]
    label: int = -1
    group: str = ''
    scores: Floats | None = field(default=None, repr=False)
    scene: Floats | None = field(default=None, repr=False)
    scene_times_s: NDArray[np.float64] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check shapes, times and values.

        Raises:
            DataError: something does not fit; the sentence names the clip.
        """
        points, times = self.keypoints, self.times_s
        if points.ndim != 3 or points.shape[2] not in (2, 3) or not len(points):
            raise DataError(f'clip {self.name}: keypoints must be (frames, joints, 2 or 3) with '
                            f'at least one frame, not {points.shape}')
        if np.isinf(points).any():
            raise DataError(f'clip {self.name}: a keypoint is infinite; NaN says not known')
        if times.shape != (len(points),) or not np.isfinite(times).all():
            raise DataError(f'clip {self.name}: {len(points)} frames need as many finite times')
        if (np.diff(times) <= 0).any():
            raise DataError(f'clip {self.name}: time goes back or stands still at frame '
                            f'{int(np.argmax(np.diff(times) <= 0)) + 1}')
        if self.scores is not None and self.scores.shape != points.shape[:2]:
            raise DataError(f'clip {self.name}: scores must be {points.shape[:2]}, not '
                            f'{self.scores.shape}')
        if (self.scene is None) != (self.scene_times_s is None) or (
                self.scene is not None and self.scene_times_s is not None
                and (self.scene.ndim != 2 or len(self.scene) != len(self.scene_times_s))):
            raise DataError(f'clip {self.name}: scene vectors and their times differ in number')
        if self.scene is not None and not np.isfinite(self.scene).all():
            raise DataError(f'clip {self.name}: a scene vector has values that are not numbers')

    @property
    def measured(self) -> NDArray[np.bool_]:
        """(T, K): which joints are known."""
        return np.asarray(np.isfinite(self.keypoints).all(-1))

    @property
    def rate_hz(self) -> float:
        """Frames per second, by the median step; 0 of a single frame."""
        return float(1 / np.median(np.diff(self.times_s))) if len(self.times_s) > 1 else 0.0


@dataclass(frozen=True)
class ClipSet:
    """Clips with the same joints and labels.

    Attributes:
        name: id, as ``jhmdb14``.
        layout: of all clips' keypoints.
        labels: None = unlabelled recordings, for pre-training.
        clips: N of them.
        source: where the data came from, and its terms.
    """

    name: str
    layout: SkeletonLayout
    clips: tuple[Clip, ...]
    labels: LabelSet | None = None
    source: str = ''

    def __post_init__(self) -> None:
        """Check that the clips fit each other.

        Raises:
            DataError: a clip has other joints, a label outside the set or a name used before.
        """
        names = [clip.name for clip in self.clips]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f'{self.name}: the clip name {twice} occurs twice')
        dimensions = {clip.keypoints.shape[2] for clip in self.clips}
        if len(dimensions) > 1:
            raise DataError(f'{self.name}: some clips are 2D, some 3D')
        count = len(self.labels) if self.labels is not None else 0
        for clip in self.clips:
            if clip.keypoints.shape[1] != len(self.layout):
                raise DataError(f'clip {clip.name} has {clip.keypoints.shape[1]} joints, '
                                f'{self.layout.id} has {len(self.layout)}')
            if not -1 <= clip.label < count:
                raise DataError(f'clip {clip.name}: label {clip.label} is outside the '
                                f'{count} labels of {self.name}')

    def __len__(self) -> int:
        """Return N, the number of clips."""
        return len(self.clips)

    @property
    def dimensions(self) -> int:
        """D, 2 or 3; 2 of an empty set."""
        return self.clips[0].keypoints.shape[2] if self.clips else 2

    def only(self, clips: tuple[Clip, ...]) -> ClipSet:
        """Return the set with these clips alone."""
        return replace(self, clips=clips)


@dataclass(frozen=True)
class Split:
    """The two parts of a data set, as its authors divided it.

    Attributes:
        protocol: in words, as ``split 1`` or ``views 1-2 -> 3``.
    """

    train: ClipSet
    test: ClipSet
    protocol: str

    def __post_init__(self) -> None:
        """Check that the two parts can be compared and share nothing.

        Raises:
            DataError: their labels, joints or dimensions differ, or a clip is in both.
        """
        train, test = self.train, self.test
        if train.labels != test.labels or train.layout != test.layout or (
                len(train) and len(test) and train.dimensions != test.dimensions):
            raise DataError(f'{train.name}, {self.protocol}: the training and the test part have '
                            'other labels or joints than each other')
        both = {clip.name for clip in train.clips} & {clip.name for clip in test.clips}
        if both:
            raise DataError(f'{train.name}, {self.protocol}: {len(both)} clips are in the '
                            f'training and in the test part, as {min(both)}')


def write_clip_set(clips: ClipSet, path: Path) -> None:
    """Write a set as one .npz file, whole or not at all; `read_clip_set` reads it."""
    parts = clips.clips
    arrays: dict[str, NDArray[np.generic]] = {
        'format': np.array(_FORMAT), 'name': np.array(clips.name),
        'source': np.array(clips.source),
        'layout': np.array([clips.layout.name, *clips.layout.names]),
        'edges': np.array(clips.layout.edges, np.int64).reshape(-1, 2),
        'mirror_pairs': np.array(clips.layout.mirror_pairs, np.int64).reshape(-1, 2),
        'labels': np.array(
            [] if clips.labels is None else [clips.labels.name, *clips.labels.labels], str),
        'names': np.array([clip.name for clip in parts], str),
        'groups': np.array([clip.group for clip in parts], str),
        'label': np.array([clip.label for clip in parts], np.int64),
        'frames': np.array([len(clip.keypoints) for clip in parts], np.int64),
        'scene_frames': np.array(
            [-1 if clip.scene is None else len(clip.scene) for clip in parts], np.int64),
        'scored': np.array([clip.scores is not None for clip in parts], bool),
        'keypoints': _joined([clip.keypoints for clip in parts], np.float32),
        'times_s': _joined([clip.times_s for clip in parts], np.float64),
        'scores': _joined([c.scores for c in parts if c.scores is not None], np.float32),
        'scene': _joined([c.scene for c in parts if c.scene is not None], np.float32),
        'scene_times_s': _joined(
            [c.scene_times_s for c in parts if c.scene_times_s is not None], np.float64),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.{path.name}.partial')
    with partial.open('wb') as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    partial.replace(path)


def read_clip_set(path: Path) -> ClipSet:
    """Read what `write_clip_set` wrote.

    Raises:
        DataError: there is no such file, or it is none of these.
    """
    if not path.is_file():
        raise DataError(f'{path}: there is no such file; `neuropose preprocess` makes it')
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        if int(arrays['format']) != _FORMAT:
            raise DataError(f'{path}: written in format {int(arrays["format"])}, this version '
                            f'reads {_FORMAT}: run `neuropose preprocess` again')
        return _clip_set(arrays)
    except (*UNREADABLE, LabelError, LayoutError) as error:
        raise DataError(f'{path}: not a file of clips, or damaged ({error}): run '
                        '`neuropose preprocess` again') from error


def _joined(parts: list[NDArray[np.generic]], dtype: type) -> NDArray[np.generic]:
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype)


def _clip_set(arrays: dict[str, NDArray[np.generic]]) -> ClipSet:
    layout_name, *joints = (str(name) for name in arrays['layout'])
    edges, pairs = (
        tuple((int(a), int(b)) for a, b in arrays[key]) for key in ('edges', 'mirror_pairs'))
    words = [str(label) for label in arrays['labels']]
    frames, scenes = arrays['frames'], arrays['scene_frames']
    columns = ('groups', 'label', 'frames', 'scene_frames', 'scored')
    if any(arrays[key].shape != arrays['names'].shape for key in columns):
        raise ValueError(f'{", ".join(columns)} do not hold one value for each of the names')
    if frames.sum() != len(arrays['keypoints']):
        raise ValueError(f'{frames.sum()} frames are named, {len(arrays["keypoints"])} are there')
    ends, scene_ends = np.cumsum(frames), np.cumsum(np.maximum(scenes, 0))
    score_ends = np.cumsum(np.where(arrays['scored'], frames, 0))
    clips = []
    for i, name in enumerate(arrays['names']):
        part = slice(int(ends[i] - frames[i]), int(ends[i]))
        scored = slice(int(score_ends[i] - frames[i]), int(score_ends[i]))
        scene = slice(int(scene_ends[i] - max(scenes[i], 0)), int(scene_ends[i]))
        seen = bool(scenes[i] >= 0)
        clips.append(Clip(
            str(name), arrays['keypoints'][part], arrays['times_s'][part],  # type: ignore[arg-type]
            int(arrays['label'][i]), str(arrays['groups'][i]),
            arrays['scores'][scored] if arrays['scored'][i] else None,  # type: ignore[arg-type]
            arrays['scene'][scene] if seen else None,  # type: ignore[arg-type]
            arrays['scene_times_s'][scene] if seen else None))  # type: ignore[arg-type]
    return ClipSet(
        str(arrays['name']), SkeletonLayout(layout_name, tuple(joints), edges, pairs),
        tuple(clips), LabelSet(words[0], tuple(words[1:])) if words else None,
        str(arrays['source']))
