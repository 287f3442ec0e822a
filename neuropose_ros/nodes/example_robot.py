"""How a robot reads `actions`: it moves on a fresh, covered, known action, and else it holds.

It drives nothing: it publishes what it would do on ``robot_command``, as ``MOVE: clap`` or
``HOLD: thin_coverage``. Copy the file and put your robot where `_say` is. Five rules matter:

1. Every answer is judged against the robot's own budget (`action.hold.judge`).
2. Silence is no evidence, nor is a message that came before or was overtaken: a timer judges
   again, so that an answer grows old by itself.
3. Two clocks are asked (`action.watch`). Stamps tell the age of the evidence; the steady clock
   tells how long ago it came, also while simulated time stands still or a clock is set back.
4. One person, told of by one node: among several the robot cannot know whom it serves, and
   holds.
5. The actions are those it was made for: the labels of a set are pinned by name or, to the letter,
   by id, and the label it waits for must be one of them. A recogniser that was trained anew may
   number and mean its labels otherwise.
"""

from __future__ import annotations

import math
import time
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos_overriding_options import QoSOverridingOptions
from std_msgs.msg import String

from neuropose_ros.action import reasons
from neuropose_ros.action.hold import HoldBudget
from neuropose_ros.action.watch import Watch
from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.action_wire import action_frame_from_message, label_set_from_message
from neuropose_ros.core.errors import LabelError
from neuropose_ros.msg import ActionArray
from neuropose_ros.msg import LabelSet as LabelSetMessage
from neuropose_ros.nodes import qos
from neuropose_ros.nodes.parameters import ParameterSpec, declare, values
from neuropose_ros.nodes.spin import run

BUDGET = (
    ParameterSpec(
        'max_age_s', 0.5, 'Oldest evidence that the robot moves on. Larger rides out gaps and '
        'reacts later to what has stopped.', unit='s', minimum=0.01, maximum=10.0),
    ParameterSpec(
        'least_coverage', 0.6, "Least share of the window's joints that were really measured. "
        'Larger holds more often when somebody is half hidden.', minimum=0.0, maximum=1.0),
    ParameterSpec(
        'least_evidence_s', 0.5, 'Least time from the first to the newest frame of the evidence. '
        'Larger reacts later to somebody who has just come.', unit='s', minimum=0.0,
        maximum=10.0),
    ParameterSpec(
        'least_probability', 0.5, 'Least probability of the action. Larger holds more often '
        'between two actions that look alike.', minimum=0.0, maximum=1.0),
)
PARAMETERS = (
    ParameterSpec(
        'label_set', '', 'Which actions the robot was made for, as jhmdb14 or jhmdb14@1a2b: it '
        'holds on those of another set. Empty: any, which suits a demonstration alone.'),
    ParameterSpec(
        'wait_for', '', 'The only label that it moves on. One that the label set does not have '
        'would never come: that is said, and it holds. Empty: any.'),
    *BUDGET,
)

_LOOK_S = 0.1
_SILENT = 'silent'
_SEVERAL = 'several_people'
_SEVERAL_SOURCES = 'several_sources'
_MALFORMED = 'malformed'
_OTHER_LABELS = 'other_labels'
_NO_SUCH_LABEL = 'no_such_label'
_ANOTHER_ACTION = 'another_action'


class ExampleRobot(Node):
    """Says MOVE or HOLD ten times a second."""

    def __init__(self) -> None:
        """Listen; the first word is HOLD.

        Raises:
            ParameterError: a parameter is not valid.
        """
        super().__init__('example_robot')
        declare(self, PARAMETERS)
        given = values(self, PARAMETERS)
        self._label_set, self._wait_for = given['label_set'], given['wait_for']
        self._budget = HoldBudget(**{spec.name: given[spec.name] for spec in BUDGET})
        self._watch = Watch(self._budget)
        self._judged_set = ''
        self._labels: dict[str, LabelSet] = {}
        self._malformed_s = -math.inf
        self._said = ''
        overridable = QoSOverridingOptions.with_default_policies()
        self._command = self.create_publisher(
            String, 'robot_command', qos.reliable(10), qos_overriding_options=overridable)
        self._actions = self.create_subscription(
            ActionArray, 'actions', self._on_actions, qos.reliable(10),
            qos_overriding_options=overridable)
        self.create_subscription(
            LabelSetMessage, 'label_sets', self._on_labels, qos.latched(),
            qos_overriding_options=overridable)
        self.create_timer(_LOOK_S, self._decide, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _on_actions(self, message: Any) -> None:
        try:
            frame = action_frame_from_message(message)
        except ValueError as error:
            self._malformed_s = time.monotonic()
            self.get_logger().warning(f'actions: a message is refused: {error}', once=True)
        else:
            if self._watch.take(frame, self._now_ns(), time.monotonic()):
                self._malformed_s = -math.inf
                self._judged_set = frame.label_set
        self._decide()

    def _on_labels(self, message: Any) -> None:
        try:
            labels = label_set_from_message(message)
        except LabelError as error:
            self.get_logger().warning(f'label_sets: a message is refused: {error}', once=True)
            return
        self._labels = {labels.id: labels}  # of the newest alone: ids may come without end
        if self._wants(labels.id) and self._wait_for and self._wait_for not in labels.labels:
            self.get_logger().warning(
                f'wait_for is {self._wait_for!r}, which {labels.id} does not have: it has '
                f'{", ".join(labels.labels)}', once=True)

    def _wants(self, label_set: str) -> bool:
        """Whether a label set is the one that is pinned, by name or id."""
        return self._label_set in ('', label_set, label_set.partition('@')[0])

    def _labels_objection(self) -> str:
        """Why the labels of the newest answers are none to act on."""
        if not self._wants(self._judged_set):
            self.get_logger().warning(
                f'actions are of the labels {self._judged_set}, this robot was made for '
                f'{self._label_set}: give the action node the recogniser of that set', once=True)
            return _OTHER_LABELS
        known = self._labels.get(self._judged_set)
        if self._wait_for and known is not None and self._wait_for not in known.labels:
            return _NO_SUCH_LABEL
        return ''

    def _decide(self) -> None:
        reason = self._reason()
        if reason:
            self._say(f'HOLD: {reason}')
            return
        person = next(iter(self._watch.people), None)
        action = self._watch.judge(person, self._now_ns(), time.monotonic())
        if action.reason:
            self._say(f'HOLD: {action.reason}')
        elif self._wait_for not in ('', action.top_label):
            self._say(f'HOLD: {_ANOTHER_ACTION}')
        else:
            self._say(f'MOVE: {action.top_label}')

    def _reason(self) -> str:
        """Why to hold, whatever the answer is."""
        now_s = time.monotonic()
        if now_s - self._malformed_s <= self._budget.max_age_s:
            return _MALFORMED
        if self._watch.silent(now_s):
            return _SILENT
        if self.count_publishers(self._actions.topic_name) > 1:
            return _SEVERAL_SOURCES
        objection = self._labels_objection()
        return objection or (_SEVERAL if len(self._watch.people) > 1 else '')

    def _now_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    def _say(self, command: str) -> None:
        self._command.publish(String(data=command))
        if command != self._said:
            self._said = command
            meaning = reasons.MEANINGS.get(command.removeprefix('HOLD: '), '')
            self.get_logger().info(f'{command}{meaning and f" ({meaning})"}')


def main(args: list[str] | None = None) -> int:
    """Run the node as a process of its own."""
    return run(lambda: [ExampleRobot()], args)
