"""Which subjects are in which sessions of a store: all sessions below a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from neuropose_ros.core.errors import PrivacyError
from neuropose_ros.recording.database import Export
from neuropose_ros.recording.folder import is_session
from neuropose_ros.recording.privacy.pseudonyms import SubjectKey, is_pseudonym, load_key
from neuropose_ros.recording.privacy.subjects import Subject
from neuropose_ros.recording.session import open_session


@dataclass(frozen=True)
class Entry:
    """One session of the store.

    Attributes:
        subjects: everybody in it.
        exports: copies that were made of it.
    """

    path: Path
    task: str
    created_ns: int
    subjects: tuple[Subject, ...]
    exports: tuple[Export, ...]

    def subject(self, pseudonym: str) -> Subject | None:
        """Return the subject of that pseudonym, if it is in the session."""
        return next((one for one in self.subjects if one.pseudonym == pseudonym), None)


def session_folders(roots: Iterable[Path]) -> Iterator[Path]:
    """Yield the folders of all sessions at or below ``roots``, each once; links lead nowhere.

    Raises:
        PrivacyError: a root is not a folder, or a folder cannot be read: whose data lie there
            cannot be said then.
    """
    def fail(error: OSError) -> None:
        raise PrivacyError(f'{error.filename}: cannot be read ({error.strerror}), so it cannot '
                           'be said who is in it') from error

    seen: set[Path] = set()
    for root in roots:
        if not root.is_dir():
            raise PrivacyError(f'{root} is not a folder with sessions')
        for folder, below, _ in os.walk(root, onerror=fail):
            below.sort()
            path = Path(folder)
            if is_session(path) and path.resolve() not in seen:
                seen.add(path.resolve())
                yield path


def read_store(roots: Sequence[Path]) -> list[Entry]:
    """Return all sessions below ``roots``.

    Raises:
        PrivacyError: as `session_folders`.
        SessionError: one is damaged or of a newer version: whose data it has cannot be said.
    """
    entries = []
    for path in session_folders(roots):
        with open_session(path) as session:
            about = session.about
            entries.append(Entry(
                path, about.task, session.facts.get('created_ns', 0), about.subjects,
                tuple(session.exports())))
    return entries


def pseudonym_of(subject: str) -> str:
    """Return the pseudonym of a name, with the key; a pseudonym needs no key.

    Raises:
        PrivacyError: the key is not there or not usable.
    """
    given = subject.strip().lower()
    return given if is_pseudonym(given) else load_key(create=False).pseudonym(subject)


def entries_with(entries: Sequence[Entry], pseudonym: str) -> list[Entry]:
    """Return the sessions that a subject is in.

    Raises:
        PrivacyError: it is in none of them.
    """
    found = [entry for entry in entries if entry.subject(pseudonym)]
    if not found:
        keys = sorted({one.key_id for entry in entries for one in entry.subjects})
        raise PrivacyError(
            f'{pseudonym} is in none of the {len(entries)} sessions here'
            + (f'; their pseudonyms were made with {_keys(keys)}{_own_key()}' if keys else
               ', which name no subjects'))
    return found


def _keys(ids: Sequence[str]) -> str:
    return f'the key{"s" if len(ids) > 1 else ""} {", ".join(ids)}'


def _own_key() -> str:
    try:
        key: SubjectKey = load_key(create=False)
    except PrivacyError:
        return ', and there is no key here'
    return f', yours is {key.id}'
