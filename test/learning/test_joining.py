"""Joined clips: one scale, no cut, times known."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.learning.joining import body_size, join_clips

from .synthetic import clip, clip_set, relabelled


def test_streams_hold_every_clip_once_and_neighbours_differ():
    clips = clip_set(per_class=8)
    streams = join_clips(clips, per_stream=6)
    assert sum(len(stream.segments) for stream in streams) >= 22
    for stream in streams:
        labels = [segment.label for segment in stream.segments]
        assert 2 <= len(labels) <= 6
        assert all(a != b for a, b in pairwise(labels))


def test_times_of_the_segments_are_those_of_the_clips():
    stream = join_clips(clip_set(per_class=1), per_stream=3, transition_s=0.5)[0]
    starts = [segment.start_s for segment in stream.segments]
    np.testing.assert_allclose(starts, [0, 1.95 + 0.5, 2 * 2.45])
    np.testing.assert_allclose([s.end_s - s.start_s for s in stream.segments], 1.95)
    np.testing.assert_allclose(np.diff(stream.clip.times_s), 0.05)
    assert stream.clip.times_s[-1] == pytest.approx(stream.segments[-1].end_s)


def test_nothing_jumps_where_clips_meet():
    far = tuple(
        replace(part, keypoints=part.keypoints * (1 + i) + 100 * i)
        for i, part in enumerate(clip_set(per_class=1).clips))
    clips = clip_set().only(far)
    stream = join_clips(clips, per_stream=3)[0]
    step = np.linalg.norm(np.diff(stream.clip.keypoints, axis=0), axis=-1)
    inside = max(np.linalg.norm(np.diff(part.keypoints, axis=0), axis=-1).max()
                 / body_size(part.keypoints, JHMDB15) for part in far)
    assert step.max() <= inside * 1.01


def test_all_clips_have_one_scale():
    clips = clip_set(per_class=1)
    bigger = clips.only(tuple(replace(
        part, keypoints=part.keypoints * (1 + 3 * i)) for i, part in enumerate(clips.clips)))
    points = join_clips(bigger, per_stream=3)[0].clip
    for begin in (0.0, 2.45, 4.9):
        part = points.keypoints[(points.times_s >= begin - 1e-9) & (points.times_s < begin + 1.9)]
        assert body_size(part, JHMDB15) == pytest.approx(1, rel=1e-5)


def test_a_joint_unknown_at_a_seam_stays_unknown_in_the_transition():
    points = clip('a', 0).keypoints.copy()
    points[-1, 3] = points[0, 3] = np.nan
    clips = clip_set().only((clip('a', 0, keypoints=points), clip('b', 1)))
    stream = join_clips(clips, per_stream=2)[0]
    gap = stream.clip.keypoints[40:49]
    assert np.isnan(gap[:, 3]).all() and np.isfinite(np.delete(gap, 3, 1)).all()


def test_scores_and_scene_come_along():
    scene = np.ones((1, 2), np.float32)
    extra = {'scores': np.full((40, 15), 0.5, np.float32), 'scene': scene,
             'scene_times_s': np.array([0.3])}
    clips = clip_set().only((clip('a', 0, **extra), clip('b', 1, **extra)))
    joined = join_clips(clips, per_stream=2)[0].clip
    assert joined.scores.shape == joined.keypoints.shape[:2]
    assert (joined.scores == 0.5).all()
    np.testing.assert_allclose(joined.scene_times_s, [0.3, 2.75])


def test_the_order_follows_from_the_seed():
    clips = clip_set(per_class=8)
    names = [[segment.label for segment in stream.segments]
             for stream in (*join_clips(clips, seed=1), *join_clips(clips, seed=1))]
    assert names[:len(names) // 2] == names[len(names) // 2:]


def test_what_gives_no_boundary_is_refused():
    clips = clip_set()
    with pytest.raises(DataError, match='no boundary'):
        join_clips(relabelled(clips, [1] * 12))
    nobody = clip('x', 0, keypoints=np.full((40, 15, 2), np.nan, np.float32))
    with pytest.raises(DataError, match='clip x: no bone'):
        join_clips(clips.only((nobody, clip('y', 1))))
    with pytest.raises(ValueError, match='two clips'):
        join_clips(clips, per_stream=1)
