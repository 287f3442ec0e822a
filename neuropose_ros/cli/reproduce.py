"""Train a recipe from scratch with several seeds and print the table beside its baselines.

Nothing but the recipe decides: selection and calibration see a part of the training clips that is
held back by source recording; the test clips are asked once, when a training has ended. Recipes
come with the package (config/recipes), or are YAML files of the same form. Of jhmdb_pose a pose
network is trained, and what its exported model finds stands beside what MoveNet found.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from neuropose_ros.cli.learning_options import JobBar, need_torch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('name', help='jhmdb14, nw_ucla, jhmdb14_video, ucf101, ntu60, '
                                     'jhmdb_pose, or the path of a .yaml file')
    parser.add_argument('--data', type=Path, required=True, help='folder with the data set')
    parser.add_argument('--split', default='', help='of the data set; default: its first')
    parser.add_argument('--seeds', type=int, help='trainings of each model; default: 5, of a pose '
                                                  'network 3')
    parser.add_argument('--set', action='append', default=[], metavar='SECTION.KEY=VALUE',
                        help='instead of what the recipe says; may be repeated')
    parser.add_argument('--workers', type=int, default=min(os.cpu_count() or 1, 8),
                        help='trainings at a time, one core each; default: the cores, at most 8')
    parser.add_argument('--out', type=Path, help='default: runs/reproduce-NAME-SPLIT')
    parser.add_argument('--cache', type=Path, help='of the poses of videos, or of people cut out')
    parser.add_argument('--resume', action='store_true', help='go on with a run that was cut off')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Train, print the table and keep the weights."""
    need_torch()
    from neuropose_ros.core.errors import ParameterError
    from neuropose_ros.learning.datasets.catalogue import data_set
    from neuropose_ros.learning.pose_training.recipe import pose_recipe_names
    from neuropose_ros.learning.provision import further_poses, provide
    from neuropose_ros.learning.recipe import read_recipe
    from neuropose_ros.learning.reproduction import jobs_of, reproduce, summary, table

    if (args.seeds is not None and args.seeds < 1) or args.workers < 1:
        raise ParameterError('--seeds and --workers must be 1 or more')
    if args.name in pose_recipe_names():
        return _reproduce_pose(args)
    seeds = args.seeds or 5
    recipe = read_recipe(args.name, args.set)
    name = Path(args.name).stem
    split, findings = provide(
        recipe.data, args.data, args.split, cache=args.cache, workers=args.workers)
    if len(findings):
        print(findings.report())
    chosen = data_set(recipe.data.dataset).split(args.split or recipe.data.split)
    folder = args.out or Path('runs') / f'reproduce-{name}-{chosen}'.rstrip('-')
    sources = further_poses(recipe.pretraining.sources, args.data) if (
        recipe.pretraining.epochs) else ()
    with JobBar(f'{name}, {split.protocol}', jobs_of(recipe, seeds)) as bar:
        found = reproduce(
            name, recipe, split, folder, seeds=seeds, workers=args.workers,
            sources=sources, resume=args.resume, watch=bar.show)
    values = summary(found, int(chosen) if chosen.isdecimal() else chosen)
    (folder / 'table.json').write_text(json.dumps(values, indent=1) + '\n', 'utf-8')
    print(table(found))
    print(f'weights, results and {folder / "table.json"} are in {folder}')
    if args.json:
        print(json.dumps(values))
    return 0


def _reproduce_pose(args: argparse.Namespace) -> int:
    from neuropose_ros.core.errors import ParameterError
    from neuropose_ros.learning.pose_training.recipe import read_pose_recipe
    from neuropose_ros.learning.pose_training.reproduction import PoseJob, reproduce_pose, table

    if args.split not in ('', '1'):
        raise ParameterError(f'{args.name} is of split 1; --split {args.split} is not known')
    recipe, seeds = read_pose_recipe(args.name, args.set), args.seeds or 3
    folder = args.out or Path('runs') / f'reproduce-{args.name}'
    with JobBar(args.name, [PoseJob(seed) for seed in range(seeds)]) as bar:
        values = reproduce_pose(
            recipe, args.data, folder, seeds=seeds, workers=args.workers, cache=args.cache,
            resume=args.resume, watch=bar.show)
    (folder / 'table.json').write_text(json.dumps(values, indent=1) + '\n', 'utf-8')
    print(table(values))
    print(f'weights, models, results and {folder / "table.json"} are in {folder}')
    if args.json:
        print(json.dumps(values))
    return 0
