"""People as a PointCloud2: one point for each joint that has a place in the room."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField

from neuropose_ros.core.pose import Origin3D, PersonPose, PoseFrame
from neuropose_ros.nodes import qos
from neuropose_ros.nodes.base import StageNode
from neuropose_ros.nodes.ports import Output
from neuropose_ros.nodes.types import ROS

NEEDS = 'sensor_msgs_py'

_POINT: np.dtype[Any] = np.dtype([
    ('x', np.float32), ('y', np.float32), ('z', np.float32), ('track_id', np.int32),
    ('joint', np.uint16), ('state', np.uint8), ('confidence', np.float32)])
_DATATYPES = {
    'float32': PointField.FLOAT32, 'int32': PointField.INT32, 'uint16': PointField.UINT16,
    'uint8': PointField.UINT8}


def apt_package(ros_package: str) -> str:
    """Return the Debian package of a ROS package, for this distribution."""
    return f'ros-{os.environ.get("ROS_DISTRO", "$ROS_DISTRO")}-{ros_package.replace("_", "-")}'


def open_cloud(node: StageNode) -> Output[PoseFrame] | None:
    """Advertise ``~/points``; None, and one sentence in the log, without sensor_msgs_py."""
    if find_spec(NEEDS) is None:
        node.get_logger().info(
            f'~/points is not published: it needs {NEEDS} (apt install {apt_package(NEEDS)})')
        return None
    return Output(node, '~/points', PointCloud2, qos.reliable(5), cloud,
                  key=lambda frame: frame.stamp_ns)


def cloud(frame: PoseFrame) -> PointCloud2:
    """Return the joints of people whose 3D is in the camera's frame; others have no place.

    Fields: x y z (m, in the optical frame), track_id, joint (index in the frame's layout), state
    (``JointState``), confidence (the keypoint's score). Joints without a place are left out.
    """
    from sensor_msgs_py.point_cloud2 import create_cloud

    placed = [person for person in frame.persons if person.origin_3d is Origin3D.CAMERA]
    frame_id = next((person.frame_3d for person in placed), frame.frame_id)
    points = [_points(person) for person in placed]
    message: PointCloud2 = create_cloud(
        ROS.header(frame.stamp_ns, frame_id), _fields(),
        np.concatenate(points) if points else np.zeros(0, _POINT))
    return message


def _fields() -> list[PointField]:
    return [
        PointField(name=name, offset=entry[1], datatype=_DATATYPES[entry[0].name], count=1)
        for name, entry in (_POINT.fields or {}).items()]


def _points(person: PersonPose) -> NDArray[Any]:
    places = person.keypoints_3d
    states = person.keypoint_states if person.keypoint_states_3d is None else (
        person.keypoint_states_3d)
    if places is None:
        return np.zeros(0, _POINT)
    known = np.flatnonzero(np.isfinite(places).all(1))
    points = np.zeros(len(known), _POINT)
    points['x'], points['y'], points['z'] = places[known].T
    points['track_id'] = person.track_id
    points['joint'] = known
    points['state'] = states[known]
    points['confidence'] = person.keypoint_scores[known]
    return points
