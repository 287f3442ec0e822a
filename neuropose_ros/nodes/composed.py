"""The whole graph in one process: the same nodes, frames handed over by reference."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rclpy.parameter import Parameter
from rclpy.utilities import remove_ros_args

from neuropose_ros.core.errors import SessionError
from neuropose_ros.nodes.action import ActionNode
from neuropose_ros.nodes.action_parameters import needed_scene_model, wants_actions
from neuropose_ros.nodes.base import StageNode
from neuropose_ros.nodes.camera import CameraNode
from neuropose_ros.nodes.hub import Hub
from neuropose_ros.nodes.pose import PoseNode
from neuropose_ros.nodes.refinement import RefinementNode
from neuropose_ros.nodes.spin import run

TOPIC = 'topic:'


def topic_remaps(source: str) -> tuple[list[str], str]:
    """Return ROS arguments and image_transport that make the pose node read ``topic:/name``."""
    topic = source.removeprefix(TOPIC)
    base, compressed = topic.removesuffix('/compressed'), topic.endswith('/compressed')
    return ['--ros-args', '-r', f'image_raw:={base}'], 'compressed' if compressed else 'raw'


def build(
    source: str = '', model: str = '', detector: str = '', recogniser: str = '',
    record: str | None = None,
) -> Sequence[StageNode]:
    """Make the nodes; an empty text leaves the choice to parameters.

    Args:
        source: overrides the camera's ``source`` parameter; ``topic:/name`` reads an existing
            topic and makes no camera node.
        model, detector: override the pose node's parameters.
        recogniser: overrides the action node's; ``none`` makes no action node.
        record: folder of the session to record from the start; None makes no recorder node.

    Raises:
        NeuroposeError: there is no such recogniser, or `record` names no folder.
    """
    hub = Hub()
    action = _action_node(hub, recogniser)
    overrides = _overrides(model=model, detector=detector)
    remaps: list[str] = []
    if source.startswith(TOPIC):
        remaps, transport = topic_remaps(source)
        overrides += _overrides(image_transport=transport)
    pose = PoseNode(hub=hub, overrides=overrides, cli_args=remaps)
    for node in action:
        _give_scene(pose, node)
    # Consumers first: when the camera's first frame comes, everybody is there.
    nodes = [*_recorder_node(hub, record), *action, RefinementNode(hub=hub), pose]
    if source.startswith(TOPIC):
        return nodes
    return [*nodes, CameraNode(hub=hub, overrides=_overrides(source=source))]


def _recorder_node(hub: Hub, record: str | None) -> list[StageNode]:
    """Return the recorder node where there is something to record to."""
    if record is None:
        return []
    from neuropose_ros.nodes.recorder import RecorderNode

    path = Path(record).expanduser().absolute()
    # An unset variable of a shell must not pass for a recording, or for one without a name.
    if not record.strip() or not path.name:
        raise SessionError(
            f'--record {record!r} names no folder for the session; write it as --record walk')
    overrides = _overrides(folder=str(path.parent), session=path.name)
    return [RecorderNode(
        hub=hub, overrides=[*overrides, Parameter('recording', value=True)])]


def _action_node(hub: Hub, recogniser: str) -> list[StageNode]:
    """Return the action node, or nothing where no recogniser is chosen and none is shipped."""
    node = ActionNode(hub=hub, overrides=_overrides(recogniser=recogniser))
    if wants_actions(node.settings['recogniser'], node.get_logger().info):
        return [node]
    node.destroy_node()
    return []


def _give_scene(pose: StageNode, action: StageNode) -> None:
    """Let the pose node encode what the recogniser reads, unless its parameters say what."""
    scene_model = needed_scene_model(action.settings)
    if scene_model and not pose.settings['scene_model']:
        pose.set_parameters([Parameter('scene_model', value=scene_model)])


def _overrides(**given: str) -> list[Parameter[Any]]:
    return [Parameter(name, value=value) for name, value in given.items() if value]


def main(args: list[str] | None = None) -> int:
    """Run the graph as one process."""
    given = sys.argv[1:] if args is None else args
    parser = argparse.ArgumentParser(prog='composed', description=__doc__)
    parser.add_argument(
        '--source', default='',
        help='camera, file, folder, url, synthetic[:scene] or topic:/name; default: the camera '
             "node's source parameter")
    parser.add_argument('--model', default='', help="default: the pose node's parameter")
    parser.add_argument('--detector', default='', help="default: the pose node's parameter")
    parser.add_argument(
        '--recogniser', default='',
        help="name or folder, none = no actions; default: the action node's parameter")
    parser.add_argument(
        '--record', metavar='DIR',
        help='record everything but images into a session in this folder, which is made')
    own = parser.parse_args(remove_ros_args(args=['composed', *given])[1:])
    return run(
        lambda: build(own.source, own.model, own.detector, own.recogniser, own.record), given)
