"""People before other backgrounds."""

from __future__ import annotations

import numpy as np

from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.pose_training.scenery import before

STICK = SkeletonLayout('stick', ('head', 'foot'), ((0, 1),), ())
PERSON = np.full((100, 80, 3), 200, np.uint8)
SCENE = np.full((100, 80, 3), 10, np.uint8)


def put(points: list[tuple[float, float]], layout: SkeletonLayout = STICK) -> np.ndarray:
    return before(PERSON, np.array(points, np.float32), layout, SCENE, np.random.default_rng(0))


def test_what_lies_on_the_bones_is_the_persons_and_the_rest_the_scenes():
    made = put([(40, 20), (40, 80)])
    assert (made[20:81, 40] == 200).all()
    assert (made[:, :15] == 10).all() and (made[:, 65:] == 10).all()
    edge = made[50, 15:40, 0]
    assert (np.diff(edge.astype(int)) >= 0).all()
    assert ((edge > 10) & (edge < 200)).any()  # softly


def test_a_trunk_is_filled():
    points = np.full((len(JHMDB15), 2), np.nan, np.float32)
    for name, place in {'left_shoulder': (60, 20), 'right_shoulder': (20, 20),
                        'left_hip': (60, 90), 'right_hip': (20, 90)}.items():
        points[JHMDB15.index(name)] = place
    assert (put(points, JHMDB15)[55, 40] == 200).all()


def test_bones_to_joints_that_nobody_knows_or_far_away_do_no_harm():
    assert (put([(40, 20), (np.nan, np.nan)]) == PERSON).all()
    far = put([(40, 20), (40, 1e9)])
    assert far.shape == PERSON.shape and (far[90, 40] == 200).all()
