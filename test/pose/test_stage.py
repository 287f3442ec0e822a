import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17
from neuropose_ros.core.pose import (
    Floats,
    Frame,
    FrameStatus,
    PersonPose,
    PoseFrame,
    TrackState,
)
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.inference.ops.device import Picture
from neuropose_ros.pose.stage import PoseStage


class OnePerson:
    """An estimator that finds somebody in every picture, at the brightness of its first pixel."""

    def __init__(self, layout: SkeletonLayout = BLAZEPOSE33, *, looks: bool = True) -> None:
        self.layout = layout
        self.looks = looks
        self.expected: list[tuple[PersonPose, ...]] = []
        self.resets = 0
        self.closed = False
        self.fails: Exception | None = None

    @property
    def model(self) -> str:
        return 'one-person'

    def estimate(self, frame: Frame, expected: Sequence[PersonPose] = ()) -> PoseFrame:
        if self.fails is not None:
            raise self.fails
        if self.looks:
            self.expected.append(tuple(expected))
        count = len(self.layout)
        points = np.stack((np.arange(count), np.arange(count)), -1).astype(np.float32)
        person = PersonPose(
            keypoints=points + frame.image[0, 0, 0], keypoint_scores=np.ones(count, np.float32),
            keypoint_states=np.full(count, 7, np.uint8), score=1.0,
            box=np.array([0, 0, 33, 33], np.float32))
        return PoseFrame(
            stamp_ns=frame.stamp_ns, frame_seq=frame.frame_seq, layout=self.layout.id,
            image_width=frame.image.shape[1], image_height=frame.image.shape[0],
            epoch=frame.epoch, status=FrameStatus.OK, persons=(person,))

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        self.closed = True


def frame(seq: int, *, stamp_ns: int | None = None, epoch: int = 0, image: Any = None) -> Frame:
    return Frame(
        image=np.zeros((4, 6, 3), np.uint8) if image is None else image,
        stamp_ns=(1 + seq) * 1000 if stamp_ns is None else stamp_ns, frame_seq=seq, epoch=epoch,
        frame_id='cam', receive_ms=1.5, seq_is_local=True)


def test_people_get_ids() -> None:
    stage = PoseStage(OnePerson())
    results = [stage.process(frame(i)) for i in range(3)]
    assert [result.persons[0].track_id for result in results] == [1, 1, 1]
    assert results[2].persons[0].track_state is TrackState.CONFIRMED
    assert stage.last_error == ''


def test_results_come_in_the_wanted_layout() -> None:
    result = PoseStage(OnePerson(), layout=COCO17).process(frame(0))
    assert result.layout == COCO17.id
    ankle = BLAZEPOSE33.index('left_ankle')
    np.testing.assert_array_equal(
        result.persons[0].keypoints[COCO17.index('left_ankle')], [ankle, ankle])


def test_skipped_frames_are_counted() -> None:
    stage = PoseStage(OnePerson())
    assert [stage.process(frame(i)).skipped_before for i in (5, 6, 9, 10)] == [0, 0, 2, 0]
    assert stage.skipped == 2


@pytest.mark.parametrize('later', [
    {'seq': 3, 'epoch': 1}, {'seq': 3, 'stamp_ns': 5}, {'seq': 0, 'stamp_ns': 1},
])
def test_a_restart_resets_everything_once(later: dict[str, int]) -> None:
    estimator = OnePerson()
    stage = PoseStage(estimator)
    for i in range(3):
        stage.process(frame(i))
    again = stage.process(frame(**later))
    assert (stage.restarts, estimator.resets) == (1, 1)
    assert again.skipped_before == 0
    assert again.epoch == 1
    assert again.persons[0].track_id == 2
    assert again.persons[0].track_state is TrackState.TENTATIVE
    stage.process(replace(frame(later['seq'] + 1), stamp_ns=again.stamp_ns + 1,
                          epoch=later.get('epoch', 0)))
    assert (stage.restarts, estimator.resets) == (1, 1)


