"""Corrections laid over poses: their window changes, nothing else does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.events import Correction, CorrectionKind
from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17
from neuropose_ros.core.pose import FrameStatus, JointState, PoseFrame, TrackState
from neuropose_ros.refinement.correcting import Corrector
from neuropose_ros.refinement.corrections import CorrectionLog

Build = Callable[..., object]
SAID_NS = 100 * 10**9
WRIST = 9


def at_ns(index: int) -> int:
    return 10**9 + round(index * 1e9 / 30)


def correction(kind: CorrectionKind, first: int = 2, last: int = 3, **extra: object) -> Correction:
    values = {'id': 'c1', 'track_id': 1, 'window_start_ns': at_ns(first),
              'window_end_ns': at_ns(last), **extra}
    return Correction(SAID_NS, kind=kind, **values)


def keypoints(place: tuple[float, float] = (5, 6), **extra: object) -> Correction:
    return correction(
        CorrectionKind.KEYPOINTS, keypoint_indices=np.array([WRIST], np.uint16),
        keypoints=np.array([place], np.float32), **extra)


@pytest.fixture
def frames(person: Build, frame: Build) -> list[PoseFrame]:
    """Two people with everything that can be known of them."""
    extra = {
        'keypoint_covariances': np.ones((17, 3), np.float32),
        'keypoint_velocities': np.ones((17, 2), np.float32),
        'keypoint_innovations': np.ones((17, 2), np.float32),
        'keypoints_3d': np.ones((17, 3), np.float32),
        'keypoint_states_3d': np.full(17, JointState.MEASURED, np.uint8)}
    return [frame(index, person(track_id=1, **extra), person((200, 0), track_id=2, **extra))
            for index in range(6)]


def applied(frames: list[PoseFrame], *said: Correction, as_said: bool = False,
            ) -> tuple[list[PoseFrame], Corrector]:
    corrector = Corrector(CorrectionLog(said), as_said=as_said)
    return [corrector.apply(one) for one in frames], corrector


def changed(before: list[PoseFrame], after: list[PoseFrame]) -> list[int]:
    return [index for index, pair in enumerate(zip(before, after, strict=True))
            if pair[0] is not pair[1]]


def test_a_joint_is_where_it_is_said_to_be_and_nothing_else_changes(
    frames: list[PoseFrame],
) -> None:
    found, corrector = applied(frames, keypoints())
    assert changed(frames, found) == [2, 3]
    one, other = found[2].persons
    assert other is frames[2].persons[1]
    assert one.keypoints[WRIST].tolist() == [5, 6]
    assert one.keypoint_states[WRIST] == JointState.CORRECTED
    assert one.keypoint_scores[WRIST] == 1
    assert one.keypoint_states_3d[WRIST] == JointState.MISSING
    for name in ('keypoint_covariances', 'keypoint_velocities', 'keypoint_innovations',
                 'keypoints_3d'):
        assert np.isnan(getattr(one, name)[WRIST]).all()
    for name in ('keypoints', 'keypoint_states', 'keypoint_velocities', 'keypoints_3d'):
        before, after = getattr(frames[2].persons[0], name), getattr(one, name)
        assert np.array_equal(np.delete(before, WRIST, 0), np.delete(after, WRIST, 0))
    assert corrector.counters.corrected_frames == 2
    given = frames[2].persons[0]
    assert given.keypoint_states[WRIST] == JointState.MEASURED
    assert given.keypoints[WRIST].tolist() != [5, 6]
    assert not np.isnan(given.keypoints_3d).any()


def test_a_joint_that_is_not_to_be_seen_is_missing(frames: list[PoseFrame]) -> None:
    found, _ = applied(frames, keypoints((np.nan, np.nan)))
    one = found[2].persons[0]
    assert one.keypoint_states[WRIST] == JointState.MISSING
    assert np.isnan(one.keypoints[WRIST]).all()
    assert one.keypoint_scores[WRIST] == 0


def test_what_is_rejected_has_no_values_and_is_unknown(frames: list[PoseFrame]) -> None:
    found, _ = applied(frames, correction(CorrectionKind.REJECT))
    assert changed(frames, found) == [2, 3]
    one, other = found[3].persons
    assert (one.keypoint_states == JointState.UNKNOWN).all()
    assert np.isnan(one.keypoints).all()
    assert np.isnan(one.keypoints_3d).all()
    assert one.track_state is TrackState.UNKNOWN
    assert one.track_id == 1
    assert other is frames[3].persons[1]
    assert found[3].status is FrameStatus.OK


def test_a_rejected_window_of_everybody_says_nothing_even_of_an_empty_room(
    frames: list[PoseFrame], frame: Build,
) -> None:
    frames[3] = frame(3)
    found, corrector = applied(frames, correction(CorrectionKind.REJECT, track_id=-1))
    assert [one.status for one in found[2:4]] == [FrameStatus.UNKNOWN] * 2
    assert all((person.keypoint_states == JointState.UNKNOWN).all()
               for person in found[2].persons)
    assert found[3].persons == ()
    assert corrector.unused() == ()


@pytest.mark.parametrize(('said', 'ids'), [
    ({1: 2}, (2, 1)), ({1: 7}, (7, 2)), ({1: 2, 2: 1}, (2, 1)), ({1: 2, 2: 7}, (2, 7)),
    ({1: 7, 2: 7}, (1, 7)), ({3: 1}, (1, 2))])
def test_ids_change_and_stay_those_of_one_person_each(
    frames: list[PoseFrame], said: dict[int, int], ids: tuple[int, int],
) -> None:
    found, _ = applied(frames, *(correction(
        CorrectionKind.IDENTITY, id=f'c{old}', track_id=old, label=str(new))
        for old, new in said.items()))
    assert tuple(person.track_id for person in found[2].persons) == ids
    assert tuple(person.track_id for person in found[4].persons) == (1, 2)
    assert np.array_equal(found[2].persons[0].keypoints, frames[2].persons[0].keypoints)


def test_three_people_who_are_in_a_circle_are_told_apart(person: Build, frame: Build) -> None:
    before = frame(2, *(person((50 * one, 0), track_id=one) for one in (1, 2, 3)))
    said = (correction(CorrectionKind.IDENTITY, id=f'c{old}', track_id=old, label=str(new))
            for old, new in ((1, 2), (2, 3)))
    found, _ = applied([before], *said)
    assert [one.track_id for one in found[0].persons] == [2, 3, 1]


def test_corrections_speak_of_the_ids_of_the_recording_and_the_last_word_counts(
    frames: list[PoseFrame],
) -> None:
    found, _ = applied(
        frames, correction(CorrectionKind.IDENTITY, id='i', label='2'), keypoints((1, 1), id='k'),
        replace(keypoints((2, 2), id='l'), stamp_ns=SAID_NS + 1),
        replace(correction(CorrectionKind.REJECT, id='r'), stamp_ns=SAID_NS - 1))
    one = found[2].persons[0]
    assert one.track_id == 2
    assert one.keypoints[WRIST].tolist() == [2, 2]
    assert (np.delete(one.keypoint_states, WRIST) == JointState.UNKNOWN).all()


def test_what_does_not_fit_changes_nothing_and_is_told(frames: list[PoseFrame]) -> None:
    said = (
        keypoints(id='other person', track_id=9), keypoints(id='other epoch', epoch=1),
        keypoints(id='other layout', label=BLAZEPOSE33.id),
        replace(keypoints(id='no such joint'), keypoint_indices=np.array([17], np.uint16)),
        keypoints(id='later', first=20, last=21),
        correction(CorrectionKind.LABEL, id='label', label='walk'))
    found, corrector = applied(frames, *said)
    assert changed(frames, found) == []
    assert set(corrector.unused()) == {one.id for one in said} - {'label'}
    assert corrector.counters.misfits == 4
    assert changed(frames, applied(frames, keypoints(label=COCO17.id))[0]) == [2, 3]


def test_live_a_correction_holds_for_what_is_seen_since_it_was_said(
    frames: list[PoseFrame],
) -> None:
    said = replace(
        correction(CorrectionKind.REJECT, first=1, last=0), stamp_ns=at_ns(3), window_end_ns=0)
    ended = replace(said, stamp_ns=at_ns(4) + 1, revision=1, window_end_ns=at_ns(4))
    assert changed(frames, applied(frames, said, as_said=True)[0]) == [3, 4, 5]
    assert changed(frames, applied(frames, said, ended, as_said=True)[0]) == [3, 4]
    assert changed(frames, applied(frames, said, ended)[0]) == [1, 2, 3, 4]
    undone = Correction(at_ns(4), 'u', CorrectionKind.UNKNOWN, undoes='c1')
    assert changed(frames, applied(frames, said, undone, as_said=True)[0]) == [3]
    assert changed(frames, applied(frames, said, undone)[0]) == []


def test_a_window_that_is_over_is_known_as_such(frames: list[PoseFrame]) -> None:
    corrector = applied(frames)[1]
    assert corrector.is_past(keypoints())
    assert corrector.is_past(keypoints(last=4))
    assert not corrector.is_past(keypoints(last=5))
    assert not corrector.is_past(correction(CorrectionKind.REJECT, window_end_ns=0))
    assert not corrector.is_past(keypoints(epoch=1))
    corrector.apply(replace(frames[0], epoch=2))
    assert corrector.is_past(correction(CorrectionKind.REJECT, window_end_ns=0))
    assert not Corrector(CorrectionLog()).is_past(keypoints())


def test_thousands_of_corrections_cost_next_to_nothing_and_all_hold(
    frames: list[PoseFrame],
) -> None:
    every = [keypoints((index, 1), id=f'c{index}', first=index, last=index)
             for index in range(5000)]
    whole = correction(CorrectionKind.REJECT, id='r', first=0, last=5000, track_id=2)
    corrector = Corrector(CorrectionLog((whole, *every)))
    begin_s = time.perf_counter()
    later = [replace(frames[0], stamp_ns=at_ns(index)) for index in range(0, 5000, 10)]
    found = [corrector.apply(one) for one in later]
    assert time.perf_counter() - begin_s < 2.0
    assert [one.persons[0].keypoints[WRIST, 0] for one in found] == list(range(0, 5000, 10))
    assert all((one.persons[1].keypoint_states == JointState.UNKNOWN).all() for one in found)
