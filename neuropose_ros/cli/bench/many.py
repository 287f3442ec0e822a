"""Many people: accuracy on annotated pictures, identities through crossings, cost per person.

Pictures: OKS on images/coco for every pair of detector and estimator that can be had, with the
milliseconds per picture; the pair that counts was fixed beforehand on other pictures. Tracking:
four people in the same clothing who cross twice, rendered, through the real networks, beside a
well-kept tracker on the same finds. Cost: time by number of people, batched and one by one.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from neuropose_ros.cli.bench import many_cost, many_pictures
from neuropose_ros.cli.bench.many_models import FIXED, ONE_STAGE, Networks, load_networks
from neuropose_ros.core.errors import NeuroposeError, ParameterError
from neuropose_ros.inference.threads import thread_budget

_GOAL, _STRETCH = 0.80, 0.85


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--data', type=Path, default=os.environ.get('NEUROPOSE_DATA'),
                        help='folder with images/ and models/ (default: $NEUROPOSE_DATA)')
    parser.add_argument('--runs', type=int, default=3, help='timed runs of each picture (3)')
    parser.add_argument('--seeds', type=int, default=10, help='rendered crossings (10)')
    parser.add_argument('--threads', type=int, default=0,
                        help='of the processor; 0 = the default of the package')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    if args.runs < 1 or args.seeds < 1:
        raise ParameterError('--runs and --seeds are at least 1.')
    if not args.data:
        raise NeuroposeError(
            'bench many needs annotated pictures: --data FOLDER or NEUROPOSE_DATA=FOLDER, with '
            'images/coco, images/mpii and models/')
    data = Path(args.data)
    networks = load_networks(data, args.threads, one_stage=ONE_STAGE)
    try:
        results = {
            'threads': thread_budget(args.threads), **measure_pictures(networks, data, args.runs)}
    finally:
        networks.close()
    results |= measure_tracking(data, args.seeds)
    if args.json:
        print(json.dumps(results))
    return 0


def measure_pictures(networks: Networks, data: Path, runs: int) -> dict[str, Any]:
    """Measure accuracy and cost, print both, and return their keys of the result.

    Raises:
        NeuroposeError: the pictures, or a network of the fixed pair, cannot be had.
    """
    for name in FIXED:
        if name in networks.absent:
            raise NeuroposeError(f'the fixed pair needs {name}: {networks.absent[name]}')
    pairs = many_pictures.run_pictures(networks, data, runs)
    many_pictures.show(pairs, networks.absent)
    fixed = '>'.join(FIXED)
    best = pairs[fixed]['mean_oks']
    print(f'fixed beforehand: {fixed}: mean OKS {best:.4f} of {pairs[fixed]["people"]} people '
          f'(target >= {_GOAL:.2f}, stretch {_STRETCH:.2f})')
    cost = many_cost.run_cost(
        networks.detectors[FIXED[0]], networks.estimators[FIXED[1]], networks.estimators,
        many_pictures.mpii_pictures(data))
    many_cost.show(cost)
    return {
        'best_mean_oks': best, 'best_pair': fixed, 'pairs': pairs,
        'absent': dict(networks.absent), **cost}


def measure_tracking(data: Path, seeds: int) -> dict[str, Any]:
    """Follow rendered people who cross; return id_switches, oracle_id_switches and more."""
    from neuropose_ros.cli.bench import many_tracking

    result = many_tracking.run_tracking(data, range(seeds))
    print(many_tracking.report(result))
    return many_tracking.as_json(result)
