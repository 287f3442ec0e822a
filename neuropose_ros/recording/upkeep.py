"""What is done to a session after its recording: finish one that was killed, note copies."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from neuropose_ros.core.errors import SessionError
from neuropose_ros.recording import folder
from neuropose_ros.recording.compaction import compact
from neuropose_ros.recording.database import CLOSED, Database, Note
from neuropose_ros.recording.privacy.subjects import Subject
from neuropose_ros.recording.segments import Torn
from neuropose_ros.recording.session import open_session


def finish_session(path: Path) -> list[Torn]:
    """Bring a session that was killed, or had no room, to where `SessionWriter.close` leaves it.

    Returns:
        The segments that were not whole.

    Raises:
        SessionError: it is no session, is being recorded, or cannot be written.
    """
    open_session(path).close()
    with folder.locked(path):
        try:
            (path / folder.SEGMENTS / folder.RESERVE).unlink(missing_ok=True)
            torn = compact(path)
            database = Database(path)
            try:
                database.log(time.time_ns(), 'finished after its recording ended unexpectedly')
                database.set({'state': CLOSED})
            finally:
                database.close()
        except (OSError, sqlite3.Error) as error:
            raise SessionError(f'{path}: cannot be finished ({error})') from error
    return torn


def add_export(path: Path, exported: Path, form: str) -> None:
    """Note in a session where a copy of it lies, so that a deletion can name it.

    Args:
        form: of the copy, as ``nwb``.

    Raises:
        SessionError: it is being recorded or cannot be written.
    """
    _write(path, lambda database: database.add_export(exported, form))


def set_subject(path: Path, subject: Subject) -> None:
    """Say who is in a session, or say it anew.

    Raises:
        SessionError: it is being recorded or cannot be written.
    """
    _write(path, lambda database: database.add_subject(subject))


def add_notes(path: Path, notes: Iterable[Note]) -> None:
    """Add to a session what was said of it later, as corrections; all of it or nothing.

    Raises:
        SessionError: it is no session, is being recorded, or cannot be written.
    """
    open_session(path).close()
    _write(path, lambda database: database.add((note, 0) for note in notes))


def _write(path: Path, change: Callable[[Database], None]) -> None:
    with folder.locked(path):
        try:
            database = Database(path)
            try:
                change(database)
            finally:
                database.close()
        except sqlite3.Error as error:
            raise SessionError(f'{path}: cannot be written ({error})') from error
