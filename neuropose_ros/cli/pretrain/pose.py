"""Learn what pictures look like from such without labels; `train pose --weights` starts from it.

--unlabelled is a folder with videos and pictures of your rooms and people; nobody has to be
marked in them. `torchrun --nproc-per-node N -m neuropose_ros pretrain pose ...` learns on several
GPUs or hosts.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from neuropose_ros.cli.learning_options import (
    add_learning_arguments,
    keep_earlier_run,
    need_torch,
    training_place,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--unlabelled', type=Path, required=True,
                        help='folder with videos and pictures, also below it')
    add_learning_arguments(parser, 'pretrain_pose', 'runs/pretrain_pose')


def run(args: argparse.Namespace) -> int:
    """Pre-train and write the weights."""
    need_torch()
    from neuropose_ros.learning.datasets.findings import Findings
    from neuropose_ros.learning.pose_training.self_supervised import (
        FILE_NAME,
        pretrain_pose,
        read_pose_pretraining,
        save_backbone,
    )
    from neuropose_ros.learning.pose_training.views import pictures_below
    from neuropose_ros.learning.training.loop import CHECKPOINT

    recipe = read_pose_pretraining(args.config, args.set)
    keep_earlier_run(args, FILE_NAME, CHECKPOINT)
    with training_place(args, 'backbone') as place:
        findings = Findings()
        store = pictures_below(args.unlabelled, recipe.data, findings)
        if place.team.leads and len(findings):
            print(findings.report())
        weights = pretrain_pose(recipe, store, args.seed, place)
        if not place.team.leads:
            return 0
        path = args.out / FILE_NAME
        facts = {'pictures': len(store), 'seed': args.seed, 'epochs': recipe.training.epochs}
        save_backbone(weights, recipe, facts, path)
    print(f'{path}: learnt from {len(store)} pictures; start from it by `neuropose train pose '
          f'--weights {args.out}` with the same network section')
    if args.json:
        print(json.dumps({'weights': str(path), **facts}))
    return 0
