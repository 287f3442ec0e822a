"""What people do, as context of the refinement: read only while somebody else wants it, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neuropose_ros.core.action import ActionFrame
from neuropose_ros.core.action_wire import action_frame_from_message
from neuropose_ros.msg import ActionArray
from neuropose_ros.nodes import qos
from neuropose_ros.nodes.base import StageNode
from neuropose_ros.nodes.ports import Input
from neuropose_ros.nodes.pose_reader import message_key


class ContextInput:
    """Reads `actions`.

    The action node reads what the refinement node makes: if each were a reason for the other to
    work, neither would ever rest. So this is no demand of its own.

    Attributes:
        malformed: messages that were refused.
    """

    def __init__(self, node: StageNode, on_actions: Callable[[ActionFrame], None]) -> None:
        """Prepare to read; nothing is subscribed before `want`.

        Args:
            on_actions: takes what comes, as a message or by reference.
        """
        self._node, self._on_actions = node, on_actions
        self.malformed = 0
        self._input: Input[ActionFrame] = Input(
            node, 'actions', ActionArray, qos.reliable(10), self._read, on_value=on_actions,
            message_key=message_key, hub=node.hub)

    def want(self, wanted: bool) -> None:
        """Open or close as demand says; call it regularly."""
        self._input.want(wanted and self._others() > 0)

    def _others(self) -> int:
        """Return how many others read actions, in this process and outside."""
        topic, hub = self._input.topic, self._node.hub
        subscriptions = int(self._node.count_subscribers(topic))
        if hub is None:
            return subscriptions - self._input.subscribed
        outside = max(subscriptions - hub.ros_subscriptions(topic), 0)
        return outside + hub.listeners(topic) - self._input.is_open

    def _read(self, message: Any) -> None:
        try:
            actions = action_frame_from_message(message)
        except ValueError as error:
            self.malformed += 1
            self._node.say_once('context', f'{self._input.topic}: a message is refused: {error}')
            return
        self._on_actions(actions)
