"""The filters against closed forms and textbook recursions."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.refinement import filters
from neuropose_ros.refinement.filters import Points

DT_S = 1 / 30


def settle(density: float, variance: float, dt_s: float = DT_S, steps: int = 500):
    """Return a point's variances and gain once the filter has settled."""
    points = filters.start(np.zeros((1, 2)), np.array([variance]), np.array([1.0]))
    for _ in range(steps):
        predicted = filters.predict(points, dt_s, np.array([density]))
        points, gain = filters.correct(predicted, np.zeros((1, 2)), np.array([variance]))
    return points, float(gain.position[0]), float(gain.velocity[0])


def test_the_recursion_is_the_matrix_kalman_filter():
    rng = np.random.default_rng(1)
    density, variance = 0.7, 0.02
    transition = np.array([[1, DT_S], [0, 1]])
    noise = density * np.array([[DT_S ** 3 / 3, DT_S ** 2 / 2], [DT_S ** 2 / 2, DT_S]])
    state, covariance = np.array([0.3, 0.0]), np.diag((variance, 4.0))
    points = filters.start(np.array([[0.3, 0.3]]), np.array([variance]), np.array([2.0]))
    for measured in rng.normal(size=50):
        state, covariance = transition @ state, transition @ covariance @ transition.T + noise
        gain = covariance[:, 0] / (covariance[0, 0] + variance)
        state = state + gain * (measured - state[0])
        covariance = covariance - np.outer(gain, covariance[0])
        predicted = filters.predict(points, DT_S, np.array([density]))
        points, _ = filters.correct(
            predicted, np.array([[measured, measured]]) - predicted.position,
            np.array([variance]))
        assert points.position[0] == pytest.approx([state[0]] * 2)
        assert points.velocity[0] == pytest.approx([state[1]] * 2)
        assert (points.position_variance[0], points.cross_variance[0],
                points.velocity_variance[0]) == pytest.approx(
            (covariance[0, 0], covariance[0, 1], covariance[1, 1]))


def test_two_half_steps_predict_what_one_whole_step_does():
    points, _, _ = settle(0.7, 0.02)
    points = Points(
        points.position + 1.0, points.velocity + 2.0, points.position_variance,
        points.cross_variance, points.velocity_variance)
    density = np.array([0.7])
    once = filters.predict(points, 0.1, density)
    twice = filters.predict(filters.predict(points, 0.04, density), 0.06, density)
    for name in ('position', 'velocity', 'position_variance', 'cross_variance',
                 'velocity_variance'):
        assert getattr(twice, name) == pytest.approx(getattr(once, name)), name


def test_a_drifting_point_takes_up_the_velocity_of_the_body():
    points = Points(
        np.zeros((2, 2)), np.array([[1.0, 0.0], [1.0, 0.0]]), np.full(2, 1e-4), np.zeros(2),
        np.full(2, 0.1))
    drift = np.array([[0.0, 3.0], [0.0, 3.0]])
    moved = filters.predict(
        points, 0.4, np.zeros(2), drift, np.array([True, False]), decay_s=0.1)
    share = np.exp(-4.0)
    assert moved.velocity[0] == pytest.approx([share, 3.0 * (1 - share)])
    assert moved.position[0] == pytest.approx(
        [0.1 * (1 - share), 3.0 * 0.4 - 3.0 * 0.1 * (1 - share)])
    assert moved.velocity[1] == pytest.approx([1.0, 0.0])
    assert moved.position[1] == pytest.approx([0.4, 0.0])


def test_what_was_not_measured_stays_and_what_is_unknown_stays_unknown():
    points = filters.start(
        np.array([[1.0, 2.0], [np.nan, np.nan]]), np.array([0.1, np.nan]), np.array([1.0, 1.0]))
    corrected, gain = filters.correct(points, np.zeros((2, 2)), np.array([np.inf, np.inf]))
    assert corrected.position[0].tolist() == [1.0, 2.0]
    assert corrected.position_variance[0] == 0.1
    assert gain.position[0] == gain.velocity[0] == 0.0
    assert np.isnan(corrected.position[1]).all()


@pytest.mark.parametrize(('alpha', 'beta'), [(0.9, 0.8), (0.6, 0.25), (1.0, 1.0), (0.4, 0.1)])
def test_the_response_is_that_of_the_running_filter(alpha, beta):
    frequency_hz, times_s = 4.0, np.arange(600) * DT_S
    position, velocity, filtered = 0.0, 0.0, []
    for measured in np.exp(2j * np.pi * frequency_hz * times_s):
        position += velocity * DT_S
        innovation = measured - position
        position += alpha * innovation
        velocity += beta / DT_S * innovation
        filtered.append(position)
    ratio = filtered[-1] / np.exp(2j * np.pi * frequency_hz * times_s[-1])
    response = filters.frequency_response(alpha, beta, np.array([frequency_hz]), DT_S)
    assert response[0] == pytest.approx(ratio, abs=1e-9)


@pytest.mark.parametrize(('alpha', 'beta'), [(0.9, 0.8), (0.6, 0.25), (0.4, 0.1)])
def test_the_group_delay_is_the_slope_of_the_phase(alpha, beta):
    band_hz = filters.MOVEMENT_BAND_HZ
    step_hz = 1e-4
    phase = [np.angle(filters.frequency_response(alpha, beta, band_hz + offset, DT_S))
             for offset in (-step_hz, step_hz)]
    slope_s = -(phase[1] - phase[0]) / (2 * step_hz) / (2 * np.pi)
    expected = max(0.0, float(slope_s.max()))
    delays_s = filters.group_delays_s(np.array([alpha]), np.array([beta]), DT_S)
    assert delays_s == pytest.approx([expected], rel=0.03)


def test_a_filter_that_takes_everything_delays_nothing():
    assert filters.group_delays_s(np.ones(1), np.ones(1), DT_S)[0] == pytest.approx(0.0, abs=1e-12)
    assert filters.group_delays_s(np.zeros(1), np.zeros(1), DT_S)[0] == 0.0
    assert filters.low_pass_delays_s(np.ones(1), DT_S)[0] == 0.0


def test_the_low_pass_delays_a_ramp_by_its_delay():
    share = float(filters.low_pass_share(np.array([2.0]), DT_S)[0])
    value = 0.0
    for time_s in np.arange(400) * DT_S:
        value += share * (time_s - value)
    delays_s = filters.low_pass_delays_s(np.array([share]), DT_S)
    assert time_s - value == pytest.approx(delays_s[0], rel=1e-6)


def test_distances_are_in_standard_deviations():
    assert filters.distance_sd(np.array([[3.0, 4.0]]), np.array([4.0])).tolist() == [2.5]
