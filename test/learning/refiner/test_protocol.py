"""Clips as frames, refined by the stage, as arrays again."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import COCO17, JHMDB15
from neuropose_ros.core.pose import JointState
from neuropose_ros.learning.refiner.measures import burst_mask, hidden
from neuropose_ros.learning.refiner.pairs import MODEL
from neuropose_ros.learning.refiner.protocol import (
    causally,
    detected_frames,
    known_frames,
    refined,
)
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.stage import RefinementStage

from .clips import make_pair


def test_detections_are_frames_of_the_pose_node():
    pair = make_pair()
    pair.scores[3, 5] = 0.1
    frames = detected_frames(pair)
    assert [frame.stamp_ns for frame in frames] == [
        10 ** 9 + round(index * 1e9 / 30) for index in range(len(pair))]
    assert {frame.model for frame in frames} == {MODEL}
    assert {frame.layout for frame in frames} == {COCO17.id}
    person = frames[3].persons[0]
    assert person.keypoints.tolist() == pair.found[3].tolist()
    assert np.flatnonzero(person.keypoint_states == JointState.OCCLUDED).tolist() == [5]


def test_hidden_joints_are_missing():
    pair = make_pair()
    mask = burst_mask(*pair.truth.shape[:2], 0.3, np.random.default_rng(0))
    for frame, gone in zip(known_frames(hidden(pair, mask), JHMDB15), mask, strict=True):
        person = frame.persons[0]
        assert ((person.keypoint_states == JointState.MISSING) == gone).all()
        assert (np.isnan(person.keypoints[:, 0]) == gone).all()
        assert (person.keypoint_scores == np.where(gone, 0, 1)).all()


def test_a_frame_without_joints_keeps_the_box():
    pair = make_pair()
    mask = np.zeros(pair.truth.shape[:2], bool)
    mask[7] = True
    frames = known_frames(hidden(pair, mask), JHMDB15)
    assert frames[7].persons[0].box.tolist() == frames[6].persons[0].box.tolist()


@pytest.mark.parametrize('lag_frames', [0, 4])
def test_every_frame_has_its_answer(lag_frames):
    pair = make_pair()
    out = refined(causally(lambda: RefinementStage(RefinementParameters(
        mode='none' if not lag_frames else 'kalman', lag_frames=lag_frames))),
        detected_frames(pair))
    assert np.abs(out.points - pair.found).max() < (1e-3 if not lag_frames else 10.0)
    assert (out.states == JointState.MEASURED).all()
    assert out.covariances.shape == (len(pair), 17, 3)


def test_each_clip_has_a_fresh_stage():
    pair, stages = make_pair(), []

    def make():
        stages.append(RefinementStage())
        return stages[-1]

    refine = causally(make)
    one, other = (refined(refine, detected_frames(pair)) for _ in range(2))
    assert len(stages) == 2
    np.testing.assert_array_equal(one.points, other.points)


def test_an_answer_for_each_frame_is_needed():
    frames = detected_frames(make_pair())
    with pytest.raises(DataError, match='30 frames went in and 29 came out'):
        refined(lambda given: given[1:], frames)
