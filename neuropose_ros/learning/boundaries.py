"""How soon a stream's recogniser notices that a person does something else now.

The truth of a boundary is the first frame of the new clip (`joining`): before it nobody can know
what comes. An event is the recogniser's word that an action begins. Events and boundaries are
matched one to one, the nearest first, within a tolerance; with an event too many precision falls,
with a boundary missed recall does.

The median error counts a boundary that was missed as infinitely late, so that the tolerance
cannot flatter it: where more than half are missed, it is infinite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from neuropose_ros.core.action import ActionFrame, ActionPhase
from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.clips import Clip
from neuropose_ros.learning.joining import Stream
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
    """A boundary and the event that noticed it.

    Attributes:
        error_s: event minus boundary; NaN = missed.
        latency_s: when it was said minus boundary; NaN = missed.
        right: the event names the action that begins.
    """

    boundary_s: float
    label: int
    error_s: float = float('nan')
    latency_s: float = float('nan')
    right: bool = False

    @property
    def found(self) -> bool:
        """Whether an event lies within the tolerance."""
        return bool(np.isfinite(self.error_s))


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
        median_error_s: of abs(error), missed boundaries infinitely late.
        median_found_error_s: of the boundaries that were found.
        median_latency_s: of the same: how long after the boundary it was said.
        precision: share of the events that belong to a boundary.
        recall: share of the boundaries that were noticed.
        labelled_precision: as precision, but the event must name the right action.
        labelled_recall: as recall, likewise.
    """

    matches: tuple[Match, ...]
    tolerance_s: float
    transition_s: float
    median_error_s: Estimate
    median_found_error_s: Estimate
    median_latency_s: Estimate
    precision: Estimate
    recall: Estimate
    labelled_precision: Estimate
    labelled_recall: Estimate
    example: Timeline


def onsets(
    streams: Sequence[Stream], recognise: Recognise, *, tolerance_s: float = 1.0,
    transition_s: float = 0.5,
) -> Onsets:
    """Let a recogniser watch streams and hold its onsets against the truth.

    Args:
        recognise: is asked once per stream, with nothing remembered from the last one.
        tolerance_s: an event farther from a boundary than that is another event.
        transition_s: of the streams, for the record.

    Raises:
        DataError: fewer than 30 boundaries, too few for a median to mean much.
    """
    boundaries = sum(len(stream.segments) - 1 for stream in streams)
    if boundaries < LEAST_BOUNDARIES:
        raise DataError(f'{boundaries} boundaries between clips; {LEAST_BOUNDARIES} are needed')
    timelines = [_watch(stream, recognise) for stream in streams]
    matches: list[Match] = []
    events = 0
    for line in timelines:
        counted = _after_start(line)
        events += len(counted)
        matches.extend(match_events(line.stream, counted, tolerance_s))
    found = np.array([match.found for match in matches])
    right = np.array([match.right for match in matches])
    late_s = np.array([abs(m.error_s) if m.found else np.inf for m in matches])
    latency_s = np.array([match.latency_s for match in matches])
    return Onsets(
        tuple(matches), tolerance_s, transition_s, median_estimate(late_s),
        median_estimate(late_s[found]), median_estimate(latency_s[found]),
        share_of(int(found.sum()), events), share_estimate(found),
        share_of(int(right.sum()), events), share_estimate(right), timelines[0])


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
        for j, event in enumerate(events) if abs(event.time_s - start.start_s) <= tolerance_s)
    chosen: dict[int, Event] = {}
    taken: set[int] = set()
    for _, i, j in pairs:
        if i not in chosen and j not in taken:
            chosen[i] = events[j]
            taken.add(j)
    return tuple(_match(start.start_s, start.label, chosen.get(i))
                 for i, start in enumerate(starts))


def _match(boundary_s: float, label: int, event: Event | None) -> Match:
    if event is None:
        return Match(boundary_s, label)
    return Match(boundary_s, label, event.time_s - boundary_s, event.said_s - boundary_s,
                 event.label == label)


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
