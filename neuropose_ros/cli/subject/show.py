"""Show in which sessions a subject is, to what they agreed there, and what copies were made."""

from __future__ import annotations

import argparse
from datetime import datetime, timezone
from pathlib import Path

from neuropose_ros.recording.privacy.store import (
    Entry,
    entries_with,
    pseudonym_of,
    read_store,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('subject', help='name or number (needs the key), or a pseudonym')
    parser.add_argument('store', type=Path, nargs='+', help='a session, or a folder with sessions')


def run(args: argparse.Namespace) -> int:
    """Print the sessions."""
    pseudonym = pseudonym_of(args.subject)
    for entry in entries_with(read_store(args.store), pseudonym):
        print('\n'.join(_lines(entry, pseudonym)))
    return 0


def _lines(entry: Entry, pseudonym: str) -> list[str]:
    subject = entry.subject(pseudonym)
    assert subject is not None
    day = datetime.fromtimestamp(entry.created_ns / 1e9, timezone.utc).date()
    files = [file for file in entry.path.rglob('*') if file.is_file()]
    size_mb = sum(file.stat().st_size for file in files) / 1e6
    tracks = ' '.join(f'{epoch}:{track}' for epoch, track in subject.tracks)
    return [
        f'{entry.path}',
        f'  of {day}, task {entry.task or "not named"}, {len(files)} files, {size_mb:.1f} MB',
        f'  consent {subject.consent_text() or "unknown"}, keep until '
        f'{subject.retain_until or "no date"}',
        f'  tracks {tracks or "not told apart"}, {len(entry.subjects) - 1} other subjects',
        *(f'  copy {export.path} ({export.form}, {export.made_at[:10]})'
          + ('' if export.path.exists() else ', not there any more')
          for export in entry.exports)]
