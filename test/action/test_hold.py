"""What a robot may act on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.action.hold import HoldBudget, judge
from neuropose_ros.core.action import Action, ActionPhase
from neuropose_ros.core.errors import ParameterError

NOW_NS = 20_000_000_000
SURE = Action(
    3, NOW_NS - 10**9, NOW_NS - 10**8, 30, 0.8, np.array([0.1, 0.9], np.float32), 1, 'wave', 0.2,
    phase=ActionPhase.ONGOING)


def test_a_good_answer_passes_as_it_is():
    assert judge(SURE, NOW_NS, HoldBudget()) is SURE


@pytest.mark.parametrize(('changes', 'reason'), [
    ({'window_end_ns': NOW_NS + 1}, 'clock_in_future'),
    ({'window_end_ns': NOW_NS - 6 * 10**8}, 'stale'),
    ({'window_end_ns': 0}, 'stale'),
    ({'window_start_ns': NOW_NS - 3 * 10**8}, 'too_short'),
    ({'window_start_ns': NOW_NS}, 'too_short'),
    ({'coverage': 0.49}, 'thin_coverage'),
    ({'coverage': float('nan')}, 'thin_coverage'),
    ({'unknown_score': 0.91}, 'unlike_known'),
    ({'unknown_score': float('nan')}, 'unlike_known'),
    ({'top_index': -1}, 'unlike_known'),
    ({'top_index': 2}, 'unlike_known'),
    ({'top_label': 'unknown'}, 'unlike_known'),
    ({'top_label': ''}, 'unlike_known'),
    ({'probabilities': np.array([0.4, 0.6], np.float32)}, 'unsure'),
    ({'top_index': -1, 'top_label': 'unknown', 'reason': 'too_short'}, 'too_short'),
    # What an old answer says of itself may no longer be so.
    ({'reason': 'too_short', 'window_end_ns': NOW_NS - 10**9}, 'stale'),
])
def test_anything_else_is_the_explicit_unknown(changes, reason):
    budget = HoldBudget(most_unknown_score=0.9, least_probability=0.7, least_evidence_s=0.25)
    doubtful = replace(SURE, **changes)
    held = judge(doubtful, NOW_NS, budget)
    assert (held.top_index, held.top_label, held.reason) == (-1, 'unknown', reason)
    assert held.phase is ActionPhase.UNKNOWN
    assert held.probabilities is doubtful.probabilities
    assert held.track_id == 3


def test_nothing_heard_is_unknown_too():
    held = judge(None, NOW_NS, HoldBudget())
    assert (held.top_label, held.reason, held.track_id) == ('unknown', 'no_track', -1)


@pytest.mark.parametrize(('field', 'value'), [
    ('max_age_s', 0.0), ('max_age_s', float('inf')), ('least_coverage', 1.1),
    ('least_evidence_s', -0.1), ('least_evidence_s', float('nan')),
    ('most_unknown_score', -0.1), ('least_probability', float('nan'))])
def test_a_budget_without_meaning_is_refused(field, value):
    with pytest.raises(ParameterError, match=field):
        HoldBudget(**{field: value})
