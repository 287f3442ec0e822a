"""The folder of a session: its names, its lock, and what lies in it."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuropose_ros.core.errors import SessionError
from neuropose_ros.recording.schema import TABLES

DATABASE = 'session.sqlite'
SEGMENTS = 'segments'
LOCK = 'lock'
RESERVE = 'reserve'
_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]{0,99}')


def check_name(name: str) -> str:
    """Return a name that can be that of a session's folder.

    Raises:
        SessionError: it has path separators or other characters that file systems mangle.
    """
    if not _NAME.fullmatch(name):
        raise SessionError(
            f'{name!r} cannot be the name of a session: up to 100 letters, digits, dots, dashes '
            'and underscores, the first one a letter or digit')
    return name


def free_name(root: Path, name: str) -> str:
    """Return ``name``, or ``name-2`` and so on where there is one already."""
    candidate, number = name, 1
    while (root / candidate).exists():
        number += 1
        candidate = f'{name}-{number}'
    return candidate


def is_session(path: Path) -> bool:
    """Whether a folder holds a session."""
    return (path / DATABASE).is_file()


def create(path: Path) -> None:
    """Make the folder of a new session; one that is there may hold at most other things' files.

    Raises:
        SessionError: there is a session in it, or tables of one, or it cannot be made.
    """
    if is_session(path):
        raise SessionError(
            f'{path}: there is a session already; choose another name, nothing is written over')
    # They would be taken for the tables of this session, and hide or replace what it records.
    tables = [*(path / f'{table}.parquet' for table in TABLES),
              *sorted((path / SEGMENTS).glob('*.arrows'))]
    left = next((file for file in tables if file.exists()), None)
    if left is not None:
        raise SessionError(
            f'{path}: {left.relative_to(path)} is there already, a table of another session or a '
            'copy of one; choose another folder, nothing is written over')
    try:
        (path / SEGMENTS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SessionError(
            f'{path}: no session can be made here ({error.strerror})') from error


class Lock:
    """Holds a session for one writer; the kernel gives it back when the process dies."""

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            SessionError: another process has it, or the folder is not writable.
        """
        try:
            self._descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise SessionError(f'{path}: cannot be written ({error.strerror})') from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise SessionError(
                f'{path}: another recorder is writing this session; stop it first or choose '
                'another name') from error

    def release(self) -> None:
        """Let others write."""
        os.close(self._descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a session.

    Raises:
        SessionError: as `Lock`.
    """
    lock = Lock(path)
    try:
        yield
    finally:
        lock.release()


def in_use(path: Path) -> bool:
    """Whether a recorder is writing the session at this moment."""
    try:
        descriptor = os.open(path / LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(descriptor)


def sync(path: Path) -> None:
    """Make the content of a file, or the names in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
