"""Clips of a stick figure that waves, bends or walks on the spot: easy to tell apart."""

from __future__ import annotations

import numpy as np

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.learning.clips import Clip, ClipSet, Split

LABELS = LabelSet('little', ('bend', 'walk', 'wave'))
_PLACES = {
    'neck': (0, -1.5), 'belly': (0, -0.8), 'face': (0, -2), 'shoulder': (0.4, -1.5),
    'hip': (0.25, 0), 'elbow': (0.6, -1), 'knee': (0.25, 0.8), 'wrist': (0.7, -0.5),
    'ankle': (0.25, 1.6),
}


def little_people(
    count: int, seed: int = 0, *, frames: int = 24, scene_size: int = 0, name: str = 'little',
) -> ClipSet:
    """Return `count` labelled clips; every three are of one recording."""
    rng = np.random.default_rng(seed)
    clips = []
    for i in range(count):
        label = i % 3
        points = _figure(label, frames, rng) + rng.normal(0, 0.02, (frames, 15, 2))
        scene = np.eye(3, scene_size, dtype=np.float32)[label:label + 1] if scene_size else None
        clips.append(Clip(
            f'{LABELS.labels[label]}/{seed}_{i}', points.astype(np.float32),
            np.arange(frames) / 30, label, f'{seed}_{i // 6}', None, scene,
            None if scene is None else np.zeros(1)))
    return ClipSet(name, JHMDB15, tuple(clips), LABELS, 'drawn')


def little_split(train: int = 36, test: int = 18, scene_size: int = 0) -> Split:
    """Return a data set with two parts."""
    return Split(little_people(train, 1, scene_size=scene_size),
                 little_people(test, 2, scene_size=scene_size), 'split 1')


def _figure(
    label: int, frames: int, rng: np.random.Generator,
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    still = np.array([_place(joint) for joint in JHMDB15.names])
    points = np.tile(still, (frames, 1, 1)) * rng.uniform(0.8, 1.2) + rng.normal(0, 1, 2)
    swing = np.sin(np.arange(frames) * rng.uniform(0.4, 0.6) + rng.uniform(0, 6))
    if label == 0:
        for joint in ('neck', 'face', 'left_shoulder', 'right_shoulder', 'belly'):
            points[:, JHMDB15.index(joint), 0] += 0.5 + 0.4 * swing
    elif label == 1:
        for side, sign in (('left', 1), ('right', -1)):
            points[:, JHMDB15.index(f'{side}_ankle'), 0] += sign * 0.5 * swing
            points[:, JHMDB15.index(f'{side}_knee'), 0] += sign * 0.3 * swing
    else:
        points[:, JHMDB15.index('left_wrist')] += np.stack((0.4 * swing, 0 * swing - 1.2), -1)
    return points


def _place(joint: str) -> tuple[float, float]:
    side, _, part = joint.rpartition('_')
    x, y = _PLACES[part]
    return (x if side == 'left' else -x), y
