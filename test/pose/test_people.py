"""States, scores and boxes of people made from a network's points."""

import numpy as np
import pytest

from neuropose_ros.core.pose import JointState
from neuropose_ros.pose.people import make_person, region_score

NAN = np.nan
POINTS = np.array(
    [[10, 10], [20, 30], [-0.4, 5], [-0.6, 5], [40, 79.6], [NAN, 3], [50, 50]], np.float32)
SCORES = np.array([0.9, 0.31, 1.2, 0.9, 0.9, 0.9, 0.2], np.float32)


def test_states_say_what_is_known() -> None:
    person = make_person(POINTS, SCORES, 100, 80)
    assert person.keypoint_states.tolist() == [
        JointState.MEASURED, JointState.MEASURED, JointState.MEASURED, JointState.OUT_OF_FRAME,
        JointState.OUT_OF_FRAME, JointState.MISSING, JointState.OCCLUDED]
    np.testing.assert_allclose(
        person.keypoint_scores, [0.9, 0.31, 1, 0.9, 0.9, 0, 0.2], rtol=1e-6)
    assert np.isnan(person.keypoints[5]).all()
    np.testing.assert_allclose(person.keypoints[6], (50, 50))
    np.testing.assert_allclose(person.box, (-0.4, 5, 20, 30), rtol=1e-6)
    assert (person.track_id, person.keypoints_3d) == (-1, None)


def test_a_box_is_drawn_around_what_there_is() -> None:
    doubtful = make_person(POINTS, SCORES / 10, 100, 80)
    np.testing.assert_allclose(doubtful.box, (-0.4, 5, 50, 50), rtol=1e-6)
    outside = make_person(POINTS + 200, SCORES, 100, 80)
    np.testing.assert_allclose(outside.box, (199.4, 205, 250, 279.6), rtol=1e-6)
    nothing = make_person(np.full((4, 2), NAN), np.full(4, NAN), 100, 80)
    assert np.isnan(nothing.box).all() and nothing.score == 0
    assert set(nothing.keypoint_states) == {JointState.MISSING}


def test_half_a_body_is_a_whole_person() -> None:
    assert region_score(np.array([0.9, 0.8, 0.1, 0.0], np.float32)) == pytest.approx(0.85)
    assert region_score(np.array([0.6, 0.6, 0.0], np.float32)) == pytest.approx(0.6)
    assert region_score(np.zeros(0, np.float32)) == 0
