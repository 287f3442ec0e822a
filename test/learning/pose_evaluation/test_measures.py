"""Figures against numbers that others have published, and against cases counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuropose_ros.core.layouts import COCO17, MPII16
from neuropose_ros.learning.pose_evaluation.measures import (
    joint_error_m,
    joint_figures,
    joint_offsets,
    oks_by_person,
    pck_by_joint,
    pck_of,
    pckh_of,
    rooted,
)

from .people_made import people

# The toy cases of mmpose's tests (a59dfc94, tests/test_evaluation/test_functional/
# test_keypoint_eval.py) with the results stated there.
MASK = np.array([[1, 1, 0, 1, 1], [1, 1, 0, 1, 1]], bool)
FOUND_3D = [[(1, 0, 0), (2, 2, 0), (0, 0, -1), (3, 3, 1), (0, 1, 1)],
            [(1, 0, 0), (2, 2, 1), (-1, 0, 0), (0, 0, 3), (0, 0, 1)]]
TRUE_3D = [[(1, 0, 0), (1, 1, 1), (-1, 0, 0), (3, 3, 1), (0, 1, 0)],
           [(1, 1, 0), (1, 0, 1), (-1, 0, 0), (0, 0, 3), (1, 1, 0)]]


@pytest.mark.parametrize(('alignment', 'published'), [
    ('none', 0.9625211990796929), ('procrustes', 1.0047897634604497),
    ('scale', 1.0277129678465953),
])
def test_errors_in_3d_are_those_that_mmpose_publishes(alignment, published):
    errors = joint_error_m(FOUND_3D, TRUE_3D, MASK, alignment)
    assert errors.mean() == pytest.approx(published, abs=1e-12)


def test_pck_by_joint_is_that_which_mmpose_publishes():
    found = np.zeros((2, 5, 2))
    true = np.zeros((2, 5, 2))
    found[0] = [(10, 0), (20, 20), (0, 0), (30, 30), (0, 10)]
    true[0] = [(10, 0), (10, 10), (-1, 0), (30, 30), (0, 10)]
    distances = np.abs(found - true).max(-1) / 10  # all along one axis, or the diagonal of ten
    shares = pck_by_joint(distances, 0.5, MASK)
    assert np.array_equal(shares, [1, 0.5, np.nan, 1, 1], equal_nan=True)
    assert np.nanmean(shares) == 0.875


def test_a_rotated_scaled_and_moved_body_is_the_same_body_but_a_mirrored_one_is_not():
    truth = np.random.default_rng(3).normal(size=(1, 9, 3))
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    everyone = np.ones((1, 9), bool)
    moved = 1.7 * truth @ turn + np.array([3.0, -1, 2])
    assert joint_error_m(moved, truth, everyone, 'procrustes')[0] == pytest.approx(0, abs=1e-9)
    assert joint_error_m(moved, truth, everyone)[0] > 1
    mirrored = truth * np.array([-1, 1, 1])
    assert joint_error_m(mirrored, truth, everyone, 'procrustes')[0] > 0.1


def test_joints_that_are_not_known_in_3d_are_left_out():
    found, truth = np.zeros((2, 4, 3)), np.zeros((2, 4, 3))
    found[0, 0] = [3, 0, 0]
    found[0, 1] = truth[1] = np.nan
    errors = joint_error_m(found, truth, np.ones((2, 4), bool))
    assert errors[0] == 1 and math.isnan(errors[1])


def test_a_joint_that_was_not_found_is_wrong_and_one_not_labelled_is_not_counted():
    row = people(COCO17, 2)
    row.found[0, 0] = np.nan
    row.truth[1, :5] = np.nan
    row.found[1, 16] += 30  # of 100 px
    assert pck_of(row, 0.2).value == pytest.approx((17 - 1 + 12 - 1) / (17 + 12))
    assert pck_of(row, 0.31).value == pytest.approx((17 - 1 + 12) / (17 + 12), abs=0.05)


def test_joints_that_the_model_does_not_have_are_not_counted():
    row = people(COCO17, 1, comparable=np.arange(17) < 5)
    row.found[0, 5:] = np.nan
    assert (pck_of(row, 0.1).value, row.counted.sum()) == (1.0, 5)
    assert oks_by_person(row)[0] == pytest.approx(1)
    assert [joint.name for joint in joint_figures(row, (0.1,))] == list(COCO17.names[:5])


def test_oks_needs_an_area():
    row = people(COCO17, 2)
    row.areas[1] = np.nan
    assert oks_by_person(row)[0] == pytest.approx(1) and math.isnan(oks_by_person(row)[1])


def test_pckh_divides_by_the_head_and_leaves_pelvis_and_thorax_out():
    row = people(MPII16, 2)
    row.head_sizes[:] = 40, np.nan
    row.found[0, MPII16.index('pelvis')] = row.found[0, MPII16.index('thorax')] = 0
    row.found[0, MPII16.index('left_knee'), 0] += 19
    row.found[0, MPII16.index('right_knee'), 0] += 21
    assert pckh_of(row).value == pytest.approx(13 / 14)
    row.head_sizes[:] = np.nan
    assert math.isnan(pckh_of(row).value)


def test_the_interval_is_over_recordings_and_not_over_frames():
    frames = people(COCO17, 40, groups=['a'] * 20 + ['b'] * 20)
    frames.found[20:] = np.nan
    value = pck_of(frames, 0.1)
    assert (value.value, value.low, value.high, value.count) == (0.5, 0.0, 1.0, 40)
    alone = pck_of(people(COCO17, 40, groups=['a'] * 40), 0.1)
    assert alone.value == 1 and math.isnan(alone.low)


def test_offsets_say_what_another_idea_of_a_joint_is_worth():
    row = people(COCO17, 6)
    row.found[:, 11] += (7.0, -3.0)
    row.found[2, 11] = np.nan
    offsets = joint_offsets(row)
    assert offsets[11] == pytest.approx((-0.07, 0.03), abs=1e-6)
    assert np.abs(np.delete(offsets, 11, 0)).max() < 1e-6
    figures = joint_figures(row, (0.05, 0.1))[11]
    assert (figures.count, figures.pck) == (6, (0.0, 5 / 6))
    assert figures.bias == pytest.approx((0.07, -0.03), abs=1e-6)
    assert figures.median == pytest.approx(np.hypot(0.07, 0.03), abs=1e-6)


def test_the_root_in_3d_is_the_pelvis_or_the_middle_of_the_hips():
    row = people(COCO17, 1)
    row.truth_3d[:] = np.arange(51, dtype=np.float32).reshape(1, 17, 3)
    row.found_3d[:] = row.truth_3d + 5
    found, truth = rooted(row)
    assert np.allclose(found, truth)
    assert np.allclose(truth[0, 11] + truth[0, 12], 0)
