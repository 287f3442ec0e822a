"""How a robot reads `actions`: it moves on a fresh, covered, known action, and else it holds.

It drives nothing: it publishes what it would do on ``robot_command``, as ``MOVE: clap`` or
``HOLD: thin_coverage``. Copy the file and put your robot where `_say` is. Four rules matter:

1. Every answer is judged against the robot's own budget (`action.hold.judge`).
2. Silence is no evidence: a timer judges again, so that an answer grows old by itself.
3. Two clocks are asked. Stamps tell the age of the evidence; the steady clock tells how long ago
   it came, also while simulated time stands still or somebody sets the clock back.
4. One person: among several the robot cannot know whom it serves, and holds.
"""

from __future__ import annotations

import time
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos_overriding_options import QoSOverridingOptions
from std_msgs.msg import String

from neuropose_ros.action import reasons
from neuropose_ros.action.hold import HoldBudget, judge
from neuropose_ros.core.action import ActionFrame
from neuropose_ros.core.action_wire import action_frame_from_message
from neuropose_ros.msg import ActionArray
from neuropose_ros.nodes import qos
from neuropose_ros.nodes.parameters import ParameterSpec, declare, values
from neuropose_ros.nodes.spin import run

PARAMETERS = (
    ParameterSpec(
        'max_age_s', 0.5, 'Oldest evidence that the robot moves on. Larger rides out gaps and '
        'reacts later to what has stopped.', unit='s', minimum=0.01, maximum=10.0),
    ParameterSpec(
        'least_coverage', 0.6, "Least share of the window's joints that were really measured. "
        'Larger holds more often when somebody is half hidden.', minimum=0.0, maximum=1.0),
    ParameterSpec(
        'least_probability', 0.5, 'Least probability of the action. Larger holds more often '
        'between two actions that look alike.', minimum=0.0, maximum=1.0),
)

_LOOK_S = 0.1
_SILENT = 'silent'
_SEVERAL = 'several_people'
_MALFORMED = 'malformed'


class ExampleRobot(Node):
    """Says MOVE or HOLD ten times a second."""

    def __init__(self) -> None:
        """Listen; the first word is HOLD.

        Raises:
            ParameterError: a parameter is not valid.
        """
        super().__init__('example_robot')
        declare(self, PARAMETERS)
        self._budget = HoldBudget(**values(self, PARAMETERS))
        self._newest: ActionFrame | None = None
        self._objection = _SILENT
        self._arrived_s = time.monotonic()
        self._said = ''
        overridable = QoSOverridingOptions.with_default_policies()
        self._command = self.create_publisher(
            String, 'robot_command', qos.reliable(10), qos_overriding_options=overridable)
        self.create_subscription(
            ActionArray, 'actions', self._on_actions, qos.reliable(10),
            qos_overriding_options=overridable)
        self.create_timer(_LOOK_S, self._decide, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _on_actions(self, message: Any) -> None:
        self._arrived_s = time.monotonic()
        try:
            self._newest, self._objection = action_frame_from_message(message), ''
        except ValueError as error:
            self._newest, self._objection = None, _MALFORMED
            self.get_logger().warning(f'actions: a message is refused: {error}', once=True)
        self._decide()

    def _decide(self) -> None:
        people = self._newest.actions if self._newest is not None else ()
        reason = self._reason(len(people))
        if not reason:
            now_ns = self.get_clock().now().nanoseconds
            action = judge(people[0] if people else None, now_ns, self._budget)
            reason = action.reason
        self._say(f'HOLD: {reason}' if reason else f'MOVE: {action.top_label}')

    def _reason(self, people: int) -> str:
        """Why to hold, whatever the answer is."""
        if time.monotonic() - self._arrived_s > self._budget.max_age_s:
            return _SILENT
        return self._objection or (_SEVERAL if people > 1 else '')

    def _say(self, command: str) -> None:
        self._command.publish(String(data=command))
        if command != self._said:
            self._said = command
            meaning = reasons.MEANINGS.get(command.removeprefix('HOLD: '), '')
            self.get_logger().info(f'{command}{meaning and f" ({meaning})"}')


def main(args: list[str] | None = None) -> int:
    """Run the node as a process of its own."""
    return run(lambda: [ExampleRobot()], args)
