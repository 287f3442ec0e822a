"""Values survive their messages: with rosbags, that needs no ROS, and with rclpy where it is."""

from __future__ import annotations

from array import array
from dataclasses import astuple, fields, replace

import numpy as np
import pytest

from neuropose_ros.core.errors import LayoutError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import (
    FramePolicy,
    FrameStatus,
    JointState,
    Origin3D,
    PersonPose,
    PoseFrame,
    SceneEmbedding,
    TrackState,
)
from neuropose_ros.core.wire import (
    FrameInfo,
    MessageTypes,
    frame_info_from_message,
    frame_info_to_message,
    layout_from_message,
    layout_to_message,
    pose_frame_from_message,
    pose_frame_to_message,
    scene_from_message,
    scene_to_message,
    stamp_ns,
)

K = 17


def full_person() -> PersonPose:
    rng = np.random.default_rng(3)

    def floats(*shape):
        return rng.normal(size=shape).astype(np.float32)

    person = PersonPose(
        keypoints=floats(K, 2), keypoint_scores=rng.random(K).astype(np.float32),
        keypoint_states=np.arange(K, dtype=np.uint8) % 8, box=np.array((1, 2, 30, 40), np.float32),
        score=0.5, track_id=7, track_state=TrackState.CONFIRMED,
        keypoint_covariances=floats(K, 3), keypoint_velocities=floats(K, 2),
        keypoint_innovations=floats(K, 2), keypoints_3d=floats(K, 3),
        keypoint_states_3d=np.full(K, JointState.PREDICTED, np.uint8),
        keypoint_covariances_3d=floats(K, 6), origin_3d=Origin3D.CAMERA, frame_3d='optical',
        delay_ms=12.5)
    person.keypoints[1] = np.nan  # state 1: MISSING
    return person


def full_frame() -> PoseFrame:
    bare = PersonPose(
        np.zeros((K, 2), np.float32), np.zeros(K, np.float32), np.zeros(K, np.uint8),
        np.zeros(4, np.float32))
    return PoseFrame(
        stamp_ns=1_700_000_000_123_456_789, frame_seq=2 ** 40, layout=COCO17.id, image_width=640,
        image_height=480, frame_id='camera', epoch=3, seq_is_local=True, status=FrameStatus.OK,
        skipped_before=2, feedback_stamp_ns=1_600_000_000_000_000_001, stage='pose', model='m',
        receive_ms=1.5, preprocess_ms=2.5, inference_ms=3.5, postprocess_ms=4.5,
        persons=(full_person(), bare))


def assert_same(got, expected):
    for item in fields(expected):
        first, second = getattr(got, item.name), getattr(expected, item.name)
        if isinstance(second, np.ndarray):
            np.testing.assert_array_equal(first, second, err_msg=item.name)
            assert first.dtype == second.dtype, item.name
        elif item.name == 'persons':
            assert len(first) == len(second)
            for one, other in zip(first, second, strict=True):
                assert_same(one, other)
        else:
            assert first == second, item.name
            assert type(first) is type(second), item.name


def test_a_frame_survives_its_message_bit_by_bit(wire):
    frame = full_frame()
    message = wire.over_the_wire(pose_frame_to_message(frame, wire.types))
    assert_same(pose_frame_from_message(message), frame)


@pytest.mark.parametrize('status', FrameStatus)
def test_a_frame_without_people_survives(wire, status):
    frame = PoseFrame(0, 0, '', 0, 0, status=status)
    message = wire.over_the_wire(pose_frame_to_message(frame, wire.types))
    assert_same(pose_frame_from_message(message), frame)


def test_a_person_without_joints_survives(wire):
    nobody = PersonPose(
        np.zeros((0, 2), np.float32), np.zeros(0, np.float32), np.zeros(0, np.uint8),
        np.zeros(4, np.float32))
    frame = replace(full_frame(), persons=(nobody,))
    message = wire.over_the_wire(pose_frame_to_message(frame, wire.types))
    assert pose_frame_from_message(message).persons[0].keypoints.shape == (0, 2)


def test_arrays_of_a_received_frame_belong_to_it(wire):
    message = wire.over_the_wire(pose_frame_to_message(full_frame(), wire.types))
    first = pose_frame_from_message(message)
    first.persons[0].keypoints[:] = -1.0
    first.persons[0].keypoint_states[:] = 0
    assert_same(pose_frame_from_message(message), full_frame())


def test_strided_and_wider_arrays_are_sent_as_they_read(wire):
    wide = np.arange(2 * K * 2, dtype=np.float64).reshape(K, 4)[:, ::2]
    frame = full_frame()
    frame = replace(frame, persons=(replace(frame.persons[0], keypoint_velocities=wide),))
    message = wire.over_the_wire(pose_frame_to_message(frame, wire.types))
    received = pose_frame_from_message(message).persons[0].keypoint_velocities
    np.testing.assert_array_equal(received, wide.astype(np.float32))


@pytest.mark.parametrize('time_ns', [0, 1, 999_999_999, 1_000_000_000, 2 ** 31 * 10 ** 9 - 1])
def test_stamps_are_exact(wire, time_ns):
    assert stamp_ns(wire.types.time(time_ns)) == time_ns


