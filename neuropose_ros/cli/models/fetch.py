"""Get networks beforehand, for a machine that goes offline; without a name the default ones.

With --from they come from a folder that was carried here: known by sha256 whatever their names,
or by the name of the published file or archive where no sha256 is known.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.inference.cache import cache_folder
from neuropose_ros.inference.models import ensure_models, expand, model_path
from neuropose_ros.inference.registry import load_registry

DEFAULT = ('blazepose',)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('names', nargs='*', metavar='NAME', help=f'default: {" ".join(DEFAULT)}')
    parser.add_argument('--all', action='store_true', help='every network of the lists')
    parser.add_argument('--from', dest='carried', type=Path, metavar='DIR',
                        help='take the published files from this folder')


def run(args: argparse.Namespace) -> int:
    """Fetch, and print where each file that is run lies."""
    if args.all and args.names:
        raise ParameterError('--all and names exclude each other')
    registry, cache = load_registry(), cache_folder()
    names = tuple(registry) if args.all else tuple(args.names) or DEFAULT
    names = tuple(dict.fromkeys(expand(names, registry)))
    ensure_models(*names, registry=registry, cache=cache, carried=args.carried)
    for name in names:
        print(f'{name}: {model_path(registry[name], cache)}')
    return 0
