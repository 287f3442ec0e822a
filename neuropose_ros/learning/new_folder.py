"""Folders that are there whole or not at all, and that take the place of none but their like."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from neuropose_ros.core.errors import ModelError


@contextlib.contextmanager
def new_folder(folder: Path, mark: str, what: str) -> Iterator[Path]:
    """Give an empty folder to fill; filled without an error, it takes the place of ``folder``.

    Args:
        folder: its parents are made.
        mark: name of the file by which an earlier one there is known, which is replaced.
        what: it is, for people: ``recogniser``.

    Raises:
        ModelError: something else is there, or it cannot be written; what was there is left.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / mark).is_file():
        raise ModelError(f'{folder}: not empty and no {what}, so nothing is replaced there: give '
                         'another folder')
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix='.new-') as place:
            made = Path(place) / 'made'
            made.mkdir()
            yield made
            put_in_place(made, folder)
    except OSError as error:
        raise ModelError(f'{folder}: cannot be written ({error.strerror or error}): make room or '
                         'give permission there') from error


def put_in_place(made: Path, folder: Path) -> None:
    """Move a folder to where another one is, perhaps; that one goes beside ``made``.

    Both are on one file system, and the parent of ``made`` is thrown away afterwards.
    """
    if folder.exists():
        folder.replace(made.with_name('before'))
    made.replace(folder)
