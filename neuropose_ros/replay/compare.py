"""What differs between two runs: where, how often and by how much."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.pose import PersonPose, PoseFrame
from neuropose_ros.replay.canonical import Answer, canonical_array, canonical_bytes, columns, items
from neuropose_ros.replay.results import Results

_LONGEST_SHIFT = 200
Key = tuple[int, int, int]


@dataclass(slots=True)
class Column:
    """How one column differs.

    Attributes:
        values: that differ.
        largest: absolute difference of numbers; 0 where only words or sizes differ.
        first: where it is seen first, for people.
    """

    values: int = 0
    largest: float = 0.0
    first: str = ''

    def add(self, count: int, by: float, where: str) -> None:
        """Take one value or array of values that differ."""
        self.first = self.first or where
        self.values += count
        self.largest = max(self.largest, by)


@dataclass
class StreamDifference:
    """How one stream differs.

    Attributes:
        frames: that both have.
        differing: of these, how many are not the same.
        only_a, only_b: frames that one run has and the other has not.
        columns: by name.
        times_s: of the frames that both have, since the first one.
        keypoint_px: largest distance of a joint in each of them; NaN = nobody, or other people.
        people: frames in which not the same number of people or actions is told.
    """

    frames: int = 0
    differing: int = 0
    only_a: int = 0
    only_b: int = 0
    people: int = 0
    columns: dict[str, Column] = field(default_factory=dict)
    times_s: list[float] = field(default_factory=list)
    keypoint_px: list[float] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not (self.differing or self.only_a or self.only_b)

    def note(self, column: str, count: int, by: float, where: str) -> None:
        """Take a difference in a column."""
        self.columns.setdefault(column, Column()).add(count, by, where)


@dataclass
class Difference:
    """How two runs differ.

    Attributes:
        streams: that both have.
        only_a, only_b: streams that only one has.
        request: what was asked for differently, where manifests say; name -> (a, b).
    """

    streams: dict[str, StreamDifference]
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()
    request: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        """Whether the results are the same; parameters may differ all the same."""
        return not (self.only_a or self.only_b) and all(
            stream.equal for stream in self.streams.values())


def compare(a: Results, b: Results) -> Difference:
    """Compare two runs frame by frame, without timing figures.

    Raises:
        NeuroposeError: results cannot be read.
    """
    both = [name for name in a.streams if name in b.streams]
    return Difference(
        {name: compare_stream(a.answers(name), b.answers(name)) for name in both},
        tuple(name for name in a.streams if name not in b.streams),
        tuple(name for name in b.streams if name not in a.streams), _requests(a, b))


def _requests(a: Results, b: Results) -> dict[str, tuple[Any, Any]]:
    if a.manifest is None or b.manifest is None:
        return {}
    one, other = (dict(_flat(vars(results.manifest.request))) for results in (a, b)
                  if results.manifest is not None)
    return {name: (one.get(name), other.get(name))
            for name in sorted(one.keys() | other.keys()) if one.get(name) != other.get(name)}


def _flat(values: dict[str, Any], before: str = '') -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f'{before}{name}.')
        else:
            yield before + name, value


def compare_stream(a: Iterable[Answer], b: Iterable[Answer]) -> StreamDifference:
    """Compare the results of one stage; frames belong together by time, epoch and number."""
    found = StreamDifference()
    start_ns: int | None = None
    for one, other in _paired(a, b, found):
        if start_ns is None:
            start_ns = one.stamp_ns
        found.frames += 1
        found.times_s.append((one.stamp_ns - start_ns) / NS_PER_S)
        found.keypoint_px.append(_distance_px(one, other))
        if canonical_bytes(one) != canonical_bytes(other):
            found.differing += 1
            _compare_frame(one, other, found)
    return found


def _key(answer: Answer) -> Key:
    return answer.epoch, answer.stamp_ns, answer.frame_seq


def _paired(
    a: Iterable[Answer], b: Iterable[Answer], found: StreamDifference,
) -> Iterator[tuple[Answer, Answer]]:
    """Yield what belongs together; both are in the order of their making, with gaps."""
    waiting_a: dict[Key, Answer] = {}
    waiting_b: dict[Key, Answer] = {}
    for one, other in zip_longest(a, b):
        if one is not None and other is not None and not waiting_a and not waiting_b and (
                _key(one) == _key(other)):
            yield one, other
            continue
        for answer, own, others, swap in (
                (one, waiting_a, waiting_b, False), (other, waiting_b, waiting_a, True)):
            if answer is None:
                continue
            match = others.pop(_key(answer), None)
            if match is None:
                own[_key(answer)] = answer
            else:
                yield (match, answer) if swap else (answer, match)
        for own, name in ((waiting_a, 'only_a'), (waiting_b, 'only_b')):
            if len(own) > _LONGEST_SHIFT:
                del own[next(iter(own))]
                setattr(found, name, getattr(found, name) + 1)
    found.only_a += len(waiting_a)
    found.only_b += len(waiting_b)


def _compare_frame(one: Answer, other: Answer, found: StreamDifference) -> None:
    where = f'frame {one.frame_seq}'
    _compare_values(one, other, '', where, found)
    inside, others = items(one), items(other)
    if len(inside) != len(others):
        found.people += 1
        found.note('number of people', 1, abs(len(inside) - len(others)), where)
    for index, (a, b) in enumerate(zip(inside, others, strict=False)):
        name = 'person' if isinstance(a, PersonPose) else 'action'
        _compare_values(a, b, f'{name}.', f'{where}, {name} {index}', found)


def _compare_values(
    a: object, b: object, before: str, where: str, found: StreamDifference,
) -> None:
    kind: type = type(a)
    for name in columns(kind):
        count, by = _differing(getattr(a, name), getattr(b, name))
        if count:
            found.note(before + name, count, by, where)


def _differing(a: Any, b: Any) -> tuple[int, float]:
    """Return how many values differ, and by how much at most."""
    if isinstance(a, str):
        return int(a != b), 0.0
    one, other = canonical_array(a).ravel(), canonical_array(b).ravel()
    if one.size != other.size:
        return max(one.size, other.size), 0.0
    with np.errstate(invalid='ignore'):
        apart = np.abs(one.astype(np.float64) - other.astype(np.float64))
    differs = (one != other) & ~(_nan(one) & _nan(other))
    numbers = apart[differs & np.isfinite(apart)]
    return int(differs.sum()), float(numbers.max()) if numbers.size else 0.0


def _nan(array: NDArray[Any]) -> NDArray[np.bool_]:
    return np.isnan(array) if array.dtype.kind == 'f' else np.zeros(array.shape, bool)


def _distance_px(a: Answer, b: Answer) -> float:
    if not (isinstance(a, PoseFrame) and isinstance(b, PoseFrame) and a.persons):
        return float('nan')
    if [len(p.keypoints) for p in a.persons] != [len(p.keypoints) for p in b.persons]:
        return float('nan')
    distances = np.concatenate([
        np.linalg.norm(one.keypoints - other.keypoints, axis=1)
        for one, other in zip(a.persons, b.persons, strict=True)])
    known = distances[np.isfinite(distances)]
    return float(known.max()) if known.size else float('nan')
