"""What people can be translated to, and whether its messages are installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, cast

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.nodes.cloud import apt_package

if TYPE_CHECKING:
    from neuropose_ros.nodes.base import StageNode


class Target(Protocol):
    """Publishes people as somebody else's messages."""

    @property
    def demanded(self) -> bool:
        """Whether somebody listens."""
        ...

    @property
    def sent(self) -> int:
        """Frames published."""
        ...

    def follow_demand(self, wanted: bool) -> None:
        """Open or close what else it reads; called at 10 Hz."""
        ...

    def send(self, frame: PoseFrame, layout: SkeletonLayout) -> None:
        """Publish the people of a frame; each of them is confirmed, and the layout the frame's."""
        ...

    def close(self) -> None:
        """Withdraw what the node's ports do not."""
        ...


@dataclass(frozen=True)
class Messages:
    """Where a target's messages come from.

    Attributes:
        package: the ROS package.
        repository: where it is built from where apt has none.
        module: of this package; its ``create(node)`` gives the `Target`.
    """

    package: str
    repository: str
    module: str


TARGETS: Mapping[str, Messages] = {
    'humans': Messages('hri_msgs', 'github.com/ros4hri/hri_msgs, branch humble-devel', 'humans'),
    'vision_msgs': Messages('vision_msgs', 'github.com/ros-perception/vision_msgs', 'vision'),
    'yolo_msgs': Messages('yolo_msgs', 'github.com/mgonzs13/yolo_ros', 'yolo'),
}


def require(to: str, messages: Messages) -> None:
    """Raise ParameterError, in one sentence, where a target's messages are not installed."""
    if find_spec(messages.package) is None:
        raise ParameterError(
            f'to:={to} needs the ROS package {messages.package}, which is not installed: '
            f'apt install {apt_package(messages.package)}, or where apt has none build it from '
            f'{messages.repository}')


def create(to: str, node: StageNode) -> Target:
    """Return a target that publishes as a part of ``node``.

    Raises:
        ParameterError: its messages are not installed.
    """
    messages = TARGETS[to]
    require(to, messages)
    module = import_module(f'neuropose_ros.nodes.adapters.{messages.module}')
    return cast(Target, module.create(node))
