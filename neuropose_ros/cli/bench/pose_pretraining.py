"""What a start from pictures without labels buys a pose network with 100, 500 and all frames.

The recipe is trained from nothing and from what `neuropose pretrain pose` learns of the same
recordings without their labels. A quarter of the recordings of the training part is held back from
both and asked about once, when a training has ended; a test part is not looked at. Trainings take
long: `--set network.width_px=64 --set network.height_px=96` is a third of the cost.
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
                        help='folder with the pictures (default: NEUROPOSE_DATA)')
    parser.add_argument('--recipe', default='jhmdb_pose', help='name, or a YAML file')
    parser.add_argument('--set', action='append', default=[], metavar='SECTION.KEY=VALUE',
                        help='instead of what the recipe says; may be repeated')
    parser.add_argument('--pretraining', default='pretrain_pose', help='a YAML file')
    parser.add_argument('--set-pretraining', action='append', default=[],
                        metavar='SECTION.KEY=VALUE')
    parser.add_argument('--frames', type=int, nargs='+', default=[100, 500, 0],
                        help='with labels, 0 = all; default: 100 500 0')
    parser.add_argument('--epochs', type=int, default=15,
                        help='with all frames; with fewer there are more (default: 15)')
    parser.add_argument('--held-back', type=float, default=0.25, metavar='SHARE',
                        help='of the recordings; default: 0.25')
    parser.add_argument('--every', type=int, default=3, metavar='N',
                        help='of the people held back every N-th is asked about (default: 3)')
    parser.add_argument('--seeds', type=int, default=1)
    parser.add_argument('--workers', type=int, default=min(os.cpu_count() or 1, 8))
    parser.add_argument('--cache', type=Path, help='of the people that are cut out')
    parser.add_argument('--out', type=Path, default=Path('runs/bench-pose-pretraining'))
    parser.add_argument('--resume', action='store_true', help='go on with a run that was cut off')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Train, and print PCK by the number of labelled frames."""
    need_torch()
    from dataclasses import replace

    from neuropose_ros.core.errors import ParameterError
    from neuropose_ros.learning.pose_training.pretraining_worth import (
        WorthWork,
        jobs_of,
        pretraining_worth,
        summary,
        table,
    )
    from neuropose_ros.learning.pose_training.recipe import read_pose_recipe
    from neuropose_ros.learning.pose_training.self_supervised import read_pose_pretraining

    if args.data is None:
        raise ParameterError('--data names the folder with the pictures')
    recipe = read_pose_recipe(args.recipe, [
        f'training.epochs={args.epochs}', f'data.validation_share={args.held_back}', *args.set])
    pretraining = replace(
        read_pose_pretraining(args.pretraining, args.set_pretraining), network=recipe.network)
    work = WorthWork(recipe, pretraining, args.data, args.out, args.cache, args.resume,
                     max(args.every, 1))
    before, after = jobs_of(args.frames, args.seeds)
    with JobBar('pose pre-training', [*before, *after]) as bar:
        rows = pretraining_worth(
            work, frames=args.frames, seeds=args.seeds, workers=args.workers, watch=bar.show)
    print(f'{Path(args.recipe).stem}, {recipe.network.width_px}x{recipe.network.height_px} px, '
          f'{args.seeds} seeds, recordings held back of the {recipe.data.part or "whole"} part')
    print(table(rows))
    if args.json:
        print(json.dumps({
            'recipe': Path(args.recipe).stem, 'seeds': args.seeds, 'epochs': args.epochs,
            'width_px': recipe.network.width_px, 'height_px': recipe.network.height_px,
            'frames': summary(rows)}))
    return 0
