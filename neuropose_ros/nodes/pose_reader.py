"""People from a topic, or by reference from a stage of the same process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neuropose_ros.core import wire
from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.msg import PersonArray
from neuropose_ros.nodes import qos
from neuropose_ros.nodes.base import StageNode
from neuropose_ros.nodes.ports import Input


def message_key(message: Any) -> tuple[int, int]:
    """Return what tells a stage's messages apart: time of acquisition and number."""
    return wire.stamp_ns(message.header.stamp), message.frame_seq


class PoseReader:
    """Turns PersonArray messages into values, and refuses malformed ones.

    Attributes:
        malformed: messages that were refused.
    """

    def __init__(self, node: StageNode, on_poses: Callable[[PoseFrame], None]) -> None:
        """Take who reads.

        Args:
            on_poses: takes what comes, as a message or by reference.
        """
        self._node, self._on_poses = node, on_poses
        self.malformed = 0

    def input(self, name: str) -> Input[PoseFrame]:
        """Return an input that reads a topic; nothing is subscribed before `Input.want`."""
        def read(message: Any) -> None:
            try:
                poses = wire.pose_frame_from_message(message)
            except ValueError as error:
                self.malformed += 1
                self._node.say_once('bad', f'{found.topic}: a message is refused: {error}')
                return
            self._on_poses(poses)

        found: Input[PoseFrame] = Input(
            self._node, name, PersonArray, qos.reliable(10), read, on_value=self._on_poses,
            message_key=message_key, hub=self._node.hub)
        return found
