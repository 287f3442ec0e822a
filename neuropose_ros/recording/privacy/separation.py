"""Taking one subject out of a session that others are in as well."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from neuropose_ros.core.pose import FrameStatus
from neuropose_ros.recording.compaction import parquet_file, write_parquet
from neuropose_ros.recording.folder import DATABASE
from neuropose_ros.recording.privacy.subjects import Subject
from neuropose_ros.recording.rows import Item, batch_of
from neuropose_ros.recording.session import open_session
from neuropose_ros.recording.values import Recorded

_CHUNK = 2000
SHARED = ('scenes', 'signals')
"""Tables that do not say whose a value is: they go as a whole."""
_BY_PERSON = ('people', 'actions', 'metrics')


@dataclass(frozen=True)
class Division:
    """Whose is what. What is not known to be another subject's goes.

    Attributes:
        gone: (epoch, track_id) of the subject who is taken out.
        kept: those of the others.
        others_untold: some other subject has no tracks of its own: all that is left is theirs.
    """

    gone: frozenset[tuple[int, int]]
    kept: frozenset[tuple[int, int]]
    others_untold: bool

    @classmethod
    def of(cls, subject: Subject, subjects: Iterable[Subject]) -> Division | None:
        """Return how to tell a subject from the others of a session; None = it cannot be done."""
        others = [one for one in subjects if one.pseudonym != subject.pseudonym]
        if not others or not subject.tracks:
            return None
        return cls(frozenset(subject.tracks),
                   frozenset(track for one in others for track in one.tracks),
                   any(not one.tracks for one in others))

    def keeps(self, epoch: int, track_id: int) -> bool:
        """Whether a track stays."""
        track = (epoch, track_id)
        return track_id >= 0 and track not in self.gone and (
            self.others_untold or track in self.kept)

    def keeps_in_all(self, track_id: int) -> bool:
        """Whether a track stays where the epoch is not told."""
        return track_id >= 0 and all(track != track_id for _, track in self.gone) and (
            self.others_untold or any(track == track_id for _, track in self.kept))


def separate_tables(path: Path, division: Division) -> int:
    """Write the tables of a closed session anew without a subject; return the values changed.

    Raises:
        OSError: there is no room; every table is then as it was, or done.
    """
    changed = 0
    for table in SHARED:
        parquet_file(path, table).unlink(missing_ok=True)
    with open_session(path) as session:
        for table in _BY_PERSON:
            file = parquet_file(path, table)
            if file.exists():
                counted = _Counted(division)
                items = counted.items(table, session.recorded(table))
                write_parquet(file, table, _batches(table, items))
                changed += counted.changed
    return changed


class _Counted:
    def __init__(self, division: Division) -> None:
        self._division = division
        self.changed = 0

    def items(self, table: str, values: Iterable[Recorded]) -> Iterator[Item]:
        for recorded in values:
            value = without(table, recorded.value, self._division)
            self.changed += value is not recorded.value
            if value is not None:
                yield Item(value, recorded.arrival_ns, recorded.topic)


def without(table: str, value: Any, division: Division) -> Any:
    """Return a value without the subject, the value itself where it is not in it, or None."""
    if table == 'metrics':
        return value if division.keeps_in_all(value.track_id) else None
    if table == 'actions':
        actions = tuple(one for one in value.actions if division.keeps(value.epoch, one.track_id))
        return value if len(actions) == len(value.actions) else replace(value, actions=actions)
    persons = tuple(one for one in value.persons if division.keeps(value.epoch, one.track_id))
    if len(persons) == len(value.persons):
        return value
    status = value.status
    if not persons and status == FrameStatus.OK:
        status = FrameStatus.NO_PERSON
    return replace(value, persons=persons, status=status)


def _batches(table: str, items: Iterator[Item]) -> Iterator[Any]:
    while chunk := list(islice(items, _CHUNK)):
        yield batch_of(table, chunk)


def left_of(path: Path, division: Division) -> int:
    """Return how many values of the subject a session still has: 0 after `separate_tables`."""
    with open_session(path) as session:
        left = sum(parquet_file(path, table).exists() for table in SHARED)
        for table in _BY_PERSON:
            left += sum(without(table, recorded.value, division) is not recorded.value
                        for recorded in session.recorded(table))
        return left


def forget_in_database(path: Path, pseudonym: str, division: Division) -> None:
    """Take a subject out of session.sqlite, its free pages and its logs.

    Raises:
        sqlite3.Error: it cannot be written; it is as it was then.
    """
    with closing(sqlite3.connect(path / DATABASE, isolation_level=None)) as connection:
        # The write-ahead log holds old contents, and free pages do unless they are overwritten.
        connection.execute('PRAGMA journal_mode=DELETE')
        connection.execute('PRAGMA secure_delete=ON')
        connection.execute('BEGIN IMMEDIATE')
        for row, content in connection.execute(
                'SELECT rowid, content FROM corrections').fetchall():
            table = json.loads(content)
            if not division.keeps(table['epoch'], table['track_id']):
                connection.execute('DELETE FROM corrections WHERE rowid = ?', (row,))
        for row, export in connection.execute('SELECT rowid, path FROM exports').fetchall():
            if not Path(export).exists():
                connection.execute('DELETE FROM exports WHERE rowid = ?', (row,))
        for name, column in _texts(connection):
            connection.execute(
                f"UPDATE {name} SET {column} = replace({column}, ?, '') WHERE instr({column}, ?)",
                (pseudonym, pseudonym))
        connection.execute('DELETE FROM subjects WHERE pseudonym = ?', (pseudonym,))
        connection.execute('COMMIT')
        connection.execute('VACUUM')


def _texts(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return the (table, column) of all texts that could mention somebody."""
    tables = [name for name, in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'subjects'")]
    return [(name, column[1]) for name in tables
            for column in connection.execute(f'PRAGMA table_info({name})')
            if column[2].upper() == 'TEXT']
