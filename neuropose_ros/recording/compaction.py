"""Segments to one Parquet file per table, without ever being without the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from neuropose_ros.recording import folder
from neuropose_ros.recording.arrow import arrow, parquet
from neuropose_ros.recording.schema import TABLES, schema_of
from neuropose_ros.recording.segments import Torn, read_batches, segments_of

_ROW_GROUP = 16_384
_UNFINISHED = '.unfinished'


def parquet_file(path: Path, table: str) -> Path:
    """Return where a table of a session lies once it is compacted."""
    return path / f'{table}.parquet'


def compact(path: Path) -> list[Torn]:
    """Turn the segments of a session into Parquet files; a kill in between loses nothing.

    Returns:
        The segments that were not whole.

    Raises:
        OSError: there is no room; segments whose table did not fit stay as they are.
    """
    torn: list[Torn] = []
    for table in TABLES:
        segments = segments_of(path / folder.SEGMENTS, table)
        if segments and not parquet_file(path, table).exists():
            write_parquet(
                parquet_file(path, table), table,
                (batch for segment in segments for batch in read_batches(segment, torn)))
        for segment in segments:  # the Parquet file has its name only once it is whole
            segment.unlink()
    if not any((path / folder.SEGMENTS).iterdir()):
        (path / folder.SEGMENTS).rmdir()
    folder.sync(path)
    return torn


def write_parquet(file: Path, table: str, batches: Iterable[Any]) -> None:
    """Write a table; the file appears under its name when it is whole.

    Raises:
        OSError: there is no room; nothing is left behind.
    """
    unfinished = file.with_name(file.name + _UNFINISHED)
    try:
        with parquet().ParquetWriter(
                unfinished, schema_of(table), compression='zstd', **_encodings(table)) as writer:
            for group in _row_groups(table, batches):
                writer.write_table(group, row_group_size=_ROW_GROUP)
        folder.sync(unfinished)
        unfinished.rename(file)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    folder.sync(file.parent)


def _encodings(table: str) -> dict[str, Any]:
    """Measured numbers hardly repeat, and compress best byte by byte; all else repeats much."""
    lists = {f'{column.name}.list.element' for column in TABLES[table]
             if column.kind == '[float32]'}
    return {
        'use_byte_stream_split': sorted(lists),
        'use_dictionary': [column.name for column in TABLES[table]
                           if not column.kind.startswith('[') and column.kind != 'float64']}


def _row_groups(table: str, batches: Iterable[Any]) -> Iterator[Any]:
    """Yield tables of equal length, so that a file does not show when it was flushed."""
    pa = arrow()
    waiting: list[Any] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        while rows >= _ROW_GROUP:
            joined = pa.Table.from_batches(waiting, schema_of(table))
            yield joined.slice(0, _ROW_GROUP).combine_chunks()
            waiting = joined.slice(_ROW_GROUP).to_batches()
            rows -= _ROW_GROUP
    if rows:
        yield pa.Table.from_batches(waiting, schema_of(table)).combine_chunks()
