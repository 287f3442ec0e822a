from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import JointState, PersonPose
from neuropose_ros.pose.gating import duplicates, fit, innovation, is_plausible, outline
from neuropose_ros.pose.hiding import share_on, without_person

from . import stick_figures as sticks

BOX = np.array([100, 40, 160, 200], np.float32)


def _moved(person: PersonPose, by: tuple[float, float]) -> PersonPose:
    return replace(person, keypoints=person.keypoints + np.array(by, np.float32))


def test_the_outline_reaches_beyond_the_joints_most_above_the_eyes() -> None:
    box = outline(sticks.person(BOX.tolist()))
    # Of the larger side, 160 px: 0.06 to the sides, 0.11 above, 0.08 below.
    np.testing.assert_allclose(box, (90.4, 22.4, 169.6, 212.8), atol=0.1)


def test_the_outline_is_around_the_joints_that_are_seen() -> None:
    person = sticks.person(BOX.tolist())
    states = person.keypoint_states.copy()
    states[13:] = JointState.OCCLUDED
    low = outline(replace(person, keypoint_states=states))
    assert low[3] < 150


def test_a_whole_figure_in_its_box_is_plausible() -> None:
    assert is_plausible(sticks.person(BOX.tolist()), BOX, COCO17)


@pytest.mark.parametrize('what', ['unsure', 'few', 'blob', 'bone', 'elsewhere', 'no box'])
def test_what_cannot_be_a_person_is_not(what: str) -> None:
    person, box = sticks.person(BOX.tolist()), BOX
    if what == 'unsure':
        person = replace(person, score=0.1)
    if what == 'few':
        states = np.full(17, JointState.OCCLUDED, np.uint8)
        states[:3] = JointState.MEASURED
        person = replace(person, keypoint_states=states)
    if what == 'blob':
        points = person.keypoints.mean(0) + 0.2 * (person.keypoints - person.keypoints.mean(0))
        person = replace(person, keypoints=points.astype(np.float32))
    if what == 'bone':
        points = person.keypoints.copy()
        points[COCO17.index('left_ankle')] = (160, 45)
        points[COCO17.index('left_knee')] = (100, 200)
        person = replace(person, keypoints=points)
    if what == 'elsewhere':
        person = _moved(person, (150, 0))
    if what == 'no box':
        box = np.array([100, 40, 100, 40], np.float32)
    assert not is_plausible(person, box, COCO17)
    # A detector that is sure outvotes the network's doubts, but not that they disagree.
    assert is_plausible(person, box, COCO17, box_score=0.8) == (
        what not in {'elsewhere', 'no box'})


def test_poses_of_one_person_are_duplicates_the_most_similar_first() -> None:
    one = sticks.person(BOX.tolist())
    people = [one, _moved(one, (120, 0)), _moved(one, (4, 2)), _moved(one, (121, 0))]
    assert duplicates(people, COCO17) == [(1, 3), (0, 2)]
    assert duplicates(people[:2], COCO17) == []
    assert duplicates(people[:1], COCO17) == []


def test_embracing_people_are_two() -> None:
    one = sticks.person(BOX.tolist())
    assert duplicates([one, _moved(one, (30, 3))], COCO17) == []


def test_innovation_is_a_share_of_the_body() -> None:
    one = sticks.person(BOX.tolist())
    larger_side = 212.8 - 22.4
    assert innovation(_moved(one, (19, 0)), one) == pytest.approx(19 / larger_side, rel=1e-3)
    unknown = replace(one, keypoints=np.full((17, 2), np.nan, np.float32))
    assert innovation(one, unknown) == 0


def test_a_pose_fits_its_own_box_best() -> None:
    one = sticks.person(BOX.tolist())
    assert fit(one, BOX) > fit(one, BOX + np.float32(30)) > 0
    assert fit(one, outline(one)) == pytest.approx(1)


def test_somebody_painted_over_is_gone_and_others_are_not() -> None:
    image = sticks.drawn((40, 60, 80, 180), (200, 60, 240, 180))
    rest = without_person(image, sticks.person((200, 60, 240, 180)), COCO17)
    assert not (rest == 201).any()
    assert (rest == 200).sum() == (image == 200).sum()
    assert (image == 201).any()  # the picture itself is left as it was


def test_nobody_in_particular_hides_nothing() -> None:
    image = sticks.drawn((40, 60, 80, 180))
    nowhere = replace(
        sticks.person((40, 60, 80, 180)), keypoints=np.full((17, 2), np.nan, np.float32),
        box=np.full(4, np.nan, np.float32))
    np.testing.assert_array_equal(without_person(image, nowhere, COCO17), image)


def test_joints_on_a_painted_body_are_told_from_those_beside_it() -> None:
    front, behind = (118, 60, 178, 190), (60, 60, 110, 180)
    image = sticks.drawn(behind, front)
    rest = without_person(image, sticks.person(front), COCO17)
    assert share_on(sticks.person(front), image, rest) == 1
    assert share_on(sticks.person(behind), image, rest) <= 0.1
    unseen = replace(
        sticks.person(behind), keypoint_states=np.full(17, JointState.OCCLUDED, np.uint8))
    assert share_on(unseen, image, rest) == 1
    beyond = _moved(sticks.person(behind), (1e4, -1e4))
    assert 0 <= share_on(beyond, image, rest) <= 1
