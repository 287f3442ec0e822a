"""When the detector looks, with and without the refinement's predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.pose import JointState, PersonPose, TrackState
from neuropose_ros.pose.attention import Attention, is_sure

from . import stick_figures as sticks

LEFT, RIGHT, CLOSE = (40, 60, 80, 180), (200, 60, 240, 180), (215, 60, 255, 180)
EVERY = 4


def expected(
    box: Sequence[float], sd_px: float | None = None, state: TrackState = TrackState.CONFIRMED,
) -> PersonPose:
    covariances = None if sd_px is None else np.tile(
        np.array((sd_px**2, 0, sd_px**2), np.float32), (17, 1))
    return replace(
        sticks.person(box), track_id=1, track_state=state, keypoint_covariances=covariances,
        keypoint_states=np.full(17, JointState.PREDICTED, np.uint8))


def looks(
    people: Sequence[PersonPose], frames: int, *, unsure: Sequence[int] = (),
) -> list[int]:
    """Return the frames at which it looks."""
    attention, found = Attention(EVERY), []
    for index in range(frames):
        attention.begin()
        if attention.is_due(people, *sticks.SIZE):
            attention.looked()
            found.append(index)
        if attention.judge(people, is_uncertain=index in unsure):
            attention.looked()
            found.append(index)
    return found


def test_without_feedback_it_looks_at_every_nth_frame() -> None:
    assert looks([expected(LEFT)], 13) == [0, 4, 8, 12]


@pytest.mark.parametrize('unsure', [(), (1, 2, 9), range(40)])
@pytest.mark.parametrize('people', [
    [], [expected(LEFT)], [expected(LEFT, 2.0)], [expected(LEFT, 2.0), expected(RIGHT)],
    [expected(LEFT, 2.0), expected(RIGHT, 2.0, TrackState.LOST)],
])
def test_where_it_is_due_anyway_it_is_due_for_whoever_is_expected(
    people: Sequence[PersonPose], unsure: Sequence[int],
) -> None:
    attention, anyway = Attention(EVERY), 0
    for index in range(40):
        attention.begin()
        is_due_anyway = attention.is_due_anyway
        is_due = attention.is_due(people, *sticks.SIZE)
        assert is_due or not is_due_anyway
        anyway += is_due_anyway
        if is_due:
            attention.looked()
        attention.judge(people, is_uncertain=index in unsure)
    assert anyway


def test_sure_predictions_that_held_for_a_while_let_it_rest() -> None:
    assert looks([expected(LEFT, 2.0)], 25) == [0, 12, 24]


def test_unsure_predictions_stand_in_for_nothing() -> None:
    assert looks([expected(LEFT, 20.0)], 13) == [0, 4, 8, 12]
    assert looks([expected(LEFT, 2.0), expected(RIGHT)], 13) == [0, 4, 8, 12]


def test_a_sure_prediction_that_fails_is_looked_at_in_the_very_frame() -> None:
    assert looks([expected(LEFT, 2.0)], 13, unsure=[7])[:2] == [0, 7]
    # Nobody relied on the others: the next frame is soon enough.
    assert 7 not in looks([expected(LEFT)], 13, unsure=[7])


def test_lasting_doubt_does_not_make_it_look_twice_as_often() -> None:
    doubt = looks([expected(LEFT, 2.0)], 13, unsure=range(13))
    assert doubt == looks([expected(LEFT)], 13, unsure=range(13))


@pytest.mark.parametrize('people', [
    [(RIGHT,), (CLOSE,)],
    [((-4, 60, 40, 180),)],
])
def test_people_close_or_at_the_border_are_left_to_predictions_that_held(
    people: list[tuple[Sequence[float]]],
) -> None:
    told = [expected(box, 2.0) for box, in people]
    untold = [expected(box) for box, in people]
    assert len(looks(told, 25)) < len(looks(untold, 25))


def test_who_is_lost_is_searched_for_sooner() -> None:
    lost = expected(RIGHT, None, TrackState.LOST)
    assert looks([expected(LEFT, 2.0), lost], 9) == [0, 2, 4, 6, 8]
    assert looks([lost], 3) == [0, 1, 2], 'nobody is there'


def test_a_reset_forgets_what_held() -> None:
    attention = Attention(EVERY)
    attention.begin()
    attention.looked()
    attention.reset()
    attention.begin()
    assert attention.is_due([expected(LEFT, 2.0)], *sticks.SIZE)


def test_who_is_sure_says_the_covariance() -> None:
    assert not is_sure(expected(LEFT))
    assert not is_sure(expected(LEFT, 99.0))
    half = expected(LEFT, 2.0)
    assert half.keypoint_covariances is not None
    half.keypoint_covariances[:8] = np.inf
    assert is_sure(half)
    half.keypoint_covariances[:9] = np.nan
    assert not is_sure(half)
