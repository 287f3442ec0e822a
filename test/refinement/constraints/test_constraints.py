"""Bones, hinges and feet: what bodies cannot do is put right, and nothing else is touched."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.layouts import COCO17, H36M17
from neuropose_ros.refinement.body import body_of
from neuropose_ros.refinement.constraints.bones import BoneLengths
from neuropose_ros.refinement.constraints.floor import FloorContact
from neuropose_ros.refinement.constraints.limits import MOST_FLEXION_RAD, HingeLimits
from neuropose_ros.refinement.constraints.project import Constraints
from neuropose_ros.refinement.parameters import RefinementParameters

BODY = body_of(COCO17, 17)
ELBOW, WRIST = COCO17.index('left_elbow'), COCO17.index('left_wrist')
SIZE_PX = np.array([400.0])


@pytest.fixture
def standing():
    """(1, 34, 3): joints in the image (z = 0), and the same in 3D, in m, with straight limbs."""
    flat = np.zeros((17, 3))
    for index, name in enumerate(COCO17.names):
        side = -1.0 if 'left' in name else 1.0 if 'right' in name else 0.0
        height = {'shoulder': 100, 'elbow': 170, 'wrist': 240, 'hip': 250, 'knee': 350,
                  'ankle': 450}.get(name.rpartition('_')[2], 60)
        flat[index, :2] = 300.0 + 40.0 * side, height
    return np.concatenate((flat, flat / 250.0))[None]


def learnt(points, frames=60):
    bones = BoneLengths(BODY)
    bones.arrange(np.array([-1]))
    for _ in range(frames):
        bones.learn(1 / 30, points, np.full((1, 34), 0.01), np.ones((1, 34), bool), SIZE_PX,
                    deep=True)
    return bones


def test_bones_that_fit_are_left_alone(standing):
    assert learnt(standing).pulls(np.full((1, 34), 4.0), deep=True).project(standing) is None


def test_a_bone_in_the_image_may_be_seen_shorter_but_not_longer(standing):
    bones, variance = learnt(standing), np.full((1, 34), 4.0)
    variance[0, WRIST] = 400.0
    short, long = standing.copy(), standing.copy()
    short[0, WRIST, 1] -= 40.0
    long[0, WRIST, 1] += 70.0
    assert bones.pulls(variance, deep=False).project(short) is None
    better = bones.pulls(variance, deep=False).project(long)
    assert long[0, WRIST, 1] - better[0, WRIST, 1] > 30.0
    assert better[0, ELBOW, 1] == pytest.approx(long[0, ELBOW, 1], abs=2.0)  # the surer one
    np.testing.assert_array_equal(
        np.delete(better, (ELBOW, WRIST), axis=1), np.delete(long, (ELBOW, WRIST), axis=1))


def test_a_person_who_comes_nearer_may_have_longer_bones(standing):
    bones = learnt(standing)
    bones.learn(1 / 30, standing, np.full((1, 34), 0.01), np.zeros((1, 34), bool),
                1.5 * SIZE_PX, deep=False)
    nearer = 1.5 * standing[:, :, :]
    nearer[:, 17:] = standing[:, 17:]
    assert bones.pulls(np.full((1, 34), 4.0), deep=False).project(nearer) is None


def test_a_bone_in_3d_is_neither_longer_nor_shorter(standing):
    bones = learnt(standing)
    for change_m in (-0.08, 0.08):
        wrong = standing.copy()
        wrong[0, 17 + WRIST, 1] += change_m
        better = bones.pulls(np.full((1, 34), 0.01), deep=True).project(wrong)
        forearm_m = np.linalg.norm(better[0, 17 + WRIST] - better[0, 17 + ELBOW])
        assert abs(forearm_m - 0.28) < 0.5 * abs(change_m)


def test_what_is_not_known_stays_unknown_and_hurts_nobody(standing):
    wrong = standing.copy()
    wrong[0, WRIST] = wrong[0, 17 + WRIST] = np.nan
    wrong[0, ELBOW, 1] += 200.0
    better = learnt(standing).pulls(np.full((1, 34), 4.0), deep=True).project(wrong)
    assert np.isnan(better[0, WRIST]).all()
    assert np.isfinite(np.delete(better, (WRIST, 17 + WRIST), axis=1)).all()


def test_people_come_and_go(standing):
    bones = learnt(standing)
    bones.arrange(np.array([-1, 0]))
    two = np.concatenate((standing, standing))
    two[:, WRIST, 1] += 70.0
    bones.learn(1 / 30, two, np.full((2, 34), 0.01), np.zeros((2, 34), bool),
                np.repeat(SIZE_PX, 2), deep=False)
    better = bones.pulls(np.full((2, 34), 400.0), deep=False).project(two)
    np.testing.assert_array_equal(better[0], two[0])
    assert better[1, WRIST, 1] < two[1, WRIST, 1] - 10.0


@pytest.mark.parametrize(('near', 'hinge', 'far', 'kind'), [
    ('left_shoulder', 'left_elbow', 'left_wrist', 'elbow'),
    ('right_hip', 'right_knee', 'right_ankle', 'knee')])
@pytest.mark.parametrize('layout', [COCO17, H36M17])
def test_a_hinge_bends_up_to_its_limit(layout, near, hinge, far, kind):
    limits = HingeLimits(body_of(layout, len(layout)))
    near, hinge, far = (len(layout) + layout.index(name) for name in (near, hinge, far))
    points = np.full((1, 2 * len(layout), 3), np.nan)
    points[0, near], points[0, hinge] = (0.0, 0.3, 0.0), (0.0, 0.0, 0.0)
    for degrees, fits in ((0, True), (90, True), (135, True), (175, False)):
        flexion = np.radians(degrees)
        points[0, far] = 0.25 * np.array((np.sin(flexion), -np.cos(flexion), 0.0))
        better = limits.project(points)
        if fits:
            assert better is None
            continue
        flexion_after = np.pi - np.arccos(better[0, far] @ points[0, near] / (0.25 * 0.3))
        assert MOST_FLEXION_RAD[kind] <= flexion_after < flexion - np.radians(5.0)
        assert np.linalg.norm(better[0, far]) == pytest.approx(0.25)
        np.testing.assert_array_equal(better[0, [near, hinge]], points[0, [near, hinge]])


def test_a_foot_that_stands_does_not_slide_and_one_that_steps_does(standing):
    rng, floor = np.random.default_rng(0), FloorContact(BODY)
    floor.arrange(np.array([-1]))
    foot, raw, held = COCO17.index('left_ankle'), [], []
    for _ in range(90):
        points = standing + rng.normal(0.0, 2.0, standing.shape)
        better = floor.project(1 / 30, points, np.zeros_like(points), SIZE_PX)
        raw.append(points[0, foot, :2])
        held.append(better[0, foot, :2])
    assert np.std(held[30:], axis=0).max() < 0.7 * np.std(raw[30:], axis=0).min()
    fast = np.full_like(standing, 200.0)
    assert floor.project(1 / 30, standing, fast, SIZE_PX) is None


def test_constraints_can_be_switched_off_and_end_within_their_budget(standing):
    wrong = standing.copy()
    wrong[0, WRIST, 1] += 120.0
    moved = {}
    for name, parameters in (
            ('off', RefinementParameters(use_constraints=False)),
            ('once', RefinementParameters(iterations=1)), ('often', RefinementParameters())):
        made = Constraints(BODY, parameters)
        made.arrange(np.array([-1]))
        for points in (*[standing] * 60, wrong):
            better = made.project(
                1 / 30, points, np.zeros_like(points), np.full((1, 34), 1.0),
                np.broadcast_to(points is standing, (1, 34)), np.full((1, 34), 400.0), deep=False)
        moved[name] = 0.0 if better is None else float(np.abs(better - wrong).max())
    assert moved['off'] == 0.0 < moved['once'] <= moved['often']
