"""Test clips joined into streams of actions whose boundaries are known.

A stream is several clips one after the other. All are of one scale (the same summed length of
bones), each begins where the last one ended, and between them the body moves from the last pose
to the first one of the next clip along minimum-jerk paths (Flash and Hogan 1985): there is no cut
to give a boundary away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.pose import Floats
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.clips import Clip, ClipSet


@dataclass(frozen=True)
class Segment:
    """An action in a stream: where it begins and ends, the transitions not included."""

    start_s: float
    end_s: float
    label: int


@dataclass(frozen=True)
class Stream:
    """Clips joined without a cut.

    Attributes:
        segments: in order of time; each start but the first is a boundary.
    """

    clip: Clip
    segments: tuple[Segment, ...]


def join_clips(
    clips: ClipSet, per_stream: int = 12, transition_s: float = 0.5, seed: int = 0,
) -> tuple[Stream, ...]:
    """Join all clips of a set, in random order, neighbours of different labels.

    Args:
        per_stream: clips in a stream.
        transition_s: between the last frame of a clip and the first one of the next.
        seed: of the order.

    Returns:
        Streams of at least two clips; the few clips that find no neighbour are left out.

    Raises:
        DataError: no two clips of different labels.
        ValueError: a length is impossible.
    """
    if per_stream < 2 or transition_s <= 0:
        raise ValueError('a stream needs two clips and a transition that takes time')
    scaled = {clip.name: _of_size_one(clip, clips.layout) for clip in clips.clips}
    runs = _runs(clips.clips, per_stream, seed)
    if not runs:
        raise DataError(f'{clips.name}: no two clips of different labels, so no boundary')
    return tuple(
        _join([scaled[clip.name] for clip in run], transition_s, f'stream_{index}')
        for index, run in enumerate(runs))


def _runs(clips: Sequence[Clip], per_stream: int, seed: int) -> list[list[Clip]]:
    order = np.random.default_rng(seed).permutation(len(clips))
    pool = [clips[i] for i in order if clips[i].label >= 0 and len(clips[i].times_s) > 1]
    runs: list[list[Clip]] = []
    while pool:
        run = [pool.pop(0)]
        while len(run) < per_stream:
            other = next((i for i, clip in enumerate(pool) if clip.label != run[-1].label), None)
            if other is None:
                break
            run.append(pool.pop(other))
        if len(run) > 1:
            runs.append(run)
    return runs


def body_size(points: Floats, layout: SkeletonLayout) -> float:
    """Return the sum of the bones' median lengths, a bone never seen counted as the mean one.

    Args:
        points: (T, K, D).

    Returns:
        In units of the points; NaN if no bone is known.
    """
    lengths = [np.linalg.norm(points[:, a] - points[:, b], axis=-1) for a, b in layout.edges]
    medians = [float(np.median(known)) for length in lengths
               if (known := length[np.isfinite(length)]).size]
    return float(np.mean(medians)) * len(layout.edges) if medians else float('nan')


def _of_size_one(clip: Clip, layout: SkeletonLayout) -> Clip:
    size = body_size(clip.keypoints, layout)
    if not size > 0:
        raise DataError(f'clip {clip.name}: no bone of the body is known, so it has no size')
    return replace(clip, keypoints=clip.keypoints / np.float32(size))


def _join(clips: Sequence[Clip], transition_s: float, name: str) -> Stream:
    points: list[Floats] = []
    scores: list[Floats] = []
    times_s, segments, scenes, scene_times_s = [], [], [], []
    clock_s = 0.0
    last: Floats | None = None
    for clip in clips:
        part = clip.keypoints
        if last is not None:
            part = part - _root(part[0], last)
            path, path_times_s = _transition(last, part[0], transition_s, clip)
            points.append(path)
            times_s.append(clock_s + path_times_s)
            scores.append(_transition_scores(clip, scores[-1][-1], len(path)))
            clock_s += transition_s
        points.append(part)
        own_s = clip.times_s - clip.times_s[0]
        times_s.append(clock_s + own_s)
        scores.append(np.ones(part.shape[:2], np.float32) if clip.scores is None else clip.scores)
        if clip.scene is not None and clip.scene_times_s is not None:
            scenes.append(clip.scene)
            scene_times_s.append(clock_s + clip.scene_times_s - clip.times_s[0])
        segments.append(Segment(clock_s, clock_s + float(own_s[-1]), clip.label))
        clock_s += float(own_s[-1])
        last = part[-1]
    scored = any(clip.scores is not None for clip in clips)
    joined = Clip(
        name, np.concatenate(points).astype(np.float32), np.concatenate(times_s),
        scores=np.concatenate(scores) if scored else None,
        scene=np.concatenate(scenes) if scenes else None,
        scene_times_s=np.concatenate(scene_times_s) if scenes else None)
    return Stream(joined, tuple(segments))


def _root(begin: Floats, end: Floats) -> Floats:
    """By how much the pose `begin` lies beside `end`: the mean over joints known in both."""
    shift = begin - end
    known = np.isfinite(shift).all(-1)
    mean: Floats = shift[known].mean(0) if known.any() else np.zeros(shift.shape[1], np.float32)
    return mean


def _transition(
    begin: Floats, end: Floats, duration_s: float, clip: Clip,
) -> tuple[Floats, NDArray[np.float64]]:
    """Return poses (n, K, D) and their times after `begin`, both ends left out."""
    steps = max(2, round(duration_s * clip.rate_hz))
    share = np.arange(1, steps) / steps
    blend = (10 * share**3 - 15 * share**4 + 6 * share**5).astype(np.float32)
    return begin + blend[:, None, None] * (end - begin), share * duration_s


def _transition_scores(clip: Clip, before: Floats, frames: int) -> Floats:
    after = np.ones_like(before) if clip.scores is None else clip.scores[0]
    return np.tile(np.minimum(before, after), (frames, 1))
