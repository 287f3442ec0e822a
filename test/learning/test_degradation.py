"""Clips are made worse exactly as said, and the same way each time."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.learning.degradation import first_share, without_joints

from .synthetic import clip, clip_set


@pytest.mark.parametrize(('share', 'frames'), [(0.25, 10), (0.5, 20), (1.0, 40), (0.001, 1)])
def test_the_first_share_of_a_clip_is_its_first_frames(share, frames):
    clips = clip_set()
    part = first_share(clips, share).clips[0]
    assert len(part.times_s) == frames
    np.testing.assert_array_equal(part.keypoints, clips.clips[0].keypoints[:frames])


def test_what_the_scene_shows_later_is_not_known_yet():
    scene = np.arange(6, dtype=np.float32).reshape(3, 2)
    whole = clip('a', 0, scores=np.ones((40, 15), np.float32), scene=scene,
                 scene_times_s=np.array([0.0, 0.9, 1.9]))
    part = first_share(clip_set().only((whole,)), 0.5).clips[0]
    np.testing.assert_array_equal(part.scene, scene[:2])
    assert part.scores.shape == (20, 15)


@pytest.mark.parametrize('share', [0, -1, 1.01])
def test_a_share_outside_is_refused(share):
    with pytest.raises(ValueError, match='share'):
        first_share(clip_set(), share)
    if share:
        with pytest.raises(ValueError, match='share'):
            without_joints(clip_set(), share)


@pytest.mark.parametrize('share', [0.0, 0.2, 0.4, 1.0])
def test_the_share_of_missing_joints_is_met_to_the_joint(share):
    for part in without_joints(clip_set(), share).clips:
        assert (~part.measured).sum() == round(share * 40 * 15)


def test_joints_are_missing_in_bursts():
    missing = ~without_joints(clip_set(1, 1, frames=200), 0.2).clips[0].measured
    edges = np.diff(np.pad(missing, ((1, 1), (0, 0))).astype(int), axis=0)
    runs = [(int(a), int(b)) for joint in range(15) for a, b in zip(
        np.flatnonzero(edges[:, joint] > 0), np.flatnonzero(edges[:, joint] < 0), strict=True)]
    assert len(runs) > 20
    short = [run for run in runs if run[1] - run[0] < 15 and run[0] > 0 and run[1] < 200]
    assert len(short) <= 1  # the last burst alone is cut


def test_joints_that_are_unknown_already_are_not_counted_again():
    points = clip('a', 0).keypoints.copy()
    points[:, :5] = np.nan
    clips = clip_set().only((clip('a', 0, keypoints=points),))
    assert without_joints(clips, 0.4).clips[0].measured.sum() == 0.6 * 40 * 10


def test_the_same_seed_takes_the_same_joints_whatever_the_company():
    clips = clip_set()
    together = without_joints(clips, 0.4, seed=3).clips[5]
    alone = without_joints(clips.only((clips.clips[5],)), 0.4, seed=3).clips[0]
    other = without_joints(clips, 0.4, seed=4).clips[5]
    np.testing.assert_array_equal(together.measured, alone.measured)
    assert (together.measured != other.measured).any()


def test_a_larger_share_takes_the_smaller_one_too():
    clips = clip_set()
    few, many = without_joints(clips, 0.2).clips[0], without_joints(clips, 0.4).clips[0]
    assert not (many.measured & ~few.measured).any()


def test_a_clip_shorter_than_a_burst_loses_whole_joints():
    clips = clip_set(frames=5)
    part = without_joints(clips, 0.4).clips[0]
    per_joint = (~part.measured).sum(0)
    assert sorted(per_joint) == [0] * 9 + [5] * 6


def test_the_ends_of_a_clip_lose_as_much_as_its_middle():
    parts = without_joints(clip_set(per_class=100, classes=2, frames=60), 0.2).clips
    missing = np.mean([~part.measured for part in parts], axis=(0, 2))
    assert missing[:5].mean() == pytest.approx(missing[28:33].mean(), abs=0.04)
    assert missing[-5:].mean() == pytest.approx(missing[28:33].mean(), abs=0.04)
