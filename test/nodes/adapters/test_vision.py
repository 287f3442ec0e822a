"""People as Detection2DArray."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.layouts import BLAZEPOSE33
from neuropose_ros.core.pose import Origin3D, PoseFrame

pytest.importorskip('rclpy', reason='needs ROS 2')
pytest.importorskip('vision_msgs.msg', reason='needs vision_msgs')

from rclpy.serialization import deserialize_message, serialize_message
from vision_msgs.msg import Detection2DArray

from neuropose_ros.nodes.adapters.vision import to_message


def sent(frame: PoseFrame) -> Detection2DArray:
    """Return the message as it arrives."""
    return deserialize_message(serialize_message(to_message(frame, BLAZEPOSE33)), Detection2DArray)


def test_a_person_is_a_detection_with_box_and_track(frame: PoseFrame) -> None:
    message = sent(frame)
    assert (message.header.frame_id, message.header.stamp.nanosec) == ('optical', 7)
    detection, = message.detections
    assert detection.id == '3'
    assert detection.header == message.header
    box = detection.bbox
    assert (box.center.position.x, box.center.position.y) == (260.0, 210.0)
    assert (box.size_x, box.size_y, box.center.theta) == (360.0, 340.0, 0.0)
    result, = detection.results
    assert (result.hypothesis.class_id, result.hypothesis.score) == ('person', 0.75)


def test_the_pose_is_that_of_the_mid_hip(frame: PoseFrame) -> None:
    hips = [BLAZEPOSE33.index('left_hip'), BLAZEPOSE33.index('right_hip')]
    pose = sent(frame).detections[0].results[0].pose
    expected = frame.persons[0].keypoints_3d[hips].mean(0)
    np.testing.assert_allclose(
        (pose.pose.position.x, pose.pose.position.y, pose.pose.position.z), expected, rtol=1e-6)
    covariance = np.array(pose.covariance).reshape(6, 6)
    np.testing.assert_allclose(
        covariance[:3, :3],
        [[0.01, -0.002, 0.003], [-0.002, 0.02, 0.004], [0.003, 0.004, 0.09]], rtol=1e-5)
    assert (np.diag(covariance)[3:] > 3).all()


@pytest.mark.parametrize('change', [
    {'origin_3d': Origin3D.ROOT_RELATIVE, 'frame_3d': ''}, {'keypoints_3d': None},
    {'frame_3d': 'elsewhere'}])
def test_a_place_that_is_not_known_is_no_place(frame: PoseFrame, change: dict) -> None:
    relative = replace(frame, persons=(replace(frame.persons[0], **change),))
    position = sent(relative).detections[0].results[0].pose.pose.position
    assert math.isnan(position.x) and math.isnan(position.y) and math.isnan(position.z)


def test_nobody_is_an_empty_list(frame: PoseFrame) -> None:
    assert sent(replace(frame, persons=())).detections == []
