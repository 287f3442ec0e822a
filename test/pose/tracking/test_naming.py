"""Newcomers who wait for a name, and those who get their old one back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import JointState
from neuropose_ros.pose.tracking import Tracker

from .people import ids, stamp, standing

NEAR, FAR = 200.0, 180.0


def walk(tracker: Tracker, frames: range, *people: tuple[float, float, float]) -> list[list[int]]:
    """Let people (x, px per frame, height) walk on one floor; return the ids of each frame."""
    return [
        ids(tracker.update(
            [standing(x + speed * i, 200.0, height) for x, speed, height in people], stamp(i)))
        for i in frames]


def test_who_comes_out_of_hiding_elsewhere_waits_and_gets_the_old_id():
    tracker = Tracker(COCO17)
    walk(tracker, range(20), (300, 0, NEAR))
    walk(tracker, range(20, 40))
    back = walk(tracker, range(40, 50), (650, 0, NEAR))
    assert back[0] == [-1]
    assert back[-1] == [1]
    assert {tuple(one) for one in back} == {(-1,), (1,)}


def test_of_two_lost_people_the_levels_tell_who_comes_back():
    tracker = Tracker(COCO17)
    walk(tracker, range(20), (300, 0, NEAR), (340, 0, FAR))
    walk(tracker, range(20, 40))
    # Each comes back nearer to where the other one was.
    back = walk(tracker, range(40, 55), (460, 0, NEAR), (180, 0, FAR))
    assert back[-1] == [1, 2]


def test_who_is_too_tall_for_the_lost_one_is_somebody_else():
    tracker = Tracker(COCO17)
    walk(tracker, range(20), (300, 0, NEAR))
    walk(tracker, range(20, 40))
    back = walk(tracker, range(40, 50), (400, 0, 1.5 * NEAR))
    assert back[0] == [-1]
    assert back[-1][0] > 1


def test_who_appears_where_nobody_lost_can_be_is_named_at_once():
    tracker = Tracker(COCO17)
    walk(tracker, range(20), (300, 0, NEAR))
    assert walk(tracker, range(20, 21), (1500, 0, NEAR)) == [[2]]


def test_a_find_in_a_crowd_has_no_name_until_it_is_seen_apart():
    tracker, known = Tracker(COCO17), ((300, 0, NEAR), (1500, 0, NEAR))
    walk(tracker, range(20), *known)
    crowd = walk(tracker, range(20, 28), *known, (325, 0, 1.2 * NEAR))
    assert crowd == [[1, 2, -1]] * 8
    apart = walk(tracker, range(28, 36), *known, (430, 0, 1.2 * NEAR))
    assert apart[-1][:2] == [1, 2]
    assert apart[-1][2] > 2


def test_joints_that_fill_their_own_box_are_believed_wherever_they_were_expected():
    tracker = Tracker(COCO17)
    walk(tracker, range(20), (300, 0, NEAR))
    # For a while the joints lie beside the box: they are somebody else's.
    for i in range(20, 30):
        body = standing(300, 200.0, NEAR)
        beside = replace(body, keypoints=(body.keypoints + np.array((110, 0))).astype(np.float32))
        named, = tracker.update([beside], stamp(i))
        assert named.track_id == 1
        assert not (named.keypoint_states == JointState.MEASURED).any()
    # The box is of another shape now, its joints are in its middle again.
    body = standing(300, 200.0, NEAR)
    for i in range(30, 34):
        moved = replace(
            body, keypoints=(body.keypoints + np.array((40, 0))).astype(np.float32),
            box=(body.box + np.array((10, 0, 70, 0))).astype(np.float32))
        named, = tracker.update([moved], stamp(i))
        assert named.track_id == 1
        assert (named.keypoint_states == JointState.MEASURED).all()
