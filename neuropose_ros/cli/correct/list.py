"""List what was said of a recorded session, in every revision, and what holds of it."""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.clocks import seconds
from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.events import Correction, CorrectionKind
from neuropose_ros.recording import Session, open_session
from neuropose_ros.recording.windows import epoch_starts
from neuropose_ros.refinement.corrections import CorrectionLog


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('session', type=Path, help='folder of the session')
    parser.add_argument('--json', action='store_true', help='print one JSON array')


def run(args: argparse.Namespace) -> int:
    """Print what was said."""
    with open_session(args.session.expanduser()) as session:
        log = CorrectionLog(session.corrections())
        starts = epoch_starts(session) if len(log) else {}
        rows = [_row(one, state, starts, session) for one, state in log.states()]
    if args.json:
        print(json.dumps(rows))
        return 0
    for row in rows:
        print('{said}  {id} r{revision}  {kind:9}  {who:10}  {window:24}  {what}  [{state}]'
              '{by}'.format(**row, by=f'  {row["author"]}' if row['author'] else ''))
    for problem in log.problems:
        print(f'not usable: {problem}')
    if not rows:
        print(f'{args.session}: nothing was said of it')
    return 0


def _row(
    one: Correction, state: str, starts: dict[int, int], session: Session,
) -> dict[str, Any]:
    start_ns = starts.get(one.epoch, one.window_start_ns)
    begin_s = seconds(one.window_start_ns - start_ns)
    end = 'open' if not one.window_end_ns else f'{seconds(one.window_end_ns - start_ns):.3f} s'
    undoing = one.kind is CorrectionKind.UNKNOWN
    return {
        'id': one.id, 'revision': one.revision, 'kind': one.kind.name.lower(),
        'epoch': one.epoch, 'track_id': one.track_id,
        'window_start_ns': one.window_start_ns, 'window_end_ns': one.window_end_ns,
        'who': 'everybody' if one.track_id < 0 else f'track {one.track_id}',
        'window': f'{begin_s:.3f} to {end}' + (f' of epoch {one.epoch}' if one.epoch else ''),
        'what': f'undoes {one.undoes}' if undoing else _what(one, session),
        'author': one.author, 'state': state,
        'said': datetime.fromtimestamp(one.stamp_ns / 1e9, timezone.utc).strftime(
            '%Y-%m-%dT%H:%M:%SZ')}


def _what(one: Correction, session: Session) -> str:
    if one.kind is CorrectionKind.IDENTITY:
        return f'is track {one.label}'
    if one.keypoint_indices is None or one.keypoints is None:
        return one.label
    names = _names(one, session)
    return ' '.join(
        f'{names.get(index, f"joint {index}")}=' + (
            'none' if np.isnan(point).any() else f'{point[0]:g},{point[1]:g}')
        for index, point in zip(one.keypoint_indices.tolist(), one.keypoints, strict=True))


def _names(one: Correction, session: Session) -> dict[int, str]:
    try:
        return dict(enumerate(session.layout(one.label).names)) if one.label else {}
    except SessionError:
        return {}
