"""Markers stand where the people are, and say how sure they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('visualization_msgs.msg', reason='needs ROS 2')

import yaml
from visualization_msgs.msg import Marker

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import JointState, Origin3D, PersonPose, PoseFrame, TrackState
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.nodes.markers import PLANE_DISTANCE_M, PLANE_WIDTH_M, markers

BODY = SkeletonLayout(
    'body', ('head', 'left_hip', 'right_hip', 'left_ankle', 'right_ankle'),
    ((0, 1), (0, 2), (1, 3), (2, 4)), ((1, 2), (3, 4)))
PIXELS = np.array(((320, 100), (340, 240), (300, 240), (340, 400), (300, 400)), np.float32)
METRES = np.array(((0, -0.7, 0), (0.1, 0, 0), (-0.1, 0, 0), (0.1, 0.8, 0.2), (-0.1, 0.8, 0)),
                  np.float32)


def person(keypoints=PIXELS, **extra) -> PersonPose:
    count = len(keypoints)
    values = {'track_id': 4, 'track_state': TrackState.CONFIRMED, **extra}
    return PersonPose(
        keypoints, np.ones(count, np.float32), np.full(count, JointState.MEASURED, np.uint8),
        np.zeros(4, np.float32), **values)


def frame(*people, frame_id='camera') -> PoseFrame:
    return PoseFrame(
        1_500_000_002, 0, BODY.id, 641, 481, frame_id=frame_id, persons=people)


def named(array, name):
    return [marker for marker in array.markers if marker.ns == name]


def places(marker):
    return np.array([(point.x, point.y, point.z) for point in marker.points])


def test_old_markers_are_deleted_first_even_if_nobody_is_there():
    array = markers(frame(), BODY)
    assert [marker.action for marker in array.markers] == [Marker.DELETEALL]


def test_every_person_has_joints_bones_and_a_name():
    array = markers(frame(person(), person(track_id=5)), BODY)
    assert [(marker.ns, marker.type, marker.id) for marker in array.markers[1:]] == [
        ('joints', Marker.SPHERE_LIST, 0), ('bones', Marker.LINE_LIST, 0),
        ('names', Marker.TEXT_VIEW_FACING, 0), ('joints', Marker.SPHERE_LIST, 1),
        ('bones', Marker.LINE_LIST, 1), ('names', Marker.TEXT_VIEW_FACING, 1)]
    for marker in array.markers:
        assert (marker.header.stamp.sec, marker.header.stamp.nanosec) == (1, 500_000_002)
        assert marker.header.frame_id == 'camera'
        assert len(marker.colors) == len(marker.points)
    assert [marker.text for marker in named(array, 'names')] == ['4 confirmed', '5 confirmed']


def test_flat_people_stand_on_the_image_plane_with_z_up():
    (joints,) = named(markers(frame(person()), BODY), 'joints')
    found = places(joints)
    assert found[:, 0] == pytest.approx(PLANE_DISTANCE_M)
    scale = PLANE_WIDTH_M / 641
    assert found[:, 1] == pytest.approx(-(PIXELS[:, 0] - 320) * scale)
    assert found[:, 2] == pytest.approx(-(PIXELS[:, 1] - 240) * scale)


@pytest.mark.parametrize('frame_id', ['left_optical', 'robot/camera_optical_frame'])
def test_in_an_optical_frame_y_points_down(frame_id):
    (joints,) = named(markers(frame(person(), frame_id=frame_id), BODY), 'joints')
    found = places(joints)
    assert found[:, 2] == pytest.approx(PLANE_DISTANCE_M)
    assert found[:, 1] == pytest.approx((PIXELS[:, 1] - 240) * PLANE_WIDTH_M / 641)


def test_root_relative_people_stand_in_metres_where_their_hips_are():
    someone = person(keypoints_3d=METRES, origin_3d=Origin3D.ROOT_RELATIVE)
    (joints,) = named(markers(frame(someone), BODY), 'joints')
    found = places(joints)
    assert found[[1, 2]].mean(axis=0) == pytest.approx((PLANE_DISTANCE_M, 0.0, 0.0), abs=1e-6)
    assert found[0] - found[1] == pytest.approx((0.0, 0.1, 0.7), abs=1e-6)
    assert found[3] - found[1] == pytest.approx((0.2, 0.0, -0.8), abs=1e-6)


def test_people_with_a_place_stand_at_it_in_their_own_frame():
    there = METRES + np.array((1.0, 0.5, 4.0), np.float32)
    someone = person(keypoints_3d=there, origin_3d=Origin3D.CAMERA, frame_3d='left_optical')
    (joints,) = named(markers(frame(someone), BODY), 'joints')
    assert places(joints) == pytest.approx(there)
    assert joints.header.frame_id == 'left_optical'
    assert joints.scale.x > 0


def test_the_name_stands_at_the_highest_joint():
    flat, placed = person(), person(
        keypoints_3d=METRES, origin_3d=Origin3D.CAMERA, frame_3d='camera')
    for someone in (flat, placed):
        array = markers(frame(someone), BODY)
        (joints,), (name,) = named(array, 'joints'), named(array, 'names')
        position = name.pose.position
        assert (position.x, position.y, position.z) == pytest.approx(places(joints)[0])


def test_unknown_joints_and_their_bones_are_left_out():
    someone = person(np.where(np.arange(5)[:, None] == 1, np.nan, PIXELS).astype(np.float32))
    array = markers(frame(someone), BODY)
    (joints,), (bones,) = named(array, 'joints'), named(array, 'bones')
    assert len(joints.points) == 4
    assert len(bones.points) == 4  # 0-2 and 2-4
    nowhere = person(np.full((5, 2), np.nan, np.float32))
    assert len(markers(frame(nowhere), BODY).markers) == 1


def test_opacity_says_how_sure_a_joint_is():
    someone = person()
    someone.keypoint_states[:] = (
        JointState.MEASURED, JointState.PREDICTED, JointState.OCCLUDED, 77, JointState.CORRECTED)
    array = markers(frame(someone), BODY)
    (joints,), (bones,) = named(array, 'joints'), named(array, 'bones')
    measured, predicted, occluded, unknown, corrected = (colour.a for colour in joints.colors)
    assert measured == corrected == 1.0 > predicted > occluded == unknown > 0.0
    assert [colour.a for colour in bones.colors] == pytest.approx(
        [predicted] * 2 + [occluded] * 2 + [unknown] * 2 + [occluded] * 2)


def test_3d_joints_have_states_of_their_own():
    states = np.full(5, JointState.PREDICTED, np.uint8)
    someone = person(
        keypoints_3d=METRES, keypoint_states_3d=states, origin_3d=Origin3D.ROOT_RELATIVE)
    (joints,) = named(markers(frame(someone), BODY), 'joints')
    assert max(colour.a for colour in joints.colors) < 1.0


def test_left_and_right_have_colours_of_their_own():
    (joints,) = named(markers(frame(person()), BODY), 'joints')
    colours = [(colour.r, colour.g, colour.b) for colour in joints.colors]
    assert colours[1] == colours[3] != colours[2] == colours[4] != colours[0]


def test_a_frame_of_unknown_size_does_no_harm():
    bare = PoseFrame(0, 0, COCO17.id, 0, 0, persons=(person(np.zeros((17, 2), np.float32)),))
    for marker in markers(bare, COCO17).markers:
        assert np.isfinite(places(marker)).all()


def test_rviz_shows_what_the_nodes_publish(source_root: Path):
    layout = yaml.safe_load((source_root / 'config' / 'neuropose.rviz').read_text())
    manager = layout['Visualization Manager']
    topics = {display['Class']: display['Topic'] for display in manager['Displays']
              if 'Topic' in display}
    assert topics['rviz_default_plugins/Image']['Value'] == 'pose/debug_image'
    assert topics['rviz_default_plugins/MarkerArray']['Value'] == 'refinement/markers'
    assert {topic['Reliability Policy'] for topic in topics.values()} == {'Best Effort'}
    assert manager['Global Options']['Fixed Frame'] == 'camera'
    assert 'rviz_default_plugins/TF' in {item['Class'] for item in manager['Displays']}


def test_foxglove_lays_out_only_panels_that_it_configures(source_root: Path):
    text = (source_root / 'config' / 'foxglove_layout.json').read_text()
    layout = json.loads(text)

    def leaves(node):
        return [node] if isinstance(node, str) else leaves(node['first']) + leaves(node['second'])

    assert sorted(leaves(layout['layout'])) == sorted(layout['configById'])
    assert layout['configById']['Image!picture']['imageMode']['imageTopic'] == '/pose/debug_image'
    assert '/refinement/markers' in layout['configById']['3D!people']['topics']
