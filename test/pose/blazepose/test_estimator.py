"""The estimator around networks that answer by rule, so that every number is known."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neuropose_ros.core.errors import ImageError
from neuropose_ros.core.layouts import BLAZEPOSE33
from neuropose_ros.core.pose import Frame, FrameStatus, JointState, Origin3D, PoseFrame
from neuropose_ros.inference.runtime import Tensors, TensorSpec
from neuropose_ros.pose.blazepose.estimator import BlazePose
from neuropose_ros.pose.estimator import PoseEstimator

STEP_NS = 33_000_000


class Network:
    """Answers with what it is told and remembers what it was shown."""

    def __init__(self, **outputs: NDArray[Any]) -> None:
        self.answers = outputs
        self.seen: list[NDArray[Any]] = []
        self.closed = False

    @property
    def name(self) -> str:
        return 'by-rule'

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return ()

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return tuple(TensorSpec(name, value.shape, value.dtype.name)
                     for name, value in self.answers.items())

    def run(self, inputs: Tensors, into: Tensors | None = None) -> dict[str, NDArray[Any]]:
        self.seen.append(inputs['image'].copy())
        assert into is not None
        for name, value in self.answers.items():
            into[name][...] = value
        return dict(into)

    def close(self) -> None:
        self.closed = True


def detector(hip: tuple[float, float], top: tuple[float, float]) -> Network:
    """Finds one person; points in 0..1 of the letterboxed picture."""
    values = np.zeros((1, 2254, 12), np.float32)
    logits = np.full((1, 2254, 1), -100, np.float32)
    anchor = np.float32(0.5 / 14)
    values[0, 1568] = np.concatenate(
        ([0, 0, 50, 50], *(224 * (np.array(point) - anchor) for point in (hip, top)), [0] * 4))
    logits[0, 1568] = 5
    return Network(boxes=values, scores=logits)


def landmarks() -> Network:
    """All joints in the middle of the crop; the hips there, the top 0.4 of the crop above."""
    table = np.zeros((39, 5), np.float32)
    table[:, :2] = 128
    table[34, 1] = 128 - 0.4 * 256
    table[:, 3:] = 10
    return Network(
        landmarks=table.reshape(1, -1), presence=np.array([[0.9]], np.float32),
        heatmaps=np.full((1, 39, 64, 64), -50, np.float32), world=np.zeros((1, 117), np.float32))


def frame(index: int, image: NDArray[np.uint8] | None = None) -> Frame:
    if image is None:
        image = np.full((100, 200, 3), 255, np.uint8)
    return Frame(image, stamp_ns=(index + 1) * STEP_NS, frame_seq=index, frame_id='cam', epoch=2)


def estimate(estimator: BlazePose, count: int = 1) -> list[PoseFrame]:
    return [estimator.estimate(frame(i)) for i in range(count)]


def test_one_person_from_picture_to_keypoints() -> None:
    find, look = detector((0.5, 0.5), (0.5, 0.3)), landmarks()
    estimator = BlazePose(find, look)
    typed: PoseEstimator = estimator
    assert typed.layout is BLAZEPOSE33
    [result] = estimate(estimator)
    assert (result.status, result.layout) == (FrameStatus.OK, BLAZEPOSE33.id)
    assert (result.stamp_ns, result.frame_seq, result.epoch) == (STEP_NS, 0, 2)
    assert (result.image_width, result.image_height, result.frame_id) == (200, 100, 'cam')
    assert result.model == 'blazepose-full/by-rule'
    [person] = result.persons
    np.testing.assert_allclose(person.keypoints, np.full((33, 2), (100, 50)), atol=1e-3)
    assert (person.keypoint_states == JointState.MEASURED).all()
    assert person.score == pytest.approx(0.9)
    assert person.origin_3d is Origin3D.ROOT_RELATIVE
    assert person.keypoint_covariances is None
    # The detector sees the whole picture between black bars, the other network repeats the edge.
    assert find.seen[0][0, :50].max() == 0 and find.seen[0][0, 60:160, 1:-1].min() == 255
    assert look.seen[0].min() == 255


def test_the_region_follows_without_searching_again() -> None:
    find, look = detector((0.5, 0.5), (0.5, 0.3)), landmarks()
    estimator = BlazePose(find, look)
    estimate(estimator, 4)
    assert (len(find.seen), len(look.seen)) == (1, 4)


def test_a_lost_person_is_searched_for_in_the_next_frame() -> None:
    find, look = detector((0.5, 0.5), (0.5, 0.3)), landmarks()
    estimator = BlazePose(find, look)
    estimator.estimate(frame(0))
    look.answers['presence'][:] = 0.5
    lost = estimator.estimate(frame(1))
    assert (lost.status, lost.persons) == (FrameStatus.NO_PERSON, ())
    look.answers['presence'][:] = 0.51
    assert estimator.estimate(frame(2)).status is FrameStatus.OK
    assert len(find.seen) == 2


def test_nobody_is_searched_for_in_every_frame() -> None:
    find, look = detector((0.5, 0.5), (0.5, 0.3)), landmarks()
    find.answers['scores'][:] = -1
    results = estimate(BlazePose(find, look), 3)
    assert [result.status for result in results] == [FrameStatus.NO_PERSON] * 3
    assert (len(find.seen), len(look.seen)) == (3, 0)


def test_reset_searches_anew() -> None:
    find = detector((0.5, 0.5), (0.5, 0.3))
    estimator = BlazePose(find, landmarks())
    estimator.estimate(frame(0))
    estimator.reset()
    estimator.estimate(frame(1))
    assert len(find.seen) == 2


def test_without_tracking_every_picture_stands_for_itself() -> None:
    find, look = detector((0.5, 0.5), (0.5, 0.3)), landmarks()
    estimator = BlazePose(find, look, tracking=False)
    first, _ = estimate(estimator, 2)
    look.answers['landmarks'][0, 0] = 200
    moved = estimator.estimate(frame(2))
    assert len(find.seen) == 3
    side = 2 * 40 * 1.25
    shift = moved.persons[0].keypoints[0] - first.persons[0].keypoints[0]
    np.testing.assert_allclose(shift, [72 / 256 * side, 0], atol=1e-3)


def test_smoothing_holds_a_jump_back_and_can_be_off() -> None:
    shifts = []
    for smoothing in (True, False):
        look = landmarks()
        estimator = BlazePose(detector((0.5, 0.5), (0.5, 0.3)), look, smoothing=smoothing)
        first = estimator.estimate(frame(0))
        look.answers['landmarks'].reshape(39, 5)[:33, 0] += 2.56
        second = estimator.estimate(frame(1))
        difference = second.persons[0].keypoints - first.persons[0].keypoints
        shifts.append(float(difference[0, 0]))
    assert shifts[1] == pytest.approx(0.01 * 2 * 40 * 1.25, abs=1e-3)
    assert 0 < shifts[0] < 0.6 * shifts[1]


def test_auxiliary_points_are_smoothed_even_with_smoothing_off() -> None:
    regions = []
    look = landmarks()
    estimator = BlazePose(detector((0.5, 0.5), (0.5, 0.3)), look, smoothing=False)
    for i in range(2):
        estimator.estimate(frame(i))
        look.answers['landmarks'].reshape(39, 5)[33:35, 0] += 5.12
        region = estimator._region
        assert region is not None
        regions.append(region.x)
    # The raw points moved by 2 % of the region of 100 px.
    assert 0 < regions[1] - regions[0] < 0.6 * 2.0


def test_hidden_and_outside_joints_say_so() -> None:
    look = landmarks()
    table = look.answers['landmarks'].reshape(39, 5)
    table[3, 3] = -0.1
    table[4, :2] = (128, 300)
    estimator = BlazePose(detector((0.5, 0.5), (0.5, 0.3)), look)
    person = estimator.estimate(frame(0)).persons[0]
    assert person.keypoint_states[3] == JointState.OCCLUDED
    assert person.keypoint_states[4] == JointState.OUT_OF_FRAME
    assert person.keypoint_states_3d is not None
    assert list(person.keypoint_states_3d[3:6]) == list(person.keypoint_states[3:6])
    assert person.keypoint_scores[3] == pytest.approx(1 / (1 + np.exp(0.1)))
    assert person.keypoints[4, 1] > 99.5 and person.box[3] <= 99.5


def test_very_large_pictures_work_and_impossible_ones_are_refused() -> None:
    estimator = BlazePose(detector((0.5, 0.5), (0.5, 0.3)), landmarks())
    large = np.zeros((4320, 7680, 3), np.uint8)
    [person] = estimator.estimate(frame(0, large)).persons
    np.testing.assert_allclose(person.keypoints[0], (3840, 2160), atol=0.1)
    with pytest.raises(ImageError, match='40000x1 is larger than 32766 px'):
        estimator.estimate(frame(1, np.zeros((1, 40000, 3), np.uint8)))


def test_the_smallest_picture_works() -> None:
    estimator = BlazePose(detector((0.5, 0.5), (0.5, 0.3)), landmarks())
    assert estimator.estimate(frame(0, np.zeros((1, 1, 3), np.uint8))).status is FrameStatus.OK


def test_the_frame_is_not_written_to() -> None:
    image = np.random.default_rng(0).integers(0, 255, (60, 80, 3)).astype(np.uint8)
    image.setflags(write=False)
    estimator = BlazePose(detector((0.5, 0.5), (0.5, 0.3)), landmarks())
    assert estimator.estimate(frame(0, image)).persons


def test_closing_closes_both_networks() -> None:
    find, look = detector((0.5, 0.5), (0.5, 0.3)), landmarks()
    BlazePose(find, look).close()
    assert find.closed and look.closed
