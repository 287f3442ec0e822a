"""Sides exchanged on purpose, and their judgement."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.learning.refiner.swapping import (
    exchange,
    found_swapped,
    judge,
    keeps_sides,
    limb_masks,
    partners,
)

from .clips import make_pair


def test_an_exchange_takes_the_other_sides_points():
    pair = make_pair()
    for seed in range(20):
        points, exchanged = exchange(pair.truth, np.random.default_rng(seed))
        other = pair.truth[:, partners(JHMDB15)]
        np.testing.assert_array_equal(points[exchanged], other[exchanged])
        np.testing.assert_array_equal(points[~exchanged], pair.truth[~exchanged])
        frames = np.flatnonzero(exchanged.any(1))
        assert frames[0] >= 6
        assert len(frames) == frames[-1] - frames[0] + 1 <= 12
        assert (exchanged == exchanged[:, partners(JHMDB15)]).all()


def one_exchange():
    pair = make_pair()
    points, exchanged = exchange(pair.truth, np.random.default_rng(0))
    return pair, points, exchanged


def judged(pair, points, given, exchanged):
    return judge([points], [given], [pair.truth], [pair.box_px], [exchanged])


def test_the_truth_repairs_everything():
    pair, points, exchanged = one_exchange()
    sides = judged(pair, pair.truth, points, exchanged)
    assert sides.repaired == sides.exchanged == exchanged.sum()
    assert sides.events_repaired == sides.events == 1
    assert sides.introduced == 0 < sides.right


def test_what_went_in_repairs_nothing_and_introduces_nothing():
    pair, points, exchanged = one_exchange()
    sides = judged(pair, points, points, exchanged)
    assert (sides.repaired, sides.introduced, sides.events_repaired) == (0, 0, 0)


def test_a_side_that_was_right_is_introduced_wrong():
    pair, points, exchanged = one_exchange()
    nothing = np.zeros_like(exchanged)
    sides = judged(pair, points, pair.truth, nothing)
    assert sides.introduced == exchanged.sum()
    assert (sides.exchanged, sides.events) == (0, 0)


def test_no_answer_is_no_repair():
    pair, points, exchanged = one_exchange()
    sides = judged(pair, np.full_like(points, np.nan), points, exchanged)
    assert sides.repaired == 0
    assert sides.introduced == 0 < sides.right


def test_a_joint_in_the_middle_is_on_no_side():
    pair, _, exchanged = one_exchange()
    points = np.where(exchanged[..., None], (pair.truth + pair.truth[:, partners(JHMDB15)]) / 2,
                      pair.truth)
    assert judged(pair, points, pair.truth, np.zeros_like(exchanged)).introduced == 0


def test_joints_in_the_middle_have_no_side():
    pair = make_pair()
    other = pair.truth[:, partners(JHMDB15)]
    wrong = found_swapped(other, pair.truth, pair.box_px)
    sided = partners(JHMDB15) != np.arange(len(JHMDB15))
    assert not wrong[:, ~sided].any()
    assert wrong[:, sided].all()
    assert not found_swapped(pair.truth, pair.truth, pair.box_px).any()


def test_limbs_are_hidden_whole():
    pairs = [make_pair(seed=seed) for seed in range(3)]
    for mask in limb_masks(pairs, 0.2):
        assert mask.mean() >= 0.2
        names = {name for name, gone in zip(JHMDB15.names, mask.any(0), strict=True) if gone}
        assert not names & {'neck', 'belly', 'face'}
        for side in ('left', 'right'):
            wrist, elbow = (mask[:, JHMDB15.index(f'{side}_{part}')] for part in (
                'wrist', 'elbow'))
            np.testing.assert_array_equal(wrist, elbow)


@pytest.mark.parametrize('seed', [0, 1])
def test_limb_masks_are_the_same_every_time(seed):
    pairs = [make_pair()]
    assert (limb_masks(pairs, 0.2, seed)[0] == limb_masks(pairs, 0.2, seed)[0]).all()


def test_an_annotation_that_takes_left_for_right_is_known():
    pair = make_pair(speed_px=3.0)
    assert keeps_sides(pair.truth, pair.box_px)
    points = pair.truth.copy()
    points[10:] = points[10:, partners(JHMDB15)]
    assert not keeps_sides(points, pair.box_px)


def test_legs_that_pass_each_other_keep_their_sides():
    pair = make_pair(frames=60)
    swing = 0.2 * pair.box_px * np.sin(np.arange(60) / 30 * 2 * np.pi * 1.5)
    points = pair.truth.copy()
    for name, sign in (('left_ankle', 1), ('right_ankle', -1)):
        points[:, JHMDB15.index(name), 0] = 150 + sign * swing
    assert keeps_sides(points, pair.box_px)
