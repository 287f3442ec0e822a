"""A target that is one topic of detections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.nodes import qos
from neuropose_ros.nodes.base import StageNode
from neuropose_ros.nodes.ports import Output

Shown = tuple[PoseFrame, SkeletonLayout]


class Detections:
    """Publishes ``~/detections``."""

    def __init__(
        self, node: StageNode, message_type: Any,
        to_message: Callable[[PoseFrame, SkeletonLayout], Any],
    ) -> None:
        """Advertise."""
        self._output: Output[Shown] = Output(
            node, '~/detections', message_type, qos.reliable(10),
            lambda shown: to_message(*shown), key=lambda shown: shown[0].stamp_ns)

    @property
    def demanded(self) -> bool:
        """Whether somebody listens."""
        return self._output.demanded

    @property
    def sent(self) -> int:
        """Frames published."""
        return self._output.published

    def follow_demand(self, wanted: bool) -> None:
        """Nothing else is read."""

    def send(self, frame: PoseFrame, layout: SkeletonLayout) -> None:
        """Publish the people of a frame."""
        self._output.send((frame, layout))

    def close(self) -> None:
        """There is nothing but the node's port."""
