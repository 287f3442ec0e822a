"""Whom a clip is about."""

from __future__ import annotations

import numpy as np

from neuropose_ros.learning.actor import choose_actor
from neuropose_ros.pose.estimator import Detections

SIZE = (320, 240)


def found(*boxes: tuple[float, float, float, float], score: float = 0.8) -> Detections:
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), score, np.float32))


def test_large_in_the_middle_and_long_wins_over_who_walks_past() -> None:
    actor = (120, 40, 200, 220)
    frames = [found((20 * t, 90, 20 * t + 40, 150), actor) for t in range(14)]
    path = choose_actor(frames, *SIZE)
    np.testing.assert_allclose(path.boxes, np.tile(actor, (14, 1)))
    assert path.found.all()


def test_a_path_does_not_jump_to_a_surer_find_for_one_frame() -> None:
    frames = [found((100, 40, 180, 200)) for _ in range(9)]
    frames[4] = Detections(
        np.array([(100, 40, 180, 200), (230, 40, 310, 200)], np.float32),
        np.array([0.5, 0.9], np.float32))
    assert choose_actor(frames, *SIZE).boxes[4, 0] == 100


def test_gaps_are_bridged_on_a_straight_line_and_said() -> None:
    frames = [found((10 * t + 60, 50, 10 * t + 140, 200)) for t in range(9)]
    for t in (0, 4, 5, 8):
        frames[t] = found()
    path = choose_actor(frames, *SIZE)
    assert path.found.tolist() == [False, True, True, True, False, False, True, True, False]
    np.testing.assert_allclose(path.boxes[:, 0], [70, 70, 80, 90, 100, 110, 120, 130, 130])


def test_nobody_is_nobody() -> None:
    path = choose_actor([found(), found()], *SIZE)
    assert np.isnan(path.boxes).all()
    assert not path.found.any()
