"""Search for the values of a recipe that do best on held-back training clips.

The test part is not read. Trials are kept in FOLDER/trials.sqlite: the same command goes on with
the search; the best recipe is FOLDER/best.yaml, for `neuropose train --config`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from neuropose_ros.cli.learning_options import add_settings_arguments, need_torch, settings_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--data', type=Path, required=True, help='folder or file with the clips')
    add_settings_arguments(parser, 'tune')
    parser.add_argument('--split', default='', help='of the data set')
    parser.add_argument('--out', type=Path, default=Path('runs/tune'),
                        help='folder; default: runs/tune')
    parser.add_argument('--cache', type=Path, help='of the poses of videos')
    parser.add_argument('--workers', type=int, default=1, help='processes that read videos')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Search and write the best recipe."""
    need_torch()
    from neuropose_ros.learning.provision import provide
    from neuropose_ros.learning.recipe import read_recipe
    from neuropose_ros.learning.tuning import read_tune_settings, tune

    settings = read_tune_settings(settings_path(args, 'tune'), args.set)
    split, findings = provide(
        read_recipe(settings.recipe).data, args.data, args.split, cache=args.cache,
        workers=args.workers)
    if len(findings):
        print(findings.report())
    tuned = tune(settings, split.train, args.out, print)
    ended, given_up, failed = tuned.trials
    print(f'{tuned.path}: validation accuracy {tuned.score:.4f}; {ended} trials ended, '
          f'{given_up} were given up, {failed} failed')
    if args.json:
        print(json.dumps({'recipe': str(tuned.path), 'score': tuned.score,
                          'values': dict(tuned.values), 'trials': ended}))
    return 0
