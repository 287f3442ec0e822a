"""List the subjects of all sessions below a folder: consent, and until when data may be kept."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from neuropose_ros.recording.privacy.store import Entry, read_store
from neuropose_ros.recording.privacy.subjects import SCOPES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('store', type=Path, nargs='+', help='a session, or a folder with sessions')
    parser.add_argument('--due', action='store_true',
                        help='only those whose data may not be kept any longer')
    parser.add_argument('--json', action='store_true', help='print one JSON array')


def run(args: argparse.Namespace) -> int:
    """Print the subjects."""
    entries = read_store(args.store)
    rows = summaries(entries, date.today())
    if args.due:
        rows = [row for row in rows if row['is_due']]
    if args.json:
        print(json.dumps(rows))
        return 0
    for row in rows:
        until = row['retain_until'] or 'no date'
        print(f'{row["pseudonym"]}  key {row["key_id"]}  sessions {row["sessions"]:3}  '
              f'consent {",".join(row["consent"]) or "unknown"}  keep until {until}'
              + ('  DUE' if row['is_due'] else ''))
    unnamed = sum(not entry.subjects for entry in entries)
    print(f'{len(rows)} subjects in {len(entries)} sessions'
          + (f'; {unnamed} of them name{"s" * (unnamed == 1)} nobody' if unnamed else ''))
    return 0


def summaries(entries: Sequence[Entry], today: date) -> list[dict[str, Any]]:
    """Return a row per subject: the consent is what holds in all sessions, the date the first."""
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        for subject in entry.subjects:
            row = found.setdefault(subject.pseudonym, {
                'pseudonym': subject.pseudonym, 'key_id': subject.key_id, 'sessions': 0,
                'consent': list(SCOPES), 'retain_until': None, 'is_due': False})
            row['sessions'] += 1
            row['consent'] = [scope for scope in row['consent'] if subject.may(scope)]
            row['is_due'] |= subject.is_due(today)
            if subject.retain_until is not None:
                day = subject.retain_until.isoformat()
                row['retain_until'] = min(row['retain_until'] or day, day)
    return [found[pseudonym] for pseudonym in sorted(found)]
