"""The filter of one body against known motions."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.pose.tracking.kalman import Motion, MotionModel, first_motion, resumed

MODEL = MotionModel()
NOISE = np.array((4.0, 4.0, 0.003))


def at(x: float, y: float = 100.0, height_px: float = 200.0) -> np.ndarray:
    return np.array((x, y, np.log(height_px)))


def followed(xs: list[float], dt_s: float = 1 / 30) -> Motion:
    motion = first_motion(at(xs[0]), NOISE, MODEL)
    for x in xs[1:]:
        motion = motion.predicted(dt_s, MODEL).corrected(at(x), NOISE)
    return motion


def test_the_velocity_of_a_walker_is_learnt():
    motion = followed([5.0 * i for i in range(30)])
    assert motion.velocity[0] == pytest.approx(150, rel=0.05)
    assert motion.velocity[1] == pytest.approx(0, abs=2)
    assert motion.height_px == pytest.approx(200, rel=0.02)
    later = motion.predicted(0.2, MODEL)
    assert later.position[0] == pytest.approx(5 * 29 + 30, abs=4)


def test_one_step_over_a_gap_equals_many_small_ones_without_noise():
    motion = followed([5.0 * i for i in range(10)])
    quiet = MotionModel(acceleration=(0, 0, 0))
    once, often = motion.predicted(1.0, quiet), motion
    for _ in range(10):
        often = often.predicted(0.1, quiet)
    for name in ('position', 'velocity', 'pp', 'pv', 'vv'):
        assert getattr(once, name) == pytest.approx(getattr(often, name), rel=1e-9)


def test_velocities_die_away_and_doubt_grows():
    motion = followed([5.0 * i for i in range(30)])
    near, far = motion.predicted(0.5, MODEL), motion.predicted(2.0, MODEL)
    assert 0 < far.velocity[0] < near.velocity[0] < motion.velocity[0]
    assert far.pp[0] > near.pp[0] > motion.pp[0]
    assert motion.predicted(0.0, MODEL) is motion


def test_doubt_is_a_share_of_the_body():
    small = first_motion(at(0, height_px=50), NOISE, MODEL).predicted(1.0, MODEL)
    large = first_motion(at(0, height_px=200), NOISE, MODEL).predicted(1.0, MODEL)
    assert large.pp[0] == pytest.approx(16 * small.pp[0], rel=0.05)


def test_after_a_gap_the_velocity_is_that_of_the_way_between():
    walking = followed([5.0 * i for i in range(30)])
    there = at(145 - 60.0)
    plain = walking.predicted(0.8, MODEL).corrected(there, NOISE)
    again = resumed(walking, there, NOISE, 0.8, 1 / 30, MODEL)
    assert again.position[0] == pytest.approx(85, abs=3)
    assert again.velocity[0] == pytest.approx(-75, rel=0.3)
    assert abs(again.velocity[0] + 75) < abs(plain.velocity[0] + 75)
