"""Poses of one kind of recording in the form of another: what pre-training can learn from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.pose import Floats
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.augmentation import rotation
from neuropose_ros.learning.clips import Clip, ClipSet

# Joints that different layouts place within a few centimetres of each other, nearest first.
_NEIGHBOURS = (
    ('belly', 'spine', 'chest'),
    ('face', 'head_center', 'nose', 'head'),
    ('neck', 'neck_base', 'upper_neck', 'thorax'),
    ('pelvis', 'hip'),
    *((f'{side}_foot', f'{side}_foot_index', f'{side}_toe_base', f'{side}_big_toe')
      for side in ('left', 'right')),
    *((f'{side}_hand', f'{side}_index') for side in ('left', 'right')),
)
_LEAST_JOINTS = 0.5


def joints_in(wanted: SkeletonLayout, given: SkeletonLayout) -> tuple[int, ...]:
    """Return for each wanted joint its index in the given layout, -1 = there is none like it."""
    found = []
    for name in wanted.names:
        alike = next((group for group in _NEIGHBOURS if name in group), ())
        match = next((other for other in (name, *alike) if other in given.names), None)
        found.append(-1 if match is None else given.index(match))
    return tuple(found)


def adapt(
    clips: ClipSet, layout: SkeletonLayout, dimensions: int, *, vertical: int = 1,
    views: int = 2, seed: int = 0,
) -> ClipSet:
    """Return unlabelled clips with the joints of another layout, and perhaps as pictures of it.

    Joints that the recording lacks are missing. 3D becomes 2D by looking from `views` random
    sides (without perspective), upright, y down as in a picture.

    Args:
        vertical: of 3D recordings: the axis that points up.

    Raises:
        DataError: 3D is wanted of 2D, or most joints are not in the recording.
    """
    if clips.dimensions < dimensions:
        raise DataError(f'{clips.name} is {clips.dimensions}D: {dimensions}D poses cannot be '
                        'made of it')
    indices = np.array(joints_in(layout, clips.layout))
    if (indices >= 0).mean() < _LEAST_JOINTS:
        raise DataError(f'{clips.name} ({clips.layout.id}) has {(indices >= 0).sum()} of the '
                        f'{len(layout)} joints of {layout.id}: too few to learn from')
    rng = np.random.default_rng(seed)
    project = clips.dimensions == 3 and dimensions == 2
    out = []
    for clip in clips.clips:
        points = np.where((indices >= 0)[:, None], clip.keypoints[:, indices], np.nan).astype(
            np.float32)
        for view in range(views if project else 1):
            seen = _picture(points, vertical, rng) if project else points
            if np.isfinite(seen).any():
                out.append(Clip(f'{clip.name}/{view}', seen, clip.times_s, -1, clip.group))
    return ClipSet(clips.name, layout, tuple(out), None, clips.source)


def _picture(points: Floats, vertical: int, rng: np.random.Generator) -> Floats:
    angle = rng.uniform(-np.pi, np.pi, 1)
    turned = points @ rotation(angle, 3, vertical)[0].T
    across = 2 if vertical == 0 else 0
    return np.stack((turned[..., across], -turned[..., vertical]), -1).astype(np.float32)


def windows(clips: ClipSet, length_s: float) -> ClipSet:
    """Return clips no longer than `length_s`, cut one after the other from longer ones."""
    return replace(clips, clips=tuple(
        part for clip in clips.clips for part in _parts(clip, length_s)))


def _parts(clip: Clip, length_s: float) -> Iterator[Clip]:
    times = clip.times_s - clip.times_s[0]
    numbers = np.minimum(times // length_s, max(times[-1] // length_s - 1, 0)).astype(np.int64)
    for number in range(int(numbers[-1]) + 1):
        chosen = numbers == number
        if chosen.sum() > 1 and np.isfinite(clip.keypoints[chosen]).any():
            yield replace(
                clip, name=f'{clip.name}+{number}', keypoints=clip.keypoints[chosen],
                times_s=times[chosen] - times[chosen][0],
                scores=None if clip.scores is None else clip.scores[chosen],
                scene=None, scene_times_s=None)
