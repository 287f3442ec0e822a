"""Metrics against values known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.learning import metrics


def test_top1_counts_the_highest_probability():
    answers = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
    assert metrics.top1_accuracy(answers, [0, 1, 1, 1]) == 0.75
    assert np.isnan(metrics.top1_accuracy(np.zeros((0, 2)), []))


def test_answers_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match='not finite'):
        metrics.top1_accuracy([[np.nan, 0.5]], [1])
    with pytest.raises(ValueError, match='labels'):
        metrics.top1_accuracy([[0.5, 0.5]], [1, 0])


def test_scores_of_classes_follow_from_the_confusion():
    confusion = metrics.confusion_matrix([0, 0, 0, 1, 1], [0, 0, 1, 1, 0], 3)
    assert confusion.tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 0]]
    scores = metrics.class_scores(confusion)
    np.testing.assert_allclose(scores.precision, [2 / 3, 1 / 2, np.nan])
    np.testing.assert_allclose(scores.recall, [2 / 3, 1 / 2, np.nan])
    np.testing.assert_allclose(scores.f1, [2 / 3, 1 / 2, np.nan])
    assert scores.support.tolist() == [3, 2, 0]
    assert metrics.macro_f1(confusion) == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_a_class_that_is_never_found_counts_as_zero_in_macro_f1():
    confusion = metrics.confusion_matrix([0, 0, 1], [0, 0, 0], 2)
    assert metrics.macro_f1(confusion) == pytest.approx(0.8 / 2)


def test_calibration_error_is_the_gap_between_sure_and_right():
    # 10 answers at 0.8 of which 6 are right, 10 at 0.6 of which 6 are right: (0.2 + 0) / 2.
    answers = np.array([[0.8, 0.2]] * 10 + [[0.6, 0.4]] * 10)
    labels = np.array(([0] * 6 + [1] * 4) * 2)
    curve = metrics.calibration(answers, labels, bins=10)
    assert curve.ece == pytest.approx(0.1)
    assert curve.count[7] == 10 and curve.count[5] == 10  # (0.7, 0.8], (0.5, 0.6]
    assert curve.accuracy[7] == pytest.approx(0.6)
    assert curve.confidence[7] == pytest.approx(0.8)
    assert np.isnan(curve.accuracy[0])


def test_answers_without_classes_have_a_curve_too():
    curve = metrics.confidence_curve([0.05, 0.95, 0.95], [False, True, False], bins=10)
    assert curve.count.tolist() == [1, *[0] * 8, 2]
    assert curve.ece == pytest.approx((0.05 + 0.9) / 3)
    assert np.isnan(metrics.confidence_curve([], []).ece)


def test_too_sure_here_does_not_make_up_for_too_unsure_there():
    answers = np.array([[0.8, 0.2]] * 10 + [[0.6, 0.4]] * 10)
    labels = np.array([0] * 6 + [1] * 4 + [0] * 8 + [1] * 2)  # 0.2 too sure, 0.2 too unsure
    assert metrics.calibration(answers, labels, bins=10).ece == pytest.approx(0.2)


def test_bins_hold_the_ends_of_the_range():
    curve = metrics.calibration([[1.0, 0.0]], [0], bins=4)
    assert curve.count.tolist() == [0, 0, 0, 1] and curve.ece == 0


def test_auroc_is_the_chance_that_the_unknown_scores_higher():
    assert metrics.auroc([0.1, 0.2], [0.3, 0.4]) == 1
    assert metrics.auroc([0.3, 0.4], [0.1, 0.2]) == 0
    assert metrics.auroc([0.5, 0.5], [0.5]) == 0.5
    assert metrics.auroc([1, 3], [2, 4]) == 0.75
    assert np.isnan(metrics.auroc([], [1]))
    with pytest.raises(ValueError, match='NaN'):
        metrics.auroc([np.nan], [1])


def test_wilson_interval_is_that_of_the_textbook():
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611.
    assert metrics.wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert metrics.wilson_interval(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert np.isnan(metrics.wilson_interval(0, 0)).all()


def test_bootstrap_interval_covers_the_standard_error_of_a_mean():
    values = np.random.default_rng(1).normal(5, 2, 400)
    low, high = metrics.bootstrap_interval(lambda chosen: values[chosen].mean(), 400)
    error = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - error, values.mean() + error), abs=0.03)
    again = metrics.bootstrap_interval(lambda chosen: values[chosen].mean(), 400)
    assert (low, high) == again


def test_shares_of_several_looks_at_a_clip_count_the_clip_once():
    estimate = metrics.share_estimate([1, 0.5, 0, 1])
    assert estimate.value == 0.625 and estimate.count == 4
    assert (estimate.low, estimate.high) == metrics.wilson_interval(2.5, 4)


def test_softmax_sums_to_one_even_for_large_logits():
    np.testing.assert_allclose(metrics.softmax([[1000, 1000 + np.log(3)]]), [[0.25, 0.75]])
