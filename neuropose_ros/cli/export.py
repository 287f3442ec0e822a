"""Write a session in another format, or a trained network as a recogniser.

A session (`neuropose export walk --to nwb`) becomes a folder of files with one of its poses, and
what goes with them; docs/export.md says what each format holds. Pseudonyms go along, paths and
names of machines do not.

A trained network (`neuropose export runs/train recogniser`) becomes ONNX networks, description and
model card. Parity with the trained network is checked; what differs is not written. Of a pose
network (`neuropose export runs/train_pose my-model`) there are float32, half precision and int8,
and what each loses and costs on this processor; --set takes the keys of
config/learning/export_pose.yaml.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from neuropose_ros.cli.learning_options import add_settings_arguments, read_settings
from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.recording.export.formats import FORMATS
from neuropose_ros.recording.folder import is_session


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('input', type=Path, metavar='INPUT',
                        help='a session, or what `neuropose train` wrote: file or folder')
    parser.add_argument('folder', type=Path, nargs='?', metavar='FOLDER',
                        help='of a trained network: the recogniser or pose model to write')
    session = parser.add_argument_group('of a session')
    session.add_argument('--to', choices=tuple(FORMATS), help='the format to write')
    session.add_argument('--out', type=Path, metavar='DIR',
                         help='folder to make; default: beside the session, NAME-FORMAT')
    session.add_argument('--topic', default='', help='which poses; default: poses_refined, '
                         'else poses')
    session.add_argument('--layout', default='', metavar='NAME',
                         help='skeleton layout to convert to, as coco17; default: as recorded')
    session.add_argument('--epoch', type=int, metavar='N',
                         help='only this part of a recording that restarted')
    add_settings_arguments(parser, 'export')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Export and print."""
    if args.to or is_session(args.input):
        return _export_session(args)
    return _export_network(args)


def _export_session(args: argparse.Namespace) -> int:
    from neuropose_ros.recording.export.choosing import Choice
    from neuropose_ros.recording.export.writing import export_session

    if not args.to:
        raise NeuroposeError(f'{args.input} is a session: say which format to write, '
                             f'--to {" or ".join(FORMATS)}')
    if args.folder is not None:
        raise NeuroposeError(f'a session goes to --out DIR, not to {args.folder} alone')
    session = args.input.resolve()
    out = args.out or session.with_name(f'{session.name}-{args.to}')
    done = export_session(args.input, args.to, out, Choice(args.topic, args.layout, args.epoch))
    for file in done.files:
        print(file)
    for note in done.notes:
        print(f'note: {note}')
    if args.json:
        print(json.dumps({'folder': str(done.folder), 'format': args.to,
                          'files': [str(file) for file in done.files], 'notes': done.notes}))
    return 0


def _export_network(args: argparse.Namespace) -> int:
    from neuropose_ros.learning.pose_training.weights import is_pose

    if is_pose(args.input):
        return _export_pose(args)
    from neuropose_ros.learning.pose_finetuning.tuned import is_tuned

    if is_tuned(args.input):
        return _export_tuned(args)
    from neuropose_ros.learning.export import ExportSettings, export
    from neuropose_ros.learning.weights import load_recogniser

    _need_folder(args)
    settings = read_settings(ExportSettings, args, 'export')
    done = export(load_recogniser(args.input), args.folder, settings)
    for name, difference in done.parity.items():
        print(f'{name:16} differs by {difference:.2g} at most')
    print(f'{done.folder} is a recogniser of {done.description.labels.id}; '
          f'`neuropose deploy {done.folder}` puts it where the action node finds it')
    if args.json:
        print(json.dumps({'folder': str(done.folder), 'parity': dict(done.parity),
                          'networks': dict(done.description.networks)}))
    return 0


def _export_pose(args: argparse.Namespace) -> int:
    from neuropose_ros.learning.pose_training.export import PoseExportSettings, export_pose
    from neuropose_ros.learning.pose_training.samples import FILE_NAME, load_samples
    from neuropose_ros.learning.pose_training.variants import int8_worth
    from neuropose_ros.learning.pose_training.weights import load_pose, pose_file

    _need_folder(args)
    settings = read_settings(PoseExportSettings, args, 'export_pose')
    samples = load_samples(pose_file(args.input).with_name(FILE_NAME))
    done = export_pose(load_pose(args.input), args.folder, settings, samples)
    for variant in done.variants:
        found = ''.join(f', PCK@{limit:g} {value:.3f}' for limit, value in variant.pck.items())
        print(f'{variant.file:16} {variant.megabytes:5.1f} MB {variant.ms:6.1f} ms a person on '
              f'one thread{found}')
    worth, curve = int8_worth(done.variants), done.curve
    if worth is not None:
        print(worth)
    if curve.joints:
        print(f'scores are chances of being within a tenth of the size: calibration error '
              f'{curve.ece:.3f} on people held back ({curve.ece_before:.3f} before)')
    print(f'{done.folder} is a pose model; `neuropose deploy {done.folder}` puts it where the '
          f'pose node finds it as {done.name}')
    if args.json:
        print(json.dumps({'folder': str(done.folder), 'name': done.name, 'variants': {
            variant.file: {
                'megabytes': variant.megabytes, 'parity': variant.parity, 'ms': variant.ms,
                **{f'pck@{limit:g}': value for limit, value in variant.pck.items()}}
            for variant in done.variants},
            'int8': None if worth is None else {**asdict(worth), 'worth': worth.worth},
            'scores': asdict(curve) if curve.joints else None}))
    return 0


def _export_tuned(args: argparse.Namespace) -> int:
    from neuropose_ros.learning.pose_finetuning.export import export_tuned
    from neuropose_ros.learning.pose_finetuning.tuned import load_tuned
    from neuropose_ros.learning.pose_training.export import PoseExportSettings

    _need_folder(args)
    settings = read_settings(PoseExportSettings, args, 'export_pose')
    done = export_tuned(load_tuned(args.input), args.folder, settings)
    for variant in done.variants:
        print(f'{variant.file:16} {variant.megabytes:5.1f} MB {variant.ms:6.1f} ms a look on one '
              'thread')
    print(f'{done.folder} is a pose model; `neuropose deploy {done.folder}` puts it where the '
          f'pose node finds it as {done.name}')
    if args.json:
        print(json.dumps({'folder': str(done.folder), 'name': done.name, 'variants': {
            variant.file: {'megabytes': variant.megabytes, 'ms': variant.ms}
            for variant in done.variants}}))
    return 0


def _need_folder(args: argparse.Namespace) -> None:
    if args.folder is None:
        raise NeuroposeError(f'{args.input} is no session; of a trained network, say which '
                             'folder is to be written')
