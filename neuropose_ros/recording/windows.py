"""Which frames of a session are meant, by number or by time, and who is in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from neuropose_ros.core.clocks import seconds
from neuropose_ros.core.errors import SessionError
from neuropose_ros.recording.session import Session

_COLUMNS = ('stamp_ns', 'frame_seq', 'epoch', 'layout', 'track_id')


@dataclass(frozen=True)
class Span:
    """Frames by number, or times in s since the first frame of their epoch; both ends belong.

    Attributes:
        last: None = to the end.
    """

    first: float
    last: float | None
    in_seconds: bool = False

    def holds(self, value: float) -> bool:
        """Whether a number or time is meant."""
        return self.first <= value and (self.last is None or value <= self.last)

    def __str__(self) -> str:
        """Return it as people write it."""
        end = '' if self.last is None else f'{self.last:g}'
        return f'{"seconds" if self.in_seconds else "frames"} {self.first:g}-{end}'


@dataclass(frozen=True)
class Window:
    """Frames in a row, of one epoch.

    Attributes:
        start_ns, end_ns: stamps of the first and last one.
        layouts: of the people, by track id.
        epoch_ns: stamp of the first frame of the epoch.
    """

    epoch: int
    start_ns: int
    end_ns: int
    layouts: dict[int, str]
    epoch_ns: int


class _Row(NamedTuple):
    stamp_ns: int
    frame_seq: int
    epoch: int
    layout: str
    track_id: int | None


def find_window(session: Session, span: Span, epoch: int | None = None) -> Window:
    """Return the frames that are meant.

    Args:
        epoch: None = the only one.

    Raises:
        SessionError: there is no such frame, or it is not clear of which epoch.
    """
    epochs = epoch_starts(session)
    if epoch is None and len(epochs) > 1:
        raise SessionError(f'{session.path}: it has the epochs {", ".join(map(str, epochs))}; '
                           'tell which one')
    chosen = next(iter(epochs), 0) if epoch is None else epoch
    if chosen not in epochs:
        raise SessionError(f'{session.path}: nobody was recorded in epoch {chosen}')
    start_ns = epochs[chosen]
    meant = [row for row in _rows(session) if row.epoch == chosen and span.holds(
        seconds(row.stamp_ns - start_ns) if span.in_seconds else row.frame_seq)]
    if not meant:
        raise SessionError(f'{session.path}: it has no frame in {span} of epoch {chosen}')
    stamps = [row.stamp_ns for row in meant]
    return Window(chosen, min(stamps), max(stamps), {
        row.track_id: row.layout for row in meant if row.track_id is not None}, start_ns)


def epoch_starts(session: Session) -> dict[int, int]:
    """Return the stamp of the first frame of each epoch that people or their absence is of."""
    found: dict[int, int] = {}
    for row in _rows(session):
        found[row.epoch] = min(row.stamp_ns, found.get(row.epoch, row.stamp_ns))
    return dict(sorted(found.items()))


def _rows(session: Session) -> Iterator[_Row]:
    for batch in session.batches('people', _COLUMNS):
        columns: list[Any] = [batch.column(name).to_pylist() for name in _COLUMNS]
        yield from map(_Row, *columns)


def span_of(text: str, *, in_seconds: bool = False) -> Span:
    """Return the span of ``12``, ``12-20`` or ``12-`` (to the end).

    Raises:
        ValueError: it is none of these.
    """
    first, dash, last = text.partition('-')
    kind = float if in_seconds else int
    try:
        span = Span(kind(first), kind(last) if last else None if dash else kind(first), in_seconds)
    except ValueError as error:
        raise ValueError('A and B are numbers, not below 0') from error
    if not dash and in_seconds:
        raise ValueError('a window of time has an end')
    if span.last is not None and not span.first <= span.last:
        raise ValueError('the window ends before it begins')
    return span
