"""People as the DetectionArray of yolo_ros."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17
from neuropose_ros.core.pose import Origin3D, PoseFrame

pytest.importorskip('rclpy', reason='needs ROS 2')
pytest.importorskip('yolo_msgs.msg', reason='needs yolo_msgs')

from rclpy.serialization import deserialize_message, serialize_message
from yolo_msgs.msg import DetectionArray

from neuropose_ros.nodes.adapters.yolo import to_message


def sent(frame: PoseFrame) -> DetectionArray:
    """Return the message as it arrives."""
    return deserialize_message(serialize_message(to_message(frame, BLAZEPOSE33)), DetectionArray)


def test_a_person_is_a_detection_with_cocos_joints(frame: PoseFrame, coco_of: list[int]) -> None:
    message = sent(frame)
    assert message.header.frame_id == 'optical'
    found, = message.detections
    assert (found.class_id, found.class_name, found.score, found.id) == (0, 'person', 0.75, '3')
    assert (found.bbox.center.position.x, found.bbox.size.y) == (260.0, 340.0)
    person = frame.persons[0]
    wrist = COCO17.index('left_wrist')
    ids = [keypoint.id for keypoint in found.keypoints.data]
    assert ids == [joint + 1 for joint in range(17) if joint != wrist]
    for keypoint in found.keypoints.data:
        joint = coco_of[keypoint.id - 1]
        assert (keypoint.point.x, keypoint.point.y) == tuple(person.keypoints[joint].tolist())
        assert keypoint.score == person.keypoint_scores[joint]


def test_places_are_given_with_their_frame_and_a_box(
    frame: PoseFrame, coco_of: list[int],
) -> None:
    found = sent(frame).detections[0]
    assert (found.keypoints3d.frame_id, found.bbox3d.frame_id) == ('optical', 'optical')
    assert len(found.keypoints3d.data) == 16
    places = frame.persons[0].keypoints_3d[coco_of]
    nose = found.keypoints3d.data[0]
    assert (nose.id, nose.point.x, nose.point.z) == (1, float(places[0, 0]), 2.5)
    np.testing.assert_allclose(
        found.bbox3d.size.x, np.nanmax(places[:, 0]) - np.nanmin(places[:, 0]), rtol=1e-6)


def test_what_is_relative_to_the_root_is_no_place(frame: PoseFrame) -> None:
    relative = replace(frame.persons[0], origin_3d=Origin3D.ROOT_RELATIVE, frame_3d='')
    found = sent(replace(frame, persons=(relative,))).detections[0]
    assert found.keypoints3d.data == []
    assert found.keypoints3d.frame_id == ''
