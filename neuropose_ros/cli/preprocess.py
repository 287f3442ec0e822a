"""Make clips of labelled videos: poses and scene vectors by our own estimators, once.

NAME is a data set as its authors give it (ucf101, hmdb51, kinetics, jhmdb14_video), `folder` (your
own videos: a folder for each label, or labels.csv) or `recordings` (your own bags with event
markers). What is done stays in OUT/poses: a run that was cut off, or stopped by a full disk, goes
on where it was. `neuropose train --data OUT` learns from what this wrote.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuropose_ros.learning.clips import Split
    from neuropose_ros.learning.recipe import DataSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('name', nargs='?', default='', metavar='NAME',
                        help='data set; default: as the YAML says')
    parser.add_argument('--data', type=Path, required=True, help='folder that it lies in')
    parser.add_argument('--out', type=Path, required=True, help='folder for the clips')
    parser.add_argument('--config', type=Path, help='YAML; default: config/learning')
    parser.add_argument('--set', action='append', default=[], metavar='SECTION.KEY=VALUE',
                        help='instead of what the YAML says; may be repeated')
    parser.add_argument('--split', default='', help='of the data set; default: as the YAML says')
    parser.add_argument('--workers', type=int, default=min(os.cpu_count() or 1, 8),
                        help='videos that are read at a time; default: the cores, at most 8')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Read the videos, write the clips, and say what was left out."""
    from neuropose_ros.core.errors import ParameterError
    from neuropose_ros.learning.provision import provide

    if args.workers < 1:
        raise ParameterError(f'--workers must be 1 or more, not {args.workers}')
    settings = _settings(args)
    split, findings = provide(
        settings, args.data, args.split, cache=args.out / 'poses', workers=args.workers)
    written = _write(split, args.out)
    if len(findings):
        print(findings.report())
    for path, count in written.items():
        print(f'{path}: {count} clips')
    source = args.out if len(written) > 1 else next(iter(written))
    print(f'`neuropose train --data {source}` learns from them')
    if args.json:
        print(json.dumps({
            'dataset': settings.dataset, 'protocol': split.protocol,
            'clips': {str(path): count for path, count in written.items()},
            'left_out': {item.name: item.problem for item in findings.items}}))
    return 0


def _settings(args: argparse.Namespace) -> DataSettings:
    from neuropose_ros.cli.learning_options import settings_path
    from neuropose_ros.core.errors import ParameterError
    from neuropose_ros.learning.config import override, parse, read_yaml
    from neuropose_ros.learning.recipe import DataSettings

    path = settings_path(args, 'preprocess')
    table = override(read_yaml(path), args.set)
    unknown = ', '.join(sorted(set(table) - {'data'}))
    if unknown:
        raise ParameterError(f'{path}: unknown section {unknown}; data is the only one')
    settings = parse(DataSettings, table.get('data'), f'{path}: data')
    return replace(settings, dataset=args.name) if args.name else settings


def _write(split: Split, folder: Path) -> dict[Path, int]:
    """Write the parts of a divided set, or one file of one that is not."""
    from neuropose_ros.core.errors import DataError
    from neuropose_ros.learning.clips import write_clip_set

    parts = {'train.npz': split.train, 'test.npz': split.test} if len(split.test) else {
        'clips.npz': split.train}
    try:
        for name, clips in parts.items():
            write_clip_set(clips, folder / name)
    except OSError as error:
        raise DataError(f'{folder} cannot be written ({error.strerror or error}): make room, or '
                        'choose another folder; run the same again and it goes on') from error
    return {folder / name: len(clips) for name, clips in parts.items()}
