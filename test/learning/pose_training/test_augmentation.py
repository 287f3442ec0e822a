"""Crops for training: joints go where their pixels go."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.pose_training.augmentation import (
    PLAIN,
    CropMaker,
    Person,
    PictureAugmentation,
)
from neuropose_ros.pose.geometry import points_to_picture, top_down_warps

LAYOUT = SkeletonLayout('three', ('head', 'left_foot', 'right_foot'), (), ((1, 2),))
BOX = np.array([60, 40, 140, 160], np.float32)


def dots(points: list[tuple[float, float]]) -> Person:
    """Draw a bright dot at each joint, each in a channel of its own."""
    image = np.zeros((200, 200, 3), np.uint8)
    for channel, point in enumerate(points):
        plane = np.zeros((200, 200), np.uint8)
        cv2.circle(plane, point, 5, 255, -1)
        image[..., channel] = plane
    return Person(image, np.array(points, np.float32), np.ones(3, np.float32), BOX)


def centre(plane: np.ndarray) -> np.ndarray:
    y, x = np.nonzero(plane > 100)
    return np.array([x.mean(), y.mean()])


@pytest.mark.parametrize('change', [
    {}, {'shift': 0.2}, {'scale': 0.4}, {'turned': 1, 'turn_deg': 60}, {'mirror': 1},
    {'stretch': 0.3}, {'shear_deg': 20}, {'stretch': 0.2, 'shear_deg': 10, 'mirror': 1},
    {'mirror': 0.5, 'scale': 0.2, 'turned': 1, 'turn_deg': 40, 'shift': 0.1},
])
def test_joints_stay_on_their_pixels(change):
    person = dots([(100, 60), (120, 130), (80, 130)])
    maker = CropMaker(LAYOUT, 96, 128, 1.4, replace(PLAIN, **change))
    for seed in range(8):
        made = maker.make(person, np.random.default_rng(seed))
        # Mirrored, the left foot is where the picture shows the right one.
        swapped = abs(centre(made.image[..., 1]) - made.points[1]).max() > 5
        order = (0, 2, 1) if swapped else (0, 1, 2)
        assert not swapped or change.get('mirror')
        for channel, joint in enumerate(order):
            np.testing.assert_allclose(
                centre(made.image[..., channel]), made.points[joint], atol=0.8)


def test_always_mirrored_swaps_left_and_right():
    made = CropMaker(LAYOUT, 96, 128, 1.4, replace(PLAIN, mirror=1)).make(
        dots([(100, 60), (120, 130), (80, 130)]), np.random.default_rng(0))
    np.testing.assert_allclose(centre(made.image[..., 1]), made.points[2], atol=0.8)


def test_a_plain_crop_is_the_one_that_the_model_sees():
    person = dots([(100, 60), (120, 130), (80, 130)])
    made = CropMaker(LAYOUT, 96, 128, 1.25).make(person, np.random.default_rng(0))
    warp = top_down_warps(BOX, 96, 128, padding=1.25)
    np.testing.assert_allclose(
        points_to_picture(made.points[np.newaxis], warp)[0], person.points, atol=1e-4)


def test_joints_outside_of_the_crop_or_unknown_do_not_count():
    person = dots([(100, 60), (120, 130), (80, 130)])
    person.points[1], person.points[2] = (3000, 100), np.nan
    made = CropMaker(LAYOUT, 96, 128, 1.4).make(
        replace(person, weights=np.array([1, 1, 0], np.float32)), np.random.default_rng(0))
    assert made.weights.tolist() == [1, 0, 0]


def test_half_a_body_is_shown_larger():
    points = np.full((17, 2), np.nan, np.float32)
    points[[5, 6, 7, 8, 9, 10]] = [(60, 50), (90, 50), (55, 70), (95, 70), (50, 90), (100, 90)]
    points[[11, 12, 13, 14, 15, 16]] = [
        (65, 100), (85, 100), (65, 140), (85, 140), (65, 180), (85, 180)]
    person = Person(np.zeros((200, 200, 3), np.uint8), points,
                    np.isfinite(points).all(1).astype(np.float32),
                    np.array([45, 40, 105, 190], np.float32))
    maker = CropMaker(COCO17, 96, 128, 1.25, replace(PLAIN, half_body=1))
    plain = CropMaker(COCO17, 96, 128, 1.25).make(person, np.random.default_rng(0))
    seen = {int(maker.make(person, np.random.default_rng(seed)).weights.sum())
            for seed in range(10)}
    assert plain.weights.sum() == 12 and min(seen) < 12


def test_everything_at_once_gives_a_picture_and_the_same_seed_the_same():
    maker = CropMaker(LAYOUT, 96, 128, 1.25, PictureAugmentation(
        half_body=1, dark=1, blurred=1, noisy=1, coarse=1, occluded=1, grey=1))
    person = dots([(100, 60), (120, 130), (80, 130)])
    made, again = (maker.make(person, np.random.default_rng(4)) for _ in range(2))
    assert made.image.shape == (128, 96, 3) and made.image.dtype == np.uint8
    assert (made.image == again.image).all() and (made.points == again.points).all()


@pytest.mark.parametrize('change', [{'mirror': 1.5}, {'scale': -0.1}, {'turn_deg': 181}])
def test_values_out_of_range_are_refused(change):
    with pytest.raises(ParameterError, match=next(iter(change))):
        PictureAugmentation(**change)


def test_somebody_stands_before_what_lies_beside_another():
    person = dots([(100, 60), (120, 130), (80, 130)])
    other = replace(person, image=np.full((200, 200, 3), 90, np.uint8))
    layout = SkeletonLayout('three', LAYOUT.names, ((0, 1), (0, 2)), LAYOUT.mirror_pairs)
    maker = CropMaker(layout, 96, 128, 1.4, replace(PLAIN, background=1))
    made = maker.make(person, np.random.default_rng(0), lambda: other)
    plain = CropMaker(layout, 96, 128, 1.4).make(person, np.random.default_rng(0))
    np.testing.assert_allclose(made.points, plain.points)
    for channel, point in enumerate(made.points.round().astype(int)):
        assert made.image[point[1], point[0], channel] > 200  # the joint is still to be seen
    assert (made.image[:5] == 90).all()  # but not the room
    assert not plain.image[:5].any()


def test_without_anybody_else_the_room_stays():
    person = dots([(100, 60), (120, 130), (80, 130)])
    made = CropMaker(LAYOUT, 96, 128, 1.4, replace(PLAIN, background=1)).make(
        person, np.random.default_rng(0))
    plain = CropMaker(LAYOUT, 96, 128, 1.4).make(person, np.random.default_rng(0))
    np.testing.assert_array_equal(made.image, plain.image)
