"""Everybody that is followed, stacked: row i of every array is one person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.action import normalisation
from neuropose_ros.action.grid import Tick, between
from neuropose_ros.action.normalisation import NormaliserState
from neuropose_ros.action.phase import PhaseState
from neuropose_ros.action.recogniser import Recogniser
from neuropose_ros.core.pose import Floats

Counts = NDArray[np.int64]
_Stack = TypeVar('_Stack', 'Rows', NormaliserState)


@dataclass(frozen=True)
class Rows:
    """N people; W ticks of the window, in a ring.

    Attributes:
        previous: (N, K, D) keypoints of the frame before the newest; NaN = not measured.
        newest: (N, K, D) of the newest frame.
        seen_ns: (N,) time of the last frame with the person in it.
        ticks: (N,) run so far.
        measured: (N, W) share of the joints that were measured.
        used_ns: (N, W) time of the newest frame that a tick used, 0 = none.
        probabilities: (N, C) of the last tick.
        unknown: (N,) of the last tick.
    """

    previous: Floats
    newest: Floats
    seen_ns: Counts
    ticks: Counts
    measured: Floats
    used_ns: Counts
    probabilities: Floats
    unknown: Floats

    @staticmethod
    def none_known(people: int, joints: int, depth: int, window: int, classes: int) -> Rows:
        """Return rows of people of whom nothing is known yet."""
        points = np.full((people, joints, depth), np.nan, np.float32)
        return Rows(
            points, points.copy(), np.zeros(people, np.int64), np.zeros(people, np.int64),
            np.zeros((people, window), np.float32), np.zeros((people, window), np.int64),
            np.full((people, classes), 1 / classes, np.float32), np.ones(people, np.float32))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the answer about one person rests on."""

    start_ns: int
    end_ns: int
    frames: int
    coverage: float
    ticks: int


