"""Train a network that finds joints, from annotated pictures: a data set, or your own.

--data is a folder with a data set (COCO, MPII, J-HMDB), or with what CVAT or Label Studio exported
in COCO's form. People are cut out once and kept in a cache. --weights starts from another network
of yours, which a few hundred pictures are enough for. --teacher annotates the videos and pictures
below --unlabelled, which are learnt beside --data or alone. --model ID lets a network of
`neuropose models list` learn on instead, as BlazePose or RTMPose: it stays what it is, with joints
as your pictures have them; settings then are those of config/learning/fine_tune_pose.yaml.
`torchrun --nproc-per-node N -m neuropose_ros train pose ...` learns on several GPUs or hosts.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from neuropose_ros.cli.learning_options import (
    add_learning_arguments,
    held_back_words,
    keep_earlier_run,
    need_torch,
    tell_pose_weights,
    training_place,
)
from neuropose_ros.core.errors import ParameterError

if TYPE_CHECKING:
    from neuropose_ros.learning.datasets.findings import Findings
    from neuropose_ros.learning.datasets.picture_sets import PictureSet
    from neuropose_ros.learning.pose_training.recipe import PoseRecipe
    from neuropose_ros.learning.pose_training.weights import TrainedPose


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--data', type=Path,
                        help='folder with the pictures, or the .json file of annotations')
    parser.add_argument('--teacher', help='model of the list, as `neuropose models list` has it')
    parser.add_argument('--detector', default='', help='that finds people for the teacher')
    parser.add_argument('--unlabelled', type=Path,
                        help='folder with videos and pictures for the teacher')
    parser.add_argument('--model', metavar='ID', help='of the list of models: it learns on, '
                        'instead of a network of ours')
    parser.add_argument('--models', type=Path, metavar='FILE',
                        help='a list of models of your own, beside the usual ones')
    add_learning_arguments(parser, 'train_pose', 'runs/train_pose')
    parser.add_argument('--cache', type=Path, help='of the people that are cut out')
    parser.add_argument('--weights', type=Path,
                        help='to start from: what `neuropose train pose` or `neuropose '
                             'pretrain pose` wrote, file or folder')


def run(args: argparse.Namespace) -> int:
    """Train and write the weights."""
    need_torch()
    if args.model is not None:
        from neuropose_ros.cli.train.fine_tuning import fine_tune

        return fine_tune(args)
    from neuropose_ros.learning.datasets.findings import Findings
    from neuropose_ros.learning.pose_training.fitting import Start, prepare, train_pose
    from neuropose_ros.learning.pose_training.recipe import read_pose_recipe
    from neuropose_ros.learning.pose_training.samples import FILE_NAME as SAMPLES
    from neuropose_ros.learning.pose_training.samples import draw, save_samples
    from neuropose_ros.learning.pose_training.self_supervised import start_from
    from neuropose_ros.learning.pose_training.weights import FILE_NAME, save_pose
    from neuropose_ros.learning.training.loop import CHECKPOINT

    _check(args)
    recipe = read_pose_recipe(args.config, args.set)
    keep_earlier_run(args, FILE_NAME, CHECKPOINT)
    start = start_from(args.weights) if args.weights else Start()
    with training_place(args, 'pose network') as place:
        findings = Findings()
        pictures = place.team.first(lambda: _pictures(args, recipe, findings))
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
    tell_pose_weights(args, _words(path, trained), path, trained.trained_on)
    return 0


def _check(args: argparse.Namespace) -> None:
    if (args.teacher is None) != (args.unlabelled is None):
        raise ParameterError('--teacher and --unlabelled go together: who annotates, and what')
    if args.data is None and args.teacher is None:
        raise ParameterError('there is nothing to learn from: give --data DIR, or --teacher MODEL '
                             'and --unlabelled DIR')


def _pictures(args: argparse.Namespace, recipe: PoseRecipe, findings: Findings) -> PictureSet:
    """Return what is labelled, and what the teacher says of what is not."""
    from neuropose_ros.learning.pose_training.distillation import taught, teacher_named, together
    from neuropose_ros.learning.pose_training.fitting import labelled_pictures

    labelled = None
    if args.data is not None:
        labelled = labelled_pictures(recipe.data, args.data, findings)
    if args.teacher is None:
        assert labelled is not None
        return labelled
    found = taught(
        teacher_named(args.teacher, args.detector), args.unlabelled, recipe.distillation,
        layout=None if labelled is None else labelled.layout, cache=args.cache,
        findings=findings)
    print(f'{args.teacher} is sure of people in {len(found)} pictures')
    return found if labelled is None else together(labelled, found)


def _words(path: Path, trained: TrainedPose) -> str:
    facts = trained.trained_on
    return (f'{path}: {len(trained.layout)} joints ({trained.layout.id}), '
            f'{facts["parameters"] / 1e6:.1f} M weights, learnt from {facts["people"]} people in '
            f'{facts["count"]} pictures; {held_back_words(facts)}')
