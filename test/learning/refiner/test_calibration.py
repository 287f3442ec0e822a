"""Covariances that are right, too small and too large."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.learning.refiner.calibration import (
    CHI2_90,
    calibration,
    factor_for_coverage,
)


def drawn(count=20000):
    """Return errors of a slanted Gaussian, and its covariances."""
    matrix = np.array(((4.0, 1.5), (1.5, 1.0))) * 1e-4
    errors = np.random.default_rng(0).multivariate_normal((0, 0), matrix, count)
    return errors, np.tile((matrix[0, 0], matrix[0, 1], matrix[1, 1]), (count, 1)), matrix


def test_right_covariances_hold_nine_tenths():
    errors, covariances, matrix = drawn()
    found = calibration(errors, covariances)
    assert found.coverage90 == pytest.approx(0.9, abs=0.01)
    assert found.area90 == pytest.approx(np.pi * CHI2_90 * np.sqrt(np.linalg.det(matrix)))
    assert found.nll == pytest.approx(
        1 + np.log(2 * np.pi) + 0.5 * np.log(np.linalg.det(matrix)), abs=0.02)


@pytest.mark.parametrize('factor', [0.25, 4.0])
def test_others_are_less_likely(factor):
    errors, covariances, _ = drawn()
    right, wrong = calibration(errors, covariances), calibration(errors, factor * covariances)
    assert wrong.nll > right.nll
    assert (wrong.coverage90 > right.coverage90) == (factor > 1)
    assert wrong.area90 == pytest.approx(factor * right.area90)


def test_joints_without_a_covariance_are_not_judged():
    errors, covariances, _ = drawn(1000)
    covariances[:400] = np.nan
    found = calibration(errors, covariances)
    assert found.described == pytest.approx(0.6)
    assert found.coverage90 == pytest.approx(0.9, abs=0.04)


def test_a_factor_makes_them_hold_what_they_should():
    errors = np.random.default_rng(1).normal(0, 0.3, (20000, 2))
    factor = factor_for_coverage(errors, np.full(len(errors), 0.01))
    assert factor == pytest.approx(9.0, rel=0.03)
