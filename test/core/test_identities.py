"""Identity switches on cases small enough to count by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuropose_ros.core.identities import Scene, identity_scores


def scene(pairs: dict[int, int], missing: tuple[int, ...] = (), extra: tuple[int, ...] = ()):
    """Return a frame in which each true id is found under an id, perfectly."""
    true, found = [*pairs, *missing], [*pairs.values(), *extra]
    similarity = np.zeros((len(true), len(found)))
    for i in range(len(pairs)):
        similarity[i, i] = 1.0
    return Scene(true, found, similarity)


def test_everybody_keeps_their_id():
    scores = identity_scores([scene({0: 7, 1: 8})] * 5)
    assert (scores.switches, scores.misses, scores.false_finds) == (0, 0, 0)
    assert scores.mota == scores.idf1 == 1.0


def test_two_people_who_exchange_their_ids_are_two_switches():
    scores = identity_scores([scene({0: 7, 1: 8})] * 2 + [scene({0: 8, 1: 7})] * 2)
    assert scores.switches == 2
    assert scores.mota == 1 - 2 / 8
    assert scores.idf1 == 0.5


def test_a_new_id_after_a_gap_is_a_switch_and_the_old_one_is_none():
    gone = scene({}, missing=(0,))
    assert identity_scores([scene({0: 7}), gone, scene({0: 8})]).switches == 1
    scores = identity_scores([scene({0: 7}), gone, scene({0: 7})])
    assert (scores.switches, scores.misses) == (0, 1)


def test_false_finds_are_counted():
    scores = identity_scores([scene({0: 7}, extra=(9,))] * 4)
    assert (scores.false_finds, scores.mota) == (4, 0.0)
    assert scores.idf1 == pytest.approx(2 * 4 / 12)


def test_a_pair_goes_on_while_it_fits_although_another_fits_better():
    first = Scene([0], [7, 8], np.array([[0.9, 0.0]]))
    better = Scene([0], [7, 8], np.array([[0.6, 0.9]]))
    worse = Scene([0], [7, 8], np.array([[0.4, 0.9]]))
    assert identity_scores([first, better]).switches == 0
    assert identity_scores([first, worse]).switches == 1


def test_who_goes_on_does_not_take_anothers_only_find():
    first = Scene([0, 1], [7, 8], np.array([[0.9, 0.6], [0.6, 0.9]]))
    later = Scene([0, 1], [7, 8], np.array([[0.55, 0.95], [0.95, 0.55]]))
    scores = identity_scores([first, later])
    assert (scores.switches, scores.misses) == (0, 0)


def test_nobody():
    scores = identity_scores([Scene([], [], np.zeros((0, 0)))])
    assert scores.switches == 0
    assert math.isnan(scores.mota)
    assert math.isnan(scores.idf1)


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match='must have the shape'):
        identity_scores([Scene([0], [1], np.zeros((2, 1)))])
    with pytest.raises(ValueError, match='an id occurs twice'):
        identity_scores([Scene([0], [1, 1], np.zeros((1, 2)))])
