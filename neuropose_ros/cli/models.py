"""List the networks and whether they are here; --fetch gets them all, before going offline."""

from __future__ import annotations

import argparse

from neuropose_ros.inference.cache import cache_folder
from neuropose_ros.inference.models import ensure_models, model_path
from neuropose_ros.inference.registry import load_registry


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--fetch', action='store_true', help='get those that are missing')


def run(args: argparse.Namespace) -> int:
    """Fetch if asked, then list."""
    registry, cache = load_registry(), cache_folder()
    if args.fetch:
        ensure_models(*registry)
    print(f'cache: {cache}')
    for entry in registry.values():
        here = 'here' if model_path(entry, cache).is_file() else 'not fetched'
        print(f'  {entry.name:20} {here:12} {entry.licence:12} {entry.title}')
    return 0
