"""Make a session of poses that another tool has found, so that everything here works on them.

`neuropose import dlc.csv --from dlc --rate 30 --out walk`: then `neuropose replay walk`, `export`,
`report` and the Python API take it. A format that says no times gets them from --rate and begins
in the year 2000. docs/export.md says what is read of each.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.recording.importing.formats import FORMATS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('input', type=Path, metavar='PATH', help='file, or folder of files')
    parser.add_argument('--from', choices=FORMATS, required=True, dest='kind', help='its format')
    parser.add_argument('--out', type=Path, required=True, metavar='SESSION',
                        help='folder of the session to make')
    parser.add_argument('--rate', type=float, metavar='HZ', help='frames per second: dlc, sleap, '
                        'openpose, coco and pyskl do not say it')
    parser.add_argument('--size', type=_size, metavar='WxH',
                        help='of the pictures in pixels, where the file does not say it')
    parser.add_argument('--layout', default='', metavar='NAME',
                        help='skeleton layout to convert to, as coco17; default: the joints as '
                        'they are')
    parser.add_argument('--right', default='+X', metavar='AXIS',
                        help='axis that points right, of trc and c3d that do not say it')
    parser.add_argument('--up', default='+Y', metavar='AXIS', help='as --right, up')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Import and print."""
    from neuropose_ros.recording.importing.poses import Options
    from neuropose_ros.recording.importing.writing import import_poses

    options = Options(args.rate, args.size, args.right, args.up)
    done = import_poses(args.input, args.kind, args.out, options, args.layout)
    for note in done.notes:
        print(f'note: {note}')
    print(f'{done.session}: {done.frames} frames with {done.people} poses of {done.layout}')
    if args.json:
        print(json.dumps({'session': str(done.session), 'frames': done.frames,
                          'people': done.people, 'layout': done.layout, 'notes': done.notes}))
    return 0


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r'(\d+)x(\d+)', text)
    if found is None or not all(map(int, found.groups())):
        raise NeuroposeError(f'--size {text}: write width and height in pixels as 640x480')
    return int(found.group(1)), int(found.group(2))
