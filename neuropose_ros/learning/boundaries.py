"""How soon a stream's recogniser notices that a person does something else now.

The truth of a boundary is the first frame of the new clip (`joining`): before it nobody can know
what comes. An event is the recogniser's word that an action begins. Events and boundaries are
paired one to one, the nearest first, up to twice the tolerance apart; a boundary is found if its
event lies within the tolerance. With an event too many precision falls, with a boundary missed
recall does.

The median error counts a boundary without an event as infinitely late, so that pairing cannot
flatter it: where that is more than half, it is infinite. Boundaries are close together, so the
same is measured for as many events at random times: better than that is what the recogniser adds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from neuropose_ros.core.action import ActionFrame, ActionPhase
from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.clips import Clip
from neuropose_ros.learning.joining import Segment, Stream
from neuropose_ros.learning.metrics import (
    Array,
    Estimate,
    Indices,
    median_estimate,
    share_estimate,
    share_of,
)

Recognise = Callable[[Clip], Iterable[ActionFrame]]
"""One answer per frame of a clip of one person, in order; any clock that runs as the clip does."""

LEAST_BOUNDARIES = 30
_DRAWS = 100


@dataclass(frozen=True)
class Event:
    """An action begins, says the recogniser.

    Attributes:
        time_s: when it begins: the time that the decision is about.
        said_s: when that was said.
        label: which action.
    """

    time_s: float
    said_s: float
    label: int


@dataclass(frozen=True)
class Match:
    """A boundary and the event that is paired with it.

    Attributes:
        error_s: event minus boundary; NaN = there is none.
        latency_s: when it was said minus boundary; NaN likewise.
        found: whether it lies within the tolerance.
        right: found, and the event names the action that begins.
    """

    boundary_s: float
    label: int
    error_s: float = float('nan')
    latency_s: float = float('nan')
    found: bool = False
    right: bool = False


@dataclass(frozen=True)
class Chance:
    """What events at random times come to, as many of them in each stream; means over draws."""

    median_error_s: float
    precision: float
    recall: float


@dataclass(frozen=True)
class Timeline:
    """A stream and what was said of it, for a plot.

    Attributes:
        times_s: (T,) of the answers.
        probabilities: (T, C).
        said: (T,) top index, -1 = unknown.
    """

    stream: Stream
    times_s: Array
    probabilities: Array
    said: Indices
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Onsets:
    """How the boundaries of all streams were noticed.

    Attributes:
        median_error_s: of abs(error), boundaries without an event infinitely late.
        median_latency_s: of those found: how long after the boundary it was said.
        precision: share of the events by which a boundary is found.
        recall: share of the boundaries that are found.
        labelled_precision: as precision, but the event must name the right action.
        labelled_recall: as recall, likewise.
    """

    matches: tuple[Match, ...]
    tolerance_s: float
    transition_s: float
    median_error_s: Estimate
    median_latency_s: Estimate
    precision: Estimate
    recall: Estimate
    labelled_precision: Estimate
    labelled_recall: Estimate
    chance: Chance
    example: Timeline


def onsets(
    streams: Sequence[Stream], recognise: Recognise, *, tolerance_s: float = 0.5,
    transition_s: float = 0.5, seed: int = 0,
) -> Onsets:
    """Let a recogniser watch streams and hold its onsets against the truth.

    Args:
        recognise: is asked once per stream, with nothing remembered from the last one.
        tolerance_s: an event farther from a boundary has not found it.
        transition_s: of the streams, for the record.
        seed: of the events at random times.

    Raises:
        DataError: fewer than 30 boundaries, too few for a median to mean much.
    """
    boundaries = sum(len(stream.segments) - 1 for stream in streams)
    if boundaries < LEAST_BOUNDARIES:
        raise DataError(f'{boundaries} boundaries between clips; {LEAST_BOUNDARIES} are needed')
    timelines = [_watch(stream, recognise) for stream in streams]
    said = [(line.stream, _after_start(line)) for line in timelines]
    matches = _match_all(said, tolerance_s)
    events = sum(len(counted) for _, counted in said)
    found = np.array([match.found for match in matches])
    right = np.array([match.right for match in matches])
    latency_s = np.array([match.latency_s for match in matches])
    return Onsets(
        matches, tolerance_s, transition_s, median_estimate(_errors_s(matches)),
        median_estimate(latency_s[found]), share_of(int(found.sum()), events),
        share_estimate(found), share_of(int(right.sum()), events), share_estimate(right),
        _chance(said, tolerance_s, seed), timelines[0])


def _match_all(
    said: Sequence[tuple[Stream, Sequence[Event]]], tolerance_s: float,
) -> tuple[Match, ...]:
    return tuple(match for stream, events in said
                 for match in match_events(stream, events, tolerance_s))


def _errors_s(matches: Sequence[Match]) -> Array:
    errors_s = np.abs([match.error_s for match in matches])
    return np.asarray(np.where(np.isnan(errors_s), np.inf, errors_s), np.float64)


def _chance(
    said: Sequence[tuple[Stream, Sequence[Event]]], tolerance_s: float, seed: int,
) -> Chance:
    random = np.random.default_rng(seed)
    events = sum(len(counted) for _, counted in said)
    medians_s, found = [], []
    for _ in range(_DRAWS):
        drawn = [(stream, [Event(time_s, time_s, -1) for time_s in random.uniform(
            0, stream.segments[-1].end_s, len(counted))]) for stream, counted in said]
        matches = _match_all(drawn, tolerance_s)
        medians_s.append(np.median(_errors_s(matches)))
        found.append(sum(match.found for match in matches))
    mean = float(np.mean(found))
    return Chance(float(np.median(medians_s)), mean / events if events else float('nan'),
                  mean / len(matches))


def events_of(frames: Sequence[ActionFrame]) -> tuple[Event, ...]:
    """Return where an action begins: the first answer of each stretch whose phase is ONSET.

    Answers of phase UNKNOWN, a label that has not settled, neither begin nor end a stretch. Times
    count from the first frame.
    """
    events = []
    label, phase = -1, ActionPhase.UNKNOWN
    for frame in frames:
        for action in frame.actions[:1]:
            if action.phase == ActionPhase.UNKNOWN:
                continue
            if action.phase == ActionPhase.ONSET and (
                    action.top_index != label or phase != ActionPhase.ONSET):
                zero_ns = frames[0].stamp_ns
                events.append(Event(
                    (action.window_end_ns - zero_ns) / 1e9 - action.decision_delay_s,
                    (frame.stamp_ns - zero_ns) / 1e9, action.top_index))
            label, phase = action.top_index, action.phase
    return tuple(events)


def match_events(
    stream: Stream, events: Sequence[Event], tolerance_s: float,
) -> tuple[Match, ...]:
    """Return one match per boundary of the stream."""
    starts = stream.segments[1:]
    pairs = sorted(
        (abs(event.time_s - start.start_s), i, j) for i, start in enumerate(starts)
        for j, event in enumerate(events)
        if abs(event.time_s - start.start_s) <= 2 * tolerance_s)
    chosen: dict[int, Event] = {}
    taken: set[int] = set()
    for _, i, j in pairs:
        if i not in chosen and j not in taken:
            chosen[i] = events[j]
            taken.add(j)
    return tuple(_match(start, chosen.get(i), tolerance_s) for i, start in enumerate(starts))


def _match(start: Segment, event: Event | None, tolerance_s: float) -> Match:
    if event is None:
        return Match(start.start_s, start.label)
    error_s = event.time_s - start.start_s
    found = abs(error_s) <= tolerance_s
    return Match(start.start_s, start.label, error_s, event.said_s - start.start_s, found,
                 found and event.label == start.label)


def _watch(stream: Stream, recognise: Recognise) -> Timeline:
    frames = tuple(recognise(stream.clip))
    if len(frames) != len(stream.clip.times_s) or any(len(f.actions) != 1 for f in frames):
        raise DataError(f'{stream.clip.name}: the recogniser must give one answer about one '
                        f'person for each of {len(stream.clip.times_s)} frames')
    actions = [frame.actions[0] for frame in frames]
    return Timeline(
        stream, np.array([(frame.stamp_ns - frames[0].stamp_ns) / 1e9 for frame in frames]),
        np.array([action.probabilities for action in actions], np.float64),
        np.array([action.top_index for action in actions], np.int64), events_of(frames))


def _after_start(line: Timeline) -> tuple[Event, ...]:
    """Leave out the first word about a stream: its begin is no boundary between two clips."""
    first = line.stream.segments[0]
    starts_first = line.events and line.events[0].time_s <= first.end_s
    return line.events[1:] if starts_first else line.events
