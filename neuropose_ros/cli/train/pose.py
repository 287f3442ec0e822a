"""Train a network that finds joints, from annotated pictures: a data set, or your own.

--data is a folder with a data set (COCO, MPII, J-HMDB), or with what CVAT or Label Studio exported
in COCO's form. People are cut out once and kept in a cache. --weights starts from another network
of yours, which a few hundred pictures are enough for. `torchrun --nproc-per-node N -m
neuropose_ros train pose ...` learns on several GPUs or hosts.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from neuropose_ros.cli.learning_options import (
    add_learning_arguments,
    keep_earlier_run,
    need_torch,
    training_place,
)

if TYPE_CHECKING:
    from neuropose_ros.learning.pose_training.weights import TrainedPose


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--data', type=Path, required=True,
                        help='folder with the pictures, or the .json file of annotations')
    add_learning_arguments(parser, 'train_pose', 'runs/train_pose')
    parser.add_argument('--cache', type=Path, help='of the people that are cut out')
    parser.add_argument('--weights', type=Path,
                        help='what `neuropose train pose` wrote: file or folder, to start from')


def run(args: argparse.Namespace) -> int:
    """Train and write the weights."""
    need_torch()
    from neuropose_ros.learning.datasets.findings import Findings
    from neuropose_ros.learning.datasets.picture_sets import read_picture_set
    from neuropose_ros.learning.pose_training.fitting import Start, prepare, train_pose
    from neuropose_ros.learning.pose_training.recipe import read_pose_recipe
    from neuropose_ros.learning.pose_training.samples import FILE_NAME as SAMPLES
    from neuropose_ros.learning.pose_training.samples import draw, save_samples
    from neuropose_ros.learning.pose_training.weights import FILE_NAME, load_pose, save_pose
    from neuropose_ros.learning.training.loop import CHECKPOINT

    recipe = read_pose_recipe(args.config, args.set)
    keep_earlier_run(args, FILE_NAME, CHECKPOINT)
    start = Start(load_pose(args.weights) if args.weights else None)
    with training_place(args, 'pose network') as place:
        findings = Findings()
        pictures = read_picture_set(recipe.data.form, args.data, recipe.data.part, findings)
        findings.refuse_many(len(pictures), recipe.data.skipped_share)
        learnt = place.team.first(lambda: prepare(
            recipe, pictures, args.seed, cache=args.cache, findings=findings))
        if place.team.leads and len(findings):
            print(findings.report())
        trained = train_pose(recipe, learnt, args.seed, start=start, place=place)
        if not place.team.leads:
            return 0
        path = args.out / FILE_NAME
        save_pose(trained, path)
        save_samples(draw(recipe, learnt.train, learnt.held), args.out / SAMPLES)
    print(_words(path, trained))
    print(f'`neuropose export {args.out} FOLDER` makes a model of it, `neuropose deploy FOLDER` '
          'puts it where the pose node finds it')
    if args.json:
        print(json.dumps({'weights': str(path), **dict(trained.trained_on)}))
    return 0


def _words(path: Path, trained: TrainedPose) -> str:
    facts = trained.trained_on
    judged = ', '.join(f'{name} {value:.3f}' for name, value in facts['validation'].items())
    return (f'{path}: {len(trained.layout)} joints ({trained.layout.id}), '
            f'{facts["parameters"] / 1e6:.1f} M weights, learnt from {facts["people"]} people in '
            f'{facts["count"]} pictures; on those held back: {judged or "none were held back"}')
