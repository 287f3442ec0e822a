"""People as bodies of REP-155."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.layouts import BLAZEPOSE33
from neuropose_ros.core.pose import JointState, PoseFrame

pytest.importorskip('rclpy', reason='needs ROS 2')
pytest.importorskip('hri_msgs.msg', reason='needs hri_msgs')

from hri_msgs.msg import Skeleton2D
from rclpy.serialization import deserialize_message, serialize_message

from neuropose_ros.nodes.adapters import humans


def skeleton(frame: PoseFrame) -> Skeleton2D:
    """Return the first person's skeleton as it arrives."""
    message = humans.skeleton(frame.persons[0], frame, BLAZEPOSE33)
    return deserialize_message(serialize_message(message), Skeleton2D)


def test_joints_are_in_the_order_of_the_messages_codes(frame: PoseFrame) -> None:
    message = skeleton(frame)
    assert message.header.frame_id == 'optical'
    assert [joint.upper() for joint in humans.JOINTS.names] == [
        name for _, name in sorted(
            (getattr(Skeleton2D, name), name)
            for name in (joint.upper() for joint in humans.JOINTS.names))]
    person = frame.persons[0]
    for joint in ('nose', 'right_ankle', 'left_eye', 'left_ear'):
        point = message.skeleton[getattr(Skeleton2D, joint.upper())]
        index = BLAZEPOSE33.index(joint)
        expected = (person.keypoints[index] + 0.5) / (640, 480)
        np.testing.assert_allclose((point.x, point.y), expected, rtol=1e-6)
        assert point.c == person.keypoint_scores[index]


def test_the_neck_is_the_middle_of_the_shoulders(frame: PoseFrame) -> None:
    points = skeleton(frame).skeleton
    neck, left, right = (
        points[code] for code in (
            Skeleton2D.NECK, Skeleton2D.LEFT_SHOULDER, Skeleton2D.RIGHT_SHOULDER))
    assert neck.x == pytest.approx((left.x + right.x) / 2)
    assert neck.c == min(left.c, right.c)


def test_unknown_outside_and_unseen_joints_have_no_confidence(frame: PoseFrame) -> None:
    person = frame.persons[0]
    nose, knee = BLAZEPOSE33.index('nose'), BLAZEPOSE33.index('left_knee')
    keypoints, states = person.keypoints.copy(), person.keypoint_states.copy()
    keypoints[nose] = (-20, 10)
    elbow = BLAZEPOSE33.index('left_elbow')
    states[knee], states[elbow] = JointState.PREDICTED, JointState.INTERPOLATED
    changed = replace(person, keypoints=keypoints, keypoint_states=states)
    points = skeleton(replace(frame, persons=(changed,))).skeleton
    for joint in (Skeleton2D.NOSE, Skeleton2D.LEFT_WRIST):
        assert (points[joint].x, points[joint].y, points[joint].c) == (0, 0, 0)
    for joint in (Skeleton2D.LEFT_KNEE, Skeleton2D.LEFT_ELBOW):
        assert points[joint].x > 0
        assert points[joint].c == 0


def test_a_region_ends_with_the_picture(frame: PoseFrame) -> None:
    person = replace(frame.persons[0], box=np.array((-30, 119.5, 319.5, 700), np.float32))
    region = humans.region(person, frame)
    assert (region.xmin, region.ymin, region.xmax, region.ymax) == (0.0, 0.25, 0.5, 1.0)
    assert region.c == 0.75
