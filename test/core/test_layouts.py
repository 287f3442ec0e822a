"""The built-in layouts and what conversion between them keeps and admits not to know."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from neuropose_ros.core.errors import LayoutError
from neuropose_ros.core.layouts import (
    BLAZEPOSE33,
    BUILT_IN,
    COCO17,
    COCO_WHOLEBODY133,
    H36M17,
    HALPE26,
    JHMDB15,
    MPII16,
    conversion_matrix,
    convert_frame,
    convert_person,
    convert_points,
    layout,
)
from neuropose_ros.core.pose import JointState, PersonPose, PoseFrame

ALL = tuple(BUILT_IN.values())


def person(skeleton, **extra) -> PersonPose:
    count = len(skeleton)
    points = np.stack((np.arange(count), 100.0 + np.arange(count)), axis=1).astype(np.float32)
    return PersonPose(
        points, np.linspace(0.5, 1.0, count, dtype=np.float32),
        np.full(count, JointState.MEASURED, np.uint8), np.array((0, 0, 40, 140), np.float32),
        **extra)


@pytest.mark.parametrize(('name', 'count'), [
    ('coco17', 17), ('blazepose33', 33), ('halpe26', 26), ('mpii16', 16), ('h36m17', 17),
    ('jhmdb15', 15), ('coco_wholebody133', 133), ('kinect20', 20), ('utd_mhad20', 20),
    ('ntu25', 25), ('cmu28', 28),
])
def test_every_layout_has_its_joints(name, count):
    assert len(layout(name)) == count
    assert layout(layout(name).id) is layout(name)


def test_ids_stay_as_recordings_have_them():
    assert {item.id for item in ALL} == {
        'coco17@31c4', 'blazepose33@ab09', 'halpe26@2898', 'mpii16@3de4', 'h36m17@d4ae',
        'jhmdb15@5665', 'coco_wholebody133@a75c', 'kinect20@592a', 'utd_mhad20@b27e',
        'ntu25@04ed', 'cmu28@3aa5'}


@pytest.mark.parametrize('skeleton', ALL, ids=lambda item: item.name)
def test_pairs_are_left_and_right_of_one_joint(skeleton):
    face = {index for index, name in enumerate(skeleton.names) if name.startswith('face_')}
    paired = {joint for pair in skeleton.mirror_pairs for joint in pair} - face
    sided = {index for index, name in enumerate(skeleton.names)
             if 'left' in name or 'right' in name}
    assert paired == sided
    for left, right in skeleton.mirror_pairs:
        if left not in face:
            assert skeleton.names[right] == skeleton.names[left].replace('left', 'right')


@pytest.mark.parametrize('skeleton', ALL, ids=lambda item: item.name)
def test_bones_are_the_same_on_both_sides(skeleton):
    other = {index: index for index in range(len(skeleton))}
    for left, right in skeleton.mirror_pairs:
        other[left], other[right] = right, left
    bones = {frozenset(bone) for bone in skeleton.edges}
    assert {frozenset(other[end] for end in bone) for bone in bones} == bones


@pytest.mark.parametrize('skeleton', ALL, ids=lambda item: item.name)
def test_limbs_hang_together(skeleton):
    neighbours = {index: set() for index in range(len(skeleton))}
    for first, second in skeleton.edges:
        neighbours[first].add(second)
        neighbours[second].add(first)
    reached, open_ends = set(), [skeleton.index('left_wrist')]
    while open_ends:
        joint = open_ends.pop()
        if joint not in reached:
            reached.add(joint)
            open_ends += neighbours[joint]
    body = {index for index, name in enumerate(skeleton.names) if any(
        part in name for part in ('wrist', 'elbow', 'shoulder', 'hip', 'knee', 'ankle'))}
    assert body <= reached


@pytest.mark.parametrize('name', ['coco', 'coco17@0000', 'COCO17', ''])
def test_an_unknown_layout_or_version_is_refused(name):
    with pytest.raises(LayoutError):
        layout(name)


def test_joints_in_both_layouts_are_taken_as_they_are():
    matrix = conversion_matrix(BLAZEPOSE33, COCO17)
    for row, name in enumerate(COCO17.names):
        assert np.flatnonzero(matrix[row]).tolist() == [BLAZEPOSE33.index(name)]
        assert matrix[row].max() == 1.0


@pytest.mark.parametrize(('source', 'target'), permutations(ALL, 2), ids=lambda item: item.name)
def test_weights_sum_to_one_or_nothing(source, target):
    matrix = conversion_matrix(source, target)
    assert matrix.shape == (len(target), len(source))
    assert set(np.round(matrix.sum(axis=1), 6).tolist()) <= {0.0, 1.0}
    points = np.random.default_rng(1).normal(size=(2, len(source), 3)).astype(np.float32)
    converted = convert_points(points, source, target)
    known = matrix.sum(axis=1) > 0
    assert converted[:, known] == pytest.approx((matrix @ points)[:, known], abs=1e-6)
    assert np.isnan(converted[:, ~known]).all()


@pytest.mark.parametrize(('source', 'target', 'joint', 'parts'), [
    (COCO17, H36M17, 'pelvis', ('left_hip', 'right_hip')),
    (COCO17, JHMDB15, 'neck', ('left_shoulder', 'right_shoulder')),
    (COCO17, JHMDB15, 'face', ('nose',)),
    (HALPE26, MPII16, 'pelvis', ('hip',)),
    (JHMDB15, COCO17, 'nose', ('face',)),
    (BLAZEPOSE33, HALPE26, 'left_big_toe', ('left_foot_index',)),
])
def test_derived_joints_are_means_of_their_parts(source, target, joint, parts):
    indices = [source.index(part) for part in parts]
    points = person(source).keypoints
    assert convert_points(points, source, target)[target.index(joint)] == pytest.approx(
        points[indices].mean(axis=0))


def test_a_derived_joint_is_as_sure_as_its_least_sure_part():
    someone = person(COCO17)
    someone.keypoint_states[COCO17.index('left_hip')] = JointState.OCCLUDED
    someone.keypoint_scores[COCO17.index('left_hip')] = 0.1
    converted = convert_person(someone, COCO17, H36M17)
    pelvis = H36M17.index('pelvis')
    assert converted.keypoint_states[pelvis] == JointState.OCCLUDED
    assert converted.keypoint_scores[pelvis] == pytest.approx(0.1)
    assert converted.keypoint_states[H36M17.index('right_hip')] == JointState.MEASURED


def test_a_joint_that_the_source_lacks_is_missing_not_guessed():
    converted = convert_person(person(COCO17), COCO17, BLAZEPOSE33)
    heel = BLAZEPOSE33.index('left_heel')
    assert np.isnan(converted.keypoints[heel]).all()
    assert converted.keypoint_states[heel] == JointState.MISSING
    assert converted.keypoint_scores[heel] == 0.0


def test_a_part_that_is_not_known_makes_the_whole_unknown():
    someone = person(COCO17)
    hip = COCO17.index('left_hip')
    someone.keypoints[hip] = np.nan
    someone.keypoint_states[hip] = JointState.OUT_OF_FRAME
    converted = convert_person(someone, COCO17, H36M17)
    pelvis = H36M17.index('pelvis')
    assert np.isnan(converted.keypoints[pelvis]).all()
    assert converted.keypoint_states[pelvis] == JointState.OUT_OF_FRAME


def test_covariances_are_kept_where_no_mean_was_taken_and_dropped_otherwise():
    count = len(BLAZEPOSE33)
    someone = person(
        BLAZEPOSE33, keypoint_covariances=np.arange(count * 3, dtype=np.float32).reshape(-1, 3),
        keypoint_innovations=np.ones((count, 2), np.float32),
        keypoint_velocities=person(BLAZEPOSE33).keypoints)
    as_coco = convert_person(someone, BLAZEPOSE33, COCO17)
    wrist = BLAZEPOSE33.index('left_wrist')
    assert as_coco.keypoint_covariances[COCO17.index('left_wrist')].tolist() == [
        3 * wrist, 3 * wrist + 1, 3 * wrist + 2]
    as_h36m = convert_person(someone, BLAZEPOSE33, H36M17)
    assert as_h36m.keypoint_covariances is None
    assert as_h36m.keypoint_innovations is None
    assert as_h36m.keypoint_velocities.shape == (len(H36M17), 2)


def test_3d_joints_are_converted_with_their_states():
    count = len(BLAZEPOSE33)
    points = np.random.default_rng(2).normal(size=(count, 3)).astype(np.float32)
    states = np.full(count, JointState.MEASURED, np.uint8)
    states[BLAZEPOSE33.index('left_knee')] = JointState.OCCLUDED
    someone = person(BLAZEPOSE33, keypoints_3d=points, keypoint_states_3d=states)
    converted = convert_person(someone, BLAZEPOSE33, COCO17)
    knee = COCO17.index('left_knee')
    assert converted.keypoints_3d[knee] == pytest.approx(points[BLAZEPOSE33.index('left_knee')])
    assert converted.keypoint_states_3d[knee] == JointState.OCCLUDED


def test_a_frame_is_converted_with_all_its_people():
    frame = PoseFrame(1, 0, BLAZEPOSE33.id, 640, 480, persons=(person(BLAZEPOSE33),) * 2)
    converted = convert_frame(frame, BLAZEPOSE33, COCO17)
    assert converted.layout == COCO17.id
    assert [len(someone.keypoints) for someone in converted.persons] == [17, 17]
    assert convert_frame(frame, BLAZEPOSE33, BLAZEPOSE33) is frame


def test_every_face_point_off_the_middle_line_has_a_mirror_image():
    names = COCO_WHOLEBODY133.names
    pairs = {names[a]: names[b] for a, b in COCO_WHOLEBODY133.mirror_pairs}
    pairs |= {right: left for left, right in pairs.items()}
    middle = {8, 27, 28, 29, 30, 33, 51, 57, 62, 66}
    assert {f'face_{i}' for i in range(68)} - set(pairs) == {f'face_{i}' for i in middle}
    assert pairs['face_0'] == 'face_16' and pairs['face_36'] == 'face_45'


def test_the_whole_body_holds_the_others_by_name():
    points = np.arange(2 * 133, dtype=np.float32).reshape(133, 2)
    coco = convert_points(points, COCO_WHOLEBODY133, COCO17)
    np.testing.assert_array_equal(coco, points[:17])
    halpe = convert_points(points, COCO_WHOLEBODY133, HALPE26)
    for joint in ('left_heel', 'right_big_toe', 'left_small_toe', 'right_knee'):
        np.testing.assert_array_equal(
            halpe[HALPE26.index(joint)], points[COCO_WHOLEBODY133.index(joint)])
    back = convert_points(coco, COCO17, COCO_WHOLEBODY133)
    np.testing.assert_array_equal(
        back[COCO_WHOLEBODY133.index('right_hand_root')], coco[COCO17.index('right_wrist')])
    assert np.isnan(back[COCO_WHOLEBODY133.index('left_thumb4')]).all()
    blaze = convert_points(points, COCO_WHOLEBODY133, BLAZEPOSE33)
    np.testing.assert_array_equal(
        blaze[BLAZEPOSE33.index('mouth_left')], points[COCO_WHOLEBODY133.index('face_54')])
