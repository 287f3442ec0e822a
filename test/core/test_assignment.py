"""The least sum of costs, against trying all assignments."""

from __future__ import annotations

import time
from itertools import permutations

import numpy as np
import pytest

from neuropose_ros.core.assignment import assign


def cheapest_sum(costs: np.ndarray) -> float:
    wide = costs if costs.shape[0] <= costs.shape[1] else costs.T
    rows = range(wide.shape[0])
    return min(
        sum(wide[row, column] for row, column in zip(rows, columns, strict=True))
        for columns in permutations(range(wide.shape[1]), wide.shape[0]))


@pytest.mark.parametrize('shape', [(1, 1), (3, 3), (2, 5), (5, 2), (6, 6)])
def test_no_other_assignment_is_cheaper(shape):
    random = np.random.default_rng(4)
    for _ in range(20):
        costs = random.normal(size=shape).round(1)
        pairs = assign(costs)
        assert len(pairs) == min(shape)
        assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
        assert sum(costs[pair] for pair in pairs) == pytest.approx(cheapest_sum(costs))


def test_the_nearest_pair_does_not_go_first():
    assert assign([[1.0, 2.0], [1.5, 9.0]]) == [(0, 1), (1, 0)]


def test_a_pair_beyond_the_limit_is_none():
    assert assign([[1.0, 9.0], [9.0, 9.0]], limit=5.0) == [(0, 0)]
    assert assign([[1.0, 4.0], [2.0, 9.0]], limit=5.0) == [(0, 1), (1, 0)]
    assert assign([[9.0]], limit=5.0) == []


def test_what_is_not_finite_is_forbidden():
    assert assign([[np.nan, 1.0], [np.inf, 2.0]]) == [(0, 1)]
    assert assign(np.full((2, 2), np.nan)) == []


def test_nobody_and_nothing():
    assert assign(np.zeros((0, 3))) == []
    assert assign(np.zeros((3, 0))) == []
    with pytest.raises(ValueError, match='must be a matrix'):
        assign([1.0, 2.0])


def test_three_hundred_do_not_hang():
    costs = np.random.default_rng(0).random((300, 300))
    start = time.perf_counter()
    assert len(assign(costs)) == 300
    assert time.perf_counter() - start < 5.0
