"""Ticks by time: jitter, slow and fast cameras, gaps."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.action.grid import BRIDGE_S, Tick, TimeGrid, between

MS = 1_000_000


def feed(stamps_ms, rate_hz=10.0):
    """Return for each frame the ticks as (ms, share)."""
    grid = TimeGrid(rate_hz)
    return [[(tick.stamp_ns / MS, tick.share) for tick in grid.due(round(stamp * MS))]
            for stamp in stamps_ms]


def test_a_camera_at_the_rate_makes_one_tick_a_frame():
    assert feed([1000, 1100, 1200]) == [[(1000, 1)], [(1100, 1)], [(1200, 1)]]


def test_jitter_neither_skips_nor_doubles_a_tick():
    rng = np.random.default_rng(1)
    stamps = 1000 + 100 * np.arange(200) + np.r_[0, rng.uniform(-20, 20, 199)]
    assert [len(ticks) for ticks in feed(stamps)] == [1] * 200


def test_a_rate_that_is_off_by_a_little_keeps_to_time():
    ticks = [tick for frame in feed(1000 + 101 * np.arange(1000)) for tick in frame]
    assert len(ticks) == pytest.approx(1000 * 1.01, abs=1)
    assert [stamp for stamp, _ in ticks] == pytest.approx(1000 + 100 * np.arange(len(ticks)))


def test_a_slow_camera_is_bridged():
    assert feed([1000, 1200]) == [[(1000, 1)], [(1100, 0.5), (1200, 1)]]


def test_a_fast_camera_makes_no_tick_in_between():
    assert feed([1000, 1050, 1100]) == [[(1000, 1)], [], [(1100, 1)]]


def test_nothing_is_known_inside_a_long_gap():
    gap_ms = BRIDGE_S * 1000 + 150
    ticks = feed([1000, 1000 + gap_ms])[1]
    assert [share for _, share in ticks] == [pytest.approx(np.nan, nan_ok=True)] * 3 + [1]
    assert ticks[-1] == (1400, 1)


def test_the_ends_of_a_long_gap_are_known_to_half_a_period():
    ticks = feed([1000, 1060, 1440])[2]
    assert ticks[0][1] == 0  # 1100 is 40 ms after 1060
    assert np.isnan([share for _, share in ticks][1:-1]).all()
    assert ticks[-1] == (1400, 1)


def test_a_reset_moves_the_grid():
    grid = TimeGrid(10)
    grid.due(1000 * MS)
    grid.reset()
    assert grid.due(1033 * MS) == [Tick(1033 * MS, 1.0)]


def test_between_mixes_what_both_measured_and_keeps_what_the_nearer_one_did():
    nan = np.nan
    previous = np.array([[0, 0], [8, 8], [nan, nan], [nan, nan]], np.float32)
    newest = np.array([[4, 8], [nan, nan], [3, 3], [nan, nan]], np.float32)
    late = between(previous, newest, Tick(0, 0.75))
    np.testing.assert_array_equal(late, [[3, 6], [nan, nan], [3, 3], [nan, nan]])
    early = between(previous, newest, Tick(0, 0.25))
    np.testing.assert_array_equal(early, [[1, 2], [8, 8], [nan, nan], [nan, nan]])
    assert np.isnan(between(previous, newest, Tick(0, nan))).all()
