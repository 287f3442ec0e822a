"""Where bodies end above and below."""

import numpy as np
import pytest

from neuropose_ros.pose.tracking.levels import LevelModel, Levels, first_levels, level_evidence

MODEL = LevelModel()
ENDS = np.array([100.0, 300.0])


def learnt() -> Levels:
    levels = first_levels(ENDS, 1.0, MODEL)
    for _ in range(30):
        levels = levels.predicted(1 / 30, MODEL).corrected(ENDS, 1.0, MODEL)
    return levels


def test_a_box_at_the_levels_fits_best_and_one_far_off_is_not_ruled_out():
    levels = learnt()
    boxes = np.array([[0, 100, 50, 300], [0, 104, 50, 304], [0, 100, 50, 220], [0, 0, 50, 0]])
    evidence = level_evidence(
        boxes.astype(float), levels.position[None], levels.variance[None], MODEL)[:, 0]
    assert evidence[0] == pytest.approx(0.0, abs=1e-6)
    assert evidence[0] > evidence[1] > evidence[2] > evidence[3] > -10


def test_levels_that_are_not_known_say_nothing():
    unknown = np.full((1, 2), np.nan)
    boxes = np.array([[0.0, 100, 50, 300]])
    assert level_evidence(boxes, unknown, unknown, MODEL).tolist() == [[0.0]]


def test_doubt_of_levels_grows_while_nobody_looks():
    levels = learnt()
    later = levels.predicted(1.0, MODEL)
    assert later.variance == pytest.approx(levels.variance + MODEL.drift * 200.0**2)


def test_a_box_that_is_cut_off_once_moves_a_level_little_and_one_that_stays_gets_through():
    levels, cut = learnt(), np.array([100.0, 220.0])
    once = levels.predicted(1 / 30, MODEL).corrected(cut, 1.0, MODEL)
    assert 300 - once.position[1] < 4
    for _ in range(150):
        levels = levels.predicted(1 / 30, MODEL).corrected(cut, 1.0, MODEL)
    assert levels.position[1] == pytest.approx(220, abs=8)
