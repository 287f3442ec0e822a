"""People as points, through the reader that others use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import JointState, Origin3D, PersonPose, PoseFrame

pytest.importorskip('rclpy', reason='needs ROS 2')

from neuropose_ros.nodes import cloud

K = len(COCO17)


def person(track_id: int, **changes: Any) -> PersonPose:
    places = np.arange(3 * K, dtype=np.float32).reshape(K, 3) + track_id
    places[4] = np.nan
    states = np.full(K, JointState.MEASURED, np.uint8)
    states[4] = JointState.OCCLUDED
    plain = PersonPose(
        np.zeros((K, 2), np.float32), np.linspace(0, 1, K, dtype=np.float32), states,
        np.zeros(4, np.float32), track_id=track_id, keypoints_3d=places,
        keypoint_states_3d=states, origin_3d=Origin3D.CAMERA, frame_3d='optical')
    return replace(plain, **changes)


def frame(*persons: PersonPose) -> PoseFrame:
    return PoseFrame(12_000_000_034, 0, COCO17.id, 640, 480, frame_id='camera', persons=persons)


def test_every_joint_with_a_place_is_a_point() -> None:
    reader = pytest.importorskip('sensor_msgs_py.point_cloud2', reason='needs sensor_msgs_py')
    relative = person(9, origin_3d=Origin3D.ROOT_RELATIVE, frame_3d='')
    message = cloud.cloud(frame(person(1), relative, person(2), person(3, keypoints_3d=None)))
    assert message.header.frame_id == 'optical'
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (12, 34)
    points = reader.read_points(message)
    assert points.dtype.names == ('x', 'y', 'z', 'track_id', 'joint', 'state', 'confidence')
    assert points['track_id'].tolist() == [1] * (K - 1) + [2] * (K - 1)
    joints = [index for index in range(K) if index != 4]
    assert points['joint'].tolist() == joints * 2
    assert set(points['state'].tolist()) == {JointState.MEASURED}
    first = points[1]
    assert (first['x'], first['y'], first['z'], first['joint']) == (4, 5, 6, 1)
    assert first['confidence'] == np.float32(1 / 16)


def test_nobody_with_a_place_is_a_cloud_without_points() -> None:
    reader = pytest.importorskip('sensor_msgs_py.point_cloud2', reason='needs sensor_msgs_py')
    message = cloud.cloud(frame())
    assert (message.width, message.height) == (0, 1)
    assert message.header.frame_id == 'camera'
    assert len(reader.read_points(message)) == 0


def test_the_missing_package_is_named_as_apt_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    assert cloud.apt_package('sensor_msgs_py') == 'ros-jazzy-sensor-msgs-py'


def test_rviz_gets_the_points_of_a_walker(graph: Any) -> None:
    reader = pytest.importorskip('sensor_msgs_py.point_cloud2', reason='needs sensor_msgs_py')
    from sensor_msgs.msg import PointCloud2

    graph.start('composed', '--source', 'synthetic:walk?depth=1&rate=10')
    clouds = graph.collect(PointCloud2, '/pose/points')
    graph.until(lambda: clouds and clouds[-1].width > 20, 40)
    points = reader.read_points(clouds[-1])
    assert clouds[-1].header.frame_id == 'camera'
    # The subject walks on the spot, 2.85 m before the camera.
    assert abs(float(np.median(points['z'])) - 2.85) < 0.3
