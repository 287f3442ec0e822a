import math

import numpy as np
import pytest

from neuropose_ros.pose.blazepose.smoothing import LowPassFilter, OneEuroFilter

STEP_NS = 20_000_000


def _one(value: float) -> np.ndarray:
    return np.array([value], np.float32)


def _weight(cutoff_hz: float, step_s: float) -> float:
    """Weight of the new value in a first-order low-pass: 1 / (1 + tau / step)."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff_hz) / step_s)


def test_second_value_by_hand() -> None:
    used = OneEuroFilter(0.5, 2.0, 1.0)
    assert used.apply(_one(10), STEP_NS, size=4.0) == 10
    speed = (13 - 10) / 4.0 / 0.02
    smooth_speed = _weight(1.0, 0.02) * speed
    share = _weight(0.5 + 2.0 * smooth_speed, 0.02)
    assert used.apply(_one(13), 2 * STEP_NS, size=4.0) == pytest.approx(10 + share * 3, rel=1e-6)


def test_speed_is_that_of_the_raw_values() -> None:
    used = OneEuroFilter(0.5, 2.0, 1.0)
    smooth, speed = 10.0, 0.0
    values = (10.0, 13.0, 13.0, 12.0)
    for i, value in enumerate(values):
        if i:
            speed += _weight(1.0, 0.02) * ((value - values[i - 1]) / 0.02 - speed)
            smooth += _weight(0.5 + 2.0 * abs(speed), 0.02) * (value - smooth)
        got = used.apply(_one(value), (i + 1) * STEP_NS)
        assert got == pytest.approx(smooth, rel=1e-6)


def test_larger_bodies_are_smoothed_alike() -> None:
    near, far = OneEuroFilter(0.05, 80), OneEuroFilter(0.05, 80)
    generator = np.random.default_rng(0)
    for i in range(20):
        values = generator.random((3, 2)).astype(np.float32)
        a = near.apply(values * 100, i * STEP_NS, size=100.0)
        b = far.apply(values * 10, i * STEP_NS, size=10.0)
        np.testing.assert_allclose(a, b * 10, rtol=1e-4)


def test_each_value_has_its_own_state() -> None:
    used = OneEuroFilter(1.0, 0.0)
    used.apply(np.array([0, 5], np.float32), STEP_NS)
    got = used.apply(np.array([1, 5], np.float32), 2 * STEP_NS)
    np.testing.assert_allclose(got, [_weight(1.0, 0.02), 5], rtol=1e-6)


def test_a_stamp_that_does_not_advance_changes_nothing() -> None:
    used, other = OneEuroFilter(1.0, 1.0), OneEuroFilter(1.0, 1.0)
    for filtered in (used, other):
        filtered.apply(_one(0), 5 * STEP_NS)
    assert used.apply(_one(7), 5 * STEP_NS) == 7
    assert used.apply(_one(7), 4 * STEP_NS) == 7
    assert used.apply(_one(1), 6 * STEP_NS) == other.apply(_one(1), 6 * STEP_NS)


def test_reset_forgets() -> None:
    used = OneEuroFilter(0.01, 0.0)
    used.apply(_one(0), STEP_NS)
    used.reset()
    assert used.apply(_one(9), 2 * STEP_NS) == 9


def test_low_pass() -> None:
    used = LowPassFilter(0.1)
    assert used.apply(_one(1)) == 1
    assert used.apply(_one(0)) == pytest.approx(0.9)
    assert used.apply(_one(0)) == pytest.approx(0.81)
    used.reset()
    assert used.apply(_one(0.3)) == pytest.approx(0.3)