def test_a_nan_that_claims_to_be_measured_is_unknown(wire):
    person = full_person()
    person.keypoints[7] = (np.nan, 4.0)  # state 7: MEASURED
    person.keypoints_3d[2] = np.inf
    person.keypoint_states_3d[:] = JointState.MEASURED
    frame = replace(full_frame(), persons=(person,))
    received = pose_frame_from_message(pose_frame_to_message(frame, wire.types)).persons[0]
    assert received.keypoint_states[7] == JointState.UNKNOWN
    assert received.keypoint_states[15] == JointState.MEASURED
    assert received.keypoint_states_3d[2] == JointState.UNKNOWN
    assert received.keypoint_states_3d[3] == JointState.MEASURED


@pytest.mark.parametrize(('field', 'length'), [
    ('keypoint_scores', K - 1), ('keypoint_states', 0), ('keypoint_covariances', 3 * K + 3),
    ('keypoint_velocities', 2), ('keypoint_innovations', 2 * K - 2), ('keypoints_3d', 3 * K - 3),
    ('keypoint_states_3d', K + 1), ('keypoint_covariances_3d', 6), ('keypoints', 2 * K - 1),
])
def test_arrays_that_contradict_each_other_are_refused(wire, field, length):
    message = pose_frame_to_message(full_frame(), wire.types)
    dtype = 'uint8' if 'states' in field else 'float32'
    setattr(message.persons[0], field, wire.types.sequence(np.zeros(length), dtype))
    with pytest.raises(ValueError, match=r'\d'):
        pose_frame_from_message(message)


def test_values_of_a_newer_version_are_the_least_trusted(wire):
    message = pose_frame_to_message(full_frame(), wire.types)
    message.status = 99
    message.persons[0].track_state = 99
    message.persons[0].origin_3d = 99
    received = pose_frame_from_message(message)
    assert received.status is FrameStatus.UNKNOWN
    assert received.persons[0].track_state is TrackState.UNKNOWN
    assert received.persons[0].origin_3d is Origin3D.UNKNOWN


@pytest.mark.parametrize(('enum', 'kind', 'prefix'), [
    (FrameStatus, 'PersonArray', 'STATUS'), (TrackState, 'Person', 'TRACK'),
    (JointState, 'Person', 'STATE'), (Origin3D, 'Person', 'ORIGIN'),
    (FramePolicy, 'FrameInfo', 'POLICY'),
])
def test_enums_are_those_of_the_messages(wire, enum, kind, prefix):
    message = wire.types.find(f'neuropose_ros/msg/{kind}')
    assert {item.name: getattr(message, f'{prefix}_{item.name}') for item in enum} == {
        item.name: item.value for item in enum}
    assert enum(0).name == 'UNKNOWN'


def test_frame_info_survives(wire):
    info = FrameInfo(1_234_567_890_123, 9, 'camera', 2, 'file.mp4', FramePolicy.EVERY_FRAME, True)
    message = wire.over_the_wire(frame_info_to_message(info, wire.types))
    assert astuple(frame_info_from_message(message)) == astuple(info)


def test_a_scene_embedding_survives(wire):
    scene = SceneEmbedding(
        1_700_000_000_123_456_789, 2 ** 40, 'mobilenet', np.linspace(-1, 6, 5, dtype=np.float32),
        frame_id='camera', epoch=3)
    assert_same(scene_from_message(wire.over_the_wire(scene_to_message(scene, wire.types))), scene)


def test_a_layout_survives_with_its_id(wire):
    message = wire.over_the_wire(layout_to_message(COCO17, wire.types))
    received = layout_from_message(message)
    assert received == COCO17
    assert received.id == message.id == COCO17.id


@pytest.mark.parametrize('edges', [[0, 1, 2], [0, 17]])
def test_a_layout_of_impossible_bones_is_refused(wire, edges):
    message = layout_to_message(COCO17, wire.types)
    message.edges = wire.types.sequence(edges, 'uint16')
    with pytest.raises(LayoutError, match='layout coco17'):
        layout_from_message(message)


def test_a_layout_with_the_id_of_other_joints_is_refused(wire):
    """Else its left would be taken for right wherever that id is known."""
    message = layout_to_message(COCO17, wire.types)
    message.names = [name.replace('left', '-').replace('right', 'left').replace('-', 'right')
                     for name in message.names]
    with pytest.raises(LayoutError, match='changed one and not the other'):
        layout_from_message(message)
    message.id = 'mirror17'  # a foreign publisher may number its layouts otherwise
    assert layout_from_message(message).names[1] == 'right_eye'


def test_rclpy_gets_arrays_and_rosbags_numpy():
    rclpy_like, rosbags_like = MessageTypes(str), MessageTypes(str, numpy_sequences=True)
    assert rclpy_like.sequence([1, 2], 'float32') == array('f', (1, 2))
    assert rclpy_like.sequence(None, 'uint8') == array('B')
    sequence = rosbags_like.sequence([[1, 2]], 'uint16')
    assert sequence.dtype == np.uint16
    assert sequence.shape == (2,)
