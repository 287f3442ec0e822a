"""What all nodes share: failing to configure, threads at a shutdown, the lifecycle."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from neuropose_ros.core.errors import ModelError, NeuroposeError

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')

from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402

from neuropose_ros.nodes.base import OK, RCLError, StageNode  # noqa: E402

_NUMBERS = itertools.count()


class Probe(StageNode):
    """A node whose setup fails as told."""

    error: Exception | None = None
    demand = False
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


def test_a_thread_ends_quietly_when_ros_is_gone_and_loudly_when_not(
    node: Probe, monkeypatch: pytest.MonkeyPatch,
) -> None:
    loud: list[Any] = []
    monkeypatch.setattr(threading, 'excepthook', loud.append)

    def fail() -> None:
        raise RCLError('publisher is invalid')

    node.thread('alive', fail).join()
    assert len(loud) == 1
    rclpy.shutdown()
    node.thread('gone', fail).join()
    assert len(loud) == 1
