"""Starts the composed graph as people do and waits for the first pose that leaves it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import NeuroposeError

_PATIENCE_S = 60.0
_SETTLED = 10  # looks of the listener before the graph starts
_TICKS_HZ = os.sysconf('SC_CLK_TCK')


@dataclass(frozen=True)
class Start:
    """One start of the graph.

    Attributes:
        first_pose_s: from the start of the process to the first person at an outside subscriber
            that was there before.
        first_pose_cpu_s: processor time of the process until then.
        peak_mb: largest resident memory of the process, shared libraries included.
        pss_mb: its part at the end where what is shared is divided by those who share it.
        rate_hz: results per second that arrived after the first one.
        cpu_ms: processor time of the process for each of these.
    """

    first_pose_s: float
    first_pose_cpu_s: float
    peak_mb: float
    pss_mb: float
    rate_hz: float
    cpu_ms: float


class Listener:
    """An outside subscriber of poses_refined."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Join the ROS domain that the environment names; nobody may publish there yet."""
        import rclpy
        from rclpy.context import Context
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.node import Node

        from neuropose_ros.msg import PersonArray
        from neuropose_ros.nodes.dds import apply_defaults
        from neuropose_ros.nodes.qos import reliable

        apply_defaults()
        for name in ('ROS_DOMAIN_ID', 'ROS_AUTOMATIC_DISCOVERY_RANGE'):
            os.environ[name] = environment[name]
        self._context = Context()
        rclpy.init(context=self._context)
        self._node = Node('edge_bench', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self.poses: list[tuple[float, Any]] = []
        self._node.create_subscription(
            PersonArray, 'poses_refined',
            lambda message: self.poses.append((time.perf_counter(), message)), reliable(100))

    def spin_once(self) -> None:
        """Take what has arrived."""
        self._executor.spin_once(timeout_sec=0.05)

    def close(self) -> None:
        """Leave."""
        import rclpy

        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)


def measure_start(
    arguments: Sequence[str], environment: Mapping[str, str], seconds: float,
) -> Start:
    """Start `neuropose up ARGUMENTS`, listen until ``seconds`` after the first pose, end it.

    Raises:
        NeuroposeError: it ended by itself, or nobody was seen within a minute.
    """
    # One for each start: what came late from the graph before must not pass for this one's.
    listener = Listener(environment)
    try:
        for _ in range(_SETTLED):
            listener.spin_once()
        return _started(listener, arguments, environment, seconds)
    finally:
        listener.close()


def _started(
    listener: Listener, arguments: Sequence[str], environment: Mapping[str, str],
    seconds: float,
) -> Start:
    with tempfile.TemporaryFile('w+') as log:
        begin = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, '-m', 'neuropose_ros.cli.main', 'up', *arguments],
            env=dict(environment), stdout=log, stderr=log)
        try:
            first, cpu_s = _first_pose(listener, child, begin)
            before = len(listener.poses)
            at = time.perf_counter()
            while time.perf_counter() < first + seconds:
                listener.spin_once()
            return _figures(child.pid, first - begin, cpu_s, len(listener.poses) - before,
                            time.perf_counter() - at)
        except (NeuroposeError, OSError) as error:
            log.seek(0)
            raise NeuroposeError(f'{error}\n{log.read()[-2000:]}') from None
        finally:
            _end(child)


def _first_pose(
    listener: Listener, child: subprocess.Popen[bytes], begin: float,
) -> tuple[float, float]:
    while time.perf_counter() < begin + _PATIENCE_S:
        listener.spin_once()
        seen = [at for at, message in listener.poses if message.persons]
        if seen:
            return seen[0], _cpu_s(child.pid)
        if child.poll() is not None:
            raise NeuroposeError('the graph ended before the first pose:')
    raise NeuroposeError(
        f'no person within {_PATIENCE_S:g} s, {len(listener.poses)} results without one:')


def _figures(
    pid: int, first_s: float, first_cpu_s: float, results: int, seconds: float,
) -> Start:
    """Return the figures, of so many results that arrived in so long after the first pose.

    Not of frames that the camera counted: those that a slow computer skips cost next to nothing.
    """
    cpu_s = _cpu_s(pid) - first_cpu_s
    return Start(
        first_pose_s=first_s, first_pose_cpu_s=first_cpu_s,
        peak_mb=_kilobytes(Path(f'/proc/{pid}/status'), 'VmHWM') / 1e3,
        pss_mb=_kilobytes(Path(f'/proc/{pid}/smaps_rollup'), 'Pss') / 1e3,
        rate_hz=results / seconds, cpu_ms=cpu_s / results * 1e3 if results else float('nan'))


def _kilobytes(path: Path, name: str) -> float:
    """Return a value of a file in /proc, in kB of 10^3 bytes."""
    for line in path.read_text().splitlines():
        if line.startswith(f'{name}:'):
            return int(line.split()[1]) * 1.024
    raise NeuroposeError(f'{path} does not say {name}')


def _cpu_s(pid: int) -> float:
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_HZ


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
    try:
        child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
