"""Looking for traces of a subject: in raw bytes, and in what compression hides from these."""

from __future__ import annotations

import mmap
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuropose_ros.recording.arrow import arrow, parquet
from neuropose_ros.recording.segments import SUFFIX, read_batches


@dataclass(frozen=True)
class Proof:
    """What a search found.

    Attributes:
        files, size_bytes: that were read.
        traces: where the subject is found, a sentence each.
        unread: files whose contents cannot be told, a sentence each.
    """

    files: int
    size_bytes: int
    traces: tuple[str, ...]
    unread: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Whether everything was read and nothing was found."""
        return not self.traces and not self.unread


def search(roots: Sequence[Path], pseudonym: str) -> Proof:
    """Look for a pseudonym in all files below ``roots``: names, raw bytes, decoded contents.

    Free pages and write-ahead logs of SQLite are raw bytes. Tables (Parquet, Arrow), databases
    and MCAP bags are decoded too, as they lie compressed or in parts.
    """
    needle = pseudonym.encode()
    files, size, traces, unread = 0, 0, [], []
    for path in _files(roots):
        files, size = files + 1, size + path.stat().st_size
        if pseudonym in str(path):
            traces.append(f'{path}: in the name')
        try:
            if _in_raw(path, needle):
                traces.append(f'{path}: in the bytes')
            elif any(needle in part for part in _decoded(path)):
                traces.append(f'{path}: in the contents')
        except ImportError as error:
            unread.append(f'{path}: {error.name} is needed to read it')
        except Exception as error:  # noqa: BLE001 - whatever damage does, the file is not read
            unread.append(f'{path}: cannot be read ({" ".join(str(error).split())[:120]})')
    return Proof(files, size, tuple(traces), tuple(unread))


def _files(roots: Iterable[Path]) -> Iterator[Path]:
    for root in roots:
        for folder, below, names in os.walk(root):
            below.sort()
            for name in sorted(names):
                path = Path(folder) / name
                if path.is_file() and not path.is_symlink():
                    yield path


def _in_raw(path: Path, needle: bytes) -> bool:
    if not path.stat().st_size:
        return False
    with path.open('rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(needle) >= 0


def _decoded(path: Path) -> Iterator[bytes]:
    decoder = _DECODERS.get(path.suffix)
    return decoder(path) if decoder else iter(())


def _of_batches(batches: Iterable[Any]) -> Iterator[bytes]:
    pa = arrow()
    for batch in batches:
        for field, column in zip(batch.schema, batch.columns, strict=True):
            if pa.types.is_string(field.type):
                yield '\0'.join(map(str, column.unique().to_pylist())).encode()


def _of_parquet(path: Path) -> Iterator[bytes]:
    with parquet().ParquetFile(path) as file:
        yield from _of_batches(file.iter_batches())


def _of_sqlite(path: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(f'{path.absolute().as_uri()}?mode=ro', uri=True)) as connection:
        tables = [name for name, in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield from (_bytes(value) for value in row)


def _of_mcap(path: Path) -> Iterator[bytes]:
    from mcap.stream_reader import StreamReader

    with path.open('rb') as file:
        for record in StreamReader(file).records:
            yield from (_bytes(value) for value in vars(record).values())


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


_DECODERS: dict[str, Callable[[Path], Iterator[bytes]]] = {
    '.parquet': _of_parquet, SUFFIX: lambda path: _of_batches(read_batches(path)),
    '.sqlite': _of_sqlite, '.db3': _of_sqlite, '.mcap': _of_mcap,
}
