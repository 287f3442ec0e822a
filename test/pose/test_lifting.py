"""Keypoints to metres, on geometry whose answer is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neuropose_ros.core.errors import DepthError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.layouts import layout as built_in
from neuropose_ros.core.pose import (
    FrameStatus,
    JointState,
    Origin3D,
    PersonPose,
    PoseFrame,
    TrackState,
)
from neuropose_ros.pose.anatomy import body
from neuropose_ros.pose.intrinsics import Intrinsics
from neuropose_ros.pose.lifting import Lifter, LiftingParameters
from neuropose_ros.sources.synthetic.source import open_synthetic

WIDTH, HEIGHT, FOCAL = 640, 480, 520.0
K = np.array([[FOCAL, 0, 319.5], [0, FOCAL, 239.5], [0, 0, 1]])
LENS = Intrinsics(WIDTH, HEIGHT, K, np.zeros(0))
WALL_M = 5.0
PERSON_M = 3.0
JOINTS = {  # a person who stands with the arms half out, in optical axes, m
    'nose': (0, -0.62, -0.1), 'left_eye': (0.03, -0.66, -0.09), 'right_eye': (-0.03, -0.66, -0.09),
    'left_ear': (0.08, -0.64, 0), 'right_ear': (-0.08, -0.64, 0),
    'left_shoulder': (0.18, -0.42, 0), 'right_shoulder': (-0.18, -0.42, 0),
    'left_elbow': (0.38, -0.20, 0), 'right_elbow': (-0.38, -0.20, 0),
    'left_wrist': (0.55, -0.05, -0.12), 'right_wrist': (-0.55, -0.05, -0.12),
    'left_hip': (0.10, 0.08, 0), 'right_hip': (-0.10, 0.08, 0),
    'left_knee': (0.11, 0.48, -0.05), 'right_knee': (-0.11, 0.48, -0.05),
    'left_ankle': (0.12, 0.88, 0.05), 'right_ankle': (-0.12, 0.88, 0.05),
}
TRUTH = np.array([JOINTS[name] for name in COCO17.names]) + np.array((0, 0, PERSON_M))
RADII = np.maximum(body(COCO17).behind_skin_m, 0.012)
WRIST, ELBOW, ANKLE = (COCO17.index(f'left_{part}') for part in ('wrist', 'elbow', 'ankle'))


def project(points: np.ndarray) -> np.ndarray:
    return (points[:, :2] / points[:, 2:] * FOCAL + K[:2, 2]).astype(np.float32)


def spheres(
    centres: np.ndarray, radii: np.ndarray, size: tuple[int, int] = (WIDTH, HEIGHT),
) -> np.ndarray:
    """Return the depth (H, W) of spheres before a wall, by rays through the pixels' centres."""
    scale = size[0] / WIDTH
    u, v = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    x = ((u + 0.5) / scale - 0.5 - K[0, 2]) / FOCAL
    y = ((v + 0.5) / scale - 0.5 - K[1, 2]) / FOCAL
    rays = np.stack((x, y, np.ones_like(x)), -1)
    depth = np.full(x.shape, WALL_M)
    a = (rays**2).sum(-1)
    for centre, radius in zip(centres, radii, strict=True):
        b, c = rays @ centre, centre @ centre - radius**2
        inside = b**2 - a * c
        near = (b - np.sqrt(np.maximum(inside, 0))) / a
        depth = np.where((inside > 0) & (near < depth), near, depth)
    return depth.astype(np.float32)


