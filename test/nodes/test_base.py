"""What all nodes share: failing to configure, threads at a shutdown, the lifecycle."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from neuropose_ros.core.errors import ModelError, NeuroposeError

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')

from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from std_msgs.msg import String  # noqa: E402

from neuropose_ros.nodes.base import OK, RCLError, StageNode  # noqa: E402
from neuropose_ros.nodes.ports import Output  # noqa: E402

_NUMBERS = itertools.count()


class Probe(StageNode):
    """A node whose setup fails as told."""

    error: Exception | None = None
    demand = False
    broken: Exception | None = None
    calls: list[str]

    def setup(self) -> None:
        self.calls = ['setup']
        if self.error is not None:
            raise self.error

    def teardown(self) -> None:
        self.calls.append('teardown')

    def demanded(self) -> bool:
        return self.demand

    def follow_demand(self, wanted: bool) -> None:
        self.calls.append(f'wanted {wanted}')
        if self.broken is not None:
            raise self.broken

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        return OK, 'fine', {}


@pytest.fixture
def node(ros_domain: int) -> Iterator[Probe]:
    rclpy.init(domain_id=ros_domain)
    # A name of its own: the graph remembers nodes for a moment after they went.
    made = Probe(f'probe_{next(_NUMBERS)}')
    yield made
    made.destroy_node()
    rclpy.try_shutdown()


@pytest.mark.parametrize(('error', 'reason'), [
    (ModelError('the model is gone'), 'the model is gone'),
    (ZeroDivisionError('a bug'), 'ZeroDivisionError: a bug'),
])
def test_a_setup_that_fails_is_undone_and_says_why(
    node: Probe, error: Exception, reason: str,
) -> None:
    node.error = error
    with pytest.raises(NeuroposeError, match=reason):
        node.start()
    assert node.calls == ['setup', 'teardown']
    assert node._judge()[1] == reason
    node.error = None
    node.start()
    assert node._judge()[1] == 'fine'


def test_the_lifecycle_is_driven_from_outside_and_demand_counts_only_when_active(
    node: Probe,
) -> None:
    node.demand = True
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    node._poll()
    assert node.calls == ['setup', 'wanted False']
    node.trigger_activate()
    node._poll()
    assert node.calls[-1] == 'wanted True'
    node.trigger_deactivate()
    assert node.calls[-1] == 'wanted False'
    node.trigger_cleanup()
    assert node.calls[-1] == 'teardown'
    node.calls.clear()
    node._poll()
    assert node.calls == []


def test_a_thread_that_dies_is_said_unless_ros_is_gone(node: Probe) -> None:
    def fail() -> None:
        raise RCLError('publisher is invalid')

    node.start()
    node.thread('worker', fail).join()
    assert 'worker ended: RCLError: publisher is invalid' in node._judge()[1]
    node.failure = ''
    rclpy.shutdown()
    node.thread('worker', fail).join()
    assert node.failure == ''


def test_demand_that_cannot_be_followed_is_said_and_does_not_end_the_node(node: Probe) -> None:
    node.start()
    node.broken = ValueError('no such reliability')
    node._poll()
    assert 'no such reliability' in node._judge()[1]
    node.broken = None
    node.trigger_deactivate()
    node.trigger_cleanup()
    node.start()
    assert node._judge()[1] == 'fine'


def test_a_counter_rises_for_a_while_and_then_rests(
    node: Probe, monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr('neuropose_ros.nodes.base.time.monotonic', lambda: now[0])
    assert not node.rising('skipped', 0)
    assert node.rising('skipped', 1)
    now[0] += 4
    assert node.rising('skipped', 1)
    now[0] += 2
    assert not node.rising('skipped', 1)
    assert node.rising('skipped', 2)
    assert not node.rising('skipped', 0), 'a stage that was made anew counts from 0'
    assert node.rising('skipped', 1)


def test_what_differs_by_its_numbers_is_said_once_and_kinds_have_an_end(
    node: Probe, capfd: pytest.CaptureFixture[str],
) -> None:
    for size in range(50):
        node.say_problem_once(f'cut off after {size} bytes', f'cut off after {size} bytes')
    for kind in range(1000):
        letters = ''.join(chr(ord('a') + int(digit)) for digit in str(kind))
        node.say_once(f'kind {letters}', f'kind {letters}')
    said = capfd.readouterr().err
    assert said.count('cut off after') == 1
    assert 5 < said.count('kind ') < 200


def test_a_topic_lies_beside_its_image_unless_it_is_remapped_itself(ros_domain: int) -> None:
    rclpy.init(domain_id=ros_domain)
    node = Probe('remapped', cli_args=['--ros-args', '-r', 'camera_info:=/elsewhere'])
    try:
        assert node.beside('frame_info', '/cam/image_raw') == '/cam/frame_info'
        assert node.beside('camera_info', '/cam/image_raw') == '/elsewhere'
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


def test_a_port_that_is_closed_while_another_thread_sends_stays_silent(node: Probe) -> None:
    node.start()
    output: Output[Any] = Output(
        node, 'words', String, 1, lambda text: String(data=text), key=id)
    output.close()
    output.close()
    assert output.outside == 0
    assert not output.demanded
    output.send('too late')
    assert output.published == 0
