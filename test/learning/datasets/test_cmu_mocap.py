"""Exponential maps become joints: bones keep their lengths and turn the right way."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import CMU28, JHMDB15, convert_points
from neuropose_ros.learning.datasets.cmu_mocap import (
    METRES_PER_UNIT,
    joints_of_expmaps,
    read_cmu_mocap,
    rotation_matrices,
)
from neuropose_ros.learning.datasets.findings import Findings

WIDTH = 117
AT = {name: i for i, name in enumerate(CMU28.names)}


def bone_lengths(points: np.ndarray) -> np.ndarray:
    return np.stack([np.linalg.norm(points[:, a] - points[:, b], axis=-1)
                     for a, b in CMU28.edges], -1)


def test_rotations_are_those_of_rodrigues():
    quarter = rotation_matrices(np.array([[0, 0, np.pi / 2], [0, 0, 0], [1e-9, 0, 0],
                                          [np.pi, 0, 0]]))
    assert quarter[0] @ (1, 0, 0) == pytest.approx(np.array((0, 1, 0)))
    assert quarter[1] == pytest.approx(np.eye(3))
    assert quarter[2] == pytest.approx(np.eye(3), abs=1e-8)
    assert quarter[3] @ (0, 1, 0) == pytest.approx(np.array((0, -1, 0)))
    scipy = pytest.importorskip('scipy.spatial.transform', reason='needs scipy')
    vectors = np.random.default_rng(0).normal(size=(50, 3)) * 2
    assert rotation_matrices(vectors) == pytest.approx(
        scipy.Rotation.from_rotvec(vectors).as_matrix(), abs=1e-9)


def test_without_rotations_a_person_stands_with_arms_out():
    row = np.zeros((1, WIDTH), np.float32)
    row[0, :3] = 0, 18, 0
    joints = joints_of_expmaps(row)[0]
    assert joints[AT['pelvis'], 1] == pytest.approx(18 * METRES_PER_UNIT)
    assert joints[AT['left_wrist'], 0] > joints[AT['left_shoulder'], 0] > 0.1
    assert joints[AT['right_wrist'], 0] < joints[AT['right_shoulder'], 0] < -0.1
    assert joints[AT['left_toe_base'], 2] > joints[AT['left_ankle'], 2] + 0.05
    assert joints[AT['head_center'], 1] > joints[AT['pelvis'], 1] + 0.4


def test_a_turn_of_the_root_turns_everybody_and_of_a_knee_the_shin_alone():
    rows = np.zeros((3, WIDTH), np.float32)
    rows[1, 3:6] = 0, np.pi / 2, 0
    rows[2, 3 + 3 * 3:6 + 3 * 3] = np.pi / 2, 0, 0
    still, turned, bent = joints_of_expmaps(rows)
    # Rows times matrices: a positive turn about y takes x to z.
    assert turned == pytest.approx(np.stack((-still[:, 2], still[:, 1], still[:, 0]), -1),
                                   abs=1e-6)
    moved = np.linalg.norm(bent - still, axis=-1) > 1e-6
    assert {CMU28.names[i] for i in np.flatnonzero(moved)} == {
        'left_ankle', 'left_toe_base', 'left_toe_end'}


def test_a_joint_turns_in_the_frame_of_its_parent():
    rows = np.zeros((2, WIDTH), np.float32)
    rows[:, 3 + 3 * 3:6 + 3 * 3] = 1, 0, 0
    rows[1, 3:6] = 0, np.pi / 2, 0
    bent, both = joints_of_expmaps(rows)
    assert both == pytest.approx(np.stack((-bent[:, 2], bent[:, 1], bent[:, 0]), -1), abs=1e-6)


def test_no_rotation_changes_a_bone():
    rows = np.random.default_rng(1).normal(size=(20, WIDTH)).astype(np.float32)
    lengths = bone_lengths(joints_of_expmaps(rows))
    assert lengths == pytest.approx(np.broadcast_to(lengths[:1], lengths.shape), abs=1e-5)
    knee = CMU28.edges.index((AT['left_hip'], AT['left_knee']))
    assert lengths[0, knee] == pytest.approx(0.429, abs=0.001)


def test_recordings_are_thinned_and_grouped_by_activity(tmp_path):
    rows = np.random.default_rng(2).normal(size=(9, WIDTH)).astype(np.float32)
    np.savez(tmp_path / 'cmu_mocap8_expmap.npz', **{
        'train/walking/walking_1': rows, 'test/walking/walking_1': rows, 'train/odd/odd_1':
        rows[:, :99], 'train/run/run_1': np.full((4, WIDTH), np.nan, np.float32)})
    findings = Findings()
    clips = read_cmu_mocap(tmp_path, findings)
    assert [clip.name for clip in clips.clips] == [
        'train/walking/walking_1', 'test/walking/walking_1']
    assert clips.clips[0].group == 'walking'
    assert clips.clips[0].rate_hz == pytest.approx(30)
    np.testing.assert_array_equal(clips.clips[0].keypoints, joints_of_expmaps(rows)[::4])
    assert {item.name for item in findings.items} == {'train/odd/odd_1', 'train/run/run_1'}
    assert len(read_cmu_mocap(tmp_path, rate_hz=120).clips[0].times_s) == 9
    with pytest.raises(DataError, match='does not divide'):
        read_cmu_mocap(tmp_path, rate_hz=50)


def test_a_missing_or_damaged_file_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match='cmu_mocap8_expmap'):
        read_cmu_mocap(tmp_path)
    (tmp_path / 'cmu_mocap8_expmap.npz').write_bytes(b'text')
    with pytest.raises(DataError, match='cannot be read as arrays'):
        read_cmu_mocap(tmp_path)


def test_people_of_the_real_one_stand_on_feet_that_do_not_slide(data_folder):
    clips = read_cmu_mocap(data_folder, rate_hz=120.0)
    assert (len(clips), sum(len(clip.times_s) for clip in clips.clips)) == (38, 40331)
    walks = [clip for clip in clips.clips if '/walking/' in clip.name]
    assert len(walks) == 6
    for clip in walks:
        feet = clip.keypoints[:, [AT['left_toe_base'], AT['right_toe_base']]]
        slide = np.linalg.norm(np.diff(feet, axis=0), axis=-1).min(1) * 120
        pace = np.linalg.norm(np.diff(clip.keypoints[:, 0], axis=0), axis=-1) * 120
        assert np.median(slide) < 0.3 * np.median(pace)
        assert 0.7 < np.median(pace) < 1.7  # m/s, of people
        assert -0.05 < np.median(feet[..., 1].min(1)) < 0.15
    body = convert_points(walks[0].keypoints, CMU28, JHMDB15)
    assert np.isfinite(body).all()
