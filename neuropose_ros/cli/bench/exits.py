"""Count clean exits: every node, told to end by SIGINT, by SIGINT twice, and by SIGTERM.

ROS launch and process managers take any exit code but 0 for a failure. The signal comes at a
random moment from the node's first words on, so also while its model is being loaded.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from neuropose_ros.cli.bench import isolation
from neuropose_ros.core.errors import NeuroposeError

NODES = ('camera', 'pose', 'refinement', 'action', 'composed')
WAYS = ('SIGINT', 'SIGINT twice', 'SIGTERM')

_LOGGED = re.compile(r'^\[\w+\] \[', re.MULTILINE)
_START_S = 60.0
_END_S = 15.0


@dataclass(frozen=True)
class Exit:
    """How one process ended.

    Attributes:
        code: exit code, negative = killed by that signal, None = it did not end in 15 s.
        seconds: from the signal to the end.
        output: what it said, where something went wrong.
    """

    node: str
    way: str
    code: int | None
    seconds: float
    output: str = ''

    @property
    def clean(self) -> bool:
        """Whether it ended with 0 and without a traceback."""
        return self.code == 0 and 'Traceback' not in self.output


def interrupt(process: subprocess.Popen[str], way: str) -> None:
    """Tell a process to end; the second SIGINT comes as launch sends it, a moment later."""
    process.send_signal(signal.SIGTERM if way == 'SIGTERM' else signal.SIGINT)
    if way == 'SIGINT twice':
        time.sleep(0.02)
        process.send_signal(signal.SIGINT)


def end_once(node: str, way: str, delay_s: float, command: Sequence[str] = ()) -> Exit:
    """Start a node, wait for its first words and ``delay_s``, and tell it to end.

    Args:
        command: what to start; empty = the node's module.

    Raises:
        NeuroposeError: the node does not start.
    """
    command = command or [sys.executable, '-m', 'neuropose_ros.nodes', node]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / 'output'
        with log.open('w') as output:
            process = subprocess.Popen(
                command, env=isolation.environment(), stdout=output, stderr=subprocess.STDOUT,
                text=True)
        try:
            _wait_for_words(node, process, log)
            time.sleep(delay_s)
            begin = time.monotonic()
            interrupt(process, way)
            code = _wait(process)
            return Exit(node, way, code, time.monotonic() - begin, log.read_text('utf-8'))
        finally:
            process.kill()
            process.wait()


def _wait_for_words(node: str, process: subprocess.Popen[str], log: Path) -> None:
    until = time.monotonic() + _START_S
    while not _LOGGED.search(log.read_text('utf-8')):
        if process.poll() is not None or time.monotonic() > until:
            raise NeuroposeError(f'The {node} node does not start (exit code {process.poll()}).')
        time.sleep(0.01)


def _wait(process: subprocess.Popen[str]) -> int | None:
    try:
        return process.wait(_END_S)
    except subprocess.TimeoutExpired:
        return None


def end_all(
    nodes: Sequence[str], times: int, *, jobs: int, spread_s: float = 1.5,
) -> Iterator[Exit]:
    """End every node ``times`` times in every way, ``jobs`` processes at once.

    Args:
        spread_s: the signals come up to this long after a node's first words.
    """
    chance = random.Random(1)
    rounds = itertools.product(range(times), nodes, WAYS)
    plan = [(node, way, chance.uniform(0.0, spread_s)) for _, node, way in rounds]
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda one: end_once(*one), plan)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--times', type=int, default=50, help='of each node in each way (50)')
    parser.add_argument('--nodes', nargs='+', choices=NODES, default=NODES)
    parser.add_argument('--jobs', type=int, default=4, help='processes at once (4)')
    parser.add_argument('--json', action='store_true', help='one JSON object as the last line')


def run(args: argparse.Namespace) -> int:
    """Count, print, and return 1 unless every exit was clean."""
    from tqdm import tqdm

    exits: list[Exit] = []
    total = args.times * len(args.nodes) * len(WAYS)
    for one in tqdm(end_all(args.nodes, args.times, jobs=args.jobs), total=total, unit='exit'):
        exits.append(one)
        if not one.clean:
            tqdm.write(f'{one.node}, {one.way}: exit code {one.code}\n{one.output}')
    clean = Counter((one.node, one.way) for one in exits if one.clean)
    slowest_s = max(one.seconds for one in exits)
    for node, way in itertools.product(args.nodes, WAYS):
        print(f'{node:12} {way:14} {clean[node, way]:3} of {args.times} clean')
    print(f'slowest: {slowest_s:.2f} s from the signal to the end')
    if args.json:
        counts = {node: {way: clean[node, way] for way in WAYS} for node in args.nodes}
        print(json.dumps({'times': args.times, 'clean': counts, 'slowest_s': slowest_s}))
    return 0 if all(one.clean for one in exits) else 1
