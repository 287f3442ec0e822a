"""The user's folder of models: where it is, one writer at a time, never a half-written file."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from neuropose_ros.core.errors import ModelError

_PART = '.part-'


def cache_folder() -> Path:
    """Return $NEUROPOSE_CACHE, else $XDG_CACHE_HOME/neuropose, else ~/.cache/neuropose.

    The folder need not exist.

    Raises:
        ModelError: none is set and the user has no home, or the one that is set is in the home of
            a user that is not there.
    """
    chosen = os.environ.get('NEUROPOSE_CACHE')
    if chosen:
        try:
            return Path(chosen).expanduser().absolute()
        except RuntimeError as error:
            raise ModelError(f'NEUROPOSE_CACHE is {chosen!r}: {error}') from error
    base = os.environ.get('XDG_CACHE_HOME')
    # The XDG specification: a relative path is to be ignored.
    if base and Path(base).is_absolute():
        return Path(base) / 'neuropose'
    try:
        return Path.home() / '.cache' / 'neuropose'
    except RuntimeError:
        raise ModelError(
            'this user has no home folder for the models: set NEUROPOSE_CACHE') from None


@contextlib.contextmanager
def writing(folder: Path, what: str) -> Iterator[None]:
    """Turn the failures of writing into the cache into one sentence.

    Raises:
        ModelError: no permission, no space, or not a folder.
    """
    try:
        yield
    except OSError as error:
        raise ModelError(
            f'cannot write {what} into the model cache {folder} ({error.strerror or error}): '
            'make room or give permission there, or set NEUROPOSE_CACHE to another folder'
        ) from error


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for writing; a second process waits, and says so.

    Raises:
        ModelError: the folder cannot be written.
    """
    with writing(folder, 'a lock'):
        folder.mkdir(parents=True, exist_ok=True)
        # Never removed: a lock on a file that another process unlinks is held by nobody else.
        lock = (folder / '.lock').open('w')
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f'waiting: another process writes to the model cache {folder}', file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sweep(folder: Path) -> None:
    """Remove what killed processes were writing; whoever writes there holds the lock."""
    for left in folder.glob(f'{_PART}*'):
        if left.is_file():
            with contextlib.suppress(OSError):
                left.unlink()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that is there either whole or not at all, also after a power cut.

    Raises:
        ModelError: it cannot be written.
    """
    with writing(path.parent, path.name):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_PART, delete=False) as file:
            part = Path(file.name)
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                part.chmod(0o644)
                part.replace(path)
            except OSError:
                part.unlink()
                raise
