"""The launch file with the real nodes: poses arrive, Ctrl-C ends everything with 0."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('launch_ros', reason='launch comes with a sourced ROS 2, not with pip')
rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')

from neuropose_ros.msg import ActionArray, PersonArray  # noqa: E402

from .conftest import FOLDER  # noqa: E402

# What `ros2 launch` does, without the ros2 command line.
_RUN = """\
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
service = LaunchService(argv=[], noninteractive=False)
service.include_launch_description(LaunchDescription([IncludeLaunchDescription(
    PythonLaunchDescriptionSource(sys.argv[1]),
    launch_arguments=[word.split(':=', 1) for word in sys.argv[2:]])]))
sys.exit(service.run())
"""


class Launched:
    """A launch in a process group of its own, as a terminal starts it."""

    def __init__(self, folder: Path, name: str, **given: str) -> None:
        self._log = folder / 'launch.log'
        words = [f'{key}:={value}' for key, value in given.items()]
        with self._log.open('w') as output:
            self._process = subprocess.Popen(
                [sys.executable, '-c', _RUN, str(FOLDER / f'{name}.launch.py'), *words],
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, 'ROS_LOG_DIR': str(folder), 'PYTHONUNBUFFERED': '1'})

    @property
    def log(self) -> str:
        return self._log.read_text(errors='replace')

    def ctrl_c(self) -> int:
        """Interrupt the whole group, as the terminal does, and return the exit code."""
        os.killpg(self._process.pid, signal.SIGINT)
        return self.wait(20.0)

    def wait(self, timeout_s: float) -> int:
        return self._process.wait(timeout_s)

    def close(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Launched]]:
    started: list[Launched] = []

    def run(name: str, **given: str) -> Launched:
        started.append(Launched(tmp_path, name, **given))
        return started[-1]

    yield run
    for launched in started:
        launched.close()


def _of_actions(topic: str) -> bool:
    return topic.endswith('/actions')


def _receive(launched: Launched, *topics: str, timeout_s: float = 60.0) -> list[Any]:
    """Return a message of people, or of what they do, from each topic."""
    found: dict[str, Any] = {}
    context = rclpy.Context()
    rclpy.init(args=[], context=context)
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    node = rclpy.create_node('listener', context=context)
    executor.add_node(node)

    def keep(topic: str, message: Any) -> None:
        if message.actions if _of_actions(topic) else message.status == PersonArray.STATUS_OK:
            found[topic] = message

    for topic in topics:
        node.create_subscription(
            ActionArray if _of_actions(topic) else PersonArray, topic,
            lambda message, topic=topic: keep(topic, message), 10)
    try:
        end = time.monotonic() + timeout_s
        while len(found) < len(topics):
            executor.spin_once(timeout_sec=0.1)
            assert time.monotonic() < end, launched.log
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown(context=context)
    return [found[topic] for topic in topics]


def _assert_all_ended_cleanly(launched: Launched, processes: int) -> None:
    log = launched.log
    assert len(re.findall('process has finished cleanly', log)) == processes, log
    assert 'has died' not in log
    assert 'Traceback' not in log


def test_processes(start: Callable[..., Launched], shipped: Path) -> None:
    launched = start(
        'neuropose', source='synthetic:walk', namespace='robot1', frame_id='eye',
        recogniser=str(shipped))
    message, actions = _receive(launched, '/robot1/poses_refined', '/robot1/actions')
    assert message.header.frame_id == actions.header.frame_id == 'eye'
    assert message.stage == 'refinement'
    assert actions.model == 'arm'
    assert launched.ctrl_c() == 0
    _assert_all_ended_cleanly(launched, 4)


def test_composed_cameras(start: Callable[..., Launched]) -> None:
    launched = start('cameras', sources='synthetic:walk synthetic:wave', names='left right')
    left, right = _receive(launched, '/left/poses_refined', '/right/poses_refined')
    assert left.header.frame_id == 'left_optical_frame'
    assert right.header.frame_id == 'right_optical_frame'
    assert launched.ctrl_c() == 0
    _assert_all_ended_cleanly(launched, 2)


def test_two_robots_on_one_machine(start: Callable[..., Launched]) -> None:
    launched = start('two_robots', simulate='true', recogniser='none')
    _receive(launched, '/robot1/poses_refined', '/robot2/poses_refined')
    assert launched.ctrl_c() == 0
    _assert_all_ended_cleanly(launched, 6)


@pytest.mark.parametrize('composed', ['false', 'true'])
def test_a_source_that_is_not_there(start: Callable[..., Launched], composed: str) -> None:
    launched = start('neuropose', source='/no/such/video.mp4', composed=composed)
    assert launched.wait(30.0) == 1
    assert "There is no source '/no/such/video.mp4'" in launched.log
    assert 'ended with exit code 2' in launched.log
    assert 'Traceback' not in launched.log


def test_a_lifecycle_manager_from_outside(start: Callable[..., Launched]) -> None:
    launched = start('neuropose', nodes='refinement', autostart='false')
    from lifecycle_msgs.msg import State, Transition
    from lifecycle_msgs.srv import ChangeState, GetState

    context = rclpy.Context()
    rclpy.init(args=[], context=context)
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    node = rclpy.create_node('manager', context=context)
    executor.add_node(node)
    change = node.create_client(ChangeState, '/refinement/change_state')
    get = node.create_client(GetState, '/refinement/get_state')

    def ask(client: object, request: object) -> object:
        future = client.call_async(request)
        executor.spin_until_future_complete(future, 10.0)
        return future.result()

    try:
        assert get.wait_for_service(30.0), launched.log
        assert ask(get, GetState.Request()).current_state.id == State.PRIMARY_STATE_UNCONFIGURED
        for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
            request = ChangeState.Request(transition=Transition(id=transition))
            assert ask(change, request).success
        assert ask(get, GetState.Request()).current_state.id == State.PRIMARY_STATE_ACTIVE
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown(context=context)
    assert launched.ctrl_c() == 0
    _assert_all_ended_cleanly(launched, 1)
