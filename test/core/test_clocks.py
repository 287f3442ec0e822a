"""Restarts, repeats and the mapping of steady time."""

from __future__ import annotations

import time

import pytest

from neuropose_ros.core.clocks import (
    SteadyToRos,
    Stopwatch,
    Timeline,
    nanoseconds,
    seconds,
)


def test_durations_convert_both_ways():
    assert seconds(1_500_000_000) == 1.5
    assert nanoseconds(1.5) == 1_500_000_000
    assert nanoseconds(1 / 30) == 33_333_333


def test_laps_are_counted_from_the_last_one():
    watch = Stopwatch()
    time.sleep(0.002)
    assert watch.lap_ms() >= 2.0
    assert 0.0 <= watch.lap_ms() < 2.0


def test_the_first_frame_is_no_restart():
    assert not Timeline().restarted(5, 3)


@pytest.mark.parametrize(('stamp_ns', 'epoch', 'expected'), [
    (101, 0, False),
    (100, 0, False),  # the same instant again
    (99, 0, True),
    (0, 0, True),
    (101, 1, True),
    (100, 1, True),
])
def test_time_that_runs_back_or_a_new_epoch_is_a_restart(stamp_ns, epoch, expected):
    timeline = Timeline()
    timeline.restarted(100, 0)
    assert timeline.restarted(stamp_ns, epoch) is expected


def test_a_restart_is_reported_once():
    timeline = Timeline()
    assert [timeline.restarted(stamp, 0) for stamp in (10, 20, 5, 6, 20)] == [
        False, False, True, False, False]


def test_a_repeat_needs_the_same_epoch():
    timeline = Timeline()
    assert not timeline.repeated(10, 0)
    timeline.restarted(10, 0)
    assert timeline.repeated(10, 0)
    assert not timeline.repeated(10, 1)
    assert not timeline.repeated(11, 0)


def test_a_zero_stamp_is_a_time_like_any_other():
    timeline = Timeline()
    timeline.restarted(0, 0)
    assert timeline.repeated(0, 0)
    assert timeline.restarted(-1, 0)


def test_jitter_of_reading_the_clocks_stays_out_of_the_stamps():
    clock = SteadyToRos(tolerance_ns=1000)
    assert clock.to_ros(50, steady_now_ns=100, ros_now_ns=10_100) == 10_050
    assert clock.to_ros(150, steady_now_ns=200, ros_now_ns=10_900) == 10_150


def test_a_stepped_clock_is_followed():
    clock = SteadyToRos(tolerance_ns=1000)
    clock.to_ros(50, steady_now_ns=100, ros_now_ns=10_100)
    assert clock.to_ros(150, steady_now_ns=200, ros_now_ns=99_200) == 99_150
