"""Training a recogniser: arguments and what is printed."""

from __future__ import annotations

import argparse
import json

from neuropose_ros.cli.learning_options import (
    add_training_arguments,
    keep_earlier_run,
    need_torch,
    training_place,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_training_arguments(parser, 'train', 'runs/train')
    parser.add_argument('--weights', help='what `neuropose pretrain` wrote: file or folder')


def run(args: argparse.Namespace) -> int:
    """Train and write the weights."""
    need_torch()
    from neuropose_ros.learning.fitting import STAGES, train_recogniser
    from neuropose_ros.learning.pretraining import read_pretrained
    from neuropose_ros.learning.provision import further_poses, provide
    from neuropose_ros.learning.recipe import read_recipe
    from neuropose_ros.learning.training.loop import CHECKPOINT
    from neuropose_ros.learning.weights import FILE_NAME, save_recogniser

    recipe = read_recipe(args.config, args.set)
    keep_earlier_run(args, FILE_NAME, *(f'{stage}/{CHECKPOINT}' for stage in STAGES))
    with training_place(args, recipe.data.dataset) as place:
        split, findings = place.team.first(lambda: provide(
            recipe.data, args.data, args.split, cache=args.cache, workers=args.workers))
        weights = read_pretrained(args.weights, split.train) if args.weights else None
        sources = () if weights is not None or not recipe.pretraining.epochs else further_poses(
            recipe.pretraining.sources, args.data)
        if place.team.leads and len(findings):
            print(findings.report())
        trained = train_recogniser(
            recipe, split.train, args.seed, unlabelled=sources, weights=weights, place=place,
            protocol=split.protocol)
        if not place.team.leads:
            return 0
        path = args.out / FILE_NAME
        save_recogniser(trained, path)
    validation = trained.trained_on['validation']
    judged = ', '.join(f'{name} {value:.3f}' for name, value in validation.items())
    print(f'{path}: {len(trained.labels)} actions, learnt from {trained.trained_on["count"]} '
          f'clips; on those held back: {judged or "none were held back"}')
    print(f'`neuropose evaluate {args.out}` says how good it is, `neuropose export {args.out} '
          'FOLDER` makes a recogniser of it')
    if args.json:
        print(json.dumps({'weights': str(path), **dict(trained.trained_on)}))
    return 0
