"""Real nodes in real processes, and an outside observer with an rclpy context of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')


class Process:
    """A child process whose output is kept in a file."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open('w') as output:
            self.popen = subprocess.Popen(
                command, env=environment, stdout=output, stderr=subprocess.STDOUT)

    def output(self) -> str:
        return self.log.read_text(errors='replace')

    def end(self, with_signal: int = signal.SIGINT, timeout_s: float = 15.0) -> int:
        """Signal the process and return its exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(with_signal)
        return self.wait(timeout_s)

    def wait(self, timeout_s: float = 15.0) -> int:
        try:
            return self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError(f'did not end in {timeout_s} s:\n{self.output()}') from None


class Graph:
    """Processes of one ROS domain, and an observer in it."""

    def __init__(self, folder: Path, domain_id: int) -> None:
        self.folder = folder
        self.domain_id = domain_id
        self.environment = dict(
            os.environ, ROS_DOMAIN_ID=str(self.domain_id), PYTHONUNBUFFERED='1',
            ROS_AUTOMATIC_DISCOVERY_RANGE='LOCALHOST', ROS_LOG_DIR=str(folder / 'log'))
        self.processes: list[Process] = []
        self.context = rclpy.context.Context()
        rclpy.init(context=self.context, domain_id=self.domain_id)
        self.node = rclpy.create_node('observer', context=self.context)
        self._executor = rclpy.executors.SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._subscriptions: list[tuple[str, Any]] = []
        self._known_clients: list[Any] = []

    def start(self, node: str, *arguments: str) -> Process:
        """Start a node, or ``composed``, as a process."""
        log = self.folder / f'{len(self.processes)}.{node}.log'
        process = Process(
            [sys.executable, '-m', 'neuropose_ros.nodes', node, *arguments],
            self.environment, log)
        self.processes.append(process)
        return process

    def collect(self, message_type: Any, topic: str, qos: Any = 50) -> list[Any]:
        """Subscribe; the returned list fills while `until` runs."""
        received: list[Any] = []
        self._subscriptions.append((topic, self.node.create_subscription(
            message_type, topic, received.append, qos)))
        return received

    def hears(self, topic: str) -> bool:
        """Whether what `collect` has on a topic is matched with a publisher: none is missed."""
        own = [subscription for name, subscription in self._subscriptions if name == topic]
        return bool(own) and all(each.get_publisher_count() > 0 for each in own)

    def until(self, condition: Callable[[], object], timeout_s: float = 30.0) -> None:
        """Spin until ``condition()``; the processes' output is in the failure."""
        end = time.monotonic() + timeout_s
        while not condition():
            self._executor.spin_once(timeout_sec=0.05)
            if time.monotonic() > end:
                logs = '\n'.join(f'--- {p.log.name}\n{p.output()}' for p in self.processes)
                raise AssertionError(f'not within {timeout_s} s; output:\n{logs}')

    def ask(self, client: Any, request: Any, timeout_s: float = 30.0) -> Any:
        """Call a service and return its answer."""
        self.until(client.service_is_ready)
        if client not in self._known_clients:
            # The server may not know the client yet, and would drop its answer after 0.1 s.
            self.spin_for(1.0)
            self._known_clients.append(client)
        future = client.call_async(request)
        self.until(future.done, timeout_s)
        return future.result()

    def spin_for(self, duration_s: float) -> None:
        """Spin for a fixed time."""
        end = time.monotonic() + duration_s
        while time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.02)

    def close(self) -> None:
        for process in self.processes:
            if process.popen.poll() is None:
                process.popen.send_signal(signal.SIGINT)
        for process in self.processes:
            try:
                process.popen.wait(10)
            except subprocess.TimeoutExpired:
                process.popen.kill()
                process.popen.wait()
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def graph(tmp_path: Path, ros_domain: int) -> Iterator[Graph]:
    """An empty graph; everything started in it is ended."""
    made = Graph(tmp_path, ros_domain)
    yield made
    made.close()
