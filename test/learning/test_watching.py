"""Clips as a camera would show them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from neuropose_ros.core.action import ActionFrame
from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.core.pose import JointState
from neuropose_ros.learning.watching import pose_frames, stage_recognise

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


class Watcher:
    """Stands where the action stage would, and notes what it is shown."""

    description = SimpleNamespace(layout=JHMDB15)
    uses_scene, scene_model = True, 'eyes'

    def __init__(self) -> None:
        self.seen: list[str] = []

    def reset(self) -> None:
        self.seen.append('reset')

    def process(self, poses, scene=None) -> ActionFrame:
        shown = '' if scene is None else f' {scene.model}{scene.embedding[0]:.0f}'
        self.seen.append(f'{(poses.stamp_ns - 1_000_000_000) // 1_000_000}{shown}')
        return ActionFrame(poses.stamp_ns, poses.frame_seq, 'toy', 'toy')


def test_each_clip_is_the_first_that_the_stage_sees_and_scenes_come_in_time():
    scene = np.array([[1], [2], [3]], np.float32)
    shown = clip('a', 0, frames=4, scene=scene, scene_times_s=np.array([0.0, 0.06, 0.09]))
    watcher = Watcher()
    recognise = stage_recognise(watcher)
    for _ in range(2):
        assert len(list(recognise(shown))) == 4
    assert watcher.seen == ['reset', '0 eyes1', '50', '100 eyes3', '150'] * 2
