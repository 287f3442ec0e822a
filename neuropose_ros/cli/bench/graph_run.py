"""Runs a graph as child processes and measures what arrives at an outside subscriber."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from neuropose_ros.core.errors import NeuroposeError

_START_S = 60.0
_STALL_S = 10.0


def measure_graph(
    commands: Sequence[Sequence[str]], environment: dict[str, str], *, frames: int, warm_up: int,
    listen_to_poses: bool = False,
) -> dict[str, Any]:
    """Return fps after ``warm_up``, lost frames and stage latencies of one run.

    Raises:
        NeuroposeError: a process ended, or nothing (more) arrives.
    """
    with tempfile.TemporaryFile('w+') as log:
        children = [subprocess.Popen(command, env=environment, stdout=log, stderr=log)
                    for command in commands]
        try:
            received, poses = _receive(children, environment, frames, listen_to_poses)
        except NeuroposeError as error:
            log.seek(0)
            raise NeuroposeError(f'{error}\n{log.read()[-2000:]}') from None
        finally:
            _end(children)
    return _figures(received, poses, frames, warm_up)


def _end(children: Sequence[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
    for child in children:
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _receive(
    children: Sequence[subprocess.Popen[bytes]], environment: dict[str, str], frames: int,
    listen_to_poses: bool,
) -> tuple[list[tuple[float, Any]], list[Any]]:
    """Collect (arrival s, poses_refined) and poses until the last frame or a stall."""
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
    context = Context()
    rclpy.init(context=context)
    node = Node('overhead_bench', context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    received: list[tuple[float, Any]] = []
    poses: list[Any] = []
    node.create_subscription(
        PersonArray, 'poses_refined', lambda m: received.append((time.perf_counter(), m)),
        reliable(100))
    if listen_to_poses:
        node.create_subscription(PersonArray, 'poses', poses.append, reliable(100))
    last = time.monotonic()
    try:
        while not received or received[-1][1].frame_seq < frames - 1:
            before = len(received)
            executor.spin_once(timeout_sec=0.5)
            now = time.monotonic()
            last = now if len(received) > before else last
            if any(child.poll() is not None for child in children):
                raise NeuroposeError('a process of the graph ended early:')
            if now - last > (_STALL_S if received else _START_S):
                raise NeuroposeError(f'nothing arrives any more after {len(received)} results:')
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown(context=context)
    return received, poses


def _figures(
    received: list[tuple[float, Any]], poses: list[Any], frames: int, warm_up: int,
) -> dict[str, Any]:
    timed = [(at, m) for at, m in received if m.frame_seq >= warm_up]
    span_s = timed[-1][0] - timed[0][0]
    steady = [m for m in poses if m.frame_seq >= warm_up]
    times = {
        'pose_preprocess': [m.preprocess_ms for m in steady],
        'pose_inference': [m.inference_ms for m in steady],
        'pose_postprocess': [m.postprocess_ms for m in steady],
        'refinement': [m.preprocess_ms + m.inference_ms + m.postprocess_ms for _, m in timed],
    }
    stages = {
        name: {'p50': round(float(np.percentile(values, 50)), 3),
               'p99': round(float(np.percentile(values, 99)), 3)}
        for name, values in times.items() if values
    }
    return {
        'fps': (timed[-1][1].frame_seq - timed[0][1].frame_seq) / span_s,
        'lost': frames - len({m.frame_seq for _, m in received}),
        'stages': stages,
    }
