"""session.sqlite: what a session says of itself, and what happens seldom in it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.events import Correction, CorrectionKind, EventMarker
from neuropose_ros.core.signals import SignalInfo
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.core.wire import known_enum
from neuropose_ros.recording.about import About
from neuropose_ros.recording.folder import DATABASE, sync
from neuropose_ros.recording.privacy.subjects import Subject, read_consent, read_date
from neuropose_ros.recording.schema import FORMAT_VERSION

OPEN, CLOSED = 'open', 'closed'
_LAYOUT = """
CREATE TABLE session (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE events (stamp_ns INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    frame_id TEXT NOT NULL, arrival_ns INTEGER NOT NULL);
CREATE TABLE corrections (stamp_ns INTEGER NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL,
    content TEXT NOT NULL, arrival_ns INTEGER NOT NULL);
CREATE TABLE layouts (id TEXT PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE label_sets (id TEXT PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE signal_infos (id TEXT PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE subjects (pseudonym TEXT PRIMARY KEY, key_id TEXT NOT NULL, consent TEXT NOT NULL,
    retain_until TEXT NOT NULL, tracks TEXT NOT NULL);
CREATE TABLE exports (path TEXT NOT NULL, format TEXT NOT NULL, made_at TEXT NOT NULL);
CREATE TABLE log (time_ns INTEGER NOT NULL, sentence TEXT NOT NULL);
"""
_INSERT = {
    EventMarker: 'INSERT INTO events VALUES (?, ?, ?, ?, ?)',
    Correction: 'INSERT INTO corrections VALUES (?, ?, ?, ?, ?)',
    SkeletonLayout: 'INSERT OR REPLACE INTO layouts VALUES (?, ?)',
    LabelSet: 'INSERT OR REPLACE INTO label_sets VALUES (?, ?)',
    SignalInfo: 'INSERT OR REPLACE INTO signal_infos VALUES (?, ?)',
}
_FACTS = tuple(item for item in fields(About) if item.name != 'subjects')
Note = EventMarker | Correction | SkeletonLayout | LabelSet | SignalInfo


def _row(note: Note, arrival_ns: int) -> tuple[Any, ...]:
    if isinstance(note, EventMarker):
        return note.stamp_ns, note.name, note.value, note.frame_id, arrival_ns
    if isinstance(note, Correction):
        return note.stamp_ns, note.id, note.revision, json.dumps(
            asdict(note), default=lambda array: array.tolist()), arrival_ns
    key = note.stream if isinstance(note, SignalInfo) else note.id
    return key, json.dumps(asdict(note))


class Export(NamedTuple):
    """A copy of a session in another format.

    Attributes:
        made_at: UTC, ISO 8601.
    """

    path: Path
    form: str
    made_at: str


class Database:
    """Writes session.sqlite; every `commit` is durable before it returns."""

    def __init__(self, path: Path) -> None:
        """Open the file in the session's folder.

        Raises:
            sqlite3.Error: it cannot be written.
        """
        self._connection = _opened(path / DATABASE)
        self._connection.execute('PRAGMA journal_mode=WAL')

    @classmethod
    def make(cls, path: Path, about: About, created_ns: int) -> Database:
        """Make the file, with what is known when the recording begins: all of it or none.

        Raises:
            OSError, sqlite3.Error: it cannot be written.
        """
        unfinished = path / f'{DATABASE}.unfinished'
        unfinished.unlink(missing_ok=True)
        made = cls.__new__(cls)
        made._connection = _opened(unfinished)
        # Nobody sees it before it is whole: it is synchronised once, at the end.
        made._connection.execute('PRAGMA synchronous=OFF')
        made._connection.executescript(_LAYOUT)
        for subject in about.subjects:
            made.add_subject(subject)
        made.set({item.name: getattr(about, item.name) for item in _FACTS} | {
            'format_version': FORMAT_VERSION, 'state': OPEN, 'created_ns': created_ns})
        made._connection.close()
        sync(unfinished)
        unfinished.rename(path / DATABASE)
        return cls(path)

    def set(self, facts: dict[str, Any]) -> None:
        """Say something of the session; values are anything that JSON holds."""
        with self._connection as transaction:
            transaction.executemany(
                'INSERT OR REPLACE INTO session VALUES (?, ?)',
                [(name, json.dumps(value)) for name, value in facts.items()])

    def add_subject(self, subject: Subject) -> None:
        """Say who is in the session, or say it anew."""
        date = '' if subject.retain_until is None else subject.retain_until.isoformat()
        with self._connection as transaction:
            transaction.execute('INSERT OR REPLACE INTO subjects VALUES (?, ?, ?, ?, ?)', (
                subject.pseudonym, subject.key_id, subject.consent_text(), date,
                json.dumps(subject.tracks)))

    def add_export(self, path: Path, form: str) -> None:
        """Note where a copy of the session lies: who deletes a subject must know."""
        with self._connection as transaction:
            transaction.execute('INSERT INTO exports VALUES (?, ?, ?)', (
                str(path.absolute()), form, datetime.now(timezone.utc).isoformat()))

    def log(self, time_ns: int, sentence: str) -> None:
        """Note what befell the recording itself."""
        with self._connection as transaction:
            transaction.execute('INSERT INTO log VALUES (?, ?)', (time_ns, sentence))

    def add(self, notes: Iterable[tuple[Note, int]]) -> None:
        """Store notes with their time of arrival, all or none."""
        with self._connection as transaction:
            for note, arrival_ns in notes:
                transaction.execute(_INSERT[type(note)], _row(note, arrival_ns))

    def close(self) -> None:
        """Leave a single file behind where there is room for it."""
        try:
            self._connection.execute('PRAGMA journal_mode=DELETE')
        except sqlite3.OperationalError:
            pass  # a reader is at it or the disk is full: the log beside it is read as well
        finally:
            self._connection.close()


def _opened(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, check_same_thread=False)
    connection.execute('PRAGMA synchronous=FULL')
    connection.execute('PRAGMA secure_delete=ON')
    return connection


class DatabaseReader:
    """Reads session.sqlite of a session, also of one that is being written or lies read-only."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            SessionError: it is missing, damaged, or of a newer version.
        """
        self._path, self._file = path, path / DATABASE
        self._remove_copy: Callable[[], object] = lambda: None
        if not self._file.is_file():
            raise SessionError(f'{path}: this is no session, it has no {DATABASE}')
        try:
            self.facts = self._read_facts()
        except (sqlite3.Error, ValueError) as error:
            raise SessionError(f'{path}: {DATABASE} is damaged ({error})') from error
        version = self.facts.get('format_version')
        if not isinstance(version, int) or 'state' not in self.facts:
            raise SessionError(f'{path}: {DATABASE} is not that of a session')
        if version > FORMAT_VERSION:
            raise SessionError(
                f'{path}: this session was written by a newer version (its format is {version}, '
                f'this version reads up to {FORMAT_VERSION}); update neuropose_ros')

    def _read_facts(self) -> dict[str, Any]:
        try:
            found = self._fetch('SELECT name, value FROM session')
        except sqlite3.OperationalError:
            self._file = self._copied()
            found = self._fetch('SELECT name, value FROM session')
        return {name: json.loads(value) for name, value in found}

    def _query(self, text: str) -> list[Any]:
        try:
            return self._fetch(text)
        except sqlite3.Error as error:
            raise SessionError(f'{self._path}: {DATABASE} is damaged ({error})') from error

    def _fetch(self, text: str) -> list[Any]:
        """Return all rows; no connection stays open, which would keep a recorder from ending."""
        uri = f'{self._file.absolute().as_uri()}?mode=ro'
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            return connection.execute(text).fetchall()

    def _copied(self) -> Path:
        """Copy to where the write-ahead log can be read: it wants a file beside it."""
        folder = Path(tempfile.mkdtemp(prefix='neuropose-session-'))
        self._remove_copy = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        for file in self._file.parent.glob(f'{DATABASE}*'):
            if not file.name.endswith('-shm'):
                shutil.copy(file, folder)
        return folder / DATABASE

    def about(self) -> About:
        """Return what was said when the recording began, and since."""
        known = {item.name for item in _FACTS}
        return About(subjects=tuple(self.subjects()), **{
            name: value for name, value in self.facts.items() if name in known})

    def subjects(self) -> list[Subject]:
        """Return who is in the session."""
        found = self._query(
            'SELECT pseudonym, key_id, consent, retain_until, tracks FROM subjects')
        return [Subject(pseudonym, key_id, read_consent(consent), read_date(date), tuple(
            (epoch, track) for epoch, track in json.loads(tracks)))
            for pseudonym, key_id, consent, date, tracks in found]

    def exports(self) -> list[Export]:
        """Return the copies that were made of the session."""
        return [Export(Path(path), form, made_at) for path, form, made_at
                in self._query('SELECT path, format, made_at FROM exports')]

    def events(self) -> list[EventMarker]:
        """Return all event markers by time."""
        return [EventMarker(*row) for row in self._query(
            'SELECT stamp_ns, name, value, frame_id FROM events ORDER BY stamp_ns, rowid')]

    def corrections(self) -> list[Correction]:
        """Return all corrections by time, also those taken back."""
        found = self._query(
            'SELECT content FROM corrections ORDER BY stamp_ns, rowid')
        return [_correction(json.loads(content)) for content, in found]

    def layouts(self) -> dict[str, SkeletonLayout]:
        """Return the skeleton layouts by id."""
        return {key: SkeletonLayout.from_table(json.loads(content)) for key, content
                in self._query('SELECT id, content FROM layouts')}

    def label_sets(self) -> dict[str, LabelSet]:
        """Return the label sets by id."""
        found = ((key, json.loads(content)) for key, content
                 in self._query('SELECT id, content FROM label_sets'))
        return {key: LabelSet(table['name'], tuple(table['labels'])) for key, table in found}

    def signal_infos(self) -> dict[str, SignalInfo]:
        """Return what each stream of signals is."""
        found = ((key, json.loads(content)) for key, content
                 in self._query('SELECT id, content FROM signal_infos'))
        return {key: SignalInfo(**table | {
            'channels': tuple(table['channels']), 'unit': tuple(table['unit'])})
            for key, table in found}

    def log(self) -> list[tuple[int, str]]:
        """Return what befell the recording: time in ns and a sentence."""
        return self._query('SELECT time_ns, sentence FROM log ORDER BY rowid')

    def close(self) -> None:
        """Remove what was copied for reading."""
        self._remove_copy()


def _correction(table: dict[str, Any]) -> Correction:
    table['kind'] = known_enum(CorrectionKind, table['kind'])
    for name, kind in (('keypoint_indices', np.uint16), ('keypoints', np.float32)):
        if table[name] is not None:
            table[name] = np.array(table[name], kind)
    return Correction(**table)
