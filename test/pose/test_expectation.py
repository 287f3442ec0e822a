"""The refiner's people in what the tracker expects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17, HALPE26, MPII16
from neuropose_ros.core.pose import JointState, PersonPose, PoseFrame, TrackState
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.pose.expectation import (
    Expectation,
    extrapolated,
    is_lossless,
    usable_feedback,
)

S = 1_000_000_000


def person(track_id: int, x: float, velocity: float = 0.0, joints: int = 17) -> PersonPose:
    points = np.full((joints, 2), x, np.float32)
    return PersonPose(
        points, np.ones(joints, np.float32), np.full(joints, JointState.MEASURED, np.uint8),
        np.array((0, 0, 9, 9), np.float32), track_id=track_id, track_state=TrackState.CONFIRMED,
        keypoint_velocities=np.full((joints, 2), velocity, np.float32))


def feedback(*people: PersonPose, **changed: Any) -> PoseFrame:
    given = PoseFrame(S, 4, COCO17.id, 640, 480, stage='refinement', persons=people)
    return replace(given, **changed)


def expectation(predicted: Sequence[PersonPose], given: PoseFrame | None) -> Expectation:
    return Expectation(lambda: predicted, lambda: given, stamp_ns=S + S // 10)


def test_a_refined_person_goes_on_with_its_velocity() -> None:
    expected = expectation([person(1, 0), person(2, 50)], feedback(person(1, 5, 30)))
    assert expected.feedback_stamp_ns == 0, 'nobody has looked'
    one, other = expected
    np.testing.assert_allclose(one.keypoints, 8)
    assert (one.keypoint_states == JointState.PREDICTED).all()
    np.testing.assert_allclose(one.keypoint_velocities, 30)
    np.testing.assert_allclose(other.keypoints, 50)
    assert expected.feedback_stamp_ns == S
    assert len(expected) == 2
    assert [p.track_id for p in expected[1:]] == [2]


def test_joints_that_the_refiner_lacks_are_the_trackers() -> None:
    refined = person(1, 5, 30)
    refined.keypoints[3] = np.nan
    [one] = expectation([person(1, 0, 1)], feedback(refined))
    np.testing.assert_allclose(one.keypoints[3], 0)
    np.testing.assert_allclose(one.keypoint_velocities[3], 1)  # type: ignore[index]
    assert one.keypoint_states[3] == JointState.MEASURED
    np.testing.assert_allclose(one.keypoints[4], 8)


def test_the_refiner_says_how_sure_it_is() -> None:
    known = replace(
        person(1, 5, 30), keypoint_covariances=np.full((17, 3), 4, np.float32))
    known.keypoints[3] = np.nan
    [one] = expectation([person(1, 0)], feedback(known))
    assert one.keypoint_covariances is not None
    assert one.keypoint_covariances[4].tolist() == [4, 4, 4]
    assert np.isposinf(one.keypoint_covariances[3]).all(), 'of that joint it says nothing'
    [one] = expectation([person(1, 0)], feedback(person(1, 5, 30)))
    assert one.keypoint_covariances is None


@pytest.mark.parametrize('refined', [
    person(7, 5),
    person(-1, 5),
    replace(person(1, 5), track_state=TrackState.LOST),
    person(1, np.nan),
    person(1, 10),
    person(1, 1e30),
    person(1, 5, 3e38),
    person(1, 3e38, 3e38),
])
def test_who_is_not_known_to_the_refiner_is_where_the_tracker_says(refined: PersonPose) -> None:
    expected = expectation([person(1, 0)], feedback(refined))
    np.testing.assert_allclose(expected[0].keypoints, 0)
    assert expected.feedback_stamp_ns == 0


def test_without_velocities_the_refined_person_stays() -> None:
    still = replace(person(1, 5), keypoint_velocities=None)
    assert extrapolated(still, 1.0) is still
    [one] = expectation([person(1, 0)], feedback(still))
    np.testing.assert_allclose(one.keypoints, 5)


def use(given: PoseFrame | None, stamp_ns: int = S) -> PoseFrame | None:
    return usable_feedback(given, stamp_ns=stamp_ns, epoch=0, given=COCO17, wanted=COCO17)


def test_feedback_must_be_of_this_epoch_and_stage_and_fresh() -> None:
    good = feedback(person(1, 0))
    assert use(good) is not None
    assert use(good, S + S // 2) is not None
    assert use(None) is None
    assert use(good, S + S // 2 + 1) is None, 'too old'
    assert use(good, S - 1) is None, 'from the future'
    assert use(replace(good, epoch=1)) is None
    assert use(replace(good, stage='pose')) is None
    assert use(replace(good, layout='coco17@0000')) is None


def test_feedback_is_converted_only_without_loss() -> None:
    given = feedback(person(1, 3, joints=26), layout=HALPE26.id)
    converted = usable_feedback(given, stamp_ns=S, epoch=0, given=HALPE26, wanted=COCO17)
    assert converted is not None
    assert converted.layout == COCO17.id
    assert len(converted.persons[0].keypoints) == 17
    poorer = feedback(person(1, 3), layout=COCO17.id)
    assert usable_feedback(poorer, stamp_ns=S, epoch=0, given=COCO17, wanted=BLAZEPOSE33) is None


@pytest.mark.parametrize('joints', [0, 3, 40])
@pytest.mark.parametrize('layout', [COCO17, HALPE26])
def test_people_without_the_joints_of_their_layout_are_left_out(
    joints: int, layout: SkeletonLayout,
) -> None:
    whole = person(2, 3, joints=len(layout))
    claimed = feedback(person(1, 3, joints=joints), whole, layout=layout.id)
    used = usable_feedback(claimed, stamp_ns=S, epoch=0, given=layout, wanted=COCO17)
    assert used is not None
    assert [one.track_id for one in used.persons] == [2]


@pytest.mark.filterwarnings('error')
def test_of_a_person_only_the_joints_that_can_be_there_are_believed() -> None:
    refined = person(1, 5)
    refined.keypoints[:3] = (10, 0), (1e30, -1e30), (3e38, 3e38)
    refined.keypoint_velocities[2] = 3e38  # type: ignore[index]
    refined.keypoint_velocities[3] = np.inf  # type: ignore[index]
    predicted = person(1, 0)
    predicted.keypoints[5:7] = np.nan
    refined.keypoints[6] = 14
    [one] = expectation([predicted], feedback(refined))
    np.testing.assert_allclose(one.keypoints[:3], 0)
    np.testing.assert_allclose(one.keypoints[3:6], 5)
    assert np.isnan(one.keypoints[6]).all(), 'further from the middle of the box than it is large'


def test_a_mean_of_joints_is_a_loss() -> None:
    assert is_lossless(BLAZEPOSE33, COCO17)
    assert not is_lossless(COCO17, BLAZEPOSE33)
    assert not is_lossless(COCO17, MPII16), 'the pelvis would be a mean'
