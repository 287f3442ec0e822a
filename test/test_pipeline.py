"""The stages in a row, without ROS: the same input gives the same output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from neuropose_ros.action.recogniser import load_recogniser
from neuropose_ros.action.stage import ActionStage
from neuropose_ros.core.action import UNKNOWN_LABEL
from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17
from neuropose_ros.core.pose import (
    Frame,
    FrameStatus,
    JointState,
    Origin3D,
    PersonPose,
    PoseFrame,
)
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.pipeline import Pipeline, Result
from neuropose_ros.pose.intrinsics import Intrinsics
from neuropose_ros.pose.scene import create_scene_encoder
from neuropose_ros.pose.stage import PoseStage
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.stage import RefinementStage
from neuropose_ros.sources.player import Player
from neuropose_ros.sources.synthetic.source import open_synthetic

from .recognisers import ARM, SCENE_MODEL, write_arm_recogniser


class DotEstimator:
    """Finds the brightest pixel and calls it every joint; notes who was expected."""

    layout: SkeletonLayout = COCO17
    model = 'dot'

    def __init__(self) -> None:
        self.expected: list[tuple[PersonPose, ...]] = []

    def estimate(self, frame: Frame, expected: Sequence[PersonPose] = ()) -> PoseFrame:
        self.expected.append(tuple(expected))
        y, x = np.unravel_index(int(frame.image[..., 0].argmax()), frame.image.shape[:2])
        points = np.tile(np.array((x, y), np.float32), (17, 1))
        points += np.linspace(0, 20, 17, dtype=np.float32)[:, None]
        person = PersonPose(
            points, np.ones(17, np.float32), np.full(17, JointState.MEASURED, np.uint8),
            np.array((x, y, x + 20, y + 20), np.float32), score=1.0)
        return PoseFrame(
            frame.stamp_ns, frame.frame_seq, self.layout.id, frame.image.shape[1],
            frame.image.shape[0], epoch=frame.epoch, status=FrameStatus.OK, persons=(person,))

    def reset(self) -> None:
        """Keeps nothing."""

    def close(self) -> None:
        """Holds nothing."""


def frames(count: int, epoch: int = 0) -> list[Frame]:
    made = []
    for index in range(count):
        image = np.zeros((100, 200, 3), np.uint8)
        image[30, 20 + 3 * index] = 255
        made.append(Frame(image, 10**9 + index * 33_333_333, index, epoch=epoch))
    return made


def pipeline(estimator: DotEstimator) -> Pipeline:
    return Pipeline(PoseStage(estimator), RefinementStage())


def test_every_frame_goes_through_all_stages_in_order() -> None:
    results = list(pipeline(DotEstimator()).run(frames(10)))
    assert [r.refined.frame_seq for r in results] == list(range(10))
    assert [r.refined.stamp_ns for r in results] == [f.stamp_ns for f in frames(10)]
    last = results[-1].refined.persons[0]
    assert np.allclose(last.keypoints[0], (47, 30), atol=1.5)
    assert last.track_id == results[0].refined.persons[0].track_id >= 0


def test_the_refiners_prediction_reaches_the_estimator_one_frame_later() -> None:
    estimator = DotEstimator()
    results = list(pipeline(estimator).run(frames(3)))
    assert estimator.expected[0] == ()
    assert [r.poses.feedback_stamp_ns for r in results] == [
        0, *(r.poses.stamp_ns for r in results[:-1])]
    refined = results[1].refined.persons[0]
    assert refined.keypoint_velocities is not None
    np.testing.assert_allclose(
        estimator.expected[2][0].keypoints,
        refined.keypoints + refined.keypoint_velocities / 30, rtol=1e-4)


def test_the_same_input_gives_identical_results() -> None:
    first, second = (list(pipeline(DotEstimator()).run(frames(10))) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a.refined.persons[0].keypoints, b.refined.persons[0].keypoints)
        assert np.array_equal(
            a.refined.persons[0].keypoint_covariances, b.refined.persons[0].keypoint_covariances)


def test_a_new_epoch_starts_afresh() -> None:
    running = pipeline(DotEstimator())
    list(running.run(frames(10)))
    again = list(running.run(frames(10, epoch=1)))
    fresh = list(pipeline(DotEstimator()).run(frames(10, epoch=1)))
    assert np.array_equal(
        again[-1].refined.persons[0].keypoints, fresh[-1].refined.persons[0].keypoints)


class TrueEstimator(DotEstimator):
    """Finds the keypoints where they are, and nothing of their depth."""

    layout = BLAZEPOSE33

    def estimate(self, frame: Frame, expected: Sequence[PersonPose] = ()) -> PoseFrame:
        assert frame.truth is not None
        return replace(frame.truth, persons=tuple(
            replace(person, keypoints_3d=None, keypoint_states_3d=None,
                    origin_3d=Origin3D.UNKNOWN, frame_3d='') for person in frame.truth.persons))


def test_depth_and_a_lens_give_refined_places_in_metres() -> None:
    source = open_synthetic('synthetic:walk?depth=1&width=320&height=240&seconds=0.5')
    found = source.calibration
    lens = Intrinsics(found.width, found.height, found.k, found.d, found.distortion_model)
    refined = []
    for with_lens in (lens, None):
        row = Pipeline(PoseStage(TrueEstimator()), RefinementStage(), lens=with_lens)
        refined.append([(result.frame, result.refined.persons[0])
                        for result in row.run(Player(source, paced=False))])
        source.rewind()
    for frame, person in refined[0][5:]:
        assert person.origin_3d is Origin3D.CAMERA
        assert person.frame_3d == 'camera'
        true = frame.truth.persons[0].keypoints_3d
        assert np.nanmedian(np.linalg.norm(person.keypoints_3d - true, axis=1)) < 0.05
    assert all(person.keypoints_3d is None for _, person in refined[1])


def bright(count: int) -> list[Frame]:
    """Pictures that the recogniser with a scene takes for the second label."""
    return [replace(frame, image=np.maximum(frame.image, 200)) for frame in frames(count)]


def test_actions_are_told_with_the_scene_of_the_frame_before(
    tmp_path: Path, own_network: None,
) -> None:
    recogniser = write_arm_recogniser(tmp_path / 'arm', scene=True)
    row = Pipeline(
        PoseStage(DotEstimator()), RefinementStage(),
        action=ActionStage(load_recogniser(recogniser)),
        scene=create_scene_encoder(SCENE_MODEL, rate_hz=0.0, announce=str))
    told = [result.actions for result in row.run(bright(20))]
    assert [actions.frame_seq for actions in told] == list(range(20))
    assert [actions.scene_stamp_ns for actions in told] == [
        0, *(actions.stamp_ns for actions in told[:-1])]
    assert told[0].actions[0].top_label == UNKNOWN_LABEL
    assert told[-1].actions[0].top_label == ARM.labels[1]
    row.reset()
    for lag_frames, smoother in ((4, None), (0, list)):
        waiting = Pipeline(
            PoseStage(DotEstimator()),
            RefinementStage(RefinementParameters(lag_frames=lag_frames)),
            action=ActionStage(load_recogniser(recogniser)), smoother=smoother,
            scene=create_scene_encoder(SCENE_MODEL, rate_hz=0.0, announce=str))
        late = [result.actions for result in waiting.run(bright(20))]
        waiting.close()
        assert [actions.scene_stamp_ns for actions in late] == [
            actions.scene_stamp_ns for actions in told]
    again = [result.actions for result in row.run(bright(20))]
    np.testing.assert_array_equal(
        [actions.actions[0].probabilities for actions in again],
        [actions.actions[0].probabilities for actions in told])
    row.close()


def test_without_an_action_stage_there_are_no_actions() -> None:
    assert next(iter(pipeline(DotEstimator()).run(frames(1)))).actions is None

def stamps(results: list[Result]) -> list[int]:
    return [result.refined.stamp_ns for result in results]


def lagging(frames_: int, **extra: object) -> Pipeline:
    return Pipeline(
        PoseStage(DotEstimator()), RefinementStage(RefinementParameters(lag_frames=frames_)),
        **extra)


def test_a_lag_delays_results_and_each_is_still_of_one_frame() -> None:
    running, given = lagging(3), frames(10)
    found = [running.process(frame) for frame in given]
    assert found[:3] == [None] * 3
    found = [result for result in found if result is not None] + list(running.flush())
    assert stamps(found) == [frame.stamp_ns for frame in given]
    for frame, result in zip(given, found, strict=True):
        assert result.frame is frame
        assert result.poses.stamp_ns == frame.stamp_ns
    assert list(running.flush()) == []


def test_feedback_does_not_lag() -> None:
    results = list(lagging(3).run(frames(6)))
    assert [r.poses.feedback_stamp_ns for r in results] == [
        0, *(r.poses.stamp_ns for r in results[:-1])]


def test_a_new_epoch_does_not_overtake_what_lags() -> None:
    given = frames(5) + frames(5, epoch=1)
    found = list(lagging(3).run(given))
    assert [(r.refined.epoch, r.refined.frame_seq) for r in found] == [
        (frame.epoch, frame.frame_seq) for frame in given]


def test_a_recording_is_refined_at_once_at_its_end_and_its_pictures_are_let_go() -> None:
    seen: list[int] = []

    def backwards(poses: Sequence[PoseFrame]) -> list[PoseFrame]:
        seen.append(len(poses))
        return [replace(one, model='offline') for one in poses]

    running = Pipeline(PoseStage(DotEstimator()), RefinementStage(), smoother=backwards)
    found = list(running.run(frames(10)))
    assert seen == [10]
    assert [r.refined.model for r in found] == ['offline'] * 10
    assert stamps(found) == [frame.stamp_ns for frame in frames(10)]
    assert all(r.frame is None for r in found)
    assert [r.poses.feedback_stamp_ns for r in found][1:] == [
        r.poses.stamp_ns for r in found[:-1]]
