"""Say what differs between two runs: which columns, where first, how much; and draw it.

A and B are folders that `neuropose replay` made, sessions, or bags with poses. Timing figures do
not count. Exit code 0: the results are the same, 1: they differ.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.replay.compare import Difference, StreamDifference, compare
from neuropose_ros.replay.results import find_results

_MOST_COLUMNS = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('a', metavar='A', help='results; see above')
    parser.add_argument('b', metavar='B', help='other results')
    parser.add_argument(
        '--plot', metavar='FILE', default='',
        help='draw the distance of the joints over time into a PNG')
    parser.add_argument('--json', action='store_true', help='print everything as JSON')


def run(args: argparse.Namespace) -> int:
    """Compare."""
    if args.plot and Path(args.plot).suffix.lower() != '.png':
        raise NeuroposeError(f'--plot {args.plot}: a PNG is drawn, so call it NAME.png')
    a, b = (find_results(Path(path).expanduser()) for path in (args.a, args.b))
    if len(a) == len(b) == 1:  # one each: their names do not matter
        a, b = ({'': next(iter(results.values()))} for results in (a, b))
    alone = [f'{name} is only in {path}' for one, other, path in (
        (a, b, args.a), (b, a, args.b)) for name in one if name not in other]
    if not any(results.streams for results in (*a.values(), *b.values())):
        raise NeuroposeError(f'{args.a} and {args.b}: neither holds poses or actions, so there is '
                             'nothing to compare')
    found = {name: compare(a[name], b[name]) for name in a if name in b}
    if args.json:
        print(json.dumps({'alone': alone, 'runs': {
            name: _table(difference) for name, difference in found.items()}}))
    else:
        for name, difference in found.items():
            _tell(name, difference)
        print('\n'.join(alone), end='\n' if alone else '')
    if args.plot:
        _plot(args, found)
    return 0 if not alone and all(difference.equal for difference in found.values()) else 1


def _plot(args: argparse.Namespace, found: dict[str, Difference]) -> None:
    from neuropose_ros.replay.compare_plot import plot_difference

    try:
        plot_difference({name: difference.streams for name, difference in found.items()},
                        f'{Path(args.a).name} and {Path(args.b).name}', Path(args.plot))
    except OSError as error:
        raise NeuroposeError(f'--plot {args.plot}: cannot be written ({error.strerror})') from None


def _table(difference: Difference) -> dict[str, Any]:
    return {'equal': difference.equal, **asdict(difference)}


def _tell(name: str, difference: Difference) -> None:
    before = f'{name}: ' if name else ''
    print(f'{before}{"the same" if difference.equal else "DIFFERENT"}')
    for stream, found in difference.streams.items():
        _tell_stream(stream, found)
    for streams, which in ((difference.only_a, 'A'), (difference.only_b, 'B')):
        for stream in streams:
            print(f'  {stream}: only in {which}')
    for parameter, (one, other) in difference.request.items():
        print(f'  made with {parameter} = {one!r} and {other!r}')


def _tell_stream(name: str, found: StreamDifference) -> None:
    if found.equal:
        print(f'  {name}: {found.frames} frames, all the same')
        return
    print(f'  {name}: {found.differing} of {found.frames} frames differ, {found.only_a} only in '
          f'A, {found.only_b} only in B')
    for column, how in list(found.columns.items())[:_MOST_COLUMNS]:
        by = f', by up to {how.largest:.6g}' if how.largest else ''
        print(f'    {column}: {how.values} values{by}; first in {how.first}')
    if len(found.columns) > _MOST_COLUMNS:
        print(f'    and {len(found.columns) - _MOST_COLUMNS} more columns; --json has them all')