def test_a_restarted_camera_whose_clock_goes_on_begins_a_new_epoch() -> None:
    stage = PoseStage(OnePerson())
    for i in range(3):
        assert stage.process(frame(i)).epoch == 0
    again = [stage.process(replace(frame(i), stamp_ns=10**12 + i)) for i in range(3)]
    assert [result.epoch for result in again] == [1, 1, 1]
    assert stage.restarts == 1
    looped = stage.process(replace(frame(3, epoch=1), stamp_ns=10**12 + 3))
    assert looped.epoch == 2


def test_frames_lost_where_a_loop_begins_are_counted() -> None:
    stage = PoseStage(OnePerson())
    stage.process(frame(0))
    assert stage.process(frame(5, epoch=1)).skipped_before == 4


def test_a_repeated_stamp_is_no_restart() -> None:
    stage = PoseStage(OnePerson())
    for i in range(3):
        assert stage.process(frame(i, stamp_ns=7)).status is FrameStatus.OK
    assert stage.restarts == 0


@pytest.mark.parametrize(('image', 'said'), [
    (np.zeros((0, 6, 3), np.uint8), 'an image of 6x0 has no pixels'),
    (np.zeros((4, 0, 3), np.uint8), 'an image of 0x4 has no pixels'),
    (np.zeros((4, 6), np.uint8), r'not \(4, 6\) uint8'),
    (np.zeros((4, 6, 4), np.uint8), r'not \(4, 6, 4\) uint8'),
    (np.zeros((4, 6, 3), np.float32), 'not .* float32'),
    (np.zeros((), np.uint8), r'not \(\) uint8'),
    ([[[0, 0, 0]]], 'must be an array, not list'),
])
def test_a_broken_image_is_an_error_and_the_next_one_works(image: Any, said: str) -> None:
    stage = PoseStage(OnePerson())
    stage.process(frame(0))
    broken = stage.process(frame(1, image=image))
    assert broken.status is FrameStatus.ERROR
    assert broken.persons == ()
    assert (broken.stamp_ns, broken.frame_seq, broken.frame_id) == (2000, 1, 'cam')
    assert (broken.receive_ms, broken.seq_is_local) == (1.5, True)
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(stage.last_error)
    after = stage.process(frame(2))
    assert after.status is FrameStatus.OK
    assert after.persons[0].track_id == 1
    assert after.skipped_before == 0
    assert stage.last_error == ''


@pytest.mark.parametrize(('error', 'said', 'logged'), [
    (ModelError('the network failed'), 'the network failed', 0),
    (IndexError('a mistake'), 'IndexError: a mistake', 1),
])
def test_what_the_estimator_cannot_do_is_an_error_of_that_frame(
    error: Exception, said: str, logged: int, caplog: pytest.LogCaptureFixture,
) -> None:
    estimator = OnePerson()
    stage = PoseStage(estimator)
    stage.process(frame(0))
    estimator.fails = error
    for seq in (1, 2):
        result = stage.process(frame(seq))
        assert (result.status, result.frame_seq) == (FrameStatus.ERROR, seq)
        assert stage.last_error == said
    assert [record.exc_info is not None for record in caplog.records] == [True] * logged
    estimator.fails = None
    after = stage.process(frame(3))
    assert (after.status, after.skipped_before) == (FrameStatus.OK, 0)
    assert after.persons[0].track_id == 1
    assert stage.last_error == ''


def test_what_a_mistake_was_is_logged_when_it_is_the_frames_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    estimator = OnePerson()
    stage = PoseStage(estimator)
    estimator.fails = IndexError('a mistake')
    look = stage.look(frame(0), lambda: None)
    assert not caplog.records, 'all is told in the thread that follows'
    stage.follow(look)
    [record] = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[1] is estimator.fails


class SlowLooks:
    """An encoder of people that takes its time."""

    def encode(self, picture: Picture, boxes: Floats) -> Floats:
        time.sleep(0.02)
        return np.ones((len(boxes), 1), np.float32)

    def close(self) -> None:
        pass


