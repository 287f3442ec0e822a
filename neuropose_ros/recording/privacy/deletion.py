"""Deleting a subject from a store: from every session, and the proof that nothing is left."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from neuropose_ros.core.errors import PrivacyError
from neuropose_ros.recording import folder
from neuropose_ros.recording.compaction import compact, parquet_file
from neuropose_ros.recording.privacy.proof import Proof, search
from neuropose_ros.recording.privacy.separation import (
    Division,
    forget_in_database,
    left_of,
    separate_tables,
)
from neuropose_ros.recording.privacy.store import (
    Entry,
    entries_with,
    read_store,
    session_folders,
)
from neuropose_ros.recording.schema import TABLES


@dataclass(frozen=True)
class Plan:
    """What a deletion will do.

    Attributes:
        removed: sessions that go as a whole.
        separated: sessions of several subjects, and how these are told apart.
        exports: copies of all of them that lie where they were made.
        absent: copies that do not: they were moved, passed on or deleted by hand.
    """

    pseudonym: str
    removed: tuple[Path, ...]
    separated: tuple[tuple[Path, Division], ...]
    exports: tuple[Path, ...]
    absent: tuple[Path, ...]


@dataclass(frozen=True)
class Deletion:
    """What a deletion did.

    Attributes:
        values: frames, actions and measures that the subject was taken out of.
        files: bags, videos, tables and copies that were deleted from sessions that stay.
        copies_left: exports outside of the store that are still there.
        proof: of the search afterwards, over the whole store.
    """

    values: int
    files: tuple[Path, ...]
    copies_left: tuple[Path, ...]
    proof: Proof


def plan(roots: Sequence[Path], pseudonym: str, *, with_others: bool = False) -> Plan:
    """Find out what must go; nothing is touched.

    Args:
        with_others: sessions in which the subject cannot be told from others go as well.

    Raises:
        PrivacyError: the subject is nowhere, or is in a session from which it cannot be taken
            out, or a session stands where it cannot be read, or lies in one that would go.
        SessionError: a session is damaged.
    """
    entries = entries_with(read_store(roots), pseudonym)
    removed, separated, mixed = [], [], []
    for entry in entries:
        division = _division(entry, pseudonym)
        if division is not None:
            separated.append((entry.path, division))
        elif len(entry.subjects) == 1 or with_others:
            removed.append(entry.path)
        else:
            mixed.append(entry.path)
    if mixed:
        raise PrivacyError(
            f'in {", ".join(map(str, mixed))} there are other subjects and it is not known which '
            'tracks are whose: say so with neuropose subject set --tracks, or delete them all '
            'with --with-others')
    _refuse_nested([*removed, *(path for path, _ in separated)])
    copies = dict.fromkeys(export.path for entry in entries for export in entry.exports)
    return Plan(pseudonym, tuple(removed), tuple(separated),
                tuple(path for path in copies if path.exists()),
                tuple(path for path in copies if not path.exists()))


def _refuse_nested(touched: Sequence[Path]) -> None:
    for path in touched:
        inner = [found for found in session_folders([path]) if found != path]
        if inner:
            raise PrivacyError(
                f'{path}: other sessions lie in this one and would go with it: move '
                f'{", ".join(map(str, inner))} out of it first')


def _division(entry: Entry, pseudonym: str) -> Division | None:
    subject = entry.subject(pseudonym)
    return None if subject is None else Division.of(subject, entry.subjects)


def delete(roots: Sequence[Path], chosen: Plan, *, with_exports: bool = False) -> Deletion:
    """Do what was planned, and look for traces.

    A deletion that breaks off can be done again: what it did stays done, and the subject is
    found by its last part.

    Args:
        with_exports: copies outside of the store are deleted as well.

    Raises:
        SessionError: a session is being recorded; nothing is touched then.
        PrivacyError: something cannot be written or deleted.
    """
    touched = [*chosen.removed, *(path for path, _ in chosen.separated)]
    with ExitStack() as stack:
        for path in touched:
            stack.enter_context(folder.locked(path))
        with _explained():
            files = _delete_exports(chosen, roots, with_exports)
            values = 0
            for path, division in chosen.separated:
                files += _delete_shared_files(path)
                values += separate_tables(path, division)
                forget_in_database(path, chosen.pseudonym, division)
            for path in chosen.removed:
                _remove(path)
    left = tuple(path for path in chosen.exports if path.exists())
    proof = search([root for root in roots if root.exists()], chosen.pseudonym)
    return Deletion(values, tuple(files), left, _with_sessions(proof, chosen))


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise PrivacyError(
            f'the deletion broke off ({error}); what is left is found again: do it once more when '
            'the cause is gone') from error


def _with_sessions(proof: Proof, chosen: Plan) -> Proof:
    traces = [f'{path}: is still there' for path in chosen.removed if path.exists()]
    for path, division in chosen.separated:
        left = left_of(path, division)
        if left:
            traces.append(f'{path}: {left} values are still there')
    return Proof(proof.files, proof.size_bytes, (*proof.traces, *traces), proof.unread)


def _delete_exports(chosen: Plan, roots: Sequence[Path], everywhere: bool) -> list[Path]:
    inside = [root.resolve() for root in roots]
    gone = []
    for path in chosen.exports:
        if everywhere or any(path.resolve().is_relative_to(root) for root in inside):
            _delete_file(path)
            gone.append(path)
    return gone


def _delete_shared_files(path: Path) -> list[Path]:
    """Delete what is neither a table nor the database: in bags and videos all are together."""
    if (path / folder.SEGMENTS).is_dir():  # a recording that was killed
        compact(path)
    keep = {path / folder.DATABASE, path / folder.LOCK}
    keep.update(parquet_file(path, table) for table in TABLES)
    keep.update(path / f'{folder.DATABASE}{end}' for end in ('-wal', '-shm', '-journal'))
    gone = sorted(set(path.iterdir()) - keep)
    for file in gone:
        _delete_file(file)
    return gone


def _remove(path: Path) -> None:
    """Remove a session, its database last: by that it is found if this breaks off."""
    last = (folder.DATABASE, f'{folder.DATABASE}-wal', f'{folder.DATABASE}-shm', folder.LOCK)
    for file in _first(path.iterdir(), last):
        _delete_file(file)
    for name in last:
        (path / name).unlink(missing_ok=True)
    path.rmdir()


def _first(files: Iterable[Path], last: Sequence[str]) -> list[Path]:
    return [file for file in files if file.name not in last]


def _delete_file(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