def limbs(joints: np.ndarray = TRUTH, thick: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the spheres of a body: its joints, and more of them along its bones."""
    centres, radii = [*joints], [*RADII * thick]
    for bone in COCO17.edges:
        for share in np.linspace(0.1, 0.9, 9):
            centres.append(joints[bone[0]] * (1 - share) + joints[bone[1]] * share)
            # Never nearer to the camera than the joints' own skin.
            radii.append(RADII[list(bone)].min() * 0.9 * thick)
    return np.array(centres), np.array(radii)


@pytest.fixture(scope='module')
def rendered() -> np.ndarray:
    return spheres(*limbs())


def person(**changes: Any) -> PersonPose:
    keypoints = project(TRUTH)
    count = len(COCO17)
    plain = PersonPose(
        keypoints=keypoints, keypoint_scores=np.ones(count, np.float32),
        keypoint_states=np.full(count, JointState.MEASURED, np.uint8),
        box=np.concatenate((keypoints.min(0), keypoints.max(0))), track_id=1,
        track_state=TrackState.CONFIRMED)
    return replace(plain, **changes)


def frame(*persons: PersonPose, **changes: Any) -> PoseFrame:
    plain = PoseFrame(
        stamp_ns=1, frame_seq=0, layout=COCO17.id, image_width=WIDTH, image_height=HEIGHT,
        frame_id='optical', status=FrameStatus.OK, persons=persons or (person(),))
    return replace(plain, **changes)


def lifted(depth: np.ndarray, *persons: PersonPose) -> PersonPose:
    return Lifter(COCO17).lift(frame(*persons), depth, LENS).persons[0]


def errors_m(found: PersonPose) -> np.ndarray:
    assert found.keypoints_3d is not None
    return np.linalg.norm(found.keypoints_3d - TRUTH, axis=1)


def test_every_joint_of_a_body_before_a_wall_is_where_it_is(rendered: np.ndarray) -> None:
    found = lifted(rendered)
    assert (found.keypoint_states_3d == JointState.MEASURED).all()
    assert errors_m(found).max() < 0.02
    assert (found.origin_3d, found.frame_3d) == (Origin3D.CAMERA, 'optical')
    assert found.keypoints_3d.dtype == np.float32


@pytest.mark.parametrize(('size', 'away_m'), [(0.45, 1.5), (0.6, 2.0), (1.2, 4.0)])
def test_toddlers_children_and_giants_are_placed_as_well(size: float, away_m: float) -> None:
    truth = (TRUTH - (0, 0, PERSON_M)) * size + np.array((0, 0, away_m))
    found = lifted(spheres(*limbs(truth, size)), person(keypoints=project(truth)))
    assert (found.keypoint_states_3d == JointState.MEASURED).all()
    # Their limbs are thinner or thicker than those of the adult that is assumed.
    assert np.linalg.norm(found.keypoints_3d - truth, axis=1).max() < 0.08


@pytest.mark.parametrize('size', [(320, 240), (1280, 960)])
def test_depth_of_another_resolution_gives_the_same_places(size: tuple[int, int]) -> None:
    found = lifted(spheres(*limbs(), size))
    assert (found.keypoint_states_3d == JointState.MEASURED).all()
    assert errors_m(found).max() < 0.025


def test_millimetres_and_metres_are_told_by_their_type(rendered: np.ndarray) -> None:
    found = lifted(np.rint(rendered * 1000).astype(np.uint16))
    np.testing.assert_allclose(found.keypoints_3d, lifted(rendered).keypoints_3d, atol=2e-3)


def test_a_joint_at_the_edge_of_its_limb_is_not_averaged_with_the_wall(
    rendered: np.ndarray,
) -> None:
    keypoints = project(TRUTH)
    keypoints[WRIST, 0] += 1.05 * RADII[WRIST] * FOCAL / TRUTH[WRIST, 2]
    found = lifted(rendered, person(keypoints=keypoints))
    assert found.keypoint_states_3d[WRIST] == JointState.MEASURED
    assert abs(found.keypoints_3d[WRIST, 2] - TRUTH[WRIST, 2]) < 0.03


def test_the_rim_of_something_nearer_is_not_the_joint(rendered: np.ndarray) -> None:
    depth = rendered.copy()
    hip = COCO17.index('left_hip')
    u, v = np.rint(project(TRUTH)[hip]).astype(int)
    depth[v - 20:v + 20, u - 20:u - 5] = PERSON_M - 0.4
    found = lifted(depth)
    assert found.keypoint_states_3d[hip] == JointState.MEASURED
    assert abs(found.keypoints_3d[hip, 2] - TRUTH[hip, 2]) < 0.03


def without(*joints: int) -> np.ndarray:
    centres, radii = limbs()
    near = np.min([np.linalg.norm(centres - TRUTH[joint], axis=1) for joint in joints], 0)
    return spheres(centres[near > 0.15], radii[near > 0.15])


def test_a_joint_that_shows_the_wall_is_missing(rendered: np.ndarray) -> None:
    found = lifted(without(WRIST))
    assert found.keypoint_states_3d[WRIST] == JointState.MISSING
    assert np.isnan(found.keypoints_3d[WRIST]).all()
    others = np.delete(np.arange(len(COCO17)), WRIST)
    assert errors_m(found)[others].max() < 0.02


@pytest.mark.parametrize('joint', [WRIST, ANKLE])
def test_a_joint_behind_something_near_is_occluded(rendered: np.ndarray, joint: int) -> None:
    depth = rendered.copy()
    u, v = np.rint(project(TRUTH)[joint]).astype(int)
    depth[v - 25:v + 25, u - 25:u + 25] = 1.2
    found = lifted(depth)
    assert found.keypoint_states_3d[joint] == JointState.OCCLUDED
    assert np.isnan(found.keypoints_3d[joint]).all()
    assert (np.delete(found.keypoint_states_3d, joint) == JointState.MEASURED).all()


def test_a_screen_before_half_of_the_body_hides_only_that(rendered: np.ndarray) -> None:
    depth = rendered.copy()
    depth[300:] = 1.5
    found = lifted(depth)
    hidden = project(TRUTH)[:, 1] > 310
    assert hidden.sum() == 4  # knees and ankles
    assert (found.keypoint_states_3d[hidden] == JointState.OCCLUDED).all()
    assert (found.keypoint_states_3d[~hidden] == JointState.MEASURED).all()


@pytest.mark.parametrize('hole', [0.0, np.nan, np.inf, -np.inf, 40.0])
def test_what_the_camera_could_not_tell_is_missing(rendered: np.ndarray, hole: float) -> None:
    depth = rendered.copy()
    u, v = np.rint(project(TRUTH)[ELBOW]).astype(int)
    depth[v - 15:v + 15, u - 15:u + 15] = hole
    found = lifted(depth)
    assert found.keypoint_states_3d[ELBOW] == JointState.MISSING
    # The wrist hangs on the shoulder then.
    assert found.keypoint_states_3d[WRIST] == JointState.MEASURED


@pytest.mark.parametrize('state', [
    JointState.UNKNOWN, JointState.MISSING, JointState.OUT_OF_FRAME, JointState.OCCLUDED])
def test_states_of_the_picture_stay(rendered: np.ndarray, state: JointState) -> None:
    states = np.full(len(COCO17), JointState.MEASURED, np.uint8)
    states[WRIST] = state
    found = lifted(rendered, person(keypoint_states=states))
    assert found.keypoint_states_3d[WRIST] == state
    assert np.isnan(found.keypoints_3d[WRIST]).all()


def test_depth_at_a_predicted_joint_measures_nothing(rendered: np.ndarray) -> None:
    states = np.full(len(COCO17), JointState.MEASURED, np.uint8)
    states[WRIST] = JointState.PREDICTED
    found = lifted(rendered, person(keypoint_states=states))
    assert found.keypoint_states_3d[WRIST] == JointState.PREDICTED
    assert np.isfinite(found.keypoints_3d[WRIST]).all()


def test_of_two_shoulders_on_one_surface_the_less_sure_is_hidden(rendered: np.ndarray) -> None:
    left, right = COCO17.index('left_shoulder'), COCO17.index('right_shoulder')
    keypoints = project(TRUTH)
    keypoints[right] = keypoints[left] + (4, 0)
    scores = np.ones(len(COCO17), np.float32)
    scores[right] = 0.6
    found = lifted(rendered, person(keypoints=keypoints, keypoint_scores=scores))
    assert found.keypoint_states_3d[left] == JointState.MEASURED
    assert found.keypoint_states_3d[right] == JointState.OCCLUDED


@pytest.mark.parametrize('depth', [
    np.zeros((HEIGHT, WIDTH), np.float32), np.full((HEIGHT, WIDTH), np.nan, np.float32)])
def test_nobody_is_placed_where_there_is_no_depth(depth: np.ndarray) -> None:
    world = person(keypoints_3d=TRUTH.astype(np.float32), origin_3d=Origin3D.ROOT_RELATIVE)
    found = lifted(depth, world)
    assert found.keypoints_3d is None
    assert found.origin_3d is Origin3D.UNKNOWN


@pytest.mark.filterwarnings('error')
def test_keypoints_from_beyond_all_pictures_are_not_placed(rendered: np.ndarray) -> None:
    far = np.random.default_rng(1).uniform(-1e30, 1e30, (len(COCO17), 2)).astype(np.float32)
    assert lifted(rendered, person(keypoints=far)).keypoints_3d is None


def test_a_lost_person_is_not_placed(rendered: np.ndarray) -> None:
    assert lifted(rendered, person(track_state=TrackState.LOST)).keypoints_3d is None


def test_uncertainty_is_that_of_the_camera_and_of_the_keypoint(rendered: np.ndarray) -> None:
    found = lifted(rendered)
    deviation = np.sqrt(found.keypoint_covariances_3d[:, 5])
    expected = 0.0012 + 0.0019 * TRUTH[:, 2]**2
    assert (deviation >= 0.99 * expected - 1e-4).all()
    assert (deviation < expected + 0.08).all()
    sure = person(keypoint_covariances=np.full((17, 3), 1e-6, np.float32))
    unsure = person(keypoint_covariances=np.tile(np.float32((25, 0, 25)), (17, 1)))
    xx = [lifted(rendered, one).keypoint_covariances_3d[:, 0] for one in (sure, unsure)]
    np.testing.assert_allclose(
        np.sqrt(xx[1] - xx[0]), 5 / FOCAL * TRUTH[:, 2], rtol=0.05)
    for row in found.keypoint_covariances_3d.astype(np.float64):
        xx, xy, xz, yy, yz, zz = row
        full = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        assert np.linalg.eigvalsh(full).min() > 0


def test_the_skin_itself_where_that_is_asked_for(rendered: np.ndarray) -> None:
    skin = Lifter(COCO17, LiftingParameters(inside=False)).lift(frame(), rendered, LENS)
    centre = lifted(rendered)
    between = np.linalg.norm(centre.keypoints_3d - skin.persons[0].keypoints_3d, axis=1)
    np.testing.assert_allclose(between, body(COCO17).behind_skin_m, atol=1e-3)


@pytest.mark.parametrize(('changes', 'says'), [
    ({'intrinsics': Intrinsics(WIDTH, HEIGHT, np.zeros((3, 3)), np.zeros(0))}, 'not calibrated'),
    ({'intrinsics': replace(LENS, width=1280, height=960)}, '1280x960'),
    ({'depth': np.ones((480, 480), np.float32)}, 'align depth'),
    ({'depth': np.ones((480, 640), np.float64)}, 'float32 in m or uint16'),
    ({'depth': np.ones((480, 640, 1), np.float32)}, 'float32 in m or uint16'),
    ({'frame': frame(layout='h36m17@0000')}, 'h36m17'),
])
def test_what_gives_no_metres_is_refused_in_a_sentence(changes: dict[str, Any], says: str) -> None:
    given = {'frame': frame(), 'depth': np.ones((480, 640), np.float32), 'intrinsics': LENS,
             **changes}
    with pytest.raises(DepthError, match=says):
        Lifter(COCO17).lift(**given)


@pytest.mark.parametrize(
    'name', ['coco17', 'blazepose33', 'halpe26', 'mpii16', 'h36m17', 'jhmdb15'])
def test_every_layout_is_a_body(name: str) -> None:
    found = body(built_in(name))
    joints = {*found.torso, *found.order}
    assert joints == set(range(len(built_in(name))))
    assert len(found.torso) >= 4
    assert len(found.bones) >= 8
    assert len(found.widths) == 2


@pytest.mark.parametrize('spec', [
    'walk?depth=1', 'side_walk?depth=1', 'passing_occluder?depth=1', 'sit_to_stand?depth=1'])
def test_a_rendered_walker_is_lifted_to_where_they_are(spec: str) -> None:
    source = open_synthetic(f'synthetic:{spec}&width=320&height=240&rate=5')
    found = source.calibration
    lens = Intrinsics(found.width, found.height, found.k, found.d, found.distortion_model)
    away = []
    for _ in range(12):
        picture = source.read()
        poses = picture.truth
        lifter = Lifter(built_in(poses.layout))
        for true, person in zip(
                poses.persons, lifter.lift(poses, picture.depth, lens).persons, strict=True):
            measured = person.keypoint_states_3d == JointState.MEASURED
            assert measured[true.keypoint_states == JointState.MEASURED].mean() > 0.85
            away.append(np.linalg.norm(
                (person.keypoints_3d - true.keypoints_3d)[measured], axis=1))
    errors = np.concatenate(away)
    assert np.median(errors) < 0.015
    assert np.quantile(errors, 0.95) < 0.06