def test_what_is_wrong_with_a_frame_is_told_when_it_is_its_turn() -> None:
    stage = PoseStage(OnePerson())
    good, broken = stage.look(frame(0), lambda: None), stage.look(
        frame(1, image=np.zeros((0, 6, 3), np.uint8)), lambda: None)
    assert stage.follow(good).status is FrameStatus.OK
    assert stage.last_error == ''
    assert stage.follow(broken).status is FrameStatus.ERROR
    assert 'no pixels' in stage.last_error


def test_what_is_done_after_the_estimator_counts_as_postprocessing() -> None:
    stage = PoseStage(OnePerson(), reid=SlowLooks())
    assert stage.process(frame(0)).postprocess_ms >= 20


def test_views_are_made_contiguous() -> None:
    image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    stage = PoseStage(OnePerson())
    flipped = stage.process(frame(0, image=image[::-1, ::-1]))
    assert flipped.persons[0].keypoints[0, 0] == image[3, 5, 0]


def test_a_frame_without_a_readable_image_keeps_its_place() -> None:
    stage = PoseStage(OnePerson(), layout=COCO17)
    stage.process(frame(0))
    failed = stage.failed(FrameInfo(stamp_ns=9000, frame_seq=3, frame_id='cam'), True)
    assert (failed.status, failed.stamp_ns, failed.frame_seq) == (FrameStatus.ERROR, 9000, 3)
    assert (failed.skipped_before, failed.layout) == (2, COCO17.id)
    assert stage.process(frame(4, stamp_ns=9999)).skipped_before == 0


def test_reset_and_close() -> None:
    estimator = OnePerson()
    stage = PoseStage(estimator)
    stage.process(frame(5))
    stage.reset()
    assert stage.process(frame(0, stamp_ns=1)).persons[0].track_id == 2
    assert stage.restarts == 0
    stage.close()
    assert estimator.closed


def feedback_of(result: PoseFrame, **changed: Any) -> PoseFrame:
    """The refiner's answer to a result: everybody five pixels to the right of it."""
    people = tuple(replace(
        one, keypoints=one.keypoints + np.float32((5, 0)),
        keypoint_velocities=np.zeros_like(one.keypoints)) for one in result.persons)
    return replace(result, **{'stage': 'refinement', 'persons': people, **changed})


def test_the_estimator_is_told_who_is_expected_where() -> None:
    estimator = OnePerson()
    stage = PoseStage(estimator)
    results = [stage.process(frame(i)) for i in range(2)]
    assert estimator.expected[0] == ()
    [person] = estimator.expected[1]
    assert person.track_id == results[0].persons[0].track_id
    np.testing.assert_allclose(person.keypoints, results[0].persons[0].keypoints, atol=1e-3)
    assert [result.feedback_stamp_ns for result in results] == [0, 0]


def test_feedback_corrects_what_is_expected_and_is_named_in_the_result() -> None:
    estimator = OnePerson()
    stage = PoseStage(estimator)
    first = stage.process(frame(0))
    second = stage.process(frame(1), feedback_of(first))
    assert second.feedback_stamp_ns == first.stamp_ns
    np.testing.assert_allclose(
        estimator.expected[1][0].keypoints - first.persons[0].keypoints, [[5, 0]] * 33, atol=1e-3)


def test_an_estimator_that_does_not_look_uses_no_feedback() -> None:
    stage = PoseStage(OnePerson(looks=False))
    first = stage.process(frame(0))
    assert stage.process(frame(1), feedback_of(first)).feedback_stamp_ns == 0


def test_feedback_of_another_epoch_or_layout_is_not_used() -> None:
    stage = PoseStage(OnePerson(), layout=COCO17)
    first = stage.process(frame(0))
    assert first.layout == COCO17.id
    assert stage.process(frame(1), feedback_of(first)).feedback_stamp_ns == 0, 'lacks joints'
    stage = PoseStage(OnePerson())
    first = stage.process(frame(0))
    assert stage.process(frame(1), feedback_of(first, epoch=4)).feedback_stamp_ns == 0
