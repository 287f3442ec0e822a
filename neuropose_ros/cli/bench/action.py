"""What the action recogniser costs per frame, and what its answers are worth.

Cost: the streaming recogniser (the shipped one, or --recogniser) with 8 people on one core. The
times are of the whole stage; `recompute_ratio` is of the networks alone, for the fewest ticks
that give the streamed answer to 1e-4.

Worth, where --data names the data: the recipe is trained from scratch, with and without
completion, --seeds times each, and once without each pair of classes; the test part of the split
is asked when a training has ended. Boundaries and the drop are those of the streaming recogniser.
Every share is 0..1. Figures that cannot be had are null, and it is said why.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
from pathlib import Path
from typing import Any

from neuropose_ros.cli.learning_options import need_torch

KEYS = ('ms_per_person_frame', 'recompute_ratio', 'stream_vs_window_max_abs', 'ece',
        'unknown_auroc', 'onnx_max_abs', 'missing40_loss', 'completion_gain',
        'causal_top1_drop', 'onset_median_s')
_TARGETS = ('<= 1', '>= 8', '<= 1e-4', '<= 0.05', '>= 0.85', '<= 1e-4', '<= 0.05', '>= 0.05',
            '<= 0.03', '<= 0.5')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--recogniser', default='', help='name or folder; default: the shipped')
    parser.add_argument('--data', type=Path, default=os.environ.get('NEUROPOSE_DATA'),
                        help='folder with the data set (default: $NEUROPOSE_DATA)')
    parser.add_argument('--recipe', default='jhmdb14', help='of the network for whole clips')
    parser.add_argument('--split', default='', help='of the data set; default: its first')
    parser.add_argument('--seeds', type=int, default=5, help='trainings of each network')
    parser.add_argument('--workers', type=int, default=min(os.cpu_count() or 1, 8),
                        help='trainings at a time, one core each')
    parser.add_argument('--out', type=Path, default=Path('runs') / 'bench-action',
                        help='of the trainings')
    parser.add_argument('--resume', action='store_true', help='keep the trainings that are there')
    parser.add_argument('--streaming', action='store_true', help='the cost alone; a few seconds')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    need_torch()
    from neuropose_ros.cli.bench.action_worth import worth
    with tempfile.TemporaryDirectory(prefix='neuropose-action-') as name:
        folder, title = _recogniser(args.recogniser, Path(name))
        print(f'{title}, {folder}' if title == 'recogniser' else title)
        values: dict[str, Any] = dict.fromkeys(KEYS) | _cost(folder)
        if args.streaming:
            print('the worth was not asked for (--streaming)')
        elif not args.data:
            print('no worth without data: --data FOLDER or NEUROPOSE_DATA=FOLDER')
        else:
            values |= worth(args, folder if title == 'recogniser' else None)
    for key, target in zip(KEYS, _TARGETS, strict=True):
        shown = 'not measured' if values[key] is None else f'{values[key]:.4g}'
        print(f'{key:26}{shown:>14}   target {target}')
    if args.json:  # JSON has no infinity: an onset that is mostly missed is none
        print(json.dumps({key: value if value is None or math.isfinite(value) else None
                          for key, value in values.items()}))
    return 0


def _recogniser(name: str, spare: Path) -> tuple[Path, str]:
    """Return the folder; where none ships, one with fresh weights: the cost is the same."""
    from neuropose_ros.action.store import DEFAULT, find_recogniser, list_recognisers
    if name or DEFAULT in list_recognisers():
        return find_recogniser(name), 'recogniser'
    from neuropose_ros.cli.bench.action_fresh import fresh_recogniser
    return fresh_recogniser(spare / 'fresh'), (
        'no recogniser ships: a network of the default size with fresh weights; its cost is '
        'that of a trained one, its answers mean nothing')


def _cost(folder: Path) -> dict[str, Any]:
    from neuropose_ros.cli.bench.action_cost import (
        recomputation,
        stage_cost,
        stream_difference,
    )
    from neuropose_ros.inference.onnx import OnnxRuntime
    from neuropose_ros.learning.parity import clip_difference, step_difference
    from neuropose_ros.learning.weights import load_recogniser

    network = load_recogniser(folder).network
    step, clip = (OnnxRuntime(folder / name, threads=1) for name in ('step.onnx', 'clip.onnx'))
    again = recomputation(folder)
    print(f'an answer depends on {again.ticks} ticks; of the pooled window alone recomputing '
          f'costs {again.ratio_of_pooled:.3g} times a tick')
    return {
        'ms_per_person_frame': stage_cost(folder),
        'recompute_ratio': again.ratio,
        'stream_vs_window_max_abs': stream_difference(folder),
        'onnx_max_abs': (
            step_difference(network, step) | clip_difference(network, clip)).absolute}
