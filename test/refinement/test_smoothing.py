"""What later frames say: fixed lag and whole recordings, with and without a network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import JointState
from neuropose_ros.refinement import smoothing
from neuropose_ros.refinement.evidence import NetworkOutput
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.smoothing import smooth
from neuropose_ros.refinement.stage import RefinementStage

WRIST = 9


def recording(person, frame, count=60, hidden=(), noise_px=8.0, **extra):
    """Return frames of a person who sways, and (T, 17, 2) the truth."""
    rng, truth, frames = np.random.default_rng(0), [], []
    for index in range(count):
        points = person((40.0 * np.sin(index / 9.0), 0.0)).keypoints
        truth.append(points)
        someone = person(points=points + rng.normal(0.0, noise_px, points.shape), score=0.6)
        if index in hidden:
            someone.keypoints[WRIST] = np.nan
            someone.keypoint_states[WRIST] = JointState.MISSING
        frames.append(frame(index, replace(someone, **extra)))
    return frames, np.array(truth)


def positions(frames):
    return np.array([poses.persons[0].keypoints for poses in frames])


def lagged(frames, lag):
    stage = RefinementStage(RefinementParameters(lag_frames=lag))
    answers = [stage.process(poses) for poses in frames]
    assert answers[:lag] == [None] * min(lag, len(frames))
    return [*answers[lag:], *stage.flush()], stage


@pytest.mark.parametrize('lag', [0, 1, 5, 30, 90])
def test_there_is_one_answer_for_each_frame_in_order(person, frame, lag):
    frames, _ = recording(person, frame)
    if lag > 30:
        answers = smooth(frames)
    else:
        answers, stage = lagged(frames, lag)
        assert stage.flush() == []
    assert [poses.stamp_ns for poses in answers] == [poses.stamp_ns for poses in frames]
    assert [poses.frame_seq for poses in answers] == list(range(60))
    assert {poses.stage for poses in answers} == {'refinement'}


def test_the_more_is_known_the_better_it_is(person, frame):
    frames, truth = recording(person, frame, count=120)
    errors = [np.abs(positions(lagged(frames, lag)[0]) - truth)[10:].mean() for lag in (0, 2, 8)]
    errors.append(np.abs(positions(smooth(frames)) - truth)[10:].mean())
    assert errors[1] < 0.9 * errors[0]
    assert errors[2] < errors[1]
    assert errors[3] < 1.02 * errors[2]


def test_a_gap_is_bridged_from_both_ends(person, frame):
    hidden = range(30, 42)
    frames, truth = recording(person, frame, hidden=hidden, noise_px=1.0)
    causal = lagged(frames, 0)[0]
    whole = smooth(frames)
    gap = slice(30, 42)
    errors = [np.linalg.norm(positions(answers)[gap, WRIST] - truth[gap, WRIST], axis=1)
              for answers in (causal, whole)]
    assert errors[1].max() < errors[0].max()
    for index in hidden:
        assert causal[index].persons[0].keypoint_states[WRIST] == JointState.PREDICTED
        assert whole[index].persons[0].keypoint_states[WRIST] == JointState.INTERPOLATED
        assert whole[index].persons[0].keypoint_covariances[WRIST, 0] <= (
            causal[index].persons[0].keypoint_covariances[WRIST, 0])


@pytest.mark.parametrize('gap', [1, 3])
def test_a_joint_seen_once_before_a_gap_is_no_surer_than_those_always_seen(person, frame, gap):
    frames, _ = recording(person, frame, count=14, hidden=range(1, 1 + gap))
    answers = smooth(frames)
    variances = [poses.persons[0].keypoint_covariances[WRIST, 0] for poses in answers]
    assert variances[0] >= variances[-3]
    assert min(variances) > 0


def test_what_is_never_seen_again_stays_predicted(person, frame):
    frames, _ = recording(person, frame, hidden=range(50, 60))
    assert smooth(frames)[55].persons[0].keypoint_states[WRIST] == JointState.PREDICTED


def test_a_lag_is_told_and_feedback_does_not_have_it(person, frame):
    frames, _ = recording(person, frame)
    causal, at_once = lagged(frames, 0)
    late, stage = lagged(frames, 6)
    extra_ms = late[20].persons[0].delay_ms - causal[20].persons[0].delay_ms
    assert extra_ms == pytest.approx(200.0, abs=0.1)
    np.testing.assert_array_equal(
        stage.feedback().persons[0].keypoints, at_once.feedback().persons[0].keypoints)
    assert smooth(frames)[20].persons[0].delay_ms == 0.0


def test_a_restart_ends_what_waits_within_its_run(person, frame):
    first, _ = recording(person, frame, count=20)
    second = [replace(poses, epoch=1, frame_seq=20 + poses.frame_seq)
              for poses in recording(person, frame, count=20, noise_px=1.0)[0]]
    answers, stage = lagged(first + second, 7)
    alone = lagged(first, 7)[0]
    assert stage.restarts == 1
    assert [poses.frame_seq for poses in answers] == list(range(40))
    np.testing.assert_array_equal(positions(answers[:20]), positions(alone))
    np.testing.assert_array_equal(positions(smooth(first + second)[:20]), positions(smooth(first)))


def test_repeats_unstamped_frames_and_people_who_come_and_go_keep_their_place(person, frame):
    frames = []
    for index in range(30):
        people = [person((2.0 * index, 0.0), track_id=number) for number in (1, 2, 3)
                  if number == 1 or (index // 7 + number) % 3]
        frames.append(frame(index, *people))
    frames.insert(12, replace(frames[11], frame_seq=99))
    frames.insert(20, replace(frames[19], stamp_ns=0))
    for answers in (lagged(frames, 4)[0], smooth(frames)):
        assert [poses.frame_seq for poses in answers] == [poses.frame_seq for poses in frames]
        for given, poses in zip(frames, answers, strict=True):
            asked = [one.track_id for one in given.persons]
            assert [one.track_id for one in poses.persons][:len(asked)] == asked
            for one in poses.persons:
                known = np.isfinite(one.keypoints).all(axis=1)
                assert known[one.keypoint_states >= JointState.INTERPOLATED].all()
    assert positions([answers[12]]) == pytest.approx(positions([answers[11]]))


def test_a_long_recording_is_smoothed_in_blocks(person, frame, monkeypatch):
    frames, _ = recording(person, frame, count=130)
    whole = positions(smooth(frames))
    monkeypatch.setattr(smoothing, '_BLOCK', 25)
    assert positions(smooth(frames)) == pytest.approx(whole, abs=0.2)


class Oracle:
    """Knows the truth of frame after frame, causally or as a whole."""

    def __init__(self, truth, variance):
        self.truth, self.variance, self.frame, self.people = truth, variance, 0, 0
        self.heard = []

    def bind(self, names):
        assert names == COCO17.names

    def arrange(self, people):
        self.people = len(people)

    def _say(self, truth, shape):
        return NetworkOutput(np.broadcast_to(truth, (*shape, 2)).copy(),
                             np.full(shape, self.variance))

    def step(self, dt_s, view):
        assert view.measured.shape == (self.people, 17, 2)
        self.heard.append(view)
        self.frame += 1
        return self._say(self.truth[self.frame - 1], view.sd.shape)

    def whole(self, dt_s, view):
        assert view.measured.shape == (len(self.truth), 1, 17, 2)
        return self._say(self.truth[:, None], view.sd.shape)


@pytest.mark.parametrize('hidden', [(), range(20, 50), range(60)])
def test_what_the_network_says_is_taken_and_admitted(person, frame, hidden):
    frames, truth = recording(person, frame, hidden=hidden)
    oracle = Oracle(truth, 4.0)
    stage = RefinementStage(network=oracle)
    causal = [stage.process(poses) for poses in frames]
    for answers in (causal, smooth(frames, network=Oracle(truth, 4.0))):
        assert np.abs(positions(answers) - truth).max() < 6.0
        assert np.abs(positions(answers) - truth).mean() < 1.0
        states = np.array([poses.persons[0].keypoint_states for poses in answers])
        assert (np.delete(states, WRIST, axis=1) == JointState.MEASURED).all()
        for index in range(60):
            assert (states[index, WRIST] == JointState.MEASURED) == (index not in hidden)
            assert states[index, WRIST] >= JointState.INTERPOLATED
        assert answers[40].persons[0].keypoint_covariances[0, 0] == pytest.approx(4.0, rel=0.3)
    for index in hidden:
        assert np.isnan(oracle.heard[index].measured[0, WRIST]).all()
        assert oracle.heard[index].sd[0, WRIST] == np.inf


@pytest.mark.parametrize(('parameters', 'speaks'), [
    ({}, True), ({'use_network': False}, False), ({'mode': 'one_euro'}, False),
    ({'completion_sd': 0.01}, False)])
def test_the_network_can_be_refused(person, frame, parameters, speaks):
    frames, truth = recording(person, frame, hidden=range(60))
    stage = RefinementStage(RefinementParameters(**parameters), network=Oracle(truth, 100.0))
    last = [stage.process(poses) for poses in frames][-1].persons[0]
    assert np.isfinite(last.keypoints[WRIST]).all() == speaks


def test_a_network_gone_wrong_invents_nothing(person, frame):
    class Mad(Oracle):
        def step(self, dt_s, view):
            told = super().step(dt_s, view)
            told.position[:, ::3], told.position[:, 1] = np.nan, np.inf
            told.variance[:, 4:7] = (np.nan, -1.0, 0.0)
            return told

    frames, truth = recording(person, frame)
    stage = RefinementStage(network=Mad(truth, 4.0))
    for poses in frames:
        found = stage.process(poses).persons[0]
        assert np.isfinite(found.keypoints).all()
        assert np.isfinite(found.keypoint_covariances).all()
        assert (found.keypoint_states == JointState.MEASURED).all()
