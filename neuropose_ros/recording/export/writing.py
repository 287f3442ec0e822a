"""Exports a session: checks first, then writes beside, then puts everything in place at once."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from neuropose_ros.core.errors import SessionError
from neuropose_ros.recording.export.choosing import Choice, material_of
from neuropose_ros.recording.export.formats import FORMATS
from neuropose_ros.recording.export.material import Material
from neuropose_ros.recording.privacy.subjects import SHARING, all_may
from neuropose_ros.recording.session import Session, open_session
from neuropose_ros.recording.upkeep import add_export


class Format(Protocol):
    """What the module of a format offers."""

    write: Callable[[Material, Path], list[Path]]


@dataclass(frozen=True)
class Exported:
    """What came of an export.

    Attributes:
        files: as they lie now.
        notes: what a person should know, a sentence each.
    """

    folder: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...]


def export_session(path: Path, kind: str, folder: Path, choice: Choice | None = None) -> Exported:
    """Write a session in another format; the session itself is only read.

    Args:
        path: the session.
        kind: one of `FORMATS`.
        folder: where to; nothing may be in it.

    Raises:
        SessionError: there is nothing to export, it does not fit the format, a package is
            missing, or the folder cannot be written. Nothing is left behind.
    """
    if kind not in FORMATS:
        raise SessionError(f'there is no format {kind!r}; there are {", ".join(FORMATS)}')
    written = cast(Format, importlib.import_module(f'{__package__}.{FORMATS[kind]}')).write
    if path.resolve() in (folder.resolve(), *folder.resolve().parents):
        raise SessionError(f'{folder}: this is in the session itself; choose a folder elsewhere')
    with open_session(path) as session:
        material = material_of(session, choice or Choice())
        folder, made = _beside(folder)
        try:
            files = [file.relative_to(made) for file in written(material, made)]
            for entry in sorted(made.iterdir()):
                entry.rename(folder / entry.name)
        except OSError as error:
            raise SessionError(f'{folder}: cannot be written ({error.strerror})') from error
        finally:
            shutil.rmtree(made, ignore_errors=True)
            if not any(folder.iterdir()):
                folder.rmdir()
        notes = tuple(_notes(session, material))
    return Exported(folder, tuple(folder / file for file in files),
                    (*notes, *_noted(path, folder, kind)))


def _notes(session: Session, material: Material) -> Iterator[str]:
    if session.torn:
        yield 'the recording ended unexpectedly: what it had not yet written is missing'
    if material.subjects and not all_may(material.subjects, SHARING):
        yield 'not every subject has agreed that data are passed on to others'


def _noted(path: Path, folder: Path, kind: str) -> Iterator[str]:
    """Note the copy in the session, or say that this cannot be done."""
    try:
        add_export(path, folder.resolve(), kind)
    except SessionError as error:
        yield f'the deletion of a subject will not name this copy: {error}'


def _beside(folder: Path) -> tuple[Path, Path]:
    """Return the folder, which is made, and an empty one in it to write to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise SessionError(f'{folder}: there is something in it already; choose another one')
        made = folder / '.unfinished'
        made.mkdir()
    except OSError as error:
        raise SessionError(f'{folder}: cannot be written ({error.strerror})') from error
    return folder, made
