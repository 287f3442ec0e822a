"""Train the refiner's network on detections beside their truth; writes a refiner's folder.

--data is a folder with J-HMDB's joints and the detections of its clips, or your own in that form:
``jhmdb14_named.npz``, ``jhmdb928_movenet_coco17.npz`` and ``splits``. Only the training part of
the split is read. Where ``cmu_mocap8_expmap.npz`` lies there, too, its movement is learnt from as
well. How lively joints are in each action is learnt from the same clips; the labels are those of
their classes, under the name of the refiner. The refiner that ships was made by this command with
its default settings.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from neuropose_ros.cli.learning_options import (
    add_settings_arguments,
    need_torch,
    read_settings,
)

_COMMAND = 'refiner'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--data', type=Path, required=True, help='folder with the clips')
    parser.add_argument('--out', type=Path, default=Path('runs/refiner'),
                        help='folder of the refiner; default: runs/refiner')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')
    add_settings_arguments(parser, _COMMAND)


def run(args: argparse.Namespace) -> int:
    """Train, calibrate, judge and write."""
    need_torch()
    from tqdm import tqdm

    from neuropose_ros.learning.refiner.context import context_of, write_context
    from neuropose_ros.learning.refiner.export import export_refiner
    from neuropose_ros.learning.refiner.mocap import has_mocap, mocap_pairs
    from neuropose_ros.learning.refiner.pairs import read_pairs
    from neuropose_ros.learning.refiner.settings import RefinerSettings
    from neuropose_ros.learning.refiner.training import train_refiner

    settings = read_settings(RefinerSettings, args, _COMMAND)
    pairs = read_pairs(args.data, settings.split).train
    mocap = mocap_pairs(args.data, args.seed) if has_mocap(args.data) else ()
    with tqdm(total=settings.steps, desc='refiner', unit='step', dynamic_ncols=True) as bar:
        def progress(step: int, loss: float) -> None:
            bar.set_postfix_str(f'loss {loss:.3f}', refresh=False)
            bar.update(step - bar.n)

        trained = train_refiner(pairs, settings, args.seed, progress, mocap)
    figures = {name: round(value, 4) for name, value in trained.figures.items()}
    export_refiner(trained, args.out, settings.name, {
        'clips': len(pairs), 'mocap_pieces': len(mocap), 'seed': args.seed,
        'settings': asdict(settings), 'held_out': figures})
    write_context(context_of(pairs, settings.name), args.out)
    told = ', '.join(f'{name} {value:.3f}' for name, value in figures.items())
    print(f'{args.out}: a refiner, learnt from {len(pairs)} clips and {len(mocap)} pieces of '
          f'motion capture; on the clips held out, by the network alone: {told}')
    if args.json:
        print(json.dumps({'refiner': str(args.out), **figures}))
    return 0
