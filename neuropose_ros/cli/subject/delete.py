"""Delete a subject from all sessions below a folder, and prove that nothing is left.

A session of this subject alone goes as a whole. One with others stays without the subject's
tracks, corrections and measures, and without what holds everybody together: bag, video, pictures'
embeddings and signals. Copies that were exported are deleted where they lie in the store, others
are listed. Disks may keep blocks of deleted files: use an encrypted one.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from neuropose_ros.core.errors import PrivacyError
from neuropose_ros.recording.privacy.deletion import Deletion, Plan, delete, plan
from neuropose_ros.recording.privacy.store import pseudonym_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('subject', help='name or number (needs the key), or a pseudonym')
    parser.add_argument('store', type=Path, nargs='+', help='a session, or a folder with sessions')
    parser.add_argument('--yes', action='store_true', help='do it; without, only say what will go')
    parser.add_argument('--with-others', action='store_true',
                        help='also sessions in which the subject cannot be told from others')
    parser.add_argument('--exports', action='store_true',
                        help='also copies that were exported to outside of the store')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Say what will go; with --yes delete it and search for traces. 1 = something is left."""
    pseudonym = pseudonym_of(args.subject)
    chosen = plan(args.store, pseudonym, with_others=args.with_others)
    _print_plan(chosen)
    if not args.yes:
        raise PrivacyError('nothing was deleted; say --yes to do it')
    done = delete(args.store, chosen, with_exports=args.exports)
    _print_deletion(done)
    if args.json:
        print(json.dumps({
            'sessions_removed': len(chosen.removed), 'sessions_separated': len(chosen.separated),
            'values_changed': done.values, 'files_searched': done.proof.files,
            'traces': list(done.proof.traces), 'unread': list(done.proof.unread),
            'copies_left': list(map(str, done.copies_left))}))
    return 0 if done.proof.is_clean and not done.copies_left else 1


def _print_plan(chosen: Plan) -> None:
    for path in chosen.removed:
        print(f'{path}: goes as a whole')
    for path, division in chosen.separated:
        print(f'{path}: stays for the others, without {len(division.gone)} tracks, bag, video, '
              'embeddings and signals')
    for path in chosen.exports:
        print(f'{path}: a copy; where it lies outside of the store it goes only with --exports')
    for path in chosen.absent:
        print(f'{path}: a copy was made there and is not there any more; if it was moved or '
              'passed on, it has to be deleted by hand')


def _print_deletion(done: Deletion) -> None:
    for path in done.copies_left:
        print(f'{path}: this copy is still there; delete it by hand')
    for sentence in (*done.proof.traces, *done.proof.unread):
        print(f'left: {sentence}')
    print(f'searched {done.proof.files} files, {done.proof.size_bytes / 1e6:.1f} MB: '
          + ('no trace' if done.proof.is_clean else
             f'{len(done.proof.traces)} traces, {len(done.proof.unread)} files not readable'))
