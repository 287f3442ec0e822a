"""Send people as `PersonArray` and as nested keypoint messages: what a round trip costs.

Ten people of 33 joints in the image and in metres, as the default estimator publishes them:
value -> message -> bytes -> message -> numpy arrays. Ours goes through the package's own
conversion with its checks. The same content goes as nested keypoints, each with a point in it,
which is how messages of poses usually look (yolo_msgs), and as `lean`, the least nesting there
can be: one message per joint; both by the shortest Python that does it. They take turns; the
figures are medians.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

from neuropose_ros.core.errors import NeuroposeError, ParameterError

LIMIT_MS = 0.25
LEAST_RATIO = 8.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--people', type=int, default=10)
    parser.add_argument('--rounds', type=int, default=500, help='of each kind (500)')
    parser.add_argument('--json', action='store_true', help='one JSON object as the last line')


def run(args: argparse.Namespace) -> int:
    """Measure, print, and return 1 if a target is missed."""
    from neuropose_ros.cli.bench import nested_messages

    if args.people < 1 or args.rounds < 1:
        raise ParameterError('--people and --rounds are at least 1.')
    worker = [sys.executable, '-m', 'neuropose_ros.cli.bench.messages_worker',
              str(args.people), str(args.rounds)]
    done = subprocess.run(
        worker, env=nested_messages.environment(), check=False, capture_output=True, text=True)
    if done.returncode:
        raise NeuroposeError(f'The measuring process failed: {done.stderr[-2000:]}')
    figures = json.loads(done.stdout.splitlines()[-1])
    for kind in ('person_array', 'nested', 'lean'):
        steps = ', '.join(f'{step} {ms:.3f}' for step, ms in figures['steps'][kind].items())
        print(f'{kind:13} {figures[f"{kind}_ms"]:7.3f} ms  ({steps})')
    print(f'nested costs {figures["nested_ratio"]:.1f} times as much, '
          f'lean {figures["lean_ratio"]:.1f} times')
    missed = (args.people <= 10 and figures['person_array_ms'] > LIMIT_MS) or (
        figures['nested_ratio'] < LEAST_RATIO)
    if missed:
        print(f'target missed: at most {LIMIT_MS} ms and at least {LEAST_RATIO:g} times')
    if args.json:
        print(json.dumps(figures))
    return 1 if missed else 0
