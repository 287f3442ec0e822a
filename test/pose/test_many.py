"""Scheduling, seeding and sorting out, with labelled stand-ins whose answers are known."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.pose import Frame, FrameStatus, JointState, PersonPose, TrackState
from neuropose_ros.pose.expectation import Expectation
from neuropose_ros.pose.many import ManyPeople

from . import stick_figures as sticks

LEFT, RIGHT = (40, 60, 80, 180), (200, 60, 240, 180)


class Scene:
    """Many people over stand-ins, fed with drawn figures."""

    def __init__(self, *, detect_every: int = 1, max_people: int = 20) -> None:
        self.detector, self.estimator = sticks.Detector(), sticks.Estimator()
        self.said: list[str] = []
        self.people = ManyPeople(
            self.detector, self.estimator, detect_every=detect_every, max_people=max_people,
            announce=self.said.append)
        self.count = 0

    def see(
        self, *boxes: Sequence[float], expected: Sequence[PersonPose] = (),
    ) -> tuple[PersonPose, ...]:
        """Show figures, the later in front; return who is found."""
        self.count += 1
        self.estimator.full = {200 + i: box for i, box in enumerate(boxes)}
        self.frame = self.people.estimate(
            Frame(sticks.drawn(*boxes), self.count, self.count), expected)
        return self.frame.persons

    @property
    def asked(self) -> list[list[tuple[float, ...]]]:
        """Boxes of all calls."""
        return [[tuple(region.box) for region in call] for call in self.estimator.asked]


def _expected(
    box: Sequence[float], track_id: int = 1, state: TrackState = TrackState.CONFIRMED,
) -> PersonPose:
    return replace(
        sticks.person(box), track_id=track_id, track_state=state,
        keypoint_states=np.full(17, JointState.PREDICTED, np.uint8))


def _places(people: Sequence[PersonPose]) -> list[tuple[float, ...]]:
    return sorted(tuple(np.round(person.keypoints.min(0)).tolist()) for person in people)


def test_everybody_is_found_in_a_single_picture() -> None:
    scene = Scene()
    found = scene.see(LEFT, RIGHT)
    assert _places(found) == [(40, 60), (200, 60)]
    assert scene.frame.status is FrameStatus.OK
    assert scene.frame.model == 'figures>sticks'
    assert (scene.frame.image_width, scene.frame.image_height) == sticks.SIZE
    assert all(person.track_id == -1 for person in found)
    assert len(scene.estimator.asked) == 1  # one call for both


def test_nobody_is_an_answer() -> None:
    scene = Scene(detect_every=10)
    assert scene.see() == ()
    assert scene.frame.status is FrameStatus.NO_PERSON
    scene.see()
    assert scene.people.detector_runs == 2  # an empty scene is searched in every frame


def test_nobody_is_an_answer_only_where_the_detector_looked() -> None:
    scene = Scene(detect_every=9)
    scene.see(LEFT)
    assert _places(scene.see(RIGHT, expected=[_expected(LEFT)])) == [(200, 60)]
    assert scene.people.detector_runs == 2
    assert scene.see(expected=[_expected(RIGHT)]) == ()
    assert scene.frame.status is FrameStatus.NO_PERSON
    assert scene.people.detector_runs == 3
    scene.see(RIGHT, expected=[_expected(RIGHT)])
    assert scene.people.detector_runs == 3, 'who is found where expected needs no detector'


def test_who_the_detector_stopped_seeing_is_searched_for_in_every_frame() -> None:
    scene = Scene(detect_every=2)
    scene.detector.blind = True
    for _ in range(8):
        scene.see(LEFT, expected=[_expected(LEFT)])
    scene.detector.blind = False
    for _ in range(2):
        assert _places(scene.see(LEFT, expected=[_expected(RIGHT)])) == [(40, 60)]


def test_the_detector_looks_every_fifth_frame() -> None:
    scene = Scene(detect_every=5)
    expected: list[PersonPose] = []
    for _ in range(20):
        found = scene.see(LEFT, RIGHT, expected=expected)
        assert _places(found) == [(40, 60), (200, 60)]
        expected = [_expected(LEFT, 1), _expected(RIGHT, 2)]
    assert scene.people.detector_runs == 4


@pytest.mark.parametrize('reason', ['lost', 'unsure', 'moved', 'close', 'border'])
def test_it_looks_sooner_when_there_is_reason_to(reason: str) -> None:
    calm, scene = Scene(detect_every=9), Scene(detect_every=9)
    box = {'border': (0, 60, 40, 180)}.get(reason, LEFT)
    people = [_expected(box, 1), _expected(RIGHT, 2)]
    if reason == 'lost':
        people.append(_expected((120, 60, 160, 180), 3, TrackState.LOST))
    if reason == 'moved':
        people[1] = _expected((228, 60, 268, 180), 2)
    others: list[tuple[int, ...]] = []
    if reason == 'close':
        others = [(218, 60, 258, 180)]
        people.append(_expected(others[0], 3))
    if reason == 'unsure':
        scene.estimator.score = 0.4
    for one, expected in ((calm, [_expected(LEFT, 1), _expected(RIGHT, 2)]), (scene, people)):
        figures = (box, RIGHT, *others) if one is scene else (LEFT, RIGHT)
        one.see(*figures)
        for _ in range(8):
            assert len(one.see(*figures, expected=expected)) == len(figures)
    assert calm.people.detector_runs == 1
    assert scene.people.detector_runs >= 3


def test_a_prediction_that_fits_its_box_saves_the_second_look() -> None:
    scene = Scene()
    scene.see(LEFT, expected=[_expected(LEFT)])
    [[region]] = scene.estimator.asked
    assert region.person is not None
    np.testing.assert_allclose(region.box, LEFT, atol=2)


def test_a_prediction_that_drifted_is_seeded_anew_from_the_box() -> None:
    scene = Scene()
    scene.see(LEFT, expected=[_expected((55, 75, 95, 195))])
    [[region]] = scene.estimator.asked
    assert region.person is None
    np.testing.assert_allclose(region.box, LEFT, atol=2)


def test_a_person_in_front_does_not_swallow_the_one_behind() -> None:
    scene = Scene()
    behind, front = (100, 60, 150, 180), (118, 60, 178, 190)
    found = scene.see(behind, front)
    assert _places(found) == [(100, 60), (118, 60)]
    # When the network sees the one in front in both regions, the second look helps.
    tangled = Scene()
    tangled.detector.blind = True
    tangled.detector.extra = [(118, 60, 178, 190), (90, 58, 178, 190)]
    assert _places(tangled.see(behind, front)) == [(100, 60), (118, 60)]
    # The box that the pose does not fit is the one that is looked at again.
    assert tangled.asked[1:] == [[(90, 58, 178, 190)]]


def test_two_boxes_around_one_person_are_one_person() -> None:
    scene = Scene()
    scene.detector.extra = [(40, 60, 80, 140), (35, 55, 85, 185)]
    assert _places(scene.see(LEFT, RIGHT)) == [(40, 60), (200, 60)]


def test_a_second_box_does_not_make_a_double_of_the_painted_outline() -> None:
    scene = Scene()
    scene.estimator.ghost = True  # it sees somebody in the grey too
    scene.detector.extra = [(40, 60, 80, 150)]
    assert _places(scene.see(LEFT, RIGHT)) == [(40, 60), (200, 60)]


def test_two_predictions_on_one_person_become_one() -> None:
    scene = Scene(detect_every=9)
    scene.see(LEFT)
    expected = [_expected(LEFT, 1), _expected((44, 62, 84, 182), 2)]
    assert _places(scene.see(LEFT, expected=expected)) == [(40, 60)]


def test_what_the_detector_never_sees_is_dropped() -> None:
    scene = Scene(detect_every=2)
    scene.estimator.ghost = True
    hoop = (120, 20, 180, 120)
    expected = [_expected(LEFT, 1), _expected(hoop, 2)]
    kept = []
    for _ in range(12):
        kept.append(len(scene.see(LEFT, expected=expected)))
    assert kept[0] == 2  # somebody may be hidden for a while
    assert kept[-1] == 1
    assert sum(count == 2 for count in kept) <= 6


def test_who_reappears_is_supported_again() -> None:
    scene = Scene()
    scene.estimator.ghost = True
    expected = [_expected(LEFT, 1), _expected(RIGHT, 2)]
    for _ in range(2):
        assert len(scene.see(LEFT, expected=expected)) == 2
    scene.see(LEFT, RIGHT, expected=expected)
    for _ in range(2):
        assert len(scene.see(LEFT, expected=expected)) == 2


def test_who_was_lost_stays_only_if_the_detector_sees_them_too() -> None:
    scene = Scene(detect_every=2)
    scene.estimator.ghost = True  # somebody in every region
    state, found = TrackState.LOST, []
    for _ in range(14):
        expected = [_expected(LEFT, 1), _expected(RIGHT, 2, state)]
        found.append(len(scene.see(LEFT, expected=expected)) == 2)
        state = TrackState.CONFIRMED if found[-1] else TrackState.LOST
    assert found[0]
    assert not any(found[-6:]), 'and is not taken up again and again'
    people = [_expected(LEFT, 1), _expected(RIGHT, 2, TrackState.LOST)]
    assert [len(scene.see(LEFT, RIGHT, expected=people)) for _ in range(3)].count(2) >= 2


def test_300_boxes_are_bounded_and_announced_once() -> None:
    scene = Scene(max_people=8)
    scene.detector.extra = [(i, 20, i + 30, 80) for i in range(300)]
    for _ in range(3):
        scene.see(LEFT)
        assert len(scene.estimator.asked[-1]) <= 8
        assert max(map(len, scene.estimator.asked)) <= 8
    [sentence] = scene.said
    assert '301' in sentence
    assert 'max_people' in sentence


def test_the_surest_boxes_are_looked_at() -> None:
    scene = Scene(max_people=1)
    scene.detector.extra, scene.detector.extra_score = [RIGHT], 0.95
    scene.see(LEFT)
    assert scene.asked == [[RIGHT]]


def test_a_prediction_without_a_place_is_left_out() -> None:
    scene = Scene()
    nowhere = replace(
        _expected(LEFT), keypoints=np.full((17, 2), np.nan, np.float32),
        box=np.full(4, np.nan, np.float32))
    assert len(scene.see(LEFT, expected=[nowhere])) == 1


def test_reset_makes_the_detector_look_again() -> None:
    scene = Scene(detect_every=9)
    scene.see(LEFT)
    scene.people.reset()
    scene.see(LEFT, expected=[_expected(LEFT)])
    assert scene.people.detector_runs == 2


def test_both_networks_are_closed() -> None:
    scene = Scene()
    scene.people.close()
    assert scene.detector.closed
    assert scene.estimator.closed


@pytest.mark.parametrize('numbers', [{'detect_every': 0}, {'max_people': 0}])
def test_numbers_below_1_are_refused(numbers: dict[str, int]) -> None:
    with pytest.raises(ParameterError, match='at least 1'):
        ManyPeople(sticks.Detector(), sticks.Estimator(), **numbers)


def _told(one: PersonPose, sd_px: float = 2.0) -> PersonPose:
    """Return somebody expected of whom the refinement says how sure it is."""
    covariance = np.array((sd_px**2, 0, sd_px**2), np.float32)
    return replace(one, keypoint_covariances=np.tile(covariance, (17, 1)))


def test_predictions_of_the_refinement_let_the_detector_rest() -> None:
    scene = Scene(detect_every=4)
    for _ in range(25):
        people = [_told(_expected(LEFT, 1)), _told(_expected(RIGHT, 2))]
        assert len(scene.see(LEFT, RIGHT, expected=people)) == 2
    assert scene.people.detector_runs == 3


def test_who_is_not_where_the_refinement_expects_them_is_detected_at_once() -> None:
    scene = Scene(detect_every=9)
    people = [_told(_expected(LEFT, 1)), _told(_expected(RIGHT, 2))]
    for _ in range(5):
        scene.see(LEFT, RIGHT, expected=people)
    assert scene.people.detector_runs == 1
    elsewhere = (130, 60, 170, 180)
    assert _places(scene.see(LEFT, elsewhere, expected=people)) == [(40, 60), (130, 60)]
    assert scene.people.detector_runs == 2


def test_the_lost_are_found_where_they_are_expected() -> None:
    scene = Scene(detect_every=9)
    scene.see(LEFT, expected=[_expected(LEFT, 1)])
    lost = _expected(RIGHT, 2, TrackState.LOST)
    assert len(scene.see(LEFT, RIGHT, expected=[_expected(LEFT, 1), lost])) == 2
    assert scene.people.detector_runs == 1


@pytest.mark.parametrize('there', [(238, 60, 278, 180), LEFT])
def test_the_lost_are_not_found_in_somebody_else(there: tuple[int, ...]) -> None:
    scene = Scene(detect_every=9)
    scene.see(LEFT, expected=[_expected(LEFT, 1)])
    box = RIGHT if there != LEFT else (44, 62, 84, 182)
    lost = _expected(box, 2, TrackState.LOST)
    figures = [LEFT] if there == LEFT else [LEFT, there]
    assert _places(scene.see(*figures, expected=[_expected(LEFT, 1), lost])) == [(40, 60)]
    assert len(scene.estimator.asked[-1]) == 2, 'one look for both, no second one'


def test_an_unsure_pose_is_not_of_somebody_lost() -> None:
    scene = Scene(detect_every=9)
    scene.see(LEFT, expected=[_expected(LEFT, 1)])
    scene.estimator.score = 0.3
    lost = _expected(RIGHT, 2, TrackState.LOST)
    found = scene.see(LEFT, RIGHT, expected=[_expected(LEFT, 1), lost])
    assert _places(found) == [(40, 60)]


def test_waiting_for_the_frame_before_is_no_inference() -> None:
    scene = Scene(detect_every=9)
    scene.see(LEFT)

    def settled() -> list[PersonPose]:
        time.sleep(0.3)
        return [_expected(LEFT)]

    began_s = time.perf_counter()
    scene.see(LEFT, expected=Expectation(settled, lambda: None))
    took_ms = (time.perf_counter() - began_s) * 1e3
    assert scene.frame.inference_ms + scene.frame.postprocess_ms <= took_ms - 299


def test_the_detector_waits_for_the_frame_before_only_where_that_decides() -> None:
    scene = Scene(detect_every=2)
    runs: list[int] = []

    def settled() -> list[PersonPose]:
        runs.append(scene.people.detector_runs)
        return [_expected(LEFT)]

    for _ in range(8):
        scene.see(LEFT, expected=Expectation(settled, lambda: None))
    # At first it looks in any case; once people held, only if those expected are unsure.
    assert runs == [1, 1, 1, 2, 2, 3, 3, 4]
    assert scene.people.detector_runs == 4
