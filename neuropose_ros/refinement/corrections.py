"""What people said is wrong in a recording or live: versions, what was taken back, what holds.

A log only grows. Of each correction the highest revision counts; a correction that undoes another
one takes it back from then on, and may be taken back itself. What holds depends on what was said
and when, never on the order in which it came.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.events import Correction, CorrectionKind

_FARTHEST_PX = 1e6
_LARGEST_ID = 2**31 - 1
_MAY_BE_OPEN = frozenset({CorrectionKind.IDENTITY, CorrectionKind.REJECT, CorrectionKind.LABEL})


def problem_of(correction: Correction) -> str:
    """Return what a correction contradicts itself in, as a clause; '' = nothing."""
    if not correction.id:
        return 'it has no id'
    if correction.stamp_ns <= 0:
        return 'it does not tell when it was said (its stamp is 0)'
    if correction.undoes == correction.id:
        return 'it undoes itself'
    if correction.kind is CorrectionKind.UNKNOWN:
        return '' if correction.undoes else 'it tells neither what is wrong nor what it undoes'
    problem = _window_problem(correction)
    if problem or correction.kind is CorrectionKind.REJECT:
        return problem
    if correction.kind is CorrectionKind.LABEL:
        return '' if correction.label else 'it has no label'
    if correction.kind is CorrectionKind.IDENTITY:
        return _identity_problem(correction)
    return _keypoints_problem(correction)


def _window_problem(correction: Correction) -> str:
    start_ns, end_ns = correction.window_start_ns, correction.window_end_ns
    if start_ns <= 0:
        return 'its window has no beginning'
    if end_ns == 0 and correction.kind in _MAY_BE_OPEN:
        return ''
    return 'its window ends before it begins' if end_ns < start_ns else ''


def _keypoints_problem(correction: Correction) -> str:
    indices, points = correction.keypoint_indices, correction.keypoints
    if correction.track_id < 0:
        return 'it does not tell whose joints it is about (track_id is below 0)'
    if indices is None or points is None or not len(indices):
        return 'it names no joint'
    if np.shape(points) != (len(indices), 2):
        return f'it names {len(indices)} joints but has coordinates of shape {np.shape(points)}'
    if len(set(indices.tolist())) != len(indices):
        return 'it names a joint twice'
    known = np.abs(points) < _FARTHEST_PX
    absent = np.isnan(points).all(axis=1)
    if not (known.all(axis=1) | absent).all():
        return ('a joint has an impossible place (both coordinates are numbers, or both NaN for a '
                'joint that is not to be seen)')
    return ''


def _identity_problem(correction: Correction) -> str:
    if correction.track_id < 0:
        return 'it does not tell who is meant (track_id is below 0)'
    if not correction.label.isdecimal() or int(correction.label) > _LARGEST_ID:
        return f'its label must be the right track id, a number, not {correction.label!r}'
    if int(correction.label) == correction.track_id:
        return f'the person is {correction.track_id} already'
    return ''


def _content(correction: Correction) -> tuple[Any, ...]:
    values = (getattr(correction, name) for name in correction.__dataclass_fields__)
    return tuple(value.tobytes() if isinstance(value, np.ndarray)
                 else int(value) if isinstance(value, int) else value for value in values)


def _said(correction: Correction) -> tuple[int, bool, str]:
    """Order of saying; who is undone in the same instant was said first."""
    return correction.stamp_ns, bool(correction.undoes), correction.id


class CorrectionLog:
    """All that was said, in every revision.

    Attributes:
        problems: one sentence for each of the last corrections that `take` refused.
    """

    def __init__(self, corrections: Iterable[Correction] = ()) -> None:
        """Begin with what was said before; what cannot be used is in `problems`."""
        self._revisions: dict[tuple[str, int], Correction] = {}
        self._sorted: list[Correction] | None = []
        self._cache: tuple[int, tuple[Correction, ...]] | None = None
        self.problems: deque[str] = deque(maxlen=100)
        for correction in corrections:
            self.take(correction)

    def __len__(self) -> int:
        """Return how many revisions of corrections there are."""
        return len(self._revisions)

    @property
    def _by_time(self) -> list[Correction]:
        if self._sorted is None:
            self._sorted = sorted(self._revisions.values(), key=_said)
        return self._sorted

    def take(self, correction: Correction) -> bool:
        """Take a correction; False where it is refused, with the reason in `problems`."""
        try:
            self.add(correction)
        except DataError as error:
            self.problems.append(str(error))
            return False
        return True

    def add(self, correction: Correction) -> None:
        """Take a correction; saying the same once more changes nothing.

        Raises:
            DataError: it contradicts itself, or an equal revision says something else.
        """
        problem = problem_of(correction)
        key = correction.id, correction.revision
        known = self._revisions.get(key)
        if not problem and known is not None:
            if _content(known) == _content(correction):
                return
            problem = (f'revision {correction.revision} of it says something else already; give '
                       'this one a higher revision')
        if problem:
            raise DataError(f'correction {correction.id!r}: {problem}')
        self._revisions[key] = correction
        self._sorted = self._cache = None

    def all(self) -> tuple[Correction, ...]:
        """Return every revision by the time of saying, also those that do not hold."""
        return tuple(self._by_time)

    @property
    def sha256(self) -> str:
        """Of all that was said; '' = nothing."""
        if not self._revisions:
            return ''
        return hashlib.sha256(repr(list(map(_content, self._by_time))).encode()).hexdigest()

    def revision_of(self, name: str) -> int:
        """Return the highest revision of a correction; -1 = there is none of that id."""
        return max((found.revision for found in self._by_time if found.id == name), default=-1)

    def holding(self, at_ns: int | None = None) -> tuple[Correction, ...]:
        """Return the corrections that hold, by the time of saying.

        Args:
            at_ns: as it was at that time: what was said later does not count; None = now.
        """
        count = len(self._by_time) if at_ns is None else bisect_right(
            self._by_time, at_ns, key=attrgetter('stamp_ns'))
        if self._cache is None or self._cache[0] != count:
            self._cache = count, _holding(self._by_time[:count])
        return self._cache[1]

    def states(self) -> list[tuple[Correction, str]]:
        """Return every revision with what became of it: holds, revised, or taken back by whom."""
        held = {one.id: one for one in self.holding()}
        undone = {one.undoes: one.id for one in held.values() if one.undoes}
        newest = {one.id: one.revision for one in sorted(
            self._by_time, key=attrgetter('revision'))}

        def state(one: Correction) -> str:
            if held.get(one.id) is one:
                return 'holds'
            return (f'taken back by {undone[one.id]}' if newest[one.id] == one.revision
                    else 'revised')

        return [(one, state(one)) for one in self._by_time]


def _holding(said: list[Correction]) -> tuple[Correction, ...]:
    newest: dict[str, Correction] = {}
    for correction in said:
        before = newest.get(correction.id)
        if before is None or correction.revision > before.revision:
            newest[correction.id] = correction
    undone: set[str] = set()
    found = []
    # From the last one back: it takes back only what was said before, so that there is no circle.
    for correction in sorted(newest.values(), key=_said, reverse=True):
        if correction.id in undone:
            continue
        found.append(correction)
        if correction.undoes:
            undone.add(correction.undoes)
    return tuple(reversed(found))
