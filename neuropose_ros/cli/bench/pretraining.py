"""What self-supervised pre-training buys at 10, 25 and 100 % of the labels.

A recipe is trained from nothing and from pre-trained weights, on the same clips with labels; the
test part is asked once, when a training has ended. Where the recipe has no pre-training of its
own, that of config/learning/pretrain.yaml is taken.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from neuropose_ros.cli.learning_options import JobBar, need_torch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--data', type=Path, default=os.environ.get('NEUROPOSE_DATA'),
                        help='folder with the data sets (default: NEUROPOSE_DATA)')
    parser.add_argument('--recipe', default='jhmdb14', help='name, or a YAML file')
    parser.add_argument('--set', action='append', default=[], metavar='SECTION.KEY=VALUE',
                        help='instead of what the recipe says; may be repeated')
    parser.add_argument('--split', default='', help='of the data set')
    parser.add_argument('--shares', type=float, nargs='+', default=[0.1, 0.25, 1.0],
                        help='of the labels; default: 0.1 0.25 1')
    parser.add_argument('--sources', nargs='*', help='further data sets without labels, as '
                                                     'cmu_mocap; default: as the recipe says')
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--workers', type=int, default=min(os.cpu_count() or 1, 8))
    parser.add_argument('--out', type=Path, default=Path('runs/bench-pretraining'))
    parser.add_argument('--resume', action='store_true', help='go on with a run that was cut off')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Train, and print accuracy by share of the labels."""
    need_torch()
    from dataclasses import replace

    from neuropose_ros.core.errors import ParameterError
    from neuropose_ros.learning.label_efficiency import (
        jobs_of,
        label_efficiency,
        summary,
        table,
    )
    from neuropose_ros.learning.provision import further_poses, provide
    from neuropose_ros.learning.recipe import read_recipe

    if args.data is None:
        raise ParameterError('--data names the folder with the data sets')
    recipe = read_recipe(args.recipe, args.set)
    if not recipe.pretraining.epochs:
        recipe = replace(recipe, pretraining=read_recipe('pretrain').pretraining)
    if args.sources is not None:
        recipe = replace(recipe, pretraining=replace(
            recipe.pretraining, sources=tuple(args.sources)))
    split, _ = provide(recipe.data, args.data, args.split, workers=args.workers)
    sources = further_poses(recipe.pretraining.sources, args.data)
    before, after = jobs_of(args.shares, args.seeds)
    with JobBar(f'pre-training, {split.protocol}', [*before, *after]) as bar:
        points = label_efficiency(
            recipe, split, args.out, shares=args.shares, seeds=args.seeds,
            workers=args.workers, sources=sources, resume=args.resume, watch=bar.show)
    print(f'{Path(args.recipe).stem}, {split.protocol}, {args.seeds} seeds, poses without labels '
          f'of: {", ".join((split.train.name, *recipe.pretraining.sources))}; top-1 %')
    print(table(points))
    if args.json:
        print(json.dumps({'recipe': Path(args.recipe).stem, 'protocol': split.protocol,
                          'seeds': args.seeds, 'sources': list(recipe.pretraining.sources),
                          'shares': summary(points)}))
    return 0
