"""Put a recogniser where the action node finds it by name."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('folder', type=Path, help='what `neuropose export` wrote')
    parser.add_argument('--config', type=Path, help='YAML; default: config/learning/deploy.yaml')
    parser.add_argument('--set', action='append', default=[], metavar='KEY=VALUE',
                        help='instead of what the YAML says; may be repeated')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Deploy and print."""
    from neuropose_ros.core.resources import config_folder
    from neuropose_ros.learning.config import override, parse, read_yaml
    from neuropose_ros.learning.deploy import DeploySettings, deploy, name_for_node

    path = args.config or config_folder() / 'learning' / 'deploy.yaml'
    settings = parse(DeploySettings, override(read_yaml(path), args.set), str(path))
    target = deploy(args.folder, settings)
    name = name_for_node(target)
    print(f'{target} is in place; the action node takes it with recogniser:={name}')
    if args.json:
        print(json.dumps({'folder': str(target), 'recogniser': name}))
    return 0
