"""Figures of poses over time."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.learning.refiner.measures import (
    accuracy,
    burst_mask,
    burst_masks,
    hidden,
    in_detector_definition,
    in_truth_definition,
    joint_offsets,
    masked_error,
    middles,
    to_truth_layout,
)
from neuropose_ros.learning.refiner.pairs import read_pairs, sure

from .clips import make_pair


def test_the_truth_is_right_and_smooth():
    pair = make_pair()
    figures = accuracy([pair.truth], [pair])
    assert figures == {'pck@0.05': 1.0, 'pck@0.1': 1.0, 'pck@0.2': 1.0, 'accel': 0.0,
                       'answered': 1.0}


def test_pck_counts_joints_nearer_than_a_share_of_the_box():
    pair = make_pair()
    points = pair.truth.copy()
    points[:, 0, 0] += 0.11 * pair.box_px
    figures = accuracy([points], [pair])
    assert figures['pck@0.1'] == pytest.approx(14 / 15)
    assert figures['pck@0.2'] == 1.0
    assert figures['accel'] == pytest.approx(0.0, abs=1e-6)


def test_an_answer_that_is_not_there_is_not_right():
    pair = make_pair()
    points = pair.truth.copy()
    points[:15, 4] = np.nan
    figures = accuracy([points], [pair])
    assert figures['pck@0.2'] == figures['answered'] == pytest.approx(1 - 15 / (30 * 15))


def test_acceleration_is_the_second_difference_of_the_error():
    pair = make_pair()
    points = pair.truth.copy()
    points[::2, :, 1] += 0.01 * pair.box_px
    assert accuracy([points], [pair])['accel'] == pytest.approx(0.02, rel=1e-4)


def test_offsets_undo_a_difference_of_definition():
    pairs = [make_pair(seed=seed, noise_px=0.0, shift_px=(3.0, -5.0)) for seed in range(3)]
    offsets = joint_offsets(pairs)
    assert offsets * pairs[0].box_px == pytest.approx(np.tile((-3.0, 5.0), (15, 1)), abs=1e-3)
    placed = in_truth_definition(pairs[0].found, pairs[0], offsets)
    assert placed == pytest.approx(pairs[0].truth, abs=1e-3)
    assert in_detector_definition(pairs[0], offsets) == pytest.approx(
        to_truth_layout(pairs[0].found), abs=1e-3)


@pytest.mark.parametrize('share', [0.2, 0.4])
def test_bursts_hide_the_share(share):
    mask = burst_mask(40, 15, share, np.random.default_rng(0))
    assert share <= mask.mean() < share + 15 / (40 * 15)


def test_a_burst_is_five_to_fifteen_frames():
    for seed in range(50):
        mask = burst_mask(60, 1, 0.01, np.random.default_rng(seed))
        begin = int(np.argmax(mask[:, 0]))
        assert 5 <= mask.sum() <= 15 or begin + mask.sum() == 60
        assert mask[begin:begin + mask.sum(), 0].all()


def test_masks_are_the_same_every_time():
    pairs = [make_pair(seed=seed) for seed in range(3)]
    for one, other in zip(burst_masks(pairs, 0.2), burst_masks(pairs, 0.2), strict=True):
        assert (one == other).all()
    assert any((one != other).any() for one, other in zip(
        burst_masks(pairs, 0.2), burst_masks(pairs, 0.2, seed=1), strict=True))


def test_only_hidden_joints_count():
    pair = make_pair()
    mask = np.zeros(pair.truth.shape[:2], bool)
    mask[5:10, 3] = True
    points = pair.truth.copy()
    points[:, 3, 0] += 0.04 * pair.box_px
    points[:, 8] = 0.0
    assert masked_error([points], [pair], [mask]) == pytest.approx(0.04, rel=1e-4)


def test_a_hidden_joint_without_an_answer_counts_as_the_middle_of_those_seen():
    pair = make_pair()
    mask = np.zeros(pair.truth.shape[:2], bool)
    mask[5:10, 3] = True
    answers = pair.truth.copy()
    seen = np.arange(len(JHMDB15)) != 3
    answers[5:10, 3] = pair.truth[5:10, seen].mean(1)
    assert masked_error([hidden(pair, mask)], [pair], [mask]) == pytest.approx(
        masked_error([answers], [pair], [mask]), rel=1e-5)


def test_a_frame_without_joints_has_the_middle_of_the_one_before():
    points = np.full((4, 2, 2), np.nan, np.float32)
    points[1] = ((0.0, 0.0), (2.0, 4.0))
    assert middles(points).tolist() == [[1.0, 2.0]] * 4


def test_raw_detections_of_j_hmdb(data_folder):
    pairs = read_pairs(data_folder)
    train = sure(pairs.train)
    offsets = joint_offsets(train)
    figures = accuracy([in_truth_definition(pair.found, pair, offsets) for pair in train], train)
    assert figures['pck@0.1'] == pytest.approx(0.69, abs=0.03)
    assert figures['answered'] == 1.0
