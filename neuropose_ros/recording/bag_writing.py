"""A bag (MCAP) beside a session: written by a thread of its own, whole up to the last flush."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any, NamedTuple

from neuropose_ros.core.errors import SessionError
from neuropose_ros.recording.bag_types import own_types

FOLDER = 'bag'
_FLUSH_S = 0.5
_MOST_WAITING_BYTES = 256 << 20
_WAIT_S = 5.0


class _Message(NamedTuple):
    topic: str
    type: str
    data: bytes
    log_ns: int


class BagWriter:
    """Writes one bag; messages are put from any thread.

    Attributes:
        counts: messages written, by topic.
        lost: messages that came faster than the disk takes them, by topic.
        failure: why nothing is written any more; empty = all is well.
    """

    def __init__(self, path: Path, latched: frozenset[str] = frozenset()) -> None:
        """Begin a bag.

        Args:
            path: its folder, which is made.
            latched: topics whose last messages a late reader gets, too.

        Raises:
            SessionError: rosbags is not installed, or the folder cannot be written.
        """
        try:
            from rosbags.rosbag2 import StoragePlugin, Writer
        except ImportError as error:
            raise SessionError(
                "a bag needs the package rosbags: pip install 'rosbags>=0.11'") from error
        self.counts: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.failure = ''
        self._latched = latched
        self._connections: dict[str, Any] = {}
        self._waiting: deque[_Message] = deque()
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._closed = False
        self._types = own_types()
        try:
            self._writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
            self._writer.open()
        except Exception as error:
            raise SessionError(f'{path}: a bag cannot be begun here ({error})') from error
        self._thread = threading.Thread(target=self._work, name='bag writer', daemon=True)
        self._thread.start()

    def put(self, topic: str, kind: str, data: bytes, log_ns: int, *, wait: bool = False) -> None:
        """Take a message.

        Args:
            kind: its type, as ``sensor_msgs/msg/Image``.
            data: in CDR.
            wait: hold the caller back where the disk is slower, rather than lose anything.
        """
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._closed or self._has_room(), _WAIT_S)
            if self._closed or self.failure or not self._has_room():
                self.lost[topic] += 1
                return
            self._waiting.append(_Message(topic, kind, data, log_ns))
            self._waiting_bytes += len(data)
            self._changed.notify_all()

    def _has_room(self) -> bool:
        return self._waiting_bytes < _MOST_WAITING_BYTES

    @property
    def facts(self) -> dict[str, Any]:
        """What a session says of its bag."""
        return {'topics': dict(self.counts), 'lost': dict(self.lost), 'failure': self.failure}

    @property
    def pending(self) -> int:
        """Messages that wait for the disk."""
        return len(self._waiting)

    # -- in the thread ------------------------------------------------------------------------

    def _work(self) -> None:
        flushed_s = time.monotonic()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting, _FLUSH_S)
                taken = list(self._waiting)
                self._waiting.clear()
                self._waiting_bytes = 0
                closed = self._closed
                self._changed.notify_all()
            try:
                for message in taken:
                    self._write(message)
                if time.monotonic() - flushed_s >= _FLUSH_S:
                    self._flush()
                    flushed_s = time.monotonic()
                if closed:
                    self._writer.close()
            except Exception as error:  # noqa: BLE001 - storage errors have no common base
                self.failure = f'the bag is not written any more: {error}'
                self._abort()
                return
            if closed:
                return

    def _write(self, message: _Message) -> None:
        connection = self._connections.get(message.topic)
        if connection is None:
            connection = self._connections[message.topic] = self._writer.add_connection(
                message.topic, message.type, typestore=self._types,
                offered_qos_profiles=_latched_qos() if message.topic in self._latched else ())
        self._writer.write(connection, message.log_ns, message.data)
        self.counts[message.topic] += 1

    def _flush(self) -> None:
        """End the chunk: what is in one that was not ended is lost with the process."""
        storage: Any = self._writer.storage
        if storage.chunk.msgs:
            storage.close_chunk()
        storage.bio.flush()
        os.fsync(storage.bio.fileno())

    def _abort(self) -> None:
        with contextlib.suppress(OSError):  # what did not fit is told in `failure`
            self._writer.abort()

    def close(self) -> None:
        """Write what waits, and the index."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()


def _latched_qos() -> list[Any]:
    from rosbags.interfaces import (
        Qos,
        QosDurability,
        QosHistory,
        QosLiveliness,
        QosReliability,
        QosTime,
    )

    never = QosTime(0, 0)
    return [Qos(
        QosHistory.KEEP_LAST, 32, QosReliability.RELIABLE, QosDurability.TRANSIENT_LOCAL, never,
        never, QosLiveliness.AUTOMATIC, never, False)]
