"""The example robot moves on good evidence alone, and says why it holds."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neuropose_ros.core.action import Action, ActionFrame, LabelSet
from neuropose_ros.core.action_wire import action_frame_to_message, label_set_to_message

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')

from builtin_interfaces.msg import Time  # noqa: E402
from neuropose_ros.msg import ActionArray  # noqa: E402
from neuropose_ros.msg import LabelSet as LabelSetMessage  # noqa: E402
from rosgraph_msgs.msg import Clock as ClockMessage  # noqa: E402
from std_msgs.msg import String  # noqa: E402

from neuropose_ros.nodes import qos  # noqa: E402
from neuropose_ros.nodes.types import ROS  # noqa: E402

WALKS = Action(
    track_id=1, window_start_ns=0, window_end_ns=0, frames_used=30, coverage=0.9,
    probabilities=np.array((0.8, 0.2), np.float32), top_index=0, top_label='walk')


NOW_S = 100
GAIT = LabelSet('gait', ('walk', 'stand'))


class Robot:
    """The robot as a process whose time stands still, and what it says."""

    def __init__(self, graph: Any, *parameters: str, first: str = 'MOVE: walk') -> None:
        """Start it; `first` is what it says of the first action."""
        self.graph = graph
        self._sent = 0
        self.process = graph.start(
            'example_robot', '--ros-args', '-p', 'max_age_s:=0.3', '-p', 'use_sim_time:=true',
            *(word for parameter in parameters for word in ('-p', parameter)))
        self._first = first
        self.commands = graph.collect(String, 'robot_command')
        self._publisher = graph.node.create_publisher(ActionArray, 'actions', 10)
        self._clock = graph.node.create_publisher(ClockMessage, '/clock', 10)
        graph.until(lambda: self._publisher.get_subscription_count() == 1, 30)
        graph.until(self._answers_now)

    def _answers_now(self) -> bool:
        """Whether it knows what time it is: what the clock says is lost until it is found."""
        self._clock.publish(ClockMessage(clock=Time(sec=NOW_S)))
        self.send(WALKS)
        return any(command.data == self._first for command in self.commands)

    def send(self, *actions: Action, age_s: float = 0.0) -> ActionArray:
        """Send what no message has said before: each is of a frame 1 ns before the last."""
        self._sent += 1
        end_ns = NOW_S * 10**9 - round(age_s * 1e9) - self._sent
        frame = ActionFrame(end_ns, 1, GAIT.id, 'tiny', actions=tuple(
            replace(action, window_end_ns=end_ns) for action in actions))
        message = action_frame_to_message(frame, ROS)
        self.publish(message)
        return message

    def publish(self, message: ActionArray) -> None:
        self._publisher.publish(message)

    def falls_silent(self) -> None:
        self.graph.until(lambda: self.commands[-1].data == 'HOLD: silent')

    def answers(self, command: str, *actions: Action, age_s: float = 0.0) -> None:
        """The first word after a silence is about the message that ended it."""
        self.falls_silent()
        self.send(*actions, age_s=age_s)
        self.graph.until(lambda: self.commands[-1].data != 'HOLD: silent')
        assert self.commands[-1].data == command


def test_it_moves_on_fresh_covered_known_actions_alone(graph: Any) -> None:
    robot = Robot(graph)
    robot.answers('MOVE: walk', WALKS)
    robot.answers('HOLD: stale', WALKS, age_s=0.5)
    robot.answers('HOLD: clock_in_future', WALKS, age_s=-60.0)
    robot.answers('HOLD: too_short', replace(WALKS, window_start_ns=NOW_S * 10**9 - 3 * 10**8))
    robot.answers('HOLD: thin_coverage', replace(WALKS, coverage=0.5))
    robot.answers('HOLD: thin_coverage', replace(WALKS, coverage=float('nan')))
    robot.answers('HOLD: unsure', replace(
        WALKS, probabilities=np.array((0.4, 0.3, 0.3), np.float32)))
    robot.answers('HOLD: too_short', replace(
        WALKS, top_index=-1, top_label='unknown', reason='too_short'))
    robot.answers('HOLD: no_track')
    robot.answers('HOLD: several_people', WALKS, replace(WALKS, track_id=2))
    robot.answers('HOLD: malformed', replace(WALKS, top_index=2))
    robot.answers('MOVE: walk', WALKS)
    # Time stands still: by its stamp the answer is as young as ever.
    robot.falls_silent()
    repeated = robot.send(WALKS)

    def falls_silent_all_the_same() -> bool:
        robot.publish(repeated)
        return bool(robot.commands[-1].data == 'HOLD: silent')

    graph.until(lambda: robot.commands[-1].data == 'MOVE: walk')
    graph.until(falls_silent_all_the_same)
    # What was overtaken says nothing against what came later.
    robot.answers('HOLD: no_track')
    robot.send(WALKS)
    graph.until(lambda: robot.commands[-1].data != 'HOLD: no_track')
    assert robot.commands[-1].data == 'HOLD: silent'
    # Who else tells of actions tells of somebody else.
    other = graph.node.create_publisher(ActionArray, 'actions', 10)

    def holds_for_both() -> bool:
        robot.send(WALKS)
        return bool(robot.commands[-1].data == 'HOLD: several_sources')

    graph.until(holds_for_both)
    graph.node.destroy_publisher(other)
    assert robot.process.end(signal.SIGTERM) == 0, robot.process.output()


@pytest.mark.parametrize('pinned', ['gait', GAIT.id])
def test_it_moves_on_the_label_that_it_waits_for_of_the_set_it_was_made_for(
    graph: Any, pinned: str,
) -> None:
    robot = Robot(graph, f'label_set:={pinned}', 'wait_for:=walk')
    robot.answers('MOVE: walk', WALKS)
    robot.answers('HOLD: another_action', replace(
        WALKS, probabilities=np.array((0.1, 0.9), np.float32), top_index=1, top_label='stand'))


@pytest.mark.parametrize('pinned', ['jhmdb14', 'gait@0000'])
def test_actions_of_other_labels_are_refused_and_said_once(graph: Any, pinned: str) -> None:
    robot = Robot(graph, f'label_set:={pinned}', first='HOLD: other_labels')
    robot.answers('HOLD: other_labels', WALKS)
    robot.answers('HOLD: other_labels', WALKS)
    assert robot.process.output().count(
        f'actions are of the labels {GAIT.id}, this robot was made for {pinned}') == 1


def test_a_label_that_will_never_come_is_said(graph: Any) -> None:
    robot = Robot(graph, 'label_set:=gait', 'wait_for:=wlak', first='HOLD: another_action')
    latched = graph.node.create_publisher(LabelSetMessage, 'label_sets', qos.latched())
    for labels in (LabelSet('jhmdb14', ('jump', 'sit')), GAIT, GAIT):
        latched.publish(label_set_to_message(labels, ROS))

    def holds() -> bool:
        robot.send(WALKS)
        return bool(robot.commands[-1].data == 'HOLD: no_such_label')

    graph.until(holds)
    said = f"wait_for is 'wlak', which {GAIT.id} does not have: it has walk, stand"
    assert robot.process.output().count(said) == 1


def test_a_budget_out_of_range_is_refused_in_a_sentence(graph: Any) -> None:
    process = graph.start('example_robot', '--ros-args', '-p', 'least_coverage:=1.5')
    assert process.wait() == 2
    assert 'least_coverage' in process.output()
    assert 'Traceback' not in process.output()
