"""Send images from one process to another: with the shipped settings, and as ROS 2 comes.

Best effort, as cameras publish. Per format a sender and a receiver, new ones for each run; the
settings take turns, so that whatever else the machine does hits them alike. Every byte and stamp
that arrives is compared. The latency is from the moment before the message is made to the moment
when the receiver holds a numpy array; cpu_pct is that of both processes, comparing included, in
percent of one core. All figures are medians of the runs.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuropose_ros.cli.bench import isolation
from neuropose_ros.cli.bench.small_shm import UnavailableError, small_shm
from neuropose_ros.core.errors import NeuroposeError, ParameterError

FORMATS = ('640x480@60', '1280x720@60', '1920x1080@30', '1920x1080@60')
DELIVERED = 0.998
LATENCY_MS = {'1920x1080@30': (9.0, 20.0)}  # p50, p99
SMALL_SHM_MIB = 64

_START_S = 40.0
# What would make `stock` something else than what ROS 2 does by itself.
_SETTINGS = ('FASTDDS_', 'FASTRTPS_', 'CYCLONEDDS_', 'MALLOC_', 'GLIBC_TUNABLES', 'RMW_')


@dataclass(frozen=True)
class Run:
    """What one pair of processes saw; latencies are None where nothing arrived."""

    sent: int
    received: int
    damaged: int
    p50_ms: float | None
    p99_ms: float | None
    cpu_pct: float


def evaluate(sender: Mapping[str, Any], receiver: Mapping[str, Any]) -> Run:
    """Compare what was sent with what arrived, as the two probes report it.

    An image counts as received if it came once or more, with its own stamp and unharmed.
    """
    first, stamps_ns = sender['first'], sender['stamps_ns']
    good: dict[int, float] = {}
    damaged = 0
    for number, stamp_ns, arrival_ns, intact in receiver['arrivals']:
        if number < first:
            continue
        if intact and stamp_ns == stamps_ns[number - first]:
            good.setdefault(number, (arrival_ns - stamp_ns) / 1e6)
        else:
            damaged += 1
    latencies_ms = list(good.values())
    p50_ms, p99_ms = np.percentile(latencies_ms, (50, 99)) if latencies_ms else (None, None)
    return Run(len(stamps_ns), len(good), damaged, p50_ms, p99_ms, _cpu_pct(sender, receiver))


def _cpu_pct(sender: Mapping[str, Any], receiver: Mapping[str, Any]) -> float:
    """CPU time of both while the sender counted, in percent of a core."""
    (begin_s, cpu_begin_s), (end_s, cpu_end_s) = sender['usage']
    times_s, cpu_s = np.array(receiver['usage']).T
    received_s = np.interp(end_s, times_s, cpu_s) - np.interp(begin_s, times_s, cpu_s)
    return float(100.0 * (cpu_end_s - cpu_begin_s + received_s) / (end_s - begin_s))


def summarise(runs: Sequence[Run]) -> dict[str, Any]:
    """Return the medians of ``runs``, and the damaged images of all."""
    def median(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return round(statistics.median(known), 3) if known else None

    sent = statistics.median(run.sent for run in runs)
    received = statistics.median(run.received for run in runs)
    return {
        'sent': sent, 'received': received, 'delivered': round(received / sent, 4),
        'p50_ms': median([run.p50_ms for run in runs]),
        'p99_ms': median([run.p99_ms for run in runs]),
        'cpu_pct': median([run.cpu_pct for run in runs]),
        'damaged': sum(run.damaged for run in runs),
    }


def shortfalls(format_: str, figures: Mapping[str, Any]) -> list[str]:
    """Return one sentence for each target that ``figures`` of the shipped settings miss."""
    found = []
    if figures['delivered'] < DELIVERED:
        found.append(f'{format_}: {figures["delivered"]:.4f} delivered, not {DELIVERED}')
    if figures['damaged']:
        found.append(f'{format_}: {figures["damaged"]} images arrived damaged')
    for name, limit_ms in zip(('p50_ms', 'p99_ms'), LATENCY_MS.get(format_, ()), strict=False):
        if figures[name] is None or figures[name] > limit_ms:
            found.append(f'{format_}: {name} {figures[name]}, not {limit_ms}')
    return found


def run_pair(
    format_: str, seconds: float, *, stock: bool, prefix: Sequence[str] = (),
) -> Run:
    """Run a sender and a receiver once.

    Args:
        prefix: command that starts them, as `small_shm` gives it.

    Raises:
        NeuroposeError: one of them fails.
    """
    environment = {
        name: value for name, value in isolation.environment().items()
        if not name.startswith(_SETTINGS)}
    probe = [*prefix, sys.executable, '-m', 'neuropose_ros.nodes.image_probe']
    options = ['--format', format_, '--seconds', str(seconds), *(['--stock'] if stock else [])]

    def start(end: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*probe, end, *options], env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    receiver, sender = start('receive'), start('send')
    try:
        sent = _report('sender', sender, seconds + _START_S)
        receiver.send_signal(signal.SIGINT)
        received = _report('receiver', receiver, _START_S)
    finally:
        for process in (receiver, sender):
            process.kill()
            process.wait()
    return evaluate(sent, received)


def _report(name: str, process: subprocess.Popen[str], timeout_s: float) -> dict[str, Any]:
    try:
        output, errors = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise NeuroposeError(f'The {name} does not end within {timeout_s:g} s.') from None
    if process.returncode:
        raise NeuroposeError(f'The {name} ended with {process.returncode}: {errors[-2000:]}')
    report: dict[str, Any] = json.loads(output.splitlines()[-1])
    return report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--formats', nargs='+', default=FORMATS, metavar='1920x1080@30')
    parser.add_argument('--runs', type=int, default=5, help='of each format and setting (5)')
    parser.add_argument('--seconds', type=float, default=2.2, help='counted in each run (2.2)')
    parser.add_argument('--json', action='store_true', help='one JSON object as the last line')


def run(args: argparse.Namespace) -> int:
    """Measure, print, and return 1 if a target is missed."""
    from tqdm import tqdm

    if args.runs < 1 or args.seconds <= 0:
        raise ParameterError('--runs and --seconds are more than 0.')
    settings: dict[str, dict[str, Any]] = {
        'shipped': {'stock': False}, 'stock': {'stock': True}}
    skipped = ''
    with ExitStack() as stack:
        try:
            prefix = stack.enter_context(small_shm(SMALL_SHM_MIB))
            settings['small_shm'] = {'stock': False, 'prefix': prefix}
        except UnavailableError as reason:
            skipped = str(reason)
        plan = [(format_, name) for _ in range(args.runs) for format_ in args.formats
                for name in settings]
        runs: dict[tuple[str, str], list[Run]] = defaultdict(list)
        for format_, name in tqdm(plan, unit='run'):
            runs[format_, name].append(run_pair(format_, args.seconds, **settings[name]))
    results: dict[str, Any] = {
        name: {format_: summarise(runs[format_, name]) for format_ in args.formats}
        for name in settings}
    missed = [f'{name}, {sentence}' for name in results if name != 'stock'
              for format_, figures in results[name].items()
              for sentence in shortfalls(format_, figures)]
    _print_table(results)
    if skipped:
        print(f'not tried with {SMALL_SHM_MIB} MB of /dev/shm: {skipped}')
        results['small_shm'] = {'skipped': skipped}
    for sentence in missed:
        print(f'target missed: {sentence}')
    if args.json:
        print(json.dumps(results))
    return 1 if missed else 0


def _print_table(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    def cell(value: float | None) -> str:
        return '      -' if value is None else f'{value:7.2f}'

    print(f'{"":10} {"format":14} {"delivered":>9} {"p50 ms":>7} {"p99 ms":>7} {"CPU %":>7}')
    for name, formats in results.items():
        for format_, one in formats.items():
            print(f'{name:10} {format_:14} {one["delivered"]:9.4f} {cell(one["p50_ms"])} '
                  f'{cell(one["p99_ms"])} {cell(one["cpu_pct"])}')
