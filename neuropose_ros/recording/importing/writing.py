"""Imports poses of other tools into a session of their own."""

from __future__ import annotations

import hashlib
import importlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from neuropose_ros.core.clocks import FILE_EPOCH_NS
from neuropose_ros.core.errors import DataError, SessionError
from neuropose_ros.core.layouts import convert_frame
from neuropose_ros.core.layouts import layout as built_in_layout
from neuropose_ros.core.pose import FramePolicy
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.core.software import software_versions
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.recording.about import About
from neuropose_ros.recording.folder import check_name
from neuropose_ros.recording.importing.formats import FORMATS
from neuropose_ros.recording.importing.poses import Imported, Options
from neuropose_ros.recording.writer import SessionWriter

_BLOCK = 1 << 20


class Format(Protocol):
    """What the module of a format offers."""

    read: Callable[[Path, Options], Imported]


@dataclass(frozen=True)
class Summary:
    """What came of an import.

    Attributes:
        layout: id of the skeleton layout.
        notes: what a person should know, a sentence each.
    """

    session: Path
    frames: int
    people: int
    layout: str
    notes: tuple[str, ...]


def import_poses(
    path: Path, kind: str, session: Path, options: Options | None = None, layout: str = '',
) -> Summary:
    """Write the poses of another tool as a session.

    Args:
        path: file, or folder of files.
        kind: one of `FORMATS`.
        session: folder of the session, which must not exist.
        layout: a built-in layout to convert to; '' = the joints as they are.

    Raises:
        DataError: the file cannot be read as that format, or does not say what is needed.
        LayoutError: there is no such layout.
        SessionError: the session cannot be written. Nothing is left behind.
    """
    if kind not in FORMATS:
        raise DataError(f'there is no format {kind!r}; there are {", ".join(FORMATS)}')
    if not path.exists():
        raise DataError(f'{path}: there is no such file or folder')
    check_name(session.name)
    if session.exists():
        raise SessionError(f'{session}: this exists already; choose another --out')
    target = built_in_layout(layout) if layout else None
    found = cast(Format, importlib.import_module(f'{__package__}.{kind}')).read(
        path, options or Options())
    unfinished = session.with_name(f'{session.name}.unfinished')
    try:
        summary = _write(found, target or found.layout, unfinished, session, kind, _sha256(path))
        unfinished.rename(session)
    except OSError as error:
        raise SessionError(f'{session}: cannot be written ({error.strerror})') from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return summary


def _write(
    found: Imported, target: SkeletonLayout, folder: Path, session: Path, kind: str, sha256: str,
) -> Summary:
    frames = people = 0
    about = About(kind='import', software=software_versions(),
                  extra={'import': {'format': kind, 'input_sha256': sha256}})
    with SessionWriter(folder, about, clock=lambda: FILE_EPOCH_NS) as writer:
        writer.put_note(target)
        for event in found.events:
            writer.put_note(event)
        for frame in found.frames:
            writer.put_frame(FrameInfo(
                frame.stamp_ns, frame.frame_seq, epoch=frame.epoch, source=kind,
                policy=FramePolicy.EVERY_FRAME))
            writer.put_poses(convert_frame(frame, found.layout, target))
            frames, people = frames + 1, people + len(frame.persons)
    if writer.failure or any(writer.lost.values()):
        raise SessionError(writer.failure or f'{session}: the disk is too slow for this import')
    if not frames:
        raise DataError('there is no frame in it')
    return Summary(session, frames, people, target.id, found.notes)


def _sha256(path: Path) -> str:
    """Return the hash of a file, or of the files of a folder in the order of their names."""
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if file.is_file():
            with file.open('rb') as opened:
                while block := opened.read(_BLOCK):
                    digest.update(block)
    return digest.hexdigest()
