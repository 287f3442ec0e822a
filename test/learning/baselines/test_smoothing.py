"""What fills gaps and takes noise away, without having learnt anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from neuropose_ros.learning.baselines.filters import Gaussian, Kalman, Median, OneEuro
from neuropose_ros.learning.baselines.gaps import Between, Hold
from neuropose_ros.learning.baselines.tracks import side_by_side
from neuropose_ros.learning.baselines.tuning import tuned

FRAMES, JOINTS = 60, 4
CAUSAL = (Hold(), Hold(with_body=True), OneEuro(), OneEuro(with_body=True), Kalman(),
          Kalman(with_body=True))
LOOKING_AHEAD = (Between(), Between('pchip'), Between('cubic', with_body=True), Median(),
                 Gaussian(), Kalman(smooth=True))
ALL = (*CAUSAL, *LOOKING_AHEAD)


def moving(noise_px=0.0, speed_px=2.0, frames=FRAMES, seed=0):
    """Return true and found (T, K, 2) joints of a body of 100 px that moves to the right."""
    corners = np.array(((0, 0), (60, 0), (60, 80), (0, 80)), float)
    truth = corners + np.arange(frames)[:, None, None] * np.array((speed_px, 0.0))
    return truth, truth + np.random.default_rng(seed).normal(0, noise_px, truth.shape)


def run(smoother, clip, scores=None):
    """Return (T, K, 2) of one clip."""
    tracks = side_by_side([clip], None if scores is None else [scores])
    return tracks.cut(smoother(tracks))[0]


@pytest.mark.parametrize('smoother', ALL, ids=str)
def test_joints_at_rest_stay(smoother):
    truth, _ = moving(speed_px=0.0)
    assert run(smoother, truth) == pytest.approx(truth, abs=0.1)


@pytest.mark.parametrize('smoother', ALL, ids=str)
def test_clips_do_not_touch_each_other(smoother):
    clips = [moving(2.0, frames=frames, seed=frames)[1] for frames in (20, 45)]
    tracks = side_by_side(clips)
    together = tracks.cut(smoother(tracks))
    for clip, found in zip(clips, together, strict=True):
        assert found == pytest.approx(run(smoother, clip), abs=1e-3)


@pytest.mark.parametrize('smoother', CAUSAL, ids=str)
def test_the_future_does_not_matter(smoother):
    _, found = moving(2.0)
    changed = found.copy()
    changed[40:] += 30.0
    assert run(smoother, changed)[:40] == pytest.approx(run(smoother, found)[:40], abs=1e-4)


@pytest.mark.parametrize('smoother', [
    OneEuro(1.0, 1.0), Kalman(0.05, 0.05, 1.0), Median(), Gaussian(), Kalman(smooth=True)],
    ids=str)
def test_noise_becomes_less(smoother):
    truth, found = moving(2.0, speed_px=0.0)
    assert np.abs(run(smoother, found) - truth)[10:].mean() < 0.7 * np.abs(found - truth).mean()


@pytest.mark.parametrize(('smoother', 'most_px'), [
    (Hold(), 17.0), (Hold(with_body=True), 0.01), (Between(), 0.01),
    (Between('cubic', with_body=True), 0.01), (Kalman(0.001, decay_s=10.0, gate=100.0), 0.5),
    (Kalman(smooth=True), 0.5)], ids=str)
def test_gaps_are_filled_as_they_can_be(smoother, most_px):
    truth, found = moving()
    found[20:28, 1] = np.nan
    error = np.abs(run(smoother, found) - truth)[20:28, 1, 0].max()
    assert error <= most_px
    assert error > most_px / 3 or most_px < 1.0  # 8 frames at 2 px


def test_a_joint_that_is_never_there_has_no_answer():
    _, found = moving()
    found[:, 2] = np.nan
    for smoother in ALL:
        out = run(smoother, found)
        assert np.isnan(out[:, 2]).all()
        assert np.isfinite(out[:, [0, 1, 3]]).all()


def test_unsure_joints_weigh_less():
    truth, found = moving(speed_px=0.0)
    found[30, 1] += 25.0
    scores = np.ones(found.shape[:2])
    scores[30, 1] = 0.05
    for smoother in (Hold(0.2), OneEuro(least_score=0.2), Kalman(0.01, 0.5), Gaussian(power=2.0)):
        without = np.abs(run(smoother, found) - truth)[30, 1, 0]
        assert np.abs(run(smoother, found, scores) - truth)[30, 1, 0] < 0.5 * without


def test_a_joint_that_is_never_sure_is_taken_as_it_is():
    _, found = moving()
    scores = np.ones(found.shape[:2])
    scores[:, 0] = 0.1
    assert run(Hold(0.3), found, scores) == pytest.approx(found, abs=1e-3)


def test_variances_grow_in_gaps_and_are_less_when_smoothed():
    _, found = moving(1.0)
    found[20:28, 1] = np.nan
    tracks = side_by_side([found])
    forward, both = (Kalman(smooth=smooth).estimate(tracks).variances[0]
                     for smooth in (False, True))
    assert (np.diff(forward[19:28, 1]) > 0).all()
    assert (both[5:-5] < forward[5:-5]).all()


@dataclass(frozen=True)
class Point:
    x: int = 0
    y: int = 0


def test_tuning_climbs_until_nothing_changes():
    def figure(point):
        return -4 * (point.x - 3) ** 2 - (point.y - point.x) ** 2

    assert tuned(Point(), {'x': range(6), 'y': range(6)}, figure) == Point(3, 3)
    assert tuned(Point(), {}, figure) == Point()
