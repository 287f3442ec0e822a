"""Heads: round and large enough where joints are sure, else the whole person."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17, MPII16, convert_frame
from neuropose_ros.core.pose import JointState
from neuropose_ros.imaging.heads import Box, Circle, regions_of, whole_person

from .bodies import HEAD_PX, frame, person


def test_a_head_is_round_its_joints_and_larger_than_the_head():
    [head] = regions_of([person(300)], COCO17)
    assert isinstance(head, Circle)
    assert np.hypot(head.x - 300, head.y - 100) < 0.1 * HEAD_PX
    assert 0.6 * HEAD_PX < head.radius < 1.6 * HEAD_PX


def test_it_grows_with_the_person():
    [small], [large] = (regions_of([person(300, head_px=size)], COCO17) for size in (20, 80))
    assert large.radius == pytest.approx(4 * small.radius, rel=1e-3)


def test_from_the_side_it_does_not_shrink():
    body = person(300)
    middle = body.keypoints[:, :1].mean()
    narrow = body.keypoints.copy()
    narrow[:, 0] = middle + 0.1 * (narrow[:, 0] - middle)
    [head] = regions_of([person(300, keypoints=narrow)], COCO17)
    assert isinstance(head, Circle) and head.radius > 0.6 * HEAD_PX


@pytest.mark.parametrize('unsure', [
    ('nose', 'left_eye', 'right_eye', 'left_ear'),
    ('left_shoulder', 'left_ear', 'right_ear'),
    ('left_hip', 'right_hip', 'left_ear', 'right_ear'),
])
def test_without_enough_sure_joints_it_is_the_whole_person(unsure):
    somebody = person(300, unsure=unsure)
    [region] = regions_of([somebody], COCO17)
    assert isinstance(region, Box)
    left, top, right, bottom = region.edges
    assert (somebody.keypoints > (left, top)).all() and (
        somebody.keypoints < (right, bottom)).all()
    assert somebody.keypoints[0, 1] - top > 0.6 * HEAD_PX  # hair is above the eyes


def test_joints_with_a_low_score_are_not_sure():
    scores = np.full(17, 0.9, np.float32)
    scores[:5] = 0.4
    [region] = regions_of([person(300, keypoint_scores=scores)], COCO17)
    assert isinstance(region, Box)


def test_predicted_joints_are_not_sure():
    states = np.full(17, JointState.PREDICTED, np.uint8)
    assert isinstance(regions_of([person(300, keypoint_states=states)], COCO17)[0], Box)


def test_a_head_torn_apart_is_not_sure():
    points = person(300).keypoints.copy()
    points[0] += (0, 6 * HEAD_PX)  # the nose at the knees
    assert isinstance(regions_of([person(300, keypoints=points)], COCO17)[0], Box)


def test_a_head_outside_of_its_person_is_not_sure():
    box = np.array([500, 300, 600, 470], np.float32)
    assert isinstance(regions_of([person(300, box=box)], COCO17)[0], Box)


def test_two_people_with_one_head_are_both_hidden_wholly():
    two = [person(300), person(304, head_px=42)]
    assert all(isinstance(region, Box) for region in regions_of(two, COCO17))
    apart = [person(300), person(400)]
    assert all(isinstance(region, Circle) for region in regions_of(apart, COCO17))


def test_nobody_knows_where_somebody_without_a_place_is():
    nowhere = person(300, keypoints=np.full((17, 2), np.nan, np.float32),
                     box=np.full(4, np.nan, np.float32))
    assert whole_person(nowhere) is None
    assert regions_of([person(100), nowhere], COCO17) is None
    assert regions_of([], COCO17) == []


def test_layouts_without_a_face_hide_the_whole_person():
    [blazepose] = convert_frame(frame(0, person(300)), COCO17, BLAZEPOSE33).persons
    assert isinstance(regions_of([blazepose], BLAZEPOSE33)[0], Circle)
    [mpii] = convert_frame(frame(0, person(300)), COCO17, MPII16).persons
    assert isinstance(regions_of([mpii], MPII16)[0], Box)
