"""Append-safe files of record batches: Arrow IPC streams, and whole batches of a torn one.

A batch goes out in one write and is synchronised before the next; what a kill or a full disk
leaves half written is the tail, which the writer cuts off and a reader leaves out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuropose_ros.recording.arrow import arrow

SUFFIX = '.arrows'
_END = b'\xff\xff\xff\xff\x00\x00\x00\x00'


class _Drain:
    """A file for Arrow's writer whose bytes are taken out again."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._written = 0

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._written += len(part)
        return len(part)

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        """There is nothing between."""

    def take(self) -> bytes:
        taken = b''.join(self._parts)
        self._parts.clear()
        return taken


class SegmentWriter:
    """Writes one segment.

    Attributes:
        size_bytes: of what is safe in the file.
    """

    def __init__(self, path: Path, schema: Any) -> None:
        """Create the file.

        Raises:
            OSError: it exists or cannot be written.
        """
        pa = arrow()
        self._drain = _Drain()
        self._writer = pa.ipc.new_stream(
            pa.PythonFile(self._drain, 'w'), schema,
            options=pa.ipc.IpcWriteOptions(compression='lz4'))
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        self.size_bytes = 0

    def encode(self, batch: Any) -> bytes:
        """Return the bytes of a batch; what is encoded must be appended, in this order."""
        self._writer.write_batch(batch)
        return self._drain.take()

    def append(self, data: bytes) -> None:
        """Write and synchronise, or leave the file as it was.

        Raises:
            OSError: there is no room, or the disk fails.
        """
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._descriptor, left):]
            os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self.size_bytes)
            os.lseek(self._descriptor, self.size_bytes, os.SEEK_SET)
            raise
        self.size_bytes += len(data)

    def close(self) -> None:
        """Mark the end, if there is room for the mark; without it the segment is as good."""
        try:
            self.append(_END)
        except OSError:
            pass  # a reader takes whole batches with or without the mark
        finally:
            os.close(self._descriptor)


@dataclass(frozen=True)
class Torn:
    """What is missing at the end of a segment.

    Attributes:
        lost_bytes: after the last whole batch; 0 = only the mark of the end is missing.
    """

    path: Path
    lost_bytes: int


def read_batches(path: Path, torn: list[Torn] | None = None) -> Iterator[Any]:
    """Yield the whole record batches of a segment.

    Args:
        torn: gets an entry where the segment is not whole, after its last batch.
    """
    pa = arrow()
    size, good, ended = path.stat().st_size, 0, False
    with pa.OSFile(str(path), 'rb') as file:
        try:
            messages = pa.ipc.MessageReader.open_stream(file)
            schema = pa.ipc.read_schema(messages.read_next_message())
            good = file.tell()
            while True:
                message = messages.read_next_message()
                batch = pa.ipc.read_record_batch(message, schema)
                batch.validate(full=True)
                good = file.tell()
                yield batch
        except StopIteration:
            ended = good + len(_END) == size
        except (pa.ArrowException, OSError, EOFError):
            pass  # what is behind the last whole batch is told below
    if torn is not None and not ended:
        torn.append(Torn(path, size - good))


def segments_of(folder: Path, table: str) -> list[Path]:
    """Return the segments of a table, in order."""
    return sorted(folder.glob(f'{table}-*{SUFFIX}'))
