"""Clips as a camera would show them."""

from __future__ import annotations

import numpy as np

from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.core.pose import JointState
from neuropose_ros.learning.watching import pose_frames

from .synthetic import clip


def test_frames_are_the_clips_in_time_with_what_is_missing_marked():
    points = clip('a', 1).keypoints.copy()
    points[3, 2] = np.nan
    shown = clip('a', 1, keypoints=points, times_s=5 + np.arange(40) / 20,
                 scores=np.full((40, 15), 0.7, np.float32))
    frames = list(pose_frames(shown, JHMDB15))
    assert [frame.stamp_ns for frame in frames[:3]] == [
        1_000_000_000, 1_050_000_000, 1_100_000_000]
    person = frames[3].persons[0]
    assert person.keypoint_states[2] == JointState.MISSING
    assert (np.delete(person.keypoint_states, 2) == JointState.MEASURED).all()
    np.testing.assert_array_equal(person.keypoints, points[3])
    np.testing.assert_allclose(person.keypoint_scores, 0.7)
    assert {frame.layout for frame in frames} == {JHMDB15.id}


def test_a_clip_in_metres_gives_people_in_3d():
    points = np.ones((40, 15, 3), np.float32)
    person = next(pose_frames(clip('a', 1, keypoints=points), JHMDB15)).persons[0]
    assert person.keypoints_3d.shape == (15, 3) and np.isnan(person.keypoints).all()
    assert (person.keypoint_states_3d == JointState.MEASURED).all()
