"""Every way a node can be told to end, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neuropose_ros.cli.bench.exits import WAYS, interrupt

pytest.importorskip('rclpy', reason='needs ROS 2')

PLAIN = """
import sys, threading, time, weakref
import rclpy
from rclpy.node import Node
from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.nodes.spin import run

class Plain(Node):
    def __init__(self):
        super().__init__('plain')
        {body}
        print('ready', flush=True)

    def destroy_node(self):
        print('destroyed', flush=True)
        super().destroy_node()

sys.exit(run(lambda: [Plain()], {arguments}))
"""


class Child:
    """A node in a process of its own, started as modules are; `wait_for` reads its output."""

    def __init__(self, source: str, folder: Path) -> None:
        (folder / 'plain.py').write_text(source)
        self._log = folder / 'output'
        with self._log.open('w') as output:
            self.popen = subprocess.Popen(
                [sys.executable, '-m', 'plain'], stdout=output, stderr=subprocess.STDOUT,
                cwd=folder, env=dict(os.environ, ROS_LOG_DIR=str(folder)))

    def output(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + 20.0
        while text not in self.output():
            assert time.monotonic() < end, self.output()
            assert self.popen.poll() is None, self.output()
            time.sleep(0.01)

    def code(self) -> int:
        return self.popen.wait(10.0)


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Any]:
    children: list[Child] = []

    def start(body: str = 'pass', arguments: str = '[]') -> Child:
        children.append(Child(PLAIN.format(body=body, arguments=arguments), tmp_path))
        return children[-1]

    yield start
    for child in children:
        child.popen.kill()
        child.popen.wait()


@pytest.mark.parametrize('how', WAYS)
def test_a_node_without_a_timer_ends_with_0_and_gives_back(plain: Any, how: str) -> None:
    child = plain()
    child.wait_for('ready')
    time.sleep(0.2)
    begin = time.monotonic()
    interrupt(child.popen, how)
    assert child.code() == 0, child.output()
    assert time.monotonic() - begin < 2.0
    assert 'destroyed' in child.output()
    assert 'Traceback' not in child.output()


@pytest.mark.parametrize('how', WAYS)
def test_a_signal_while_a_node_is_being_built_ends_with_0(plain: Any, how: str) -> None:
    child = plain('print("loading", flush=True); time.sleep(20)')
    child.wait_for('loading')
    interrupt(child.popen, how)
    assert child.code() == 0, child.output()
    assert 'Traceback' not in child.output()


@pytest.mark.parametrize('body', [
    # Python kills a process in which KeyboardInterrupt itself has passed through exec.
    'print("loading", flush=True); exec("time.sleep(20)")',
    # An exception in a destructor is reported on stderr and swallowed.
    'print("loading", flush=True); weakref.finalize(type("T", (), {})(), time.sleep, 3.0)',
    # An interrupted import turns into any error.
    """print("loading", flush=True)
        try: time.sleep(20)
        except BaseException: raise ImportError('half loaded')""",
])
def test_an_interruption_at_an_odd_place_is_a_clean_exit(plain: Any, body: str) -> None:
    child = plain(body)
    child.wait_for('loading')
    time.sleep(0.1)
    interrupt(child.popen, 'SIGTERM')
    assert child.code() == 0, child.output()
    assert 'Traceback' not in child.output()


def test_a_storm_of_signals_while_leaving_changes_nothing(plain: Any) -> None:
    child = plain()
    child.wait_for('ready')
    for number in (signal.SIGINT, signal.SIGTERM) * 200:
        child.popen.send_signal(number)
        time.sleep(0.002)
        if child.popen.poll() is not None:
            break
    assert child.code() == 0, child.output()
    assert 'Traceback' not in child.output()


def test_a_shutdown_from_inside_ends_with_0(plain: Any) -> None:
    child = plain('threading.Timer(0.3, rclpy.try_shutdown).start()')
    assert child.code() == 0, child.output()
    assert 'destroyed' in child.output()


def test_garbage_is_collected_while_nodes_work_though_not_while_they_load(plain: Any) -> None:
    child = plain(
        'import gc; gc.disable(); self.create_timer('
        "0.01, lambda: (print('collects', gc.isenabled(), flush=True), rclpy.shutdown()))")
    assert child.code() == 0, child.output()
    assert 'collects True' in child.output()


def test_bad_input_is_one_sentence_and_2(plain: Any) -> None:
    child = plain('raise NeuroposeError("there is no camera 7")')
    assert child.code() == 2
    assert child.output() == 'neuropose: there is no camera 7\n'


def test_wrong_ros_arguments_are_one_sentence_and_2(plain: Any) -> None:
    child = plain(arguments='["--ros-args", "-p", "nonsense"]')
    assert child.code() == 2
    assert 'Traceback' not in child.output()
    assert 'nonsense' in child.output()


def test_an_error_in_a_callback_is_not_swallowed(plain: Any) -> None:
    child = plain('self.create_timer(0.1, lambda: 1 / 0)')
    assert child.code() == 1
    assert 'ZeroDivisionError' in child.output()
    assert 'destroyed' in child.output()
