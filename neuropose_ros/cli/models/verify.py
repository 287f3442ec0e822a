"""Compare the networks here with their sha256; a damaged one is fetched anew.

Exit code: 0 when all are good in the end, 1 when --no-fetch left a damaged one, or a file of your
own is not there or not the one that your list says.
"""

from __future__ import annotations

import argparse

from neuropose_ros.cli.models.list import table
from neuropose_ros.inference.models import verify_models
from neuropose_ros.inference.registry import load_registry

_SAID = {
    'good': 'good', 'absent': 'not here', 'own': 'no sha256', 'damaged': 'DAMAGED',
    'wrong': 'WRONG',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('names', nargs='*', metavar='NAME', help='default: all that are here')
    parser.add_argument('--no-fetch', action='store_true', help='look, change nothing')


def run(args: argparse.Namespace) -> int:
    """Verify, then print one line each."""
    registry = load_registry()
    verdicts = verify_models(
        args.names or registry, registry, fetch=not args.no_fetch)
    shown = [item for item in verdicts if args.names or item.state != 'absent']
    for line in table([(item.name, _SAID[item.state], item.detail) for item in shown]):
        print(line)
    damaged = [item.name for item in verdicts if item.state == 'damaged']
    if not shown:
        print('no network is here yet')
    if damaged and not args.no_fetch:
        print(f'fetched anew: {", ".join(damaged)}')
    wrong = any(item.state == 'wrong' for item in verdicts)
    return 1 if wrong or (damaged and args.no_fetch) else 0
