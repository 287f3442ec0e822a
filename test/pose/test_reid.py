"""Looks as vectors: on a network whose vectors are the mean colour of a crop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.errors import ModelError, ParameterError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import Frame, FrameStatus, PersonPose, PoseFrame
from neuropose_ros.inference.ops.device import Picture, PictureInput
from neuropose_ros.pose.reid import (
    NetworkPersonEncoder,
    create_reid,
    reid_models,
    stretching_warps,
)
from neuropose_ros.pose.stage import PoseStage

from .marker_networks import MEAN, STD, Graph, entry, load
from .tracking.people import ids, stamp, standing

INPUT = PictureInput(8, 16, MEAN, STD, 'rgb')
RED, BLUE = (0, 0, 200), (200, 0, 0)


def encoder(batch: int | str = 'n') -> NetworkPersonEncoder:
    graph = Graph(INPUT, batch)
    graph.add('ReduceMean', graph.levels, out='embedding', axes=[2, 3], keepdims=0)
    network = graph.done(embedding=(batch, 3))
    return NetworkPersonEncoder(load(network), entry('colour', 'embedding', INPUT, 'reid'))


def picture(*people: tuple[PersonPose, tuple[int, int, int]]) -> np.ndarray:
    image = np.zeros((400, 640, 3), np.uint8)
    for person, colour in people:
        x_min, y_min, x_max, y_max = person.box.round().astype(int)
        image[y_min:y_max + 1, x_min:x_max + 1] = colour
    return image


@pytest.mark.parametrize('batch', ['n', 1])
def test_vectors_are_those_of_the_crops_in_order(batch):
    a, b = standing(150), standing(400)
    people = encoder(batch)
    boxes = np.stack([b.box, a.box])
    vectors = people.encode(Picture(picture((a, RED), (b, BLUE))), boxes)
    assert vectors.dtype == np.float32
    assert vectors == pytest.approx(np.array([[0, 0, 1], [1, 0, 0]]), abs=0.02)
    assert people.encode(Picture(picture()), np.zeros((0, 4), np.float32)).shape == (0, 3)
    people.close()


def test_a_box_fills_the_crop():
    [warp] = stretching_warps([[10.0, 20.0, 26.0, 52.0]], 8, 16)
    corners = np.array([[-0.5, -0.5, 1.0], [7.5, 15.5, 1.0]]) @ warp.T
    assert corners == pytest.approx(np.array([[10, 20], [26, 52]]))


def test_a_network_without_one_vector_is_refused():
    graph = Graph(INPUT)
    graph.add('ReduceMean', graph.levels, out='rows', axes=[3], keepdims=0)
    with pytest.raises(ModelError, match='one vector'):
        NetworkPersonEncoder(
            load(graph.done(rows=('n', 3, 16))), entry('rows', 'embedding', INPUT, 'reid'))


def test_only_models_that_tell_people_apart_are_known():
    assert 'rtmdet-nano' not in reid_models()
    with pytest.raises(ParameterError, match='unknown re-identification model'):
        create_reid('rtmdet-nano')


class Finder:
    """An estimator that finds whom it is told to."""

    layout = COCO17
    model = 'finder'

    def __init__(self) -> None:
        self.people: tuple[PersonPose, ...] = ()

    def estimate(self, frame: Frame, expected: Sequence[PersonPose] = ()) -> PoseFrame:
        return PoseFrame(
            frame.stamp_ns, frame.frame_seq, COCO17.id, 640, 400, status=FrameStatus.OK,
            persons=self.people)

    def reset(self) -> None:
        """Keeps nothing."""

    def close(self) -> None:
        """Holds nothing."""


class Counted:
    """Counts the crops that an encoder is asked for."""

    def __init__(self, encoder: NetworkPersonEncoder) -> None:
        self._encoder = encoder
        self.crops = 0
        self.closed = False

    def encode(self, picture: Picture, boxes: np.ndarray) -> np.ndarray:
        self.crops += len(boxes)
        return self._encoder.encode(picture, boxes)

    def close(self) -> None:
        self.closed = True


def test_the_stage_asks_only_where_motion_leaves_it_open():
    finder, counted = Finder(), Counted(encoder())
    stage = PoseStage(finder, reid=counted)

    def process(index: int, *people: tuple[PersonPose, tuple[int, int, int]]) -> list[int]:
        finder.people = tuple(person for person, _ in people)
        result = stage.process(Frame(picture(*people), stamp(index), index))
        return ids(result.persons)

    left, right = standing(200), standing(420)
    for i in range(10):
        assert process(i, (left, RED), (right, BLUE)) == [1, 2]
    assert counted.crops == 2, 'each once; then both are known and apart: nobody is asked'
    for i in range(10, 40):
        assert process(i) == []
    # Both come back near the middle, each where the other may be: only the colours tell.
    near_left, near_right = standing(280), standing(360)
    assert process(40, (near_left, BLUE), (near_right, RED)) == [2, 1]
    assert counted.crops == 4
    stage.close()
    assert counted.closed


def test_without_it_people_are_told_apart_by_motion_alone():
    finder = Finder()
    stage = PoseStage(finder)
    finder.people = (standing(200), replace(standing(420)))
    assert ids(stage.process(Frame(picture(), stamp(0), 0)).persons) == [1, 2]
