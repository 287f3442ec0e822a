"""Writing a session: what is put is safe on the disk half a second later."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from neuropose_ros.core.action import ActionFrame
from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.events import MovementMetric
from neuropose_ros.core.pose import PoseFrame, SceneEmbedding
from neuropose_ros.core.signals import SignalChunk
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.recording import folder
from neuropose_ros.recording.about import About
from neuropose_ros.recording.compaction import compact
from neuropose_ros.recording.database import CLOSED, Database, Note
from neuropose_ros.recording.rows import Item, batch_of, warm_up
from neuropose_ros.recording.schema import TABLES, schema_of
from neuropose_ros.recording.segments import SUFFIX, SegmentWriter

FLUSH_S = 0.5
_RESERVE_BYTES = 4 << 20
_SEGMENT_BYTES = 64 << 20


class SessionWriter:
    """Writes one session; a context manager that closes it. Thread-safe.

    Values are collected and written together, at the latest at the first `put` after
    ``flush_s``; a live recorder calls `flush` from a thread of its own.

    Attributes:
        rows: values put so far, by table.
        lost: values that could not be kept, by table: too many at once, or no room.
        failure: why nothing is written any more; empty = all is well.
    """

    def __init__(
        self, path: Path, about: About | None = None, *, flush_s: float = FLUSH_S,
        max_pending: int = 10_000, clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """Begin a session in a folder, which is made.

        Args:
            flush_s: longest time that something is not on the disk.
            max_pending: values that may wait for the disk; more are counted as lost.

        Raises:
            SessionError: there is a session in it already, another recorder is writing it, or
                the folder cannot be written.
        """
        self.path = path
        self.rows: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.failure = ''
        self._flush_s, self._max_pending, self._clock = flush_s, max_pending, clock
        self._pending: dict[str, list[Item]] = {name: [] for name in TABLES}
        self._notes: list[tuple[Note, int]] = []
        self._segments: dict[str, SegmentWriter] = {}
        self._numbers: Counter[str] = Counter()
        self._putting, self._flushing = threading.Lock(), threading.Lock()
        self._flushed_s = time.monotonic()
        self._closed = False
        warm_up()
        folder.create(path)
        self._lock = folder.Lock(path)
        try:
            self._begin(about or About())
        except BaseException as error:
            self._lock.release()
            if not isinstance(error, OSError | sqlite3.Error):
                raise
            raise SessionError(f'{path}: a session cannot be begun here ({error})') from error

    def _begin(self, about: About) -> None:
        if folder.is_session(self.path):  # another one was faster than the lock
            raise SessionError(f'{self.path}: there is a session already')
        reserve = self._segment_folder / folder.RESERVE
        descriptor = os.open(reserve, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.posix_fallocate(descriptor, 0, _RESERVE_BYTES)
        finally:
            os.close(descriptor)
        self._database = Database.make(self.path, about, self._clock())
        folder.sync(self.path)

    @property
    def _segment_folder(self) -> Path:
        return self.path / folder.SEGMENTS

    # -- what can be put ----------------------------------------------------------------------

    def put_frame(self, info: FrameInfo, arrival_ns: int = 0) -> None:
        """Keep what is known of one picture."""
        self._put('frames', Item(info, arrival_ns))

    def put_poses(self, frame: PoseFrame, topic: str = 'poses', arrival_ns: int = 0) -> None:
        """Keep the people of one frame, as a topic has them."""
        self._put('people', Item(frame, arrival_ns, topic))

    def put_actions(self, frame: ActionFrame, arrival_ns: int = 0) -> None:
        """Keep what the people of one frame do."""
        self._put('actions', Item(frame, arrival_ns))

    def put_scene(self, scene: SceneEmbedding, arrival_ns: int = 0) -> None:
        """Keep what one picture looks like."""
        self._put('scenes', Item(scene, arrival_ns))

    def put_signal(self, chunk: SignalChunk, arrival_ns: int = 0) -> None:
        """Keep samples of a stream."""
        self._put('signals', Item(chunk, arrival_ns))

    def put_metric(self, metric: MovementMetric, arrival_ns: int = 0) -> None:
        """Keep one measure."""
        self._put('metrics', Item(metric, arrival_ns))

    def put_note(self, note: Note, arrival_ns: int = 0) -> None:
        """Keep an event marker, correction, layout, label set or description of a stream."""
        with self._putting:
            if self._closed or self.failure:
                self.lost['notes'] += 1
                return
            self._notes.append((note, arrival_ns))
        self._flush_if_due()

    def _put(self, table: str, item: Item) -> None:
        with self._putting:
            pending = self._pending[table]
            if self._closed or self.failure or len(pending) >= self._max_pending:
                self.lost[table] += 1
                return
            pending.append(item)
            self.rows[table] += 1
        self._flush_if_due()

    def describe(self, **facts: Any) -> None:
        """Say more of the session: fields of `About`, or anything else that JSON holds.

        Raises:
            SessionError: it cannot be written.
        """
        with self._flushing:
            try:
                self._database.set(facts)
            except sqlite3.Error as error:
                raise SessionError(f'{self.path}: cannot be written ({error})') from error

    def log(self, sentence: str) -> None:
        """Note what befell the recording itself, for whoever reads it later."""
        with self._flushing:
            try:
                self._database.log(self._clock(), sentence)
            except sqlite3.Error as error:
                self._fail(error)

    # -- to the disk ----------------------------------------------------------------------------

    @property
    def pending(self) -> int:
        """Values that wait for the disk."""
        return sum(map(len, self._pending.values())) + len(self._notes)

    def _flush_if_due(self) -> None:
        if time.monotonic() - self._flushed_s >= self._flush_s:
            self.flush()

    def flush(self) -> None:
        """Write what waits; a disk that takes no more is said in `failure`."""
        with self._flushing:
            self._flushed_s = time.monotonic()
            with self._putting:
                taken, notes = self._pending, self._notes
                self._pending, self._notes = {name: [] for name in TABLES}, []
            try:
                for table, items in taken.items():
                    if items:
                        self._write(table, items)
                        items.clear()
                if notes:
                    self._retrying(lambda: self._database.add(notes))
                    notes.clear()
            except (OSError, sqlite3.Error) as error:
                self._fail(error)
                for table, items in taken.items():
                    self.lost[table] += len(items)
                    self.rows[table] -= len(items)
                self.lost['notes'] += len(notes)

    def _write(self, table: str, items: list[Item]) -> None:
        segment = self._segments.get(table)
        if segment is None:
            segment = self._segments[table] = self._open_segment(table)
        data = segment.encode(batch_of(table, items))
        self._retrying(lambda: segment.append(data))
        if segment.size_bytes >= _SEGMENT_BYTES:
            self._segments.pop(table).close()

    def _open_segment(self, table: str) -> SegmentWriter:
        self._numbers[table] += 1
        path = self._segment_folder / f'{table}-{self._numbers[table]:04}{SUFFIX}'
        segment = SegmentWriter(path, schema_of(table))
        folder.sync(self._segment_folder)
        return segment

    def _retrying(self, act: Callable[[], object]) -> None:
        """Write; where there is no room, once more with the room that was kept for the end."""
        try:
            act()
        except (OSError, sqlite3.OperationalError) as error:
            reserve = self._segment_folder / folder.RESERVE
            if not _is_full(error) or not reserve.exists():
                raise
            reserve.unlink()
            act()
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        reason = 'the disk is full' if _is_full(error) else str(error)
        self.failure = self.failure or f'{self.path}: nothing more is recorded: {reason}'

    def close(self, *, compacted: bool = True) -> None:
        """Write what waits and end the session; with room, its segments become Parquet files.

        Args:
            compacted: False leaves the segments, which takes no time; the session opens all the
                same, and `upkeep.finish_session` does it later.
        """
        if self._closed:
            return
        self.flush()
        with self._putting:
            self._closed = True
        try:
            for segment in self._segments.values():
                segment.close()
            (self._segment_folder / folder.RESERVE).unlink(missing_ok=True)
            self._end()
            if compacted and not self.failure:
                compact(self.path)
        except (OSError, sqlite3.Error) as error:
            self._fail(error)
        finally:
            self._lock.release()

    def _end(self) -> None:
        try:
            self._database.set({
                'state': CLOSED, 'closed_ns': self._clock(), 'rows': dict(self.rows),
                'lost': dict(self.lost), 'failure': self.failure})
        finally:
            self._database.close()

    def __enter__(self) -> SessionWriter:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, whatever happened."""
        self.close()


def _is_full(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    return 'full' in str(error)
