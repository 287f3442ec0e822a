"""Protocols on recognisers whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning import evaluation
from neuropose_ros.learning.evaluation import Answers

from .synthetic import always_right, clip_set, one_hot, relabelled


def by_known_joints(least: float):
    """Right where at least that share of a clip's joints is known, wrong elsewhere."""
    def predict(clips):
        right = [clip.measured.mean() >= least - 1e-9 for clip in clips.clips]
        labels = np.array([clip.label for clip in clips.clips])
        return Answers(one_hot((labels + ~np.array(right)) % len(clips.labels), len(clips.labels)))
    return predict


def by_frames(least: int):
    """Right from that number of frames on, class 0 before."""
    def predict(clips):
        labels = [clip.label if len(clip.times_s) >= least else 0 for clip in clips.clips]
        return Answers(one_hot(labels, len(clips.labels)))
    return predict


def test_all_figures_of_a_recogniser_that_is_right_9_times_in_12():
    clips = clip_set()
    said = np.array([clip.label for clip in clips.clips])
    said[[0, 4, 8]] = [1, 2, 0]
    result = evaluation.evaluate(
        lambda part: Answers(one_hot(said[:len(part)], 3, 0.9)), clips, missing_draws=1)
    assert result.top1.value == 0.75 and result.top1.count == 12
    assert result.top1.low < 0.75 < result.top1.high
    assert result.macro_f1.value == pytest.approx(0.75)
    assert result.ece.value == pytest.approx(0.15)
    assert result.confusion.tolist() == [[3, 1, 0], [0, 3, 1], [1, 0, 3]]
    np.testing.assert_allclose(result.per_class.recall, 0.75)
    assert result.cost.ms_per_clip.value > 0 and result.cost.frames.tolist() == [40] * 12


def test_accuracy_over_the_clip_follows_what_the_recogniser_needs_to_see():
    points = evaluation.clip_shares(by_frames(20), clip_set())
    assert [(share, score.value) for share, score in points] == [
        (0.25, pytest.approx(1 / 3)), (0.5, 1), (0.75, 1), (1, 1)]


def test_loss_and_gain_with_missing_joints():
    points = evaluation.missing_joints(
        by_known_joints(0.5), clip_set(), without=by_known_joints(0.7))
    assert [point.top1.value for point in points] == [1, 1, 1]
    assert [point.without.value for point in points] == [1, 1, 0]
    assert evaluation.missing_loss(points).value == 0
    assert evaluation.completion_gain(points).value == 1
    fragile = evaluation.missing_joints(by_known_joints(0.7), clip_set())
    assert evaluation.missing_loss(fragile).value == 1
    half = np.arange(12) % 2  # of each clip lost: 50 +- 14 points
    loss = evaluation.missing_loss((evaluation.MissingPoint(0.0, np.ones(12)),
                                    evaluation.MissingPoint(0.4, half)))
    assert loss.value == 0.5 and 0.2 <= loss.low < 0.3 and 0.7 < loss.high <= 0.8
    with pytest.raises(ValueError, match='completion'):
        evaluation.completion_gain(fragile)
    with pytest.raises(ValueError, match='40%'):
        evaluation.missing_loss(points[:1])


def test_both_recognisers_lose_the_same_joints_and_each_draw_loses_others():
    seen = {'with': [], 'without': []}

    def watcher(name):
        def predict(clips):
            seen[name].append(clips.clips[0].measured)
            return always_right(clips)
        return predict

    evaluation.missing_joints(watcher('with'), clip_set(), (0.4,), 3, watcher('without'))
    assert len(seen['with']) == 3
    for ours, theirs in zip(seen['with'], seen['without'], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert (seen['with'][0] != seen['with'][1]).any()


def test_clips_without_labels_are_refused():
    clips = clip_set()
    with pytest.raises(DataError, match='2 clips have no label, the first is a_0'):
        evaluation.evaluate(always_right, relabelled(clips, [-1, -1] + [0] * 10))
    with pytest.raises(DataError, match='labelled'):
        evaluation.evaluate(always_right, clips.only(()))


def test_answers_of_other_classes_are_refused():
    with pytest.raises(DataError, match='do not belong together'):
        evaluation.evaluate(lambda clips: Answers(np.full((len(clips), 4), 0.25)), clip_set())


def test_answers_that_are_no_numbers_name_the_clip():
    def predict(clips):
        answers = always_right(clips)
        answers.probabilities[3] = np.nan
        return answers
    with pytest.raises(DataError, match='a_3'):
        evaluation.evaluate(predict, clip_set())
