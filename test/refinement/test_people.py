"""Joints: measured, bridged, guessed, beyond the border, and outliers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.pose import JointState, Origin3D
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.stage import RefinementStage

WRIST = 9
LIMIT = 15  # frames in 0.5 s


def wearing(someone, state, *, at=None, score=None, joints=(WRIST,)):
    """Return ``someone`` with joints in another state, and maybe place and score."""
    joints = list(joints)
    points, states = someone.keypoints.copy(), someone.keypoint_states.copy()
    scores = someone.keypoint_scores.copy()
    states[joints] = state
    if at is not None:
        points[joints] = at
    if score is not None:
        scores[joints] = score
    return replace(
        someone, keypoints=points, keypoint_states=states, keypoint_scores=scores)


@pytest.fixture
def stage(person, frame):
    """A stage that has seen person 1 walk 2 px per frame for 20 frames."""
    made = RefinementStage()
    for index in range(20):
        made.process(frame(index, person((2.0 * index, 0.0))))
    return made


def follow(stage, frame, index, someone):
    return stage.process(frame(index, someone)).persons[0]


def walked(person, index):
    return person((2.0 * index, 0.0))


@pytest.mark.parametrize('state', [JointState.MISSING, JointState.OCCLUDED, JointState.MEASURED])
def test_a_joint_without_a_value_is_predicted_and_then_admitted(stage, person, frame, state):
    for index in range(20, 20 + LIMIT):
        hidden = wearing(walked(person, index), state, at=np.nan)
        found = follow(stage, frame, index, hidden)
        assert found.keypoint_states[WRIST] == JointState.PREDICTED
        assert found.keypoint_scores[WRIST] == 0.0
        assert found.keypoints[WRIST] == pytest.approx(
            walked(person, index).keypoints[WRIST], abs=1.5)
        assert (np.delete(found.keypoint_states, WRIST) == JointState.MEASURED).all()
    hidden = wearing(walked(person, 36), state, at=np.nan)
    found = follow(stage, frame, 36, hidden)
    admitted = JointState.MISSING if state == JointState.MEASURED else state
    assert found.keypoint_states[WRIST] == admitted
    assert np.isnan(found.keypoints[WRIST]).all()
    assert np.isnan(found.keypoint_covariances[WRIST]).all()
    assert np.isnan(found.keypoint_velocities[WRIST]).all()


@pytest.mark.parametrize('limit_s', [0.0, 0.1, 1.0])
def test_the_limit_is_the_declared_one(person, frame, limit_s):
    stage = RefinementStage(RefinementParameters(max_bridge_s=limit_s))
    follow(stage, frame, 0, person())
    bridged = [
        follow(stage, frame, index, wearing(person(), JointState.MISSING, at=np.nan))
        .keypoint_states[WRIST] == JointState.PREDICTED for index in range(1, 40)]
    assert sum(bridged) == round(limit_s * 30)
    assert bridged == sorted(bridged, reverse=True)


def test_a_joint_that_comes_back_is_measured_at_once(stage, person, frame):
    for index in range(20, 30):
        follow(stage, frame, index, wearing(walked(person, index), JointState.MISSING, at=np.nan))
    found = follow(stage, frame, 30, walked(person, 30))
    assert found.keypoint_states[WRIST] == JointState.MEASURED
    assert found.keypoints[WRIST] == pytest.approx(walked(person, 30).keypoints[WRIST], abs=1.0)


def test_a_guess_of_a_hidden_joint_hardly_moves_it(stage, person, frame):
    away = walked(person, 20).keypoints[WRIST] + (0.0, 30.0)
    found = follow(
        stage, frame, 20, wearing(walked(person, 20), JointState.OCCLUDED, at=away, score=0.3))
    assert found.keypoint_states[WRIST] == JointState.PREDICTED
    assert abs(found.keypoints[WRIST] - walked(person, 20).keypoints[WRIST]).max() < 6.0


def test_a_guess_counts_less_than_a_measurement_of_the_same_confidence(person, frame):
    moved = {}
    for state in (JointState.MEASURED, JointState.OCCLUDED):
        stage = RefinementStage()
        for index in range(20):
            follow(stage, frame, index, person())
        found = follow(stage, frame, 20, wearing(
            person(), state, at=person().keypoints[WRIST] + (6.0, 0.0), score=0.5))
        moved[state] = found.keypoints[WRIST, 0] - person().keypoints[WRIST, 0]
    assert moved[JointState.MEASURED] > 2 * moved[JointState.OCCLUDED] > 0.0


def test_a_hidden_joint_follows_its_guesses_when_it_swings(person, frame):
    stage, errors_px = RefinementStage(), []
    for index in range(75):
        at = person().keypoints[WRIST] + (40.0 * np.sin(2 * np.pi * index / 30.0), 0.0)
        state = JointState.MEASURED if index < 15 else JointState.OCCLUDED
        found = follow(stage, frame, index, wearing(person(), state, at=at, score=0.6))
        errors_px.append(abs(found.keypoints[WRIST] - at).max())
    assert max(errors_px[15:]) < 20.0
    assert np.mean(errors_px[15:]) < 8.0


def test_guesses_stay_guesses_beyond_the_limit(person, frame):
    kept, dropped = RefinementStage(), RefinementStage(RefinementParameters(keep_guesses=False))
    hidden = wearing(person(), JointState.OCCLUDED, score=0.3)
    for index in range(40):
        found = follow(kept, frame, index, hidden)
        assert found.keypoint_states[WRIST] == JointState.OCCLUDED
        assert found.keypoints[WRIST] == pytest.approx(hidden.keypoints[WRIST], abs=0.1)
        assert found.keypoint_covariances[WRIST, 0] > 10 * found.keypoint_covariances[0, 0]
        found = follow(dropped, frame, index, hidden)
        assert found.keypoint_states[WRIST] == JointState.OCCLUDED
        assert np.isnan(found.keypoints[WRIST]).all()


def test_low_confidence_counts_less(person, frame):
    moved = {}
    for score in (0.9, 0.2):
        stage = RefinementStage()
        for index in range(20):
            follow(stage, frame, index, person(score=0.9))
        jump = person().keypoints[WRIST] + (8.0, 0.0)
        found = follow(stage, frame, 20, wearing(
            person(score=0.9), JointState.MEASURED, at=jump, score=score))
        assert found.keypoint_states[WRIST] == JointState.MEASURED
        moved[score] = found.keypoints[WRIST, 0] - person().keypoints[WRIST, 0]
        assert found.keypoint_innovations[WRIST, 0] == pytest.approx(8.0, abs=0.2)
    assert moved[0.9] > 5.0 > 3.0 > moved[0.2]


@pytest.mark.parametrize('at', [(5.0, 5.0), (600.0, 400.0)])
def test_a_limb_that_jumps_for_one_frame_is_refused(stage, person, frame, at):
    found = follow(
        stage, frame, 20, wearing(walked(person, 20), JointState.MEASURED, at=at))
    assert found.keypoint_states[WRIST] == JointState.PREDICTED
    assert found.keypoints[WRIST] == pytest.approx(
        walked(person, 20).keypoints[WRIST], abs=1.0)
    assert found.keypoint_innovations[WRIST] == pytest.approx(
        np.array(at) - walked(person, 20).keypoints[WRIST], abs=1.0)
    assert stage.counters.outliers == 1
    found = follow(stage, frame, 21, walked(person, 21))
    assert found.keypoint_states[WRIST] == JointState.MEASURED
    assert found.keypoints[WRIST] == pytest.approx(
        walked(person, 21).keypoints[WRIST], abs=1.0)


def test_a_jump_that_the_next_frame_confirms_is_believed(stage, person, frame):
    for index in (20, 21):
        found = follow(stage, frame, index, wearing(
            walked(person, index), JointState.MEASURED, at=(600.0, 400.0)))
    assert found.keypoint_states[WRIST] == JointState.MEASURED
    assert found.keypoints[WRIST] == pytest.approx((600.0, 400.0), abs=5.0)  # a longer forearm


def test_outliers_at_changing_places_confirm_nothing(stage, person, frame):
    rng = np.random.default_rng(0)
    for index, at in enumerate(((600, 20), (20, 400), (600, 400), (30, 30)), start=20):
        found = follow(stage, frame, index, wearing(
            walked(person, index), JointState.MEASURED, at=at + rng.normal(0, 1, 2)))
        assert found.keypoint_states[WRIST] == JointState.PREDICTED


def test_an_outlier_that_flickers_is_never_believed(stage, person, frame):
    for index in range(20, 40):
        someone = walked(person, index)
        if index % 2 == 0:
            someone = wearing(someone, JointState.MEASURED, at=(600.0, 400.0))
        found = follow(stage, frame, index, someone)
        assert found.keypoints[WRIST] == pytest.approx(
            walked(person, index).keypoints[WRIST], abs=3.0)


def test_surprising_measurements_lose_weight(person, frame):
    shares = []
    for jump_px in (10.0, 50.0):
        stage = RefinementStage()
        for index in range(20):
            follow(stage, frame, index, person())
        found = follow(stage, frame, 20, wearing(
            person(), JointState.MEASURED, at=person().keypoints[WRIST] + (jump_px, 0.0)))
        assert found.keypoint_states[WRIST] == JointState.MEASURED
        shares.append((found.keypoints[WRIST, 0] - person().keypoints[WRIST, 0]) / jump_px)
    assert shares[0] > 0.8
    assert 0.4 < shares[1] < shares[0] - 0.1


def test_a_person_who_teleports_is_followed_at_once(stage, person, frame):
    for index in (20, 21):
        found = follow(stage, frame, index, person((280.0, 0.0)))
        assert (found.keypoint_states == JointState.MEASURED).all()
        assert found.keypoints == pytest.approx(person((280.0, 0.0)).keypoints, abs=0.5)
    assert stage.counters.outliers == 0


def test_a_joint_said_to_be_out_of_frame_is_not_bridged(stage, person, frame):
    gone = wearing(walked(person, 20), JointState.OUT_OF_FRAME, at=np.nan)
    found = follow(stage, frame, 20, gone)
    assert found.keypoint_states[WRIST] == JointState.OUT_OF_FRAME
    assert np.isnan(found.keypoints[WRIST]).all()


def test_what_lies_beyond_the_border_was_not_measured(stage, person, frame):
    found = follow(stage, frame, 20, wearing(
        walked(person, 20), JointState.MEASURED, at=(-30.0, 200.0)))
    assert found.keypoint_states[WRIST] == JointState.OUT_OF_FRAME


@pytest.mark.parametrize('state', [JointState.MEASURED, JointState.OCCLUDED])
def test_values_beyond_the_border_are_guesses(person, frame, state):
    stage = RefinementStage()
    for index in range(30):
        found = follow(stage, frame, index, wearing(person(), state, at=(-2.0, 200.0)))
        assert found.keypoint_states[WRIST] == JointState.OUT_OF_FRAME
    assert found.keypoints[WRIST] == pytest.approx((-2.0, 200.0), abs=0.1)
    assert found.keypoint_covariances[WRIST, 0] > 2 * found.keypoint_covariances[0, 0]


def test_a_joint_predicted_to_leave_the_image_is_out_of_frame(person, frame):
    stage = RefinementStage()
    for index in range(10):
        follow(stage, frame, index, person((230.0 + 9.0 * index, 0.0)))
    right = int(person().keypoints[:, 0].argmax())
    states = [
        follow(stage, frame, index, wearing(
            person((230.0 + 9.0 * index, 0.0)), JointState.MISSING, at=np.nan, joints=[right]))
        .keypoint_states[right] for index in range(10, 14)]
    assert states[-1] == JointState.OUT_OF_FRAME


def test_a_correction_stays_one(stage, person, frame):
    right = walked(person, 20).keypoints[WRIST] + (3.0, 0.0)
    found = follow(
        stage, frame, 20, wearing(walked(person, 20), JointState.CORRECTED, at=right, score=1.0))
    assert found.keypoint_states[WRIST] == JointState.CORRECTED


@pytest.mark.parametrize('state', [JointState.PREDICTED, JointState.INTERPOLATED, 42])
def test_predictions_of_others_are_no_evidence(stage, person, frame, state):
    at = walked(person, 20).keypoints[WRIST] + (10.0, 0.0)
    found = follow(stage, frame, 20, wearing(walked(person, 20), state, at=at))
    assert found.keypoint_states[WRIST] == JointState.PREDICTED
    assert found.keypoints[WRIST] == pytest.approx(
        walked(person, 20).keypoints[WRIST], abs=1.0)


@pytest.mark.parametrize('box', [
    (0, 0, 0, 0), (300, 60, 200, 460), (np.nan, 0, 1, 1), (np.inf, 0, 1, 1)])
def test_a_box_that_cannot_be_is_replaced(person, frame, box):
    stage = RefinementStage()
    for index in range(5):
        found = follow(stage, frame, index, person(box=np.array(box, np.float32)))
    joints = person().keypoints
    assert found.box == pytest.approx(np.concatenate((joints.min(axis=0), joints.max(axis=0))))
    assert (found.keypoint_states == JointState.MEASURED).all()


def test_a_person_who_is_nothing_but_a_point_passes(person, frame):
    stage = RefinementStage()
    for index in range(5):
        found = follow(stage, frame, index, person(
            points=np.full((17, 2), 100.0), box=np.zeros(4, np.float32)))
    assert found.keypoints == pytest.approx(np.full((17, 2), 100.0))


def in_3d(someone, points, origin=Origin3D.ROOT_RELATIVE, state=JointState.MEASURED, name=''):
    return replace(
        someone, keypoints_3d=points.astype(np.float32), origin_3d=origin, frame_3d=name,
        keypoint_states_3d=np.full(len(points), state, np.uint8))


def test_3d_joints_are_filtered_in_metres_with_states_of_their_own(person, frame):
    rng, stage = np.random.default_rng(5), RefinementStage()
    truth = rng.normal(0.0, 0.4, (17, 3))
    measured, refined = [], []
    for index in range(120):
        noisy = truth + rng.normal(0.0, 0.03, truth.shape)
        found = follow(stage, frame, index, in_3d(person(score=0.5), noisy))
        measured.append(noisy)
        refined.append(found.keypoints_3d)
    assert found.origin_3d is Origin3D.ROOT_RELATIVE
    assert (found.keypoint_states_3d == JointState.MEASURED).all()
    assert found.keypoint_covariances_3d.shape == (17, 6)
    error_m2 = np.mean((refined[20:] - truth) ** 2)
    slow_m2 = 0.004 * 0.16 * 1.7 ** 2  # what no filter takes out, at confidence 0.5
    filtered_m2 = found.keypoint_covariances_3d[:, [0, 3, 5]].mean() - slow_m2
    # Its joints are in no body: bones of constant length say more than the filter knows.
    assert 0.3 * error_m2 < filtered_m2 < 5 * error_m2
    assert (found.keypoint_covariances_3d[:, [1, 2, 4]] == 0).all()
    assert np.std(refined[20:] - truth) < 0.9 * np.std(measured[20:] - truth)
    hidden = in_3d(person(), truth)
    hidden.keypoint_states_3d[WRIST] = JointState.MISSING
    found = follow(stage, frame, 120, hidden)
    assert found.keypoint_states_3d[WRIST] == JointState.PREDICTED
    assert found.keypoint_states[WRIST] == JointState.MEASURED
    assert found.keypoints_3d[WRIST] == pytest.approx(truth[WRIST], abs=0.05)


def test_without_3d_there_is_none(person, frame):
    found = follow(RefinementStage(), frame, 0, person())
    assert found.keypoints_3d is None
    assert found.keypoint_states_3d is None
    assert found.keypoint_covariances_3d is None


def test_another_origin_begins_3d_anew(person, frame):
    stage = RefinementStage()
    for index in range(5):
        follow(stage, frame, index, in_3d(person(), np.zeros((17, 3))))
    far = np.full((17, 3), 4.0)
    found = follow(stage, frame, 5, in_3d(person(), far, Origin3D.CAMERA, name='optical'))
    assert found.keypoints_3d == pytest.approx(far)
    assert (found.origin_3d, found.frame_3d) == (Origin3D.CAMERA, 'optical')
    assert np.isfinite(found.keypoint_innovations).all()
