"""Beginning, going on, ending: with patience."""

from __future__ import annotations

import pytest

from neuropose_ros.action.phase import PhaseState, advance
from neuropose_ros.core.action import ActionPhase

NAMES = {ActionPhase.UNKNOWN: '?', ActionPhase.ONSET: 'o', ActionPhase.ONGOING: '-',
         ActionPhase.OFFSET: 'x'}


def phases(answers, settle_s=0.2, onset_s=0.5):
    """Return a letter for each answer (label, probability), 0.1 s apart."""
    state, letters = PhaseState(), ''
    for index, (label, probability) in enumerate(answers):
        state, phase = advance(
            state, label, probability, 10**9 + index * 10**8, settle_s=settle_s, onset_s=onset_s)
        letters += NAMES[phase]
    return letters


def test_a_new_action_settles_begins_and_goes_on():
    assert phases([(0, 0.9)] * 10) == '??oooo----'


def test_unknown_has_no_phase():
    assert phases([(-1, 0.9)] * 5) == '?????'


def test_a_flicker_of_another_label_does_not_begin_anything():
    assert phases([(0, 0.9)] * 8 + [(1, 0.6)] * 2 + [(0, 0.9)] * 3) == '??oooo--??---'


def test_another_label_that_stays_begins():
    assert phases([(0, 0.9)] * 8 + [(1, 0.9)] * 8) == '??oooo--' + '??oooo--'


def test_an_action_after_a_long_unknown_begins_again():
    assert phases([(0, 0.9)] * 8 + [(-1, 0)] * 4 + [(0, 0.9)] * 8).endswith('????' '??oooo--')


def test_falling_is_the_end_and_rising_again_is_not():
    letters = phases([(0, 0.9)] * 8 + [(0, 0.4)] * 4 + [(0, 0.9)] * 4)
    assert letters == '??oooo--' '--xx' 'xx--'


def test_a_dip_shorter_than_the_settling_time_is_nothing():
    assert 'x' not in phases([(0, 0.9)] * 8 + [(0, 0.4)] * 2 + [(0, 0.9)] * 4)


def test_one_spike_is_no_measure_for_ever():
    letters = phases([(0, 0.5)] * 8 + [(0, 1.0)] + [(0, 0.5)] * 60)
    assert letters[-1] == '-'


@pytest.mark.parametrize('settle_s', [0.0, 0.1])
def test_without_patience_phases_follow_at_once(settle_s):
    assert phases([(0, 0.9)] * 3, settle_s)[round(settle_s * 10):][:2] == 'oo'
