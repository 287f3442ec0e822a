"""Say what is wrong in a window of a recorded session, and what is right.

    neuropose correct add walk keypoints --track 1 --frames 40-44 --joint left_wrist=412,188
    neuropose correct add walk identity --track 3 --frames 60- --is 1
    neuropose correct add walk reject --seconds 2.5-4
    neuropose correct add walk label --track 1 --frames 10-90 --label clap

The recording stays as it is: `neuropose replay walk` gives results in which the window alone is
corrected. Frames and people are those of the recording (`session.pandas()` lists them).
A recording that is going on is corrected on the topic `corrections` instead.
"""

from __future__ import annotations

import argparse
import json
import secrets
import time
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.events import Correction, CorrectionKind
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.recording import Session, open_session
from neuropose_ros.recording.upkeep import add_notes
from neuropose_ros.recording.windows import Span, Window, find_window, span_of
from neuropose_ros.refinement.corrections import CorrectionLog

_EVERYBODY = -1
_ABSENT = 'none'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('session', type=Path, help='folder of the session')
    parser.add_argument('kind', choices=[
        kind.name.lower() for kind in CorrectionKind if kind is not CorrectionKind.UNKNOWN])
    window = parser.add_mutually_exclusive_group(required=True)
    window.add_argument('--frames', type=_frame_span, metavar='A-B', dest='span',
                        help='by frame_seq, both included; A = one frame, A- = to the end')
    window.add_argument('--seconds', type=_time_span, metavar='A-B', dest='span',
                        help='since the first frame of the epoch; A- = to the end')
    parser.add_argument('--epoch', type=int, help='needed where there are several')
    parser.add_argument('--track', type=int, default=_EVERYBODY, metavar='ID',
                        help='whose, by track_id; without, reject means everybody')
    parser.add_argument('--joint', action='append', default=[], metavar='NAME=X,Y', dest='joints',
                        help=f'keypoints: where a joint is, px; NAME={_ABSENT}: it is not to be '
                        'seen; may be repeated')
    parser.add_argument('--is', type=int, metavar='ID', dest='right_id',
                        help='identity: the right track_id; who has it there gets the other one')
    parser.add_argument('--label', default='', help='label: the right action')
    parser.add_argument('--author', default='', help='a pseudonym')
    parser.add_argument('--revise', default='', metavar='ID',
                        help='say this instead of an earlier correction')
    parser.add_argument('--json', action='store_true', help='print the correction as JSON')


def _frame_span(text: str) -> Span:
    return _span(text, in_seconds=False)


def _time_span(text: str) -> Span:
    return _span(text, in_seconds=True)


def _span(text: str, *, in_seconds: bool) -> Span:
    try:
        return span_of(text, in_seconds=in_seconds)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'{text!r} is no window A-B: {error}') from error


def run(args: argparse.Namespace) -> int:
    """Write it into the session."""
    path = args.session.expanduser()
    with open_session(path) as session:
        made = _correction(session, args)
    add_notes(path, (made,))
    print(json.dumps({'id': made.id, 'revision': made.revision}) if args.json else
          f'{made.id}: said; neuropose replay {path} --out DIR applies it')
    return 0


def _correction(session: Session, args: argparse.Namespace) -> Correction:
    window = find_window(session, args.span, args.epoch)
    if args.track != _EVERYBODY and args.track not in window.layouts:
        known = ', '.join(str(track) for track in sorted(window.layouts)) or 'nobody'
        raise DataError(f'{session.path}: {args.track} is not there in {args.span}; there are: '
                        f'{known}')
    log = CorrectionLog(session.corrections())
    if args.revise and log.revision_of(args.revise) < 0:
        raise DataError(f'{session.path}: it has no correction {args.revise!r} to be revised')
    newest_ns = max((one.stamp_ns for one in log.all()), default=0)
    made = Correction(
        stamp_ns=max(time.time_ns(), newest_ns + 1), id=args.revise or f'c-{secrets.token_hex(4)}',
        kind=CorrectionKind[args.kind.upper()], epoch=window.epoch, track_id=args.track,
        window_start_ns=window.start_ns, window_end_ns=window.end_ns, author=args.author,
        revision=log.revision_of(args.revise) + 1, **_content(session, window, args))
    log.add(made)
    return made


def _content(session: Session, window: Window, args: argparse.Namespace) -> dict[str, Any]:
    kind = CorrectionKind[args.kind.upper()]
    given = {CorrectionKind.KEYPOINTS: ('--joint', args.joints),
             CorrectionKind.IDENTITY: ('--is', args.right_id is not None),
             CorrectionKind.LABEL: ('--label', args.label)}
    for needing, (option, value) in given.items():
        if bool(value) is not (needing is kind):
            raise DataError(f'{args.kind} {"needs" if needing is kind else "has no"} {option}')
    if kind is CorrectionKind.LABEL:
        return {'label': args.label}
    if kind is CorrectionKind.IDENTITY:
        return {'label': str(args.right_id)}
    if kind is CorrectionKind.REJECT:
        return {}
    if args.track == _EVERYBODY:
        raise DataError('keypoints needs --track: whose joints')
    layout = session.layout(window.layouts[args.track])
    indices, points = zip(*(_joint(text, layout) for text in args.joints), strict=True)
    return {'label': layout.id, 'keypoint_indices': np.array(indices, np.uint16),
            'keypoints': np.array(points, np.float32)}


def _joint(text: str, layout: SkeletonLayout) -> tuple[int, tuple[float, float]]:
    name, _, place = text.partition('=')
    if name not in layout.names:
        raise DataError(f'--joint {text}: {layout.id} has no joint {name!r}; it has: '
                        f'{", ".join(layout.names)}')
    if place == _ABSENT:
        return layout.names.index(name), (float('nan'), float('nan'))
    try:
        x, y = map(float, place.split(','))
    except ValueError as error:
        raise DataError(f'--joint {text}: write it as {name}=412,188, in px, or {name}={_ABSENT}'
                        ) from error
    return layout.names.index(name), (x, y)
