"""What a recorder loses to kill -9 and to a full disk, and what sustained recording costs.

Real recorder processes, fed by ROS with 4 people at 60 Hz and 64 channels at 500 Hz.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neuropose_ros.cli.bench import isolation
from neuropose_ros.cli.bench.recording_talker import Load, Sent, Talker
from neuropose_ros.cli.bench.small_shm import UnavailableError, small_disk
from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.recording import Session, open_session

_END_S = 60.0
_SMALL_MIB = 24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--kills', type=int, default=10, help='how often to kill a recorder')
    parser.add_argument('--seconds', type=float, default=60.0, help='of sustained recording')
    parser.add_argument('--seed', type=int, default=0, help='of the moments of the kills')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    report = measure(args.kills, args.seconds, args.seed)
    if args.json:
        print(json.dumps(report))
    return 0


def measure(kills: int, seconds: float, seed: int = 0) -> dict[str, Any]:
    """Return all figures, printing them as they come."""
    lost_s = losses_by_kill(kills, seed)
    print(f'kill -9 of a recorder, {kills} times: at most {max(lost_s):.2f} s lost '
          f'({", ".join(f"{value:.2f}" for value in lost_s)}); every session opens')
    full_s: float | None = None
    try:
        full_s = loss_by_full_disk()
        print(f'a disk of {_SMALL_MIB} MiB that becomes full: {full_s:.2f} s lost')
    except UnavailableError as error:
        print(f'a full disk: not measured, {error}')
    cost = sustained(seconds)
    print(f'4 people at 60 Hz twice and 64 channels at 500 Hz for {seconds:g} s: '
          f'{cost["lost"]} lost, {cost["core_share"]:.3f} of a core, '
          f'{cost["mb_per_min"]:.1f} MB/min while recording, '
          f'{cost["compact_mb_per_min"]:.1f} MB/min when closed')
    return {'kill_max_lost_s': round(max(lost_s), 3),
            'full_disk_max_lost_s': None if full_s is None else round(full_s, 3),
            'recording': cost}


@contextmanager
def _recorder(
    folder: Path, environment: dict[str, str], prefix: Sequence[str] = (),
    least_free_mb: float = 100.0,
) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryFile('w+') as log:
        process = subprocess.Popen(
            [*prefix, sys.executable, '-m', 'neuropose_ros.nodes', 'recorder', '--ros-args',
             '-p', f'folder:={folder}', '-p', 'session:=bench', '-p', 'recording:=true',
             '-p', f'least_free_mb:={least_free_mb}'],
            env=environment, stdout=log, stderr=log)
        try:
            yield process
        except NeuroposeError as error:
            log.seek(0)
            raise NeuroposeError(f'{error}\n{log.read()[-2000:]}') from None
        finally:
            process.kill()
            process.wait()


def losses_by_kill(times: int, seed: int = 0) -> list[float]:
    """Return for each kill the s between it and the newest thing found in the session.

    Raises:
        NeuroposeError: a recorder does not start, or a session does not open.
    """
    moments = random.Random(seed)
    return [_loss_by_kill(moments.uniform(0.5, 3.0)) for _ in range(times)]


def _loss_by_kill(after_s: float) -> float:
    environment = isolation.environment()
    with tempfile.TemporaryDirectory(prefix='neuropose-kill-') as name, \
            _recorder(Path(name), environment) as process, \
            Talker(environment, Load()) as talker:
        talker.wait_for_reader(lambda: process.poll() is None)
        until = time.monotonic() + after_s
        talker.talk(lambda _: time.monotonic() < until)
        process.send_signal(signal.SIGKILL)
        killed_ns = time.time_ns()
        process.wait()
        with open_session(Path(name) / 'bench') as session:
            return max(killed_ns - newest for newest in newest_stamps(session)) / NS_PER_S


def newest_stamps(session: Session) -> list[int]:
    """Return the newest stamp of frames, people of each topic and signals; 0 where none is."""
    newest = dict.fromkeys(('frames', 'poses', 'poses_refined', 'signals'), 0)
    for table, column in (('frames', ''), ('people', 'topic'), ('signals', '')):
        for batch in session.batches(table):
            keys = batch.column(column).to_pylist() if column else [table] * batch.num_rows
            for key, stamp_ns in zip(keys, batch.column('stamp_ns').to_pylist(), strict=True):
                newest[key] = max(newest[key], stamp_ns)
    return list(newest.values())


def loss_by_full_disk(mib: int = _SMALL_MIB) -> float:
    """Return the s between the end of a recording for want of room and the newest thing in it.

    Args:
        mib: size of the disk, of which the recorder keeps 4 for an end in order.

    Raises:
        UnavailableError: no small disk can be had here.
        NeuroposeError: the recorder does not start or does not end the session.
    """
    environment = isolation.environment()
    with tempfile.TemporaryDirectory(prefix='neuropose-full-') as name, \
            small_disk(mib, Path(name)) as disk, \
            _recorder(Path(name), environment, disk.prefix, 0.0) as process, \
            Talker(environment, Load()) as talker:
        talker.wait_for_reader(lambda: process.poll() is None)
        until = time.monotonic() + 120.0

        def goes_on(sent: Sent) -> bool:
            # Opening it for every frame would be more work than recording it.
            return sent.frames % 60 > 0 or not _is_closed(disk.outside / 'bench')

        talker.talk(lambda sent: time.monotonic() < until and goes_on(sent))
        with open_session(disk.outside / 'bench') as session:
            if not session.facts.get('failure'):
                raise NeuroposeError('the recorder did not notice that the disk is full')
            closed_ns = int(session.facts['closed_ns'])
            return max(closed_ns - newest for newest in newest_stamps(session)) / NS_PER_S


def _is_closed(path: Path) -> bool:
    with open_session(path) as session:
        return session.closed


def sustained(seconds: float) -> dict[str, Any]:
    """Return what was lost, the share of one core and the MB per minute of a long recording.

    Raises:
        NeuroposeError: the recorder does not start or does not end.
    """
    environment = isolation.environment()
    with tempfile.TemporaryDirectory(prefix='neuropose-load-') as name, \
            _recorder(Path(name), environment) as process, \
            Talker(environment, Load()) as talker:
        talker.wait_for_reader(lambda: process.poll() is None)
        busy_s, start_s = _cpu_s(process.pid), time.monotonic()
        sent = talker.talk(lambda _: time.monotonic() - start_s < seconds)
        busy_s, taken_s = _cpu_s(process.pid) - busy_s, time.monotonic() - start_s
        time.sleep(1.0)  # what is under way arrives
        path = Path(name) / 'bench'
        written_mb = _size_mb(path)
        process.send_signal(signal.SIGINT)
        process.wait(_END_S)
        with open_session(path) as session:
            frames = sum(batch.num_rows for batch in session.batches('frames'))
            people = sum(batch.num_rows for batch in session.batches('people'))
            samples = len(session.signal('eeg').data)
        lost = (sent.frames - frames) + (2 * sent.frames - people // Load().people) + (
            sent.samples - samples)
        return {
            'lost': lost, 'frames': sent.frames, 'samples': sent.samples,
            'asked_share': round(sent.frames / (Load().rate_hz * taken_s), 3),
            'core_share': round(busy_s / taken_s, 4),
            'mb_per_min': round(written_mb / taken_s * 60, 2),
            'compact_mb_per_min': round(_size_mb(path) / taken_s * 60, 2)}


def _cpu_s(pid: int) -> float:
    """Return the CPU time of a process so far, user and system."""
    fields = Path(f'/proc/{pid}/stat').read_text('utf-8').rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def _size_mb(path: Path) -> float:
    sizes = (file.stat().st_size for file in path.rglob('*')
             if file.is_file() and file.name != 'reserve')
    return sum(sizes) / 1e6
