"""What 200 labelled frames make of a model of the list, as `neuropose train pose --model` does it.

The model is asked about the test part before and after, in the annotated boxes; a small network of
ours learns from the same frames, too, from nothing and from --weights. The frames are drawn from
the training part; nothing of the test part is looked at but to judge.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from neuropose_ros.cli.learning_options import need_torch

if TYPE_CHECKING:
    from neuropose_ros.learning.pose_finetuning.comparison import Frames, Row


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--data', type=Path, required=True,
                        help='folder with J-HMDB, or another data set that its makers divided')
    parser.add_argument('--model', default='blazepose', help='default: %(default)s')
    parser.add_argument('--models', type=Path, help='a list of models of your own')
    parser.add_argument('--frames', type=int, default=200, help='to learn from; default: 200')
    parser.add_argument('--test-frames', type=int, default=800,
                        help='of the test part, evenly spread; 0 = all; default: 800')
    parser.add_argument('--seeds', type=int, default=1, help='default: 1')
    parser.add_argument('--set', action='append', default=[], metavar='SECTION.KEY=VALUE',
                        help='of config/learning/fine_tune_pose.yaml')
    parser.add_argument('--ours', action='store_true',
                        help='a small network of ours learns from the same frames, too')
    parser.add_argument('--weights', type=Path,
                        help='for the small network to start from, beside one from nothing')
    parser.add_argument('--out', type=Path, default=Path('runs/bench-finetuning'))
    parser.add_argument('--cache', type=Path, help='of the people that are cut out')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Measure, learn, measure, and print."""
    need_torch()
    from neuropose_ros.inference.carried import with_data
    from neuropose_ros.inference.registry import load_registry
    from neuropose_ros.learning.pose_finetuning.comparison import (
        compare_tuning,
        frames_of,
        summary,
        table,
    )
    from neuropose_ros.learning.pose_finetuning.recipe import read_fine_tuning

    recipe = read_fine_tuning(assignments=(
        f'data.pictures={args.frames}', 'data.validation_share=0', *args.set))
    root = args.data / 'jhmdb' if (args.data / 'jhmdb').is_dir() else args.data
    registry = with_data(load_registry(), args.data)
    if args.models is not None:
        registry |= load_registry(args.models)
    frames = frames_of(root, recipe.data.form, args.test_frames)
    rows = compare_tuning(
        recipe, args.model, frames, args.out, seeds=args.seeds, cache=args.cache,
        registry=registry)
    others = _small(args, frames) if args.ours or args.weights is not None else []
    print(f'{frames.test.name}: {len(frames.test)} frames of the test part')
    print(table([*rows, *others]))
    if args.json:
        print(json.dumps({
            'data': frames.test.name, 'model': args.model, 'frames': args.frames,
            'test_frames': len(frames.test), 'seeds': args.seeds, **summary(rows),
            'ours': [{'name': row.name, **row.figures, 'minutes': row.minutes}
                     for row in others]}))
    return 0


def _small(args: argparse.Namespace, frames: Frames) -> list[Row]:
    from neuropose_ros.learning.pose_finetuning.comparison import compare_small
    from neuropose_ros.learning.pose_training.fitting import Start
    from neuropose_ros.learning.pose_training.recipe import read_pose_recipe
    from neuropose_ros.learning.pose_training.weights import load_pose

    recipe = read_pose_recipe('jhmdb_pose', (
        f'data.pictures={args.frames}', 'data.validation_share=0', 'data.form=',
        'training.select=last', f'training.people_per_epoch={8 * args.frames}'))
    starts = [Start()] if args.ours else []
    if args.weights is not None:
        starts.append(Start(load_pose(args.weights)))
    return [compare_small(recipe, frames, start, cache=args.cache)
            for start in starts]

