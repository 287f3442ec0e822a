"""Take a correction of a recorded session back; undo that, and it holds again."""

from __future__ import annotations

import argparse
import secrets
import time
from pathlib import Path

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.events import Correction, CorrectionKind
from neuropose_ros.recording import open_session
from neuropose_ros.recording.upkeep import add_notes
from neuropose_ros.refinement.corrections import CorrectionLog


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('session', type=Path, help='folder of the session')
    parser.add_argument('correction', help='its id, as `neuropose correct list` shows it')
    parser.add_argument('--author', default='', help='a pseudonym')


def run(args: argparse.Namespace) -> int:
    """Write it into the session."""
    path = args.session.expanduser()
    with open_session(path) as session:
        log = CorrectionLog(session.corrections())
    found = next((one for one in log.holding() if one.id == args.correction), None)
    if found is None:
        known = ', '.join(one.id for one in log.holding()) or 'none'
        raise DataError(f'{path}: no correction {args.correction!r} holds there; these do: '
                        f'{known}')
    newest_ns = max(one.stamp_ns for one in log.all())
    # Whose it was stays said: where that person is deleted, both go.
    made = Correction(
        max(time.time_ns(), newest_ns + 1), f'u-{secrets.token_hex(4)}', CorrectionKind.UNKNOWN,
        epoch=found.epoch, track_id=found.track_id, window_start_ns=found.window_start_ns,
        window_end_ns=found.window_end_ns, author=args.author, undoes=found.id)
    log.add(made)
    add_notes(path, (made,))
    print(f'{found.id}: taken back by {made.id}')
    return 0