class Tracks:
    """The memory of a recogniser; one run for all people in it.

    Attributes:
        window: W, ticks.
    """

    def __init__(self, recogniser: Recogniser) -> None:
        """Begin without people."""
        description = recogniser.description
        self._recogniser = recogniser
        self._shape = len(description.layout), description.dimensions
        self.window = max(1, round(description.window_s * description.rate_hz))
        self._newest_ns = self._previous_ns = 0
        self.phases: dict[int, PhaseState] = {}
        self.clear()

    def __len__(self) -> int:
        """Return N, the number of people."""
        return len(self.row)

    def clear(self) -> None:
        """Forget everybody."""
        self.row: dict[int, int] = {}
        self.rows = self._new_rows(0)
        self._states = self._recogniser.initial_states(0)
        self._normaliser = self._new_normaliser(0)
        self.phases.clear()

    def begin_frame(self, stamp_ns: int, points: Mapping[int, Floats]) -> None:
        """Take a frame's people that are known already; the others are not in it.

        Args:
            stamp_ns: of the frame.
            points: id -> (K, D) keypoints, NaN = not measured.
        """
        newest = np.full_like(self.rows.newest, np.nan)
        seen_ns = self.rows.seen_ns.copy()
        for track_id, row in self.row.items():
            if track_id in points:
                newest[row] = points[track_id]
                seen_ns[row] = stamp_ns
        self.rows = replace(
            self.rows, previous=self.rows.newest, newest=newest, seen_ns=seen_ns)
        self._previous_ns, self._newest_ns = self._newest_ns, stamp_ns

    def add(self, points: Mapping[int, Floats]) -> None:
        """Take the people of the newest frame that are not known yet."""
        new = [track_id for track_id in points if track_id not in self.row]
        if not new:
            return
        rows = self._new_rows(len(new))
        rows.newest[:] = [points[track_id] for track_id in new]
        rows.seen_ns[:] = self._newest_ns
        self.row |= {track_id: len(self) + i for i, track_id in enumerate(new)}
        self.rows = _joined(self.rows, rows)
        self._normaliser = _joined(self._normaliser, self._new_normaliser(len(new)))
        fresh = self._recogniser.initial_states(len(new))
        self._states = {
            name: np.concatenate([state, fresh[name]]) for name, state in self._states.items()}

    def run(self, tick: Tick, scene: Floats | None) -> None:
        """Run one tick for everybody.

        Raises:
            ModelError: the network fails; the memory is as it was.
        """
        if not self.row:
            return
        rows, description = self.rows, self._recogniser.description
        points = between(rows.previous, rows.newest, tick)
        normaliser, keypoints, mask = normalisation.advance(
            self._normaliser, points, description.layout, self._recogniser.normalisation)
        step = self._recogniser.step(keypoints, mask, self._states, scene)
        people = np.arange(len(self))
        place = rows.ticks % self.window
        measured, used_ns = rows.measured.copy(), rows.used_ns.copy()
        measured[people, place] = mask.mean(-1)
        used_ns[people, place] = self._used_ns(tick, mask)
        self.rows = replace(
            rows, ticks=rows.ticks + 1, measured=measured, used_ns=used_ns,
            probabilities=step.probabilities, unknown=step.unknown)
        self._states, self._normaliser = step.states, normaliser

    def forget_unseen_since(self, oldest_ns: int) -> None:
        """Forget who was last in a frame before a time."""
        self._keep(self.rows.seen_ns >= oldest_ns)

    def make_room(self, points: Mapping[int, Floats], most: int) -> dict[int, Floats]:
        """Forget the longest unseen until there is room for a frame's people.

        A tracker that gives new ids all the time must cost neither memory nor time without bound.

        Args:
            points: as of `begin_frame`.
            most: people that are remembered, those of the frame among them.

        Returns:
            Whom to follow: everybody, but of more than `most` those known already come first.
        """
        known_first = sorted(points, key=lambda track_id: track_id not in self.row)
        followed = {track_id: points[track_id] for track_id in known_first[:most]}
        seen_ns = self.rows.seen_ns
        absent = sorted((row for track_id, row in self.row.items() if track_id not in followed),
                        key=lambda row: seen_ns[row])
        keep = np.ones(len(self), bool)
        keep[absent[:max(0, len(absent) + len(followed) - most)]] = False
        self._keep(keep)
        return followed

    def evidence(self, track_id: int) -> Evidence:
        """Return what the answer about a known person rests on."""
        row = self.row[track_id]
        ticks = int(self.rows.ticks[row])
        used = np.unique(self.rows.used_ns[row])
        used = used[used > 0]
        coverage = float(self.rows.measured[row].sum()) / max(1, min(ticks, self.window))
        if not len(used):
            seen_ns = int(self.rows.seen_ns[row])
            return Evidence(seen_ns, seen_ns, 0, coverage, ticks)
        return Evidence(int(used[0]), int(used[-1]), len(used), coverage, ticks)

    def _keep(self, keep: NDArray[np.bool_]) -> None:
        if keep.all():
            return
        kept = [track_id for track_id, row in self.row.items() if keep[row]]
        self.row = {track_id: row for row, track_id in enumerate(kept)}
        self.rows = _chosen(self.rows, keep)
        self._normaliser = _chosen(self._normaliser, keep)
        self._states = {name: state[keep] for name, state in self._states.items()}
        self.phases = {
            track_id: state for track_id, state in self.phases.items() if track_id in self.row}

    def _used_ns(self, tick: Tick, mask: Floats) -> Counts:
        """Return for each person the time of the newest frame that the tick used."""
        some = mask.any(-1)
        read = np.isfinite(self.rows.newest).all(-1)
        if not tick.newest_is_near:  # its joints are read only to go between
            read &= np.isfinite(self.rows.previous).all(-1)
        of_newest = read.any(-1) & (tick.share > 0)
        return np.where(some, np.where(of_newest, self._newest_ns, self._previous_ns), 0)

    def _new_rows(self, people: int) -> Rows:
        classes = len(self._recogniser.description.labels)
        return Rows.none_known(people, *self._shape, self.window, classes)

    def _new_normaliser(self, people: int) -> NormaliserState:
        return normalisation.initial_state(
            people, self._recogniser.description.layout, self._shape[1])


def _joined(first: _Stack, second: _Stack) -> _Stack:
    return type(first)(*(
        np.concatenate([getattr(first, item.name), getattr(second, item.name)])
        for item in fields(first)))


def _chosen(stack: _Stack, keep: NDArray[np.bool_]) -> _Stack:
    return type(stack)(*(getattr(stack, item.name)[keep] for item in fields(stack)))
