"""List the networks: what each is for, its licence, its size, what its authors measured, if here.

The user's own list, $NEUROPOSE_MODELS or ~/.config/neuropose/models.yaml, is part of it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.cache import cache_folder
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.models import is_here
from neuropose_ros.inference.pins import Pins
from neuropose_ros.inference.registry import load_registry, user_list

TITLES = {
    'pose': 'Pose', 'detector': 'Person detectors', 'scene': 'Scene encoders',
    'reid': 'Re-identification', 'part': 'Parts of the above',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument('--json', action='store_true', help='print one JSON array')
    form.add_argument('--markdown', action='store_true', help='print the table of docs/models.md')


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    registry, cache = load_registry(), cache_folder()
    if args.json:
        pins = Pins(cache)
        print(json.dumps([plain(entry, registry, cache, pins) for entry in registry.values()]))
        return 0
    if args.markdown:
        print(markdown(registry))
        return 0
    print(f'cache: {cache}')
    own = user_list()
    print(f'your own list: {own}' + ('' if own.is_file() else ' (none yet)'))
    for kind, title in TITLES.items():
        entries = [entry for entry in registry.values() if entry.kind == kind]
        if entries:
            print(f'\n{title}')
            rows = [_row(entry, is_here(entry, registry, cache)) for entry in entries]
            print('\n'.join(table(rows)))
    return 0


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay out rows of equal length in columns, two blanks apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ['  ' + '  '.join(
        cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows]


def markdown(registry: Mapping[str, ModelEntry]) -> str:
    """Return the list as a table for a page, without what differs from machine to machine."""
    lines = ['| name | what | joints | input | MB | licence | measured by its authors | speed |',
             '|---|---|---|---|---|---|---|---|']
    for kind in TITLES:
        for entry in registry.values():
            if entry.kind == kind:
                size = f'{entry.megabytes:.1f}' if entry.megabytes else '?'
                lines.append('| ' + ' | '.join((
                    f'`{entry.name}`', entry.title, layout_name(entry),
                    f'{entry.input.width}x{entry.input.height}', size, entry.licence,
                    _measured(entry), '; '.join(item.speed for item in entry.published),
                )) + ' |')
    return '\n'.join(lines)


def _measured(entry: ModelEntry) -> str:
    return '; '.join(f'{item.metric} {item.value:g}, {item.dataset}' for item in entry.published)


def _row(entry: ModelEntry, here: bool) -> tuple[str, ...]:
    return (
        entry.name, 'here' if here else '-', megabytes(entry), entry.licence, layout_name(entry),
        _measured(entry), entry.title)


def megabytes(entry: ModelEntry) -> str:
    """Return the size for people."""
    return f'{entry.megabytes:.1f} MB' if entry.megabytes else '? MB'


def layout_name(entry: ModelEntry) -> str:
    """Return the name of the joints; '' = no pose network."""
    return entry.layout.name if isinstance(entry.layout, SkeletonLayout) else entry.layout


def plain(
    entry: ModelEntry, registry: Mapping[str, ModelEntry], cache: Path, pins: Pins,
) -> dict[str, Any]:
    """Return an entry as JSON takes it."""
    return {
        'name': entry.name, 'title': entry.title, 'kind': entry.kind, 'licence': entry.licence,
        'decoder': entry.decoder, 'format': entry.format, 'layout': layout_name(entry),
        'input': {'width': entry.input.width, 'height': entry.input.height},
        'megabytes': entry.megabytes or None, 'here': is_here(entry, registry, cache),
        'sha256': pins.sha256(entry), 'published_sha256': entry.sha256,
        'sources': [source.title for source in entry.sources], 'parts': list(entry.parts),
        'published': [
            {'metric': item.metric, 'value': item.value, 'dataset': item.dataset,
             'speed': item.speed, 'source': item.source} for item in entry.published],
        'list': str(entry.origin),
    }
