"""Write a trained network as a recogniser: ONNX networks, description and model card.

Parity with the trained network is checked; what differs is not written.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from neuropose_ros.cli.learning_options import add_settings_arguments, read_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('weights', type=Path, help='what `neuropose train` wrote: file or folder')
    parser.add_argument('folder', type=Path, help='the recogniser to write')
    add_settings_arguments(parser, 'export')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Export and print."""
    from neuropose_ros.learning.export import ExportSettings, export
    from neuropose_ros.learning.weights import load_recogniser

    settings = read_settings(ExportSettings, args, 'export')
    done = export(load_recogniser(args.weights), args.folder, settings)
    for name, difference in done.parity.items():
        print(f'{name:16} differs by {difference:.2g} at most')
    print(f'{done.folder} is a recogniser of {done.description.labels.id}; '
          f'`neuropose deploy {done.folder}` puts it where the action node finds it')
    if args.json:
        print(json.dumps({'folder': str(done.folder), 'parity': dict(done.parity),
                          'networks': dict(done.description.networks)}))
    return 0
