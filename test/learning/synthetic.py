"""Clips whose class can be read off, and recognisers whose answers are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.learning.clips import Clip, ClipSet
from neuropose_ros.learning.evaluation import Answers

POSE = np.stack([np.cos(np.arange(15)), np.linspace(-1, 1, 15)], -1).astype(np.float32)


def clip(name: str, label: int, frames: int = 40, rate_hz: float = 20.0, **changes) -> Clip:
    """A body whose size is 1 and whose class is how far it has moved to the right, per second."""
    times_s = np.arange(frames) / rate_hz
    points = POSE[None] + np.stack([label * times_s, 0 * times_s], -1)[:, None]
    values = {'name': name, 'keypoints': points.astype(np.float32), 'times_s': times_s,
              'label': label, 'group': name, **changes}
    return Clip(**values)


def clip_set(per_class: int = 4, classes: int = 3, part: str = '', **changes) -> ClipSet:
    labels = LabelSet('toy', tuple('abcdefghijklmnop'[:classes]))
    return ClipSet('toy', JHMDB15, tuple(
        clip(f'{labels.labels[label]}_{part}{i}', label, **changes)
        for label in range(classes) for i in range(per_class)), labels, 'made here')


def one_hot(indices, classes: int, sure: float = 1.0) -> np.ndarray:
    rest = (1 - sure) / (classes - 1)
    return np.where(np.arange(classes) == np.asarray(indices)[:, None], sure, rest)


def always_right(clips: ClipSet, sure: float = 1.0) -> Answers:
    return Answers(one_hot([clip.label for clip in clips.clips], len(clips.labels), sure))


def relabelled(clips: ClipSet, labels) -> ClipSet:
    return clips.only(tuple(
        replace(clip, label=int(label)) for clip, label in zip(clips.clips, labels, strict=True)))
