"""Say who is in sessions, to what they agreed, until when data are kept, which tracks are theirs.

What is not given stays as it is. A consent that was withdrawn is set to what is left of it.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path

from neuropose_ros.core.errors import PrivacyError
from neuropose_ros.recording.privacy.pseudonyms import is_pseudonym, load_key
from neuropose_ros.recording.privacy.store import Entry, read_store
from neuropose_ros.recording.privacy.subjects import SCOPES, Subject, read_consent, read_date
from neuropose_ros.recording.upkeep import set_subject


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('subject', help='name or number (needs the key), or a pseudonym')
    parser.add_argument('session', type=Path, nargs='+',
                        help='a session, or a folder: then only those that the subject is in')
    parser.add_argument('--consent', help=f'some of {",".join(SCOPES)}; "" = to nothing')
    parser.add_argument('--retain-until', help='last day, as 2031-12-31; "" = no date')
    parser.add_argument('--tracks', nargs='*', metavar='EPOCH:TRACK',
                        help='whose tracks are theirs, as 0:3')


def run(args: argparse.Namespace) -> int:
    """Write it into the sessions."""
    tracks = None if args.tracks is None else tuple(map(_track, args.tracks))
    entries = read_store(args.session)
    chosen = [(entry, subject) for entry in entries
              if (subject := _subject(args.subject, entry, args.session)) is not None]
    if not chosen:
        raise PrivacyError('the subject is in no session there; name the session itself to say '
                           'that it is')
    changed = [(entry.path, _changed(subject, args, tracks)) for entry, subject in chosen]
    for path, subject in changed:
        set_subject(path, subject)
        print(f'{path}: {subject.pseudonym}, consent {subject.consent_text() or "unknown"}')
    return 0


def _subject(name: str, entry: Entry, given: list[Path]) -> Subject | None:
    known = name.strip().lower()
    if is_pseudonym(known):
        found = entry.subject(known)
        if found is None and entry.path in given:
            raise PrivacyError(f'{entry.path} does not have {known}; to add somebody, give the '
                               'name or number, so that it is known which key is theirs')
        return found
    for root in given:
        key = load_key(store=root)  # refused where it lies beside the data
    return entry.subject(key.pseudonym(name)) or (
        Subject.of(name, key) if entry.path in given else None)


def _changed(
    subject: Subject, args: argparse.Namespace, tracks: tuple[tuple[int, int], ...] | None,
) -> Subject:
    if args.consent is not None:
        subject = replace(subject, consent=read_consent(args.consent))
    if args.retain_until is not None:
        subject = replace(subject, retain_until=read_date(args.retain_until))
    return subject if tracks is None else replace(subject, tracks=tracks)


def _track(text: str) -> tuple[int, int]:
    if not re.fullmatch(r'\d+:\d+', text):
        raise PrivacyError(f'{text!r} names no track; write epoch and track as 0:3')
    epoch, _, track = text.partition(':')
    return int(epoch), int(track)
