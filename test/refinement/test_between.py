"""Hidden joints lie between what was seen before and after, as this very person moves."""

import numpy as np
import pytest

from neuropose_ros.refinement import between as module
from neuropose_ros.refinement.between import between
from neuropose_ros.refinement.skeletal import SkeletalModel

MEAN = np.array([[0.0, -0.5], [0.0, 0.0], [-0.2, 0.5], [0.2, 0.5]])
USUAL = 0.2 * np.ones((4, 4)) + 0.8 * np.eye(4)
MODEL = SkeletalModel(MEAN, 0.1 * USUAL, 0.02 * USUAL)
HIDDEN = slice(20, 32)


def moving(count=60, seed=0):
    """Return (T, 4, 2) px of a body of which the last two joints always move together."""
    steps = np.random.default_rng(seed).normal(0.0, 3.0, (count, 4, 2))
    steps[:, 3] = steps[:, 2]
    return MEAN * 100 + 200.0 + np.cumsum(steps, axis=0)


def told(points, sd_px=0.5):
    return between(MODEL, np.full(len(points), 1 / 30), points, np.full(points.shape[:2], sd_px))


def without(points):
    points = points.copy()
    points[HIDDEN, 3] = np.nan
    return points


def test_it_learns_how_the_person_moves():
    truth = moving()
    error = np.linalg.norm(told(without(truth)) - truth, axis=-1)
    line = np.linspace(truth[19, 3], truth[32, 3], 14)[1:-1]
    straight = np.linalg.norm(line - truth[HIDDEN, 3], axis=-1)
    assert error[HIDDEN, 3].mean() < 0.3 * straight.mean()
    assert np.delete(error, np.r_[HIDDEN], axis=0).max() < 1.0


def test_backwards_it_is_the_same():
    points = without(moving())
    assert np.abs(told(points[::-1])[::-1] - told(points)).max() < 2.5


def test_a_person_moves_when_the_others_do():
    """A hidden joint goes its way in the one large step of the body, not before."""
    points = np.tile(MEAN * 100 + 200.0, (60, 1, 1))
    points += np.random.default_rng(0).normal(0.0, 0.5, points.shape)
    points[26:] += np.array([(20, 0), (0, 20), (-20, 0), (0, -20)])
    error = np.linalg.norm(told(without(points)) - points, axis=-1)
    assert error[HIDDEN, 3].max() < 4.0


def test_long_recordings_are_taken_in_pieces(monkeypatch):
    points = without(moving(150))
    whole = told(points)
    monkeypatch.setattr(module, '_BLOCK', 40)
    pieces = told(points)
    assert np.isfinite(pieces).all()
    assert np.abs(pieces - whole).max() < 5.0


@pytest.mark.parametrize('seen', [0, 2])
def test_of_too_little_nothing_is_said(seen):
    points = moving()
    points[:, seen:] = np.nan
    assert np.isnan(told(points)).all()
    assert np.isnan(told(points[:1])).all()


def test_frames_without_anybody_and_of_one_time_are_bridged():
    points = moving()
    points[10:13] = np.nan
    dt_s = np.full(60, 1 / 30)
    dt_s[[0, 30]] = 0.0
    answer = between(MODEL, dt_s, points, np.full((60, 4), 0.5))
    assert np.abs(answer - moving())[10:13].max() < 20.0
    assert np.isfinite(answer).all()
