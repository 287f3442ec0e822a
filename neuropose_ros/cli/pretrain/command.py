"""Learning how people move from poses without labels: arguments and what is printed."""

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
    add_training_arguments(parser, 'pretrain', 'runs/pretrain')


def run(args: argparse.Namespace) -> int:
    """Pre-train and write the weights."""
    need_torch()
    from neuropose_ros.learning.pretraining import (
        FILE_NAME,
        gather,
        pretrain,
        save_pretrained,
    )
    from neuropose_ros.learning.provision import further_poses, provide
    from neuropose_ros.learning.recipe import read_recipe
    from neuropose_ros.learning.training.loop import CHECKPOINT

    recipe = read_recipe(args.config, args.set)
    keep_earlier_run(args, FILE_NAME, CHECKPOINT)
    with training_place(args, f'poses of {recipe.data.dataset}') as place:
        split, findings = place.team.first(lambda: provide(
            recipe.data, args.data, args.split, cache=args.cache, workers=args.workers))
        sources = (split.train, *further_poses(recipe.pretraining.sources, args.data))
        if place.team.leads and len(findings):
            print(findings.report())
        weights = pretrain(recipe, sources, args.seed, place)
        if not place.team.leads:
            return 0
        path = args.out / FILE_NAME
        save_pretrained(weights, recipe, split.train, path)
    clips = len(gather(recipe, sources))
    print(f'{path}: learnt from {clips} clips of poses; start from it by `neuropose train '
          f'--weights {args.out}` with the same network section')
    if args.json:
        print(json.dumps({'weights': str(path), 'clips': clips}))
    return 0
