"""Errors against the truth on cases small enough to compute by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuropose_ros.core.layouts import BLAZEPOSE33, BUILT_IN, COCO17
from neuropose_ros.core.metrics import (
    acceleration_error,
    box_size_px,
    match_people,
    mean_distance_pct,
    object_keypoint_similarity,
    oks_sigmas,
    pck,
    percentiles,
    relative_distances,
)
from neuropose_ros.core.pose import PersonPose

BOX = (0, 0, 30, 40)
TRUTH = np.array([[0, 0], [10, 0], [0, 20], [5, 5]], float)
SHIFTED = TRUTH + np.array([[0, 0], [3, 0], [0, 8], [np.nan, 0]])


def person(points: np.ndarray) -> PersonPose:
    points = points.astype(np.float32)
    count = len(points)
    low, high = np.nanmin(points, 0), np.nanmax(points, 0)
    return PersonPose(
        points, np.ones(count, np.float32), np.full(count, 7, np.uint8),
        np.concatenate([low, high]).astype(np.float32))


def test_box_sizes_have_names():
    assert box_size_px(BOX, 'larger_side') == 40
    assert box_size_px(BOX, 'diagonal') == 50
    assert box_size_px([BOX, (0, 0, 6, 8)], 'diagonal').tolist() == [50, 10]


@pytest.mark.parametrize('box', [(0, 0, 0, 0), (5, 0, 1, 9), (0, 0, np.nan, 1)])
def test_an_empty_box_is_refused(box):
    with pytest.raises(ValueError, match='x_max > x_min'):
        box_size_px(box, 'larger_side')


def test_relative_distances_are_shares_of_the_named_size():
    distances = relative_distances(SHIFTED, TRUTH, BOX, 'larger_side')
    assert distances[:3] == pytest.approx([0, 3 / 40, 8 / 40])
    assert math.isnan(distances[3])
    by_diagonal = relative_distances(SHIFTED, TRUTH, BOX, 'diagonal')
    assert by_diagonal[:3] == pytest.approx([0, 3 / 50, 8 / 50])


def test_relative_distances_of_a_batch_use_each_box():
    distances = relative_distances(
        np.stack([SHIFTED, SHIFTED]), np.stack([TRUTH, TRUTH]), [BOX, (0, 0, 30, 80)],
        'larger_side')
    assert distances[:, 2] == pytest.approx([8 / 40, 8 / 80])


def test_points_of_different_shape_are_refused():
    with pytest.raises(ValueError, match='cannot be compared'):
        relative_distances(SHIFTED[:2], TRUTH, BOX, 'diagonal')


def test_pck_counts_an_unfound_joint_as_wrong():
    distances = relative_distances(SHIFTED, TRUTH, BOX, 'larger_side')
    assert pck(distances, 0.1) == 0.5
    assert pck(distances, 0.1, [True, True, False, False]) == 1
    assert pck(distances, 0.1, [False, False, False, True]) == 0
    assert math.isnan(pck(distances, 0.1, [False] * 4))


def test_pck_includes_its_threshold():
    assert pck([0.1, 0.100001], 0.1) == 0.5


def test_mean_distance_is_over_known_joints():
    distances = relative_distances(SHIFTED, TRUTH, BOX, 'diagonal')
    assert mean_distance_pct(distances) == pytest.approx(100 * (0 + 3 + 8) / 3 / 50)
    assert mean_distance_pct(distances, [0, 1, 0, 0]) == pytest.approx(6)
    assert math.isnan(mean_distance_pct([np.nan]))


def test_acceleration_error_of_a_parabola_against_rest():
    times_s = np.arange(10) / 30
    falling = np.stack([np.zeros(10), 0.5 * 9.81 * times_s**2], -1)[:, np.newaxis]
    assert acceleration_error(falling, np.zeros_like(falling), 30) == pytest.approx(9.81)
    # A constant offset or velocity is no acceleration.
    drifting = falling + 3 + times_s[:, np.newaxis, np.newaxis]
    assert acceleration_error(drifting, falling, 30) == pytest.approx(0, abs=1e-9)


def test_acceleration_error_skips_unknown_triples():
    points = np.zeros((5, 1, 2))
    points[4] = np.nan
    assert acceleration_error(points, np.zeros((5, 1, 2)), 30) == 0
    assert math.isnan(acceleration_error(points[2:], np.zeros((3, 1, 2)), 30))


def test_percentiles_ignore_unknown_values():
    assert percentiles([*range(101), np.nan, np.inf]) == (50, 99)
    assert percentiles([1, 3], (0, 50, 100)) == (1, 2, 3)
    assert all(math.isnan(value) for value in percentiles([]))


def test_people_are_matched_by_nearness_not_by_order():
    left, right = person(TRUTH), person(TRUTH + 100)
    assert match_people([right, left], [left, right]) == [1, 0]


def test_an_estimate_serves_one_person_and_far_ones_serve_none():
    near, far = person(TRUTH + 1), person(TRUTH + 1000)
    assert match_people([near], [person(TRUTH), person(TRUTH + 3)]) == [0, None]
    assert match_people([far], [person(TRUTH)]) == [None]
    assert match_people([], [person(TRUTH)]) == [None]


def test_an_estimate_without_any_joint_matches_nobody():
    unknown = PersonPose(
        np.full((4, 2), np.nan, np.float32), np.zeros(4, np.float32), np.ones(4, np.uint8),
        np.zeros(4, np.float32))
    assert match_people([unknown], [person(TRUTH)]) == [None]


def test_sigmas_are_those_that_coco_publishes():
    published = [.26, .25, .25, .35, .35, .79, .79, .72, .72, .62, .62, 1.07, 1.07, .87, .87, .89,
                 .89]
    assert oks_sigmas(COCO17) == pytest.approx(np.array(published) / 10)
    shared = [BLAZEPOSE33.index(name) for name in COCO17.names]
    assert oks_sigmas(BLAZEPOSE33)[shared] == pytest.approx(oks_sigmas(COCO17))
    for layout in BUILT_IN.values():
        sigmas = oks_sigmas(layout)
        assert sigmas.shape == (len(layout),)
        assert ((sigmas > 0.02) & (sigmas < 0.11)).all()


def test_keypoint_similarity_by_definition():
    sigmas = np.array([0.1, 0.05])
    truth = np.array([[10.0, 10.0], [20.0, 20.0]])
    found = truth + np.array([[3.0, 4.0], [0.0, 0.0]])
    expected = (math.exp(-25 / (2 * 400 * 0.04)) + 1) / 2
    assert object_keypoint_similarity(found, truth, 400.0, sigmas) == pytest.approx(expected)
    both = object_keypoint_similarity(
        np.stack((found, truth)), np.stack((truth, truth)), [400.0, 400.0], sigmas)
    assert both == pytest.approx([expected, 1.0])


def test_keypoint_similarity_counts_what_is_annotated_and_nothing_else():
    sigmas = np.full(3, 0.1)
    truth = np.array([[0.0, 0.0], [9.0, 9.0], [np.nan, 0.0]])
    found = np.array([[0.0, 0.0], [np.nan, 9.0], [5.0, 5.0]])
    assert object_keypoint_similarity(found, truth, 100.0, sigmas) == 0.5, 'not found is wrong'
    assert object_keypoint_similarity(found, truth, 100.0, sigmas, [True, False, True]) == 1.0
    assert math.isnan(object_keypoint_similarity(found, truth, 100.0, sigmas, [False] * 3))
