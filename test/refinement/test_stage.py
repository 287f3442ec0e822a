"""People over time: who is known, and what the stage does when time or joints are odd."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.action import Action, ActionFrame
from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17
from neuropose_ros.core.pose import FrameStatus, JointState, TrackState
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.stage import RefinementStage


def settled(person, frame, count=20, speed_px=2.0, stage=None):
    """Return a stage that has seen person 1 walk to the right for ``count`` frames."""
    stage = stage or RefinementStage()
    for index in range(count):
        stage.process(frame(index, person((speed_px * index, 0.0))))
    return stage


def test_a_frame_keeps_everything_that_is_not_the_pose(person, frame):
    poses = frame(
        7, person(), frame_id='camera', epoch=2, skipped_before=3, feedback_stamp_ns=4,
        inference_ms=5.0, seq_is_local=True)
    refined = RefinementStage().process(poses)
    assert refined.stage == 'refinement'
    assert replace(refined, stage='pose', persons=()) == replace(poses, persons=())
    assert refined.persons[0].track_id == 1
    assert refined.persons[0].track_state is TrackState.CONFIRMED


def test_people_are_refined_each_for_himself(person, frame):
    alone, together = RefinementStage(), RefinementStage()
    rng = np.random.default_rng(1)
    for index in range(10):
        someone = person(rng.normal(0, 2, 2))
        single = alone.process(frame(index, someone))
        both = together.process(
            frame(index, person(rng.normal(50, 9, 2), track_id=2), someone))
    np.testing.assert_array_equal(both.persons[1].keypoints, single.persons[0].keypoints)
    assert [found.track_id for found in both.persons] == [2, 1]


@pytest.mark.parametrize('status', [
    FrameStatus.NO_PERSON, FrameStatus.SKIPPED, FrameStatus.ERROR])
def test_a_lost_person_is_predicted_up_to_the_limit_and_then_gone(person, frame, status):
    stage = settled(person, frame)
    last = stage.process(frame(20, person((40.0, 0.0)))).persons[0]
    for index in range(21, 36):  # 15 frames are 0.5 s
        answer = stage.process(frame(index, status=status))
        assert answer.status is status
        (lost,) = answer.persons
        assert lost.track_state is TrackState.LOST
        assert lost.track_id == 1
        assert (lost.keypoint_states == JointState.PREDICTED).all()
        assert (lost.keypoint_scores == 0.0).all()
        assert lost.score == 0.0
        shift = 2.0 * (index - 20)
        assert lost.keypoints - last.keypoints == pytest.approx(
            np.tile((shift, 0.0), (17, 1)), abs=1.0)
        assert lost.box - last.box == pytest.approx((shift, 0.0, shift, 0.0), abs=1.0)
    assert stage.process(frame(36, status=status)).persons == ()
    assert stage.counters.lost == 1
    assert stage.feedback().persons == ()


def test_uncertainty_grows_while_nothing_is_seen(person, frame):
    stage = settled(person, frame)
    variances = [stage.process(frame(index)).persons[0].keypoint_covariances[:, 0].mean()
                 for index in range(20, 30)]
    assert variances == sorted(variances)
    assert variances[-1] > 10 * variances[0]


def test_who_comes_back_in_time_goes_on_and_who_comes_late_begins_anew(person, frame):
    early = settled(person, frame)
    for index in range(20, 25):
        early.process(frame(index))
    back = early.process(frame(25, person((50.0, 0.0)))).persons[0]
    assert np.isfinite(back.keypoint_innovations).all()
    assert back.track_state is TrackState.CONFIRMED
    late = settled(person, frame)
    for index in range(20, 60):
        late.process(frame(index))
    back = late.process(frame(60, person((50.0, 0.0)))).persons[0]
    assert np.isnan(back.keypoint_innovations).all()
    assert back.keypoints == pytest.approx(person((50.0, 0.0)).keypoints)


@pytest.mark.parametrize(('stamp_ns', 'epoch'), [(5 * 10 ** 8, 0), (10 ** 9, 0), (9 ** 10, 1)])
def test_backward_time_and_new_epochs_begin_anew_once(person, frame, stamp_ns, epoch):
    stage = settled(person, frame)
    jump = person((300.0, 0.0))
    refined = stage.process(frame(0, jump, stamp_ns=stamp_ns, epoch=epoch))
    assert refined.persons[0].keypoints == pytest.approx(jump.keypoints)
    assert np.isnan(refined.persons[0].keypoint_innovations).all()
    assert len(refined.persons) == 1
    for step in range(1, 5):
        stage.process(frame(0, jump, stamp_ns=stamp_ns + step * 33_000_000, epoch=epoch))
    assert stage.restarts == stage.counters.restarts == 1
    assert 'restarts 1' in str(stage.counters)


def test_a_repeated_stamp_is_no_new_evidence(person, frame):
    once, twice = settled(person, frame), settled(person, frame)
    poses = frame(20, person((40.0, 0.0)))
    first = twice.process(poses)
    again = twice.process(replace(poses, frame_seq=99, persons=(person((200.0, 0.0)),)))
    assert again.persons == first.persons
    assert again.frame_seq == 99
    assert twice.counters.repeats == 1
    once.process(poses)
    following = frame(21, person((42.0, 0.0)))
    np.testing.assert_array_equal(
        twice.process(following).persons[0].keypoints,
        once.process(following).persons[0].keypoints)


def test_frames_without_a_time_pass_unfiltered_and_leave_no_trace(person, frame):
    stage, untouched = settled(person, frame), settled(person, frame)
    jump = person((90.0, 0.0))
    for _ in range(3):
        passed = stage.process(frame(20, jump, stamp_ns=0))
    np.testing.assert_array_equal(passed.persons[0].keypoints, jump.keypoints)
    assert stage.counters.unstamped == 3
    following = frame(21, person((42.0, 0.0)))
    np.testing.assert_array_equal(
        stage.process(following).persons[0].keypoints,
        untouched.process(following).persons[0].keypoints)


def test_another_layout_begins_anew(person, frame):
    stage = settled(person, frame)
    other = person(points=np.full((33, 2), 200.0))
    refined = stage.process(frame(20, other, layout=BLAZEPOSE33.id))
    assert refined.persons[0].keypoints.shape == (33, 2)
    assert len(refined.persons) == 1
    assert (stage.counters.layout_changes, stage.counters.restarts) == (1, 0)


def test_another_number_of_joints_under_the_same_layout_begins_anew(person, frame):
    stage = settled(person, frame)
    refined = stage.process(frame(20, person(points=np.full((5, 2), 200.0))))
    assert refined.persons[0].keypoints.shape == (5, 2)
    assert np.isnan(refined.persons[0].keypoint_innovations).all()


def test_a_person_without_joints_passes(person, frame):
    stage = RefinementStage()
    for index in range(3):
        refined = stage.process(frame(index, person(points=np.zeros((0, 2)))))
    assert refined.persons[0].keypoints.shape == (0, 2)
    assert stage.process(frame(3)).persons == ()


def test_people_without_identity_pass_unfiltered(person, frame):
    stage = RefinementStage()
    for index in range(3):
        someone = person((50.0 * index, 0.0), track_id=-1)
        twin = person((9.0, 9.0), track_id=4)
        refined = stage.process(frame(index, someone, twin, replace(twin, score=0.1)))
    assert [found.track_id for found in refined.persons] == [4, -1, 4]
    np.testing.assert_array_equal(refined.persons[1].keypoints, someone.keypoints)
    assert refined.persons[1].keypoint_velocities is None
    assert stage.counters.untracked == 6


def test_scores_of_people_without_identity_are_shares(person, frame):
    someone = person(track_id=-1)
    someone.keypoint_scores[:4] = np.nan, np.inf, -3.0, 2.0
    refined = RefinementStage().process(frame(0, someone)).persons[0]
    assert refined.keypoint_scores[:4].tolist() == [0.0, 1.0, 0.0, 1.0]


def test_ten_people_who_swap_places_are_followed_at_once(person, frame):
    stage, places = RefinementStage(), np.linspace(-170.0, 300.0, 10)
    for index in range(40):
        ids = np.arange(1, 11) if index % 20 < 10 else np.arange(10, 0, -1)
        refined = stage.process(frame(index, *(
            person((place, 0.0), track_id=int(track_id))
            for place, track_id in zip(places, ids, strict=True))))
        for found, place in zip(refined.persons, places, strict=True):
            assert (found.keypoint_states[5:] != JointState.MISSING).all()
            inside = found.keypoint_states == JointState.MEASURED
            assert found.keypoints[inside] == pytest.approx(
                person((place, 0.0)).keypoints[inside], abs=2.0)


def test_feedback_is_the_newest_state_with_velocities(person, frame):
    stage = RefinementStage()
    assert stage.feedback() is None
    settled(person, frame, stage=stage)
    refined = stage.process(frame(20, person((40.0, 0.0))))
    feedback = stage.feedback()
    assert (feedback.stamp_ns, feedback.stage) == (refined.stamp_ns, 'refinement')
    np.testing.assert_array_equal(
        feedback.persons[0].keypoints, refined.persons[0].keypoints)
    assert feedback.persons[0].keypoint_velocities[:, 0] == pytest.approx(60.0, rel=0.1)
    stage.process(frame(21))
    (expected,) = stage.feedback().persons
    assert expected.track_state is TrackState.LOST
    assert (expected.keypoint_states == JointState.PREDICTED).all()
    assert expected.keypoints == pytest.approx(person((42.0, 0.0)).keypoints, abs=1.0)


def test_feedback_knows_joints_beyond_the_border(person, frame):
    stage = RefinementStage()
    for index in range(12):
        stage.process(frame(index, person((200.0 + 10.0 * index, 0.0))))
    for index in range(12, 16):
        refined = stage.process(frame(index)).persons[0]
    beyond = refined.keypoint_states == JointState.OUT_OF_FRAME
    assert beyond.any()
    assert np.isnan(refined.keypoints[beyond]).all()
    expected = stage.feedback().persons[0]
    assert (expected.keypoint_states == JointState.PREDICTED).all()
    assert (expected.keypoints[beyond, 0] > 639.0).all()


def test_reset_forgets_time_and_people(person, frame):
    stage = settled(person, frame)
    stage.reset()
    assert stage.feedback() is None
    refined = stage.process(frame(0, person(track_id=5)))
    assert [found.track_id for found in refined.persons] == [5]
    assert stage.restarts == 0


def test_new_parameters_begin_anew(person, frame):
    stage = settled(person, frame)
    stage.parameters = RefinementParameters(mode='none')
    refined = stage.process(frame(20, person((43.0, 0.0)))).persons[0]
    np.testing.assert_array_equal(refined.keypoints, person((43.0, 0.0)).keypoints)
    assert refined.keypoint_covariances is None


def test_the_same_frames_give_the_same_numbers(person, frame):
    def run():
        rng, stage = np.random.default_rng(3), RefinementStage()
        return [stage.process(frame(index, *(
            person(rng.normal(0, 4, 2), track_id=track_id) for track_id in range(10))))
            for index in range(10)]
    for one, other in zip(run(), run(), strict=True):
        for first, second in zip(one.persons, other.persons, strict=True):
            np.testing.assert_array_equal(first.keypoints, second.keypoints)


@pytest.mark.parametrize('mode', ['kalman', 'one_euro', 'none', 'late'])
def test_whatever_comes_in_nothing_false_goes_out(person, frame, mode):
    """Random wrecks of frames: no NaN is MEASURED, no value comes without a say-so."""
    rng = np.random.default_rng(6)
    stage = RefinementStage(RefinementParameters(mode=mode) if mode != 'late' else (
        RefinementParameters(lag_frames=4, use_floor_contact=True)))
    wrecks = np.array([np.nan, np.inf, -np.inf, 1e30, 0.0, -50.0, 700.0], np.float32)
    with np.errstate(all='raise', under='ignore'):
        for index in range(200):
            people = []
            for track_id in rng.choice(6, rng.integers(0, 4), replace=False) - 1:
                someone = person(rng.normal(0, 40, 2), track_id=int(track_id))
                joints = someone.keypoints
                hit = rng.random(17) < 0.3
                joints[hit] = rng.choice(wrecks, (int(hit.sum()), 2))
                people.append(replace(
                    someone, keypoint_states=rng.integers(0, 10, 17).astype(np.uint8),
                    keypoint_scores=rng.choice(wrecks, 17),
                    keypoints_3d=rng.choice(wrecks, (17, 3)) if rng.random() < 0.5 else None,
                    box=rng.choice(wrecks, 4) if rng.random() < 0.3 else someone.box))
            stamp_ns = 10 ** 9 + int(index * 3e7 * rng.choice([1, 1, 1, 0.9, 1.2]))
            refined = stage.process(frame(
                index, *people, stamp_ns=stamp_ns, image_width=int(rng.choice([0, 640]))))
            if refined is None:
                continue
            for found in (*refined.persons, *stage.feedback().persons):
                assert_honest(found.keypoints, found.keypoint_states)
                if found.keypoints_3d is not None:
                    assert_honest(found.keypoints_3d, found.keypoint_states_3d)
                for values in (found.keypoint_covariances, found.keypoint_velocities):
                    if values is not None and mode == 'kalman':
                        np.testing.assert_array_equal(
                            np.isfinite(values[:, 0]), np.isfinite(found.keypoints[:, 0]))
                        assert (values[:, 0][np.isfinite(values[:, 0])] > -np.inf).all()


def assert_honest(points, states):
    known = np.isfinite(points).all(axis=1)
    assert (np.isnan(points).all(axis=1) | known).all()
    assert known[states == JointState.MEASURED].all()
    assert known[states == JointState.PREDICTED].all()
    assert not known[states == JointState.MISSING].any()
    assert (states < 8).all()


def test_layouts_of_the_tests_have_the_joints_of_their_people(person):
    assert len(person().keypoints) == len(COCO17)


class Lively:
    """Says that whoever does something is a hundred times as lively."""

    label_set = 'daily@1234'

    def __call__(self, action, names):
        assert names == COCO17.names
        return np.full(17, 100.0)


@pytest.mark.parametrize(('wanted', 'label_set', 'age_s', 'counts'), [
    (True, 'daily@1234', 0.5, True), (False, 'daily@1234', 0.5, False),
    (True, 'sports@1234', 0.5, False), (True, 'daily@1234', 1.5, False),
    (True, 'daily@1234', -0.5, False)])
def test_what_people_do_says_how_lively_they_are(person, frame, wanted, label_set, age_s, counts):
    moved = []
    for known in (False, True):
        stage = RefinementStage(
            RefinementParameters(use_action_context=wanted), context=Lively())
        for index in range(40):
            poses = frame(index, person((6.0 if index == 39 else 0.0, 0.0), score=0.5))
            if known:
                stamp_ns = poses.stamp_ns - round(age_s * 1e9)
                stage.put_actions(ActionFrame(stamp_ns, 0, label_set, 'net', actions=(
                    Action(1, stamp_ns, stamp_ns, 1, 1.0, np.ones(2, np.float32) / 2),)))
            found = stage.process(poses).persons[0]
        moved.append(float((found.keypoints - person().keypoints)[:, 0].mean()))
    assert (moved[1] > 1.2 * moved[0]) == counts
