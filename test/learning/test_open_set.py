"""Classes left out: which, and what the recogniser gets to see."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.clips import Split
from neuropose_ros.learning.evaluation import Answers
from neuropose_ros.learning.open_set import class_pairs, leave_out, open_set

from .synthetic import clip_set, one_hot


def split(classes: int = 4) -> Split:
    return Split(clip_set(3, classes), clip_set(2, classes, 'test'), 'half')


def test_fourteen_labels_make_seven_pairs_in_alphabetical_order():
    labels = LabelSet('x', tuple('nmlkjihgfedcba'))
    assert class_pairs(labels) == tuple(
        (a, b) for a, b in ('ab', 'cd', 'ef', 'gh', 'ij', 'kl', 'mn'))
    assert class_pairs(LabelSet('x', tuple('badce'))) == (('a', 'b'), ('c', 'd'), ('e',))


def test_of_three_labels_two_are_always_left_to_tell_apart():
    assert class_pairs(LabelSet('x', ('b', 'a', 'c'))) == (('a',), ('b',), ('c',))


def test_what_is_left_out_is_in_no_training_clip_and_labels_stay_with_their_clips():
    part = leave_out(split(), ('a', 'c'))
    assert part.known.train.labels.labels == ('b', 'd')
    for clips in (part.known.train, part.known.test):
        assert {(clip.name[0], clip.label) for clip in clips.clips} == {('b', 0), ('d', 1)}
    assert [clip.name for clip in part.unknown.clips] == [
        'a_test0', 'a_test1', 'c_test0', 'c_test1']
    assert {clip.label for clip in part.unknown.clips} == {-1}
    assert part.known.protocol == 'half, without a and c'


def test_auroc_of_a_recogniser_that_knows_what_it_never_saw():
    def fit(train):
        known = {clip.name[0] for clip in train.clips}

        def predict(clips):
            strange = np.array([float(clip.name[0] not in known) for clip in clips.clips])
            labels = [max(clip.label, 0) for clip in clips.clips]
            return Answers(one_hot(labels, len(clips.labels)), strange)
        return predict

    result = open_set(split(), fit)
    assert [pair.labels for pair in result.pairs] == [('a', 'b'), ('c', 'd')]
    assert result.auroc.value == 1 and result.auroc.count == 8
    assert [pair.top1 for pair in result.pairs] == [1, 1]


def test_a_score_that_says_nothing_gives_one_half():
    def fit(train):
        return lambda clips: Answers(
            np.full((len(clips), len(clips.labels)), 1 / len(clips.labels)), np.ones(len(clips)))
    assert open_set(split(), fit).auroc.value == 0.5


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(DataError, match='two classes'):
        leave_out(split(3), ('a', 'b'))
    with pytest.raises(DataError, match='no unknown score'):
        open_set(split(), lambda train: lambda clips: Answers(
            one_hot([0] * len(clips), len(clips.labels))))
    test = clip_set(3, 4, 'test')
    no_test = Split(clip_set(3, 4), test.only(test.clips[6:]), 'none')
    with pytest.raises(DataError, match='no test clip'):
        leave_out(no_test, ('a', 'b'))
