"""Versions of corrections, and what holds of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.events import Correction, CorrectionKind
from neuropose_ros.refinement.corrections import CorrectionLog

REJECT = Correction(10, 'c1', CorrectionKind.REJECT, track_id=1, window_start_ns=1,
                    window_end_ns=5)
KEYPOINTS = replace(
    REJECT, id='k1', kind=CorrectionKind.KEYPOINTS, keypoint_indices=np.array((3, 5), np.uint16),
    keypoints=np.array(((1, 2), (np.nan, np.nan)), np.float32))
IDENTITY = replace(REJECT, id='i1', kind=CorrectionKind.IDENTITY, label='2')


def undo(stamp_ns: int, name: str, of: str) -> Correction:
    return Correction(stamp_ns, name, CorrectionKind.UNKNOWN, undoes=of)


def names(log: CorrectionLog, at_ns: int | None = None) -> list[str]:
    return [f'{one.id}.{one.revision}' for one in log.holding(at_ns)]


def test_the_highest_revision_holds_and_older_ones_stay_known() -> None:
    newer, newest = replace(REJECT, stamp_ns=20, revision=1), replace(
        REJECT, stamp_ns=30, revision=2)
    log = CorrectionLog((newest, REJECT, newer))
    assert names(log) == ['c1.2']
    assert log.all() == (REJECT, newer, newest)
    assert [state for _, state in log.states()] == ['revised', 'revised', 'holds']
    assert (log.revision_of('c1'), log.revision_of('c2')) == (2, -1)
    assert names(CorrectionLog((replace(REJECT, revision=1), replace(REJECT, stamp_ns=20)))) == [
        'c1.1']


def test_what_was_undone_holds_again_when_the_undoing_is_undone_or_it_is_said_anew() -> None:
    first, second = undo(20, 'u1', 'c1'), undo(30, 'u2', 'u1')
    log = CorrectionLog((REJECT, first))
    assert names(log) == ['u1.0']
    assert log.states() == [(REJECT, 'taken back by u1'), (first, 'holds')]
    log.add(second)
    assert names(log) == ['c1.0', 'u2.0']
    again = CorrectionLog((REJECT, first, replace(REJECT, stamp_ns=40, revision=1)))
    assert 'c1.1' in names(again)


def test_what_holds_does_not_depend_on_the_order_of_arrival() -> None:
    said = (REJECT, undo(20, 'u1', 'c1'), undo(30, 'u2', 'u1'), replace(
        REJECT, stamp_ns=25, revision=1), undo(30, 'u3', 'u2'))
    held = {tuple(names(CorrectionLog(order))) for order in permutations(said)}
    assert len(held) == 1
    assert held == {('u1.0', 'c1.1', 'u3.0')}


def test_a_circle_of_undoing_leaves_the_last_word() -> None:
    log = CorrectionLog((undo(20, 'a', 'b'), undo(30, 'b', 'a')))
    assert names(log) == ['b.0']


def test_the_past_of_the_log_is_known() -> None:
    log = CorrectionLog((REJECT, undo(20, 'u1', 'c1'), replace(REJECT, stamp_ns=30, revision=1)))
    assert names(log, 9) == []
    assert names(log, 10) == ['c1.0']
    assert names(log, 25) == ['u1.0']
    assert names(log, 30) == ['u1.0', 'c1.1']


def test_saying_the_same_again_changes_nothing_and_something_else_is_refused() -> None:
    log = CorrectionLog((KEYPOINTS,))
    log.add(replace(KEYPOINTS, keypoints=KEYPOINTS.keypoints.copy()))
    assert len(log) == 1
    with pytest.raises(DataError, match='higher revision'):
        log.add(replace(KEYPOINTS, keypoints=KEYPOINTS.keypoints + 1))
    assert not log.take(replace(KEYPOINTS, track_id=2))
    assert 'k1' in log.problems[0]
    assert log.holding() == (KEYPOINTS,)


@pytest.mark.parametrize(('correction', 'words'), [
    (replace(REJECT, id=''), 'no id'),
    (replace(REJECT, stamp_ns=0), 'when it was said'),
    (replace(REJECT, kind=CorrectionKind.UNKNOWN), 'neither'),
    (undo(20, 'u', 'u'), 'undoes itself'),
    (replace(REJECT, window_start_ns=0), 'no beginning'),
    (replace(REJECT, window_start_ns=6), 'ends before it begins'),
    (replace(KEYPOINTS, window_end_ns=0), 'ends before it begins'),
    (replace(KEYPOINTS, track_id=-1), 'whose joints'),
    (replace(KEYPOINTS, keypoint_indices=None, keypoints=None), 'no joint'),
    (replace(KEYPOINTS, keypoint_indices=np.array((3, 3), np.uint16)), 'twice'),
    (replace(KEYPOINTS, keypoints=np.zeros((3, 2), np.float32)), r'shape \(3, 2\)'),
    (replace(KEYPOINTS, keypoints=np.float32(((1, np.inf), (1, 1)))), 'impossible place'),
    (replace(KEYPOINTS, keypoints=np.float32(((1, np.nan), (1, 1)))), 'impossible place'),
    (replace(IDENTITY, track_id=-1), 'who is meant'),
    (replace(IDENTITY, label='Anna'), "not 'Anna'"),
    (replace(IDENTITY, label='1'), '1 already'),
    (replace(IDENTITY, label='2147483648'), 'right track id'),
    (replace(IDENTITY, kind=CorrectionKind.LABEL, label=''), 'no label'),
], ids=lambda value: value if isinstance(value, str) else '')
def test_what_contradicts_itself_is_refused_in_one_sentence(
    correction: Correction, words: str,
) -> None:
    log = CorrectionLog((KEYPOINTS,))
    with pytest.raises(DataError, match=words):
        log.add(correction)
    assert log.holding() == (KEYPOINTS,)


@pytest.mark.parametrize('correction', [
    KEYPOINTS, replace(REJECT, window_end_ns=0), replace(IDENTITY, window_end_ns=0),
    replace(REJECT, track_id=-1), undo(1, 'u', 'not yet said')])
def test_open_windows_everybody_and_undoing_of_the_unknown_are_fine(
    correction: Correction,
) -> None:
    assert CorrectionLog((correction,)).holding() == (correction,)
