"""Fine-tuning a network of the list of models: what `neuropose train pose --model ID` does."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from neuropose_ros.cli.learning_options import (
    held_back_words,
    keep_earlier_run,
    tell_pose_weights,
    training_place,
)
from neuropose_ros.core.errors import ParameterError

if TYPE_CHECKING:
    from neuropose_ros.learning.pose_finetuning.tuned import TunedPose


def fine_tune(args: argparse.Namespace) -> int:
    """Let the network learn on, and write its weights.

    Raises:
        ParameterError: there are arguments that have no meaning here.
    """
    from neuropose_ros.inference.carried import with_data
    from neuropose_ros.inference.registry import load_registry
    from neuropose_ros.learning.datasets.findings import Findings
    from neuropose_ros.learning.pose_finetuning.fitting import fine_tune as tune
    from neuropose_ros.learning.pose_finetuning.fitting import prepare_tuning
    from neuropose_ros.learning.pose_finetuning.recipe import NAME, read_fine_tuning
    from neuropose_ros.learning.pose_finetuning.tuned import (
        FILE_NAME,
        save_tuned,
        vendor_named,
    )
    from neuropose_ros.learning.pose_training.fitting import labelled_pictures
    from neuropose_ros.learning.training.loop import CHECKPOINT

    _check(args)
    recipe = read_fine_tuning(NAME if args.config == 'train_pose' else args.config, args.set)
    keep_earlier_run(args, FILE_NAME, CHECKPOINT)
    registry = with_data(load_registry(), args.data)
    if args.models is not None:
        registry |= load_registry(args.models)
    with training_place(args, f'{args.model} learning on') as place:
        findings = Findings()
        vendor = place.team.first(lambda: vendor_named(args.model, registry))
        pictures = place.team.first(
            lambda: labelled_pictures(recipe.data, args.data, findings))
        learnt = place.team.first(lambda: prepare_tuning(
            recipe, vendor, pictures, args.seed, cache=args.cache, findings=findings))
        if place.team.leads and len(findings):
            print(findings.report())
        tuned = tune(recipe, vendor, learnt, args.seed, place=place)
        if not place.team.leads:
            return 0
        path = args.out / FILE_NAME
        save_tuned(tuned, path)
    tell_pose_weights(args, _words(path, tuned), path, tuned.trained_on)
    return 0


def _check(args: argparse.Namespace) -> None:
    for name in ('teacher', 'unlabelled', 'weights'):
        if getattr(args, name) is not None:
            raise ParameterError(f'--{name} is for networks of ours; --model {args.model} has '
                                 'weights of its own and learns from --data')
    if args.data is None:
        raise ParameterError('there is nothing to learn from: give --data DIR')


def _words(path: Path, tuned: TunedPose) -> str:
    facts = tuned.trained_on
    left = ', '.join(facts['joints_not_learnt'])
    return (f'{path}: {facts["started_from"]} learnt on from {facts["people"]} people in '
            f'{facts["count"]} pictures; {held_back_words(facts)}'
            + (f'; not learnt, as it has no such joints: {left}' if left else ''))
