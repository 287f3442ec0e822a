"""Onsets of recognisers that are late, blind or nervous by a known amount."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.action import Action, ActionFrame, ActionPhase
from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.boundaries import Event, events_of, match_events, onsets
from neuropose_ros.learning.joining import join_clips

from .synthetic import clip_set

STREAMS = join_clips(clip_set(per_class=16), per_stream=6)
BOUNDARIES = sum(len(stream.segments) - 1 for stream in STREAMS)


def answer(time_s: float, label: int, phase: ActionPhase, delay_s: float = 0.0) -> ActionFrame:
    """Of a clock that shows 7 s when the clip begins."""
    stamp_ns = round((7 + time_s) * 1e9)
    action = Action(1, 0, stamp_ns, 1, 1.0, np.full(3, 1 / 3, np.float32), label, phase=phase,
                    decision_delay_s=delay_s)
    return ActionFrame(stamp_ns, 0, 'toy', 'toy', actions=(action,))


def watcher(late_s: float, skip: int = 0, delay_s: float = 0.0, shift: int = 0):
    """Says each action that late, every `skip`-th not at all."""
    def recognise(clip):
        stream = next(s for s in STREAMS if s.clip is clip)
        starts = [s for i, s in enumerate(stream.segments) if not skip or i % skip != skip - 1]
        for time_s in clip.times_s:
            past = [s for s in starts if s.start_s + late_s <= time_s + 1e-9]
            if not past:
                yield answer(time_s, -1, ActionPhase.UNKNOWN, delay_s)
                continue
            begun = time_s - past[-1].start_s - late_s < 0.3
            yield answer(time_s, (past[-1].label + shift) % 3,
                         ActionPhase.ONSET if begun else ActionPhase.ONGOING, delay_s)
    return recognise


def test_a_recogniser_that_is_late_is_late_by_that_much():
    result = onsets(STREAMS, watcher(0.2))
    assert result.median_error_s.value == pytest.approx(0.2, abs=1e-6)
    assert result.median_latency_s.value == pytest.approx(0.2, abs=1e-6)
    assert result.recall.value == result.precision.value == 1
    assert result.labelled_recall.value == 1
    assert len(result.matches) == result.recall.count == BOUNDARIES >= 30


def test_an_answer_about_the_past_is_held_against_the_past():
    result = onsets(STREAMS, watcher(0.2, delay_s=0.2))
    assert result.median_error_s.value == pytest.approx(0, abs=1e-6)
    assert result.median_latency_s.value == pytest.approx(0.2, abs=1e-6)


def test_missed_boundaries_cost_recall_and_count_as_infinitely_late():
    result = onsets(STREAMS, watcher(0.2, skip=2))
    assert 0.3 < result.recall.value < 0.5 and result.precision.value == 1
    assert result.median_error_s.value == np.inf
    assert result.median_latency_s.value == pytest.approx(0.2, abs=1e-6)


def test_what_comes_too_late_is_missed_and_wrong_but_how_late_is_known():
    result = onsets(STREAMS, watcher(0.5), tolerance_s=0.4)
    assert result.recall.value == result.precision.value == 0
    assert result.median_error_s.value == pytest.approx(0.5, abs=1e-6)


def test_chance_is_what_random_events_come_to():
    result = onsets(STREAMS, watcher(0.2))
    # Boundaries are 2.45 s apart and one event falls on each such stretch: it lies within 0.5 s
    # of a boundary with a chance of 0.41; some boundaries have none near, the errors are larger.
    assert 0.25 < result.chance.recall < 0.45
    assert result.chance.median_error_s > 0.5
    assert result.chance == onsets(STREAMS, watcher(0.2)).chance


def test_the_wrong_action_in_time_counts_apart():
    result = onsets(STREAMS, watcher(0.2, shift=1))
    assert result.recall.value == 1 and result.labelled_recall.value == 0
    assert result.labelled_precision.value == 0


def test_an_event_serves_one_boundary_and_the_nearest_wins():
    stream = STREAMS[0]
    begin = stream.segments[1]
    events = [Event(begin.start_s + d, begin.start_s + d, begin.label) for d in (-0.3, 0.1, 0.4)]
    matches = match_events(stream, events, 0.5)
    assert matches[0].error_s == pytest.approx(0.1)
    assert not any(match.found for match in matches[1:])


def test_nervous_answers_cost_precision():
    def recognise(clip):
        for i, time_s in enumerate(clip.times_s):
            yield answer(time_s, (i // 4) % 3, ActionPhase.ONSET)
    result = onsets(STREAMS, recognise)
    assert result.precision.value < 0.2
    assert result.precision.value == pytest.approx(result.chance.precision, abs=0.02)


def test_a_label_that_has_not_settled_is_no_event():
    onset, ongoing, unknown = ActionPhase.ONSET, ActionPhase.ONGOING, ActionPhase.UNKNOWN
    said = [(0, onset), (1, unknown), (0, onset), (0, ongoing), (2, unknown), (0, ongoing),
            (0, ActionPhase.OFFSET), (0, onset), (1, onset)]
    events = events_of([answer(i, *part) for i, part in enumerate(said)])
    assert [(event.time_s, event.label) for event in events] == [(0, 0), (7, 0), (8, 1)]


def test_too_few_boundaries_are_refused():
    with pytest.raises(DataError, match='30 are needed'):
        onsets(STREAMS[:2], watcher(0.2))


def test_a_recogniser_that_leaves_frames_out_is_refused():
    with pytest.raises(DataError, match='one answer about one person for each of'):
        onsets(STREAMS, lambda clip: list(watcher(0.2)(clip))[1:])
