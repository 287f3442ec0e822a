"""Put a recogniser where the action node finds it, or a pose model where the pose node does.

Each is found by name there. A pose model is entered into your own list of models,
~/.config/neuropose/models.yaml or the file that $NEUROPOSE_MODELS names.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from neuropose_ros.cli.learning_options import add_settings_arguments, read_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('folder', type=Path, help='what `neuropose export` wrote')
    add_settings_arguments(parser, 'deploy')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Deploy and print."""
    from neuropose_ros.learning.deploy import DeploySettings, deploy, name_for_node
    from neuropose_ros.learning.pose_training.deploy import deploy_pose, is_pose_model

    settings = read_settings(DeploySettings, args, 'deploy')
    if is_pose_model(args.folder):
        names = deploy_pose(args.folder, settings)
        print(f'{", ".join(names)}: in place; the pose node takes it with model:={names[0]}, '
              f'`neuropose evaluate pose --model {names[0]} --data DIR` says how good it is')
        if args.json:
            print(json.dumps({'models': names}))
        return 0
    target = deploy(args.folder, settings)
    name = name_for_node(target)
    print(f'{target} is in place; the action node takes it with recogniser:={name}')
    if args.json:
        print(json.dumps({'folder': str(target), 'recogniser': name}))
    return 0
