"""Identities of people who walk, hide, cross and come back."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import JointState, PersonPose, TrackState
from neuropose_ros.pose.tracking import Tracker

from .people import S, ids, stamp, standing


def tracker(**options) -> Tracker:
    return Tracker(COCO17, **options)


def test_people_keep_their_ids_when_their_order_changes():
    one = tracker()
    assert ids(one.update([standing(100), standing(300)], stamp(0))) == [1, 2]
    assert ids(one.update([standing(295), standing(105)], stamp(1))) == [2, 1]
    third = [standing(110), standing(290), standing(500)]
    assert ids(one.update(third, stamp(2))) == [1, 2, 3]


def test_a_track_is_confirmed_by_its_third_frame():
    one = tracker(confirm_frames=3)
    states = [one.update([standing(100 + i)], stamp(i))[0].track_state for i in range(4)]
    assert states == [TrackState.TENTATIVE] * 2 + [TrackState.CONFIRMED] * 2


def test_a_person_is_remembered_for_the_memory_and_no_longer():
    one = tracker(memory_s=1.0)
    for i in range(3):
        one.update([standing(100)], stamp(i))
    assert one.update([], stamp(15)) == ()
    assert [track.state for track in one.tracks] == [TrackState.LOST]
    assert ids(one.update([standing(101)], stamp(2) + S)) == [1]
    assert ids(one.update([standing(101)], stamp(2) + 2 * S + 1)) == [2]


@pytest.mark.filterwarnings('error')
def test_before_the_first_person_there_is_nobody():
    one = tracker()
    assert one.update([], stamp(0)) == ()
    assert one.unclear([], stamp(1)) == []


def test_who_was_seen_only_once_is_soon_given_up():
    one = tracker(memory_s=2.0)
    one.update([standing(100)], stamp(0))
    one.update([], stamp(9))
    assert one.tracks == ()


def test_somebody_far_away_is_somebody_else():
    one = tracker()
    one.update([standing(100)], stamp(0))
    assert ids(one.update([standing(600)], stamp(1))) == [2]


def test_unknown_joints_do_not_hide_a_person():
    one = tracker()
    one.update([standing(100)], stamp(0))
    half = standing(103)
    half.keypoints[9:] = np.nan
    half.keypoint_states[9:] = JointState.MISSING
    assert ids(one.update([half], stamp(1))) == [1]
    nothing = standing(104)
    nothing.keypoints[:] = np.nan
    assert ids(one.update([nothing], stamp(2))) == [1], 'the box is enough'


def test_ids_are_not_used_again_after_a_reset():
    one = tracker()
    one.update([standing(100), standing(300)], stamp(0))
    one.reset()
    assert one.tracks == ()
    assert ids(one.update([standing(100)], stamp(0))) == [3]


def test_people_are_predicted_with_their_velocities():
    one = tracker()
    for i in range(30):
        one.update([standing(100 + 5 * i)], stamp(i))
    [person] = one.predict(stamp(32))
    assert person.track_id == 1
    assert person.track_state is TrackState.CONFIRMED
    assert (person.keypoint_states == JointState.PREDICTED).all()
    expected = standing(100 + 5 * 31)
    assert person.keypoints == pytest.approx(expected.keypoints, abs=4)
    assert person.box == pytest.approx(expected.box, abs=5)
    assert person.keypoint_velocities[:, 0] == pytest.approx(np.full(17, 150), rel=0.15)
    one.update([], stamp(30))
    [lost] = one.predict(stamp(31))
    assert lost.track_state is TrackState.LOST
    assert one.predict(stamp(200)) == ()


def cross(one: Tracker, hidden: range, speeds=(5.0, -5.0), heights=(240.0, 190.0), rate_hz=30.0):
    """Let two walk through one another; who is behind is not found in the hidden frames."""
    random = np.random.default_rng(1)
    per_frame = 30.0 / rate_hz
    found = []
    for i in range(round(60 / per_frame)):
        frame = i * per_frame
        near = standing(250 + speeds[0] * (frame - 30), 200, heights[0], noise_px=2, random=random)
        far = standing(250 + speeds[1] * (frame - 30), 195, heights[1], noise_px=2, random=random)
        people = [near] if round(frame) in hidden else [near, far]
        found.append(ids(one.update(people, stamp(frame))))
    return found


@pytest.mark.parametrize('rate_hz', [30.0, 15.0, 10.0])
def test_two_people_who_cross_come_out_with_their_ids(rate_hz):
    found = cross(tracker(), range(25, 36), rate_hz=rate_hz)
    assert found[0] == found[-1] == [1, 2]
    assert {one[0] for one in found} == {1}, 'the nearer one is seen all along'


def test_who_is_hidden_for_long_is_found_again_by_motion():
    found = cross(tracker(), range(18, 43))
    assert found[-1] == [1, 2]


def test_who_walks_on_is_not_taken_for_whoever_is_nearest():
    one = tracker()
    for i in range(20):
        one.update([standing(100 + 6 * i), standing(500, 195)], stamp(i))
    for i in range(20, 35):
        one.update([standing(500, 195)], stamp(i))
    # The walker goes on where motion says; a stranger of another size stands at the old place.
    seen = one.update([standing(500, 195), standing(215, 150, 110), standing(300)], stamp(35))
    assert ids(seen) == [2, 3, 1]


def test_irregular_frames_are_no_trouble():
    random = np.random.default_rng(3)
    one, time_s = tracker(), 0.0
    for _ in range(60):
        time_s += random.choice((0.01, 0.033, 0.2))
        right, left = standing(60 + 150 * time_s), standing(900 - 150 * time_s, 600, 230)
        assert ids(one.update([right, left], S + round(time_s * S))) == [1, 2]


def test_two_finds_of_one_person_are_one():
    one = tracker()
    for i in range(5):
        again = replace(standing(101 + i), score=0.8)
        assert ids(one.update([again, standing(100 + i)], stamp(i))) == [1]
    assert len(one.tracks) == 1


def test_unsure_people_continue_a_track_and_begin_none():
    one = tracker()
    one.update([standing(100)], stamp(0))
    weak = one.update([standing(103, score=0.2), standing(400, score=0.2)], stamp(1))
    assert ids(weak) == [1, -1]
    assert weak[1].track_state is TrackState.UNKNOWN


def test_joints_of_whoever_stands_in_front_are_not_published_as_measured():
    one = tracker()
    for i in range(10):
        one.update([standing(200, 200, 240), standing(300 - 5 * i, 195, 190)], stamp(i))
    front, behind = standing(200, 200, 240), standing(255, 195, 190)
    stolen = replace(
        front, box=np.array([233, 120, 300, 330], np.float32), score=0.9,
        keypoints=front.keypoints + np.float32(1))
    seen = one.update([front, stolen], stamp(10))
    assert ids(seen) == [1, 2]
    assert (seen[0].keypoint_states == JointState.MEASURED).all()
    assert (seen[1].keypoint_states == JointState.PREDICTED).all()
    assert not seen[1].keypoint_scores.any()
    assert seen[1].keypoints == pytest.approx(behind.keypoints, abs=25)


def test_who_has_no_place_has_no_id():
    nowhere = replace(
        standing(100), keypoints=np.full((17, 2), np.nan, np.float32),
        box=np.full(4, np.nan, np.float32))
    inverted = replace(nowhere, box=np.array([9, 9, 3, 3], np.float32))
    one = tracker()
    assert ids(one.update([nowhere, standing(300), inverted], stamp(0))) == [-1, 1, -1]


def test_any_number_of_joints_will_do():
    corners = np.array([[0, 0], [80, 0], [80, 100], [0, 100], [40, 50]], np.float32)
    def box(x: float) -> PersonPose:
        return PersonPose(
            corners + np.float32((x, 0)), np.ones(5, np.float32), np.full(5, 7, np.uint8),
            np.array([x, 0, x + 80, 100], np.float32), score=1.0)
    one = Tracker()
    assert ids(one.update([box(0), box(300)], stamp(0))) == [1, 2]
    assert ids(one.update([box(295), box(4)], stamp(1))) == [2, 1]
    assert ids(one.update([standing(100)], stamp(2))) == [3], 'other joints: a new start'


def test_looks_decide_where_motion_cannot():
    red, blue = np.eye(2, dtype=np.float32)
    one = tracker()
    for i in range(10):
        people = [standing(200), standing(290)]
        one.update(people, stamp(i), [red, blue])
    assert one.unclear([standing(200), standing(290)], stamp(10)) == []
    one.update([], stamp(20))
    swapped = [standing(240, 205), standing(262, 196)]
    assert one.unclear(swapped, stamp(40)) == [0, 1]
    assert ids(one.update(swapped, stamp(40), [blue, red])) == [2, 1]


def test_three_hundred_people_do_not_hang():
    one = tracker()
    random = np.random.default_rng(0)
    places = random.uniform((0, 0), (4000, 3000), (300, 2))
    people = [standing(x, y, 60) for x, y in places]
    start = time.perf_counter()
    for i in range(3):
        named = one.update(people, stamp(i))
    assert time.perf_counter() - start < 20
    assert len(set(ids(named))) > 200


def _seated(x: float, share: float) -> PersonPose:
    """Return somebody on the same feet, as tall as a share of a standing person."""
    person = standing(x)
    feet = float(person.keypoints[:, 1].max())
    person.keypoints[:, 1] = feet - share * (feet - person.keypoints[:, 1])
    box = np.concatenate((person.keypoints.min(0), person.keypoints.max(0)))
    return replace(person, box=box.astype(np.float32))


@pytest.mark.parametrize('period', [36, 45, 60])
def test_whoever_sits_down_and_rises_again_stays_who_they_are(period):
    one = tracker()
    for i in range(90):
        share = 1.0 - 0.2 * (1.0 - np.cos(2 * np.pi * max(0, i - 15) / period))
        found = one.update([_seated(100, share), standing(400, boxed=False)], stamp(i))
        assert ids(found) == [1, 2], i


def test_whoever_rises_while_hidden_is_found_again():
    one = tracker()
    for i in range(20):
        one.update([_seated(100, 0.75), standing(400, boxed=False)], stamp(i))
    for i in range(20, 30):
        one.update([standing(400, boxed=False)], stamp(i))
    people = [standing(103, boxed=False), standing(400, boxed=False)]
    assert ids(one.update(people, stamp(30))) == [1, 2]
