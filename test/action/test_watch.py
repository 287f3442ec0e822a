"""No message and no clock makes old evidence look young."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.action.hold import HoldBudget
from neuropose_ros.action.watch import Watch
from neuropose_ros.core.action import Action, ActionFrame

S = 10**9
WAVES = Action(1, 99 * S, 100 * S, 30, 0.9, np.array([0.1, 0.9], np.float32), 1, 'wave')


def frame(stamp_s: float, epoch: int = 0, *people: Action) -> ActionFrame:
    stamp_ns = round(stamp_s * S)
    people = people or (
        replace(WAVES, window_start_ns=stamp_ns - S, window_end_ns=stamp_ns),)
    return ActionFrame(stamp_ns, 1, 'arm@1234', 'arm', epoch=epoch, actions=people)


def reason(watch: Watch, now_s: float, steady_s: float) -> str:
    return watch.judge(watch.people[0], round(now_s * S), steady_s).reason


@pytest.fixture
def watch() -> Watch:
    this = Watch(HoldBudget(max_age_s=0.5))
    assert this.silent(0.0)
    assert this.people == ()
    assert this.take(frame(100.0), round(100.1 * S), 5.0)
    return this


def test_an_answer_ages_and_then_there_is_silence(watch):
    assert reason(watch, 100.1, 5.0) == ''
    assert reason(watch, 100.4, 5.3) == ''
    assert reason(watch, 100.7, 5.45) == 'stale'
    assert not watch.silent(5.5)
    assert watch.silent(5.51)


def test_nobody_is_nobody(watch):
    assert watch.take(ActionFrame(101 * S, 2, 'arm@1234', 'arm'), 101 * S, 6.0)
    assert watch.people == ()
    assert watch.judge(None, 101 * S, 6.0).reason == 'no_track'


@pytest.mark.parametrize('now_s', [100.0, 100.1, 100.2])
def test_it_ages_by_the_steady_clock_while_the_other_is_set_back_or_stands_still(watch, now_s):
    """It was 0.1 s old when it came, and 0.45 s have passed since."""
    assert reason(watch, now_s, 5.35) == ''
    assert reason(watch, now_s, 5.45) == 'stale'


def test_a_clock_that_is_set_before_the_evidence_is_not_trusted(watch):
    assert reason(watch, 99.9, 5.1) == 'clock_in_future'


def test_a_clock_that_is_set_forward_makes_it_old(watch):
    assert reason(watch, 3600.0, 5.1) == 'stale'


def test_a_repeated_message_is_no_evidence_however_often_it_comes(watch):
    for steady_s in (5.1, 5.4, 5.9, 60.0):
        assert not watch.take(frame(100.0), round(100.1 * S), steady_s)
    assert watch.silent(5.9)


def test_a_message_that_was_overtaken_does_not_replace_what_came_later(watch):
    nobody_knows = replace(WAVES, top_index=-1, top_label='unknown', reason='too_short')
    assert watch.take(frame(100.2, 0, nobody_knows), round(100.2 * S), 5.1)
    assert not watch.take(frame(100.1), round(100.2 * S), 5.1)
    assert reason(watch, 100.2, 5.1) == 'too_short'


def test_a_new_epoch_counts_at_once_and_what_is_left_of_the_old_one_does_not(watch):
    assert watch.take(frame(3.0, 1), 3 * S, 5.1)
    assert not watch.take(frame(100.1, 0), 3 * S, 5.1)
    assert reason(watch, 3.1, 5.2) == ''


@pytest.mark.parametrize('older', [frame(3.0), frame(99.0)])
def test_after_a_silence_time_may_begin_anew(watch, older):
    assert not watch.take(older, older.stamp_ns, 5.5)
    assert watch.take(older, older.stamp_ns, 5.6)
