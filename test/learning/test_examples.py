"""Which clips are shown, and where their bodies really were."""

from __future__ import annotations

import numpy as np

from neuropose_ros.learning import evaluation
from neuropose_ros.learning.degradation import without_joints
from neuropose_ros.learning.evaluation import Answers
from neuropose_ros.learning.examples import Trace, aligned, choose, make_examples

from .synthetic import clip_set, one_hot

CLIPS = clip_set()


def evaluated(sure, wrong=()):
    """An evaluation with these confidences, and the wrong class where said."""
    labels = np.array([clip.label for clip in CLIPS.clips])
    labels[list(wrong)] = (labels[list(wrong)] + 1) % 3
    rows = np.array([one_hot([label], 3, share)[0]
                     for label, share in zip(labels, sure, strict=True)])
    return evaluation.evaluate(
        lambda clips: Answers(rows[:len(clips)]), CLIPS, shares=(), missing_shares=())


def test_the_surest_and_the_least_sure_of_right_and_wrong_are_chosen():
    sure = np.linspace(0.5, 0.9, 12)
    assert [index for index, _ in choose(evaluated(sure, wrong=(2, 5, 7)))] == [11, 0, 7, 2]
    assert [index for index, _ in choose(evaluated(sure))] == [11, 0]
    assert [why for _, why in choose(evaluated(sure, wrong=(4,)))][-1] == (
        'the surest answer that is wrong')


def test_a_pose_normalised_by_other_joints_is_found_again():
    points = CLIPS.clips[4].keypoints
    moved = 3 * points + np.float32([2, -1])
    moved[:, 3:] = np.nan
    np.testing.assert_allclose(aligned(points, moved), 3 * points + [2, -1], atol=1e-5)
    moved[5, 1:] = np.nan
    assert np.isnan(aligned(points, moved)[5]).all()


def test_examples_hold_the_damaged_clip_and_the_whole_truth():
    def explain(clips):
        return [Trace(2 * c.keypoints, np.zeros_like(c.keypoints), c.keypoints[..., 0],
                      c.keypoints[..., 0]) for c in clips.clips]

    found = make_examples(
        evaluated(np.linspace(0.5, 0.9, 12)), explain, lambda part: without_joints(part, 0.4))
    assert [example.name for example in found] == ['c_3', 'a_0']
    assert np.isnan(found[0].trace.keypoints).mean() == 0.4
    np.testing.assert_allclose(found[0].truth, 2 * CLIPS.clips[11].keypoints, atol=1e-4)
