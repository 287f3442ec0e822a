"""Skeleton pickles of PYSKL and MMAction2 (``ucf101_2d.pkl``, ``ntu60_hrnet.pkl`` and kin).

A dict of `split`: {name: [frame_dir, ...]} and `annotations`: a list of dicts with frame_dir,
label, total_frames, img_shape and original_shape (height, width), keypoint (M, T, V, C) and, for
2D, keypoint_score (M, T, V). 17 joints are COCO's, 25 are NTU's. Neither frame rates nor names of
labels are in these files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import COCO17, NTU25
from neuropose_ros.core.pose import Floats
from neuropose_ros.core.safe_pickle import load_pickle
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.clips import Clip, ClipSet, Split
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.tables import (
    kept,
    make_clip,
    read_lines,
    times_at,
    without_zeros,
)

LAYOUTS = {len(layout): layout for layout in (COCO17, NTU25)}
_MOST_CLASSES = 10_000  # a label beyond is damage, and would be given as many names
# What the names of a split's two sides begin or end with.
_SIDES = (('train{}', 'test{}'), ('{}_train', '{}_val'), ('{}_train', '{}_test'),
          ('train', 'val'), ('train', 'test'))
# What names tell: UCF101's origin, NTU's performer, HMDB51's and Kinetics' source video.
_ORIGIN = re.compile(
    r'^(?P<ucf>v_\w+_g\d+)_c\d+$|^S\d{3}C\d{3}(?P<ntu>P\d{3})R\d{3}A\d{3}$|'
    r'^(?P<hmdb>.+)_[fuhl]_(?:cm|nm)_np\d+_(?:fr|ba|le|ri)_(?:goo|med|bad)_\d+$|'
    r'^(?P<kinetics>.+)_\d{6}_\d{6}$')


def read_pyskl(
    path: Path, split: str = '', findings: Findings | None = None, *,
    rate_hz: float = 30.0, labels: LabelSet | None = None, layout: SkeletonLayout | None = None,
) -> Split:
    """Read the two sides of a split; of several people the one seen best is taken.

    Args:
        path: the pickle, or a folder with one.
        split: ``1`` for train1 and test1, ``xsub`` for xsub_train and xsub_val, and so on; '' =
            the only or first one.
        findings: takes what is left out.
        rate_hz: frames per second of the videos.
        labels: of the data set; without, a text file beside the pickle with the same name
            (one label a line), else ``class_0`` and so on.
        layout: of the joints; without, by their number.

    Raises:
        DataError: it is no such pickle, or has no such split.
    """
    findings = Findings() if findings is None else findings
    file = _pickle_in(path)
    content = load_pickle(file)
    if not isinstance(content, dict) or not {'split', 'annotations'} <= content.keys():
        raise DataError(f'{file}: this is no dict of split and annotations, the form of PYSKL '
                        'and MMAction2')
    sides = _sides(file, content['split'], split)
    clips: dict[str, Clip] = {}
    for clip in kept(_clip(file, entry, rate_hz, layout, findings)
                     for entry in _listed(file, content['annotations'])):
        if clips.setdefault(clip.name, clip) is not clip:
            findings.skip(clip.name, 'it is annotated twice: only the first counts')
    if not clips:
        raise DataError(f'{file}: no annotation can be used; {findings.report()}')
    first = next(iter(clips.values()))
    names = labels or _labels(file, clips)
    everything = ClipSet(names.name, layout or LAYOUTS[first.keypoints.shape[1]], (), names,
                         f'{file.name}, a pickle of PYSKL or MMAction2')
    parts = []
    for side in sides:
        members = [str(name) for name in _listed(file, content['split'][side])]
        left_out = {item.name for item in findings.items}
        for name in members:
            if name not in clips and name not in left_out:
                findings.skip(name, f'the split names it in {side}, but there is no annotation')
        parts.append(everything.only(tuple(clips[name] for name in members if name in clips)))
    return Split(parts[0], parts[1], ' -> '.join(sides))


def origin(name: str) -> str:
    """Return the recording or performer that a clip's name tells, else the name itself."""
    stem = name.rpartition('/')[2]
    match = _ORIGIN.match(stem)
    return next(part for part in match.groups() if part) if match else stem


def _listed(path: Path, value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple | np.ndarray) or getattr(value, 'ndim', 1) != 1:
        raise DataError(f'{path}: the annotations or a side of its split are no list')
    return list(value)


def _pickle_in(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = sorted(path.glob('*.pkl'))
    if len(found) != 1:
        raise DataError(f'{path}: it has {len(found)} .pkl files, give the one to read')
    return found[0]


def _sides(path: Path, split: Any, wanted: str) -> tuple[str, str]:
    names = [str(name) for name in split] if isinstance(split, dict) else []
    guesses = [wanted] if wanted else sorted(
        {re.sub(r'^train(?=\d)|_train$', '', name) for name in names if 'train' in name})
    for guess in guesses:
        for train, test in _SIDES:
            if '{}' not in train and wanted not in ('', '1'):
                continue  # its only split is not the one that is meant
            sides = train.format(guess), test.format(guess)
            if all(side in names for side in sides):
                return sides
    raise DataError(f'{path}: it has no split {wanted or "with a training and a test side"}; it '
                    f'has {", ".join(names)}')


def _labels(path: Path, clips: dict[str, Clip]) -> LabelSet:
    count = 1 + max(clip.label for clip in clips.values())
    beside = path.with_suffix('.txt')
    if not beside.is_file():
        return LabelSet(path.stem, tuple(f'class_{i}' for i in range(count)))
    lines = read_lines(beside)
    if len(lines) < count:
        raise DataError(f'{beside}: it has {len(lines)} labels, {path.name} needs {count}')
    return LabelSet(path.stem, tuple(lines))


def _clip(
    path: Path, entry: Any, rate_hz: float, layout: SkeletonLayout | None, findings: Findings,
) -> Clip | None:
    name = str(entry.get('frame_dir', '')) if isinstance(entry, dict) else ''
    try:
        points = np.asarray(entry['keypoint'], np.float32)
        label = int(entry['label'])
        known = entry.get('keypoint_score')
        scores = None if known is None else np.asarray(known, np.float32)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        findings.skip(name or path.name, f'an annotation lacks {error} or it is of another kind')
        return None
    joints = len(layout) if layout else points.shape[2] if points.ndim == 4 else 0
    if points.ndim != 4 or not points.size or points.shape[2] != joints or (
            joints not in LAYOUTS and layout is None) or not 0 <= label < _MOST_CLASSES or (
            scores is not None and scores.shape != points.shape[:3]):
        findings.skip(name, f'label {label} with keypoints of shape {points.shape} is not '
                            '(people, frames, joints, 2 or 3) of known joints')
        return None
    person, score = _best(points, scores)
    return make_clip(findings, name, person, times_at(len(person), rate_hz), label, origin(name),
                     score)


def _best(points: Floats, scores: Floats | None) -> tuple[Floats, Floats | None]:
    """Return the person with the highest scores, or without scores the one that moves most."""
    points = without_zeros(points)
    if scores is None:
        spread = np.nan_to_num(points).var(1).sum((1, 2))
        return points[int(spread.argmax())], None
    best = int(np.nan_to_num(scores).sum((1, 2)).argmax())
    return points[best], scores[best]
