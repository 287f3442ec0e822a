"""An evaluation of a made-up recogniser, with everything that a report can hold."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.action import Action, ActionFrame, ActionPhase
from neuropose_ros.learning import evaluation
from neuropose_ros.learning.boundaries import onsets
from neuropose_ros.learning.degradation import without_joints
from neuropose_ros.learning.evaluation import Answers
from neuropose_ros.learning.examples import Trace, make_examples
from neuropose_ros.learning.joining import join_clips
from neuropose_ros.learning.open_set import LeftOut, OpenSet
from neuropose_ros.learning.report.write import Report

from ..synthetic import clip_set, one_hot

CLIPS = clip_set(per_class=16)
STREAMS = join_clips(CLIPS, per_stream=8)


def predict(clips) -> Answers:
    """Takes every eighth clip for the next class."""
    labels = np.array([c.label for c in clips.clips])
    wrong = np.array([int(c.name.split('_')[1]) % 8 == 7 for c in clips.clips])
    return Answers(one_hot((labels + wrong) % 3, 3, 0.8))


def explain(clips) -> list[Trace]:
    """Completes what is missing by zeros."""
    return [Trace(c.keypoints, np.nan_to_num(c.keypoints),
                  np.full(c.keypoints.shape[:2], 1 / 600, np.float32),
                  np.where(c.measured, 0.1, np.nan).astype(np.float32)) for c in clips.clips]


def recognise(clip):
    """Says each action 0.2 s late."""
    stream = next(s for s in STREAMS if s.clip is clip)
    for time_s in clip.times_s:
        past = [s for s in stream.segments if s.start_s + 0.2 <= time_s + 1e-9]
        begun = bool(past) and time_s - past[-1].start_s < 0.5
        phase = ActionPhase.ONSET if begun else ActionPhase.ONGOING
        action = Action(1, 0, round(time_s * 1e9), 1, 1.0, np.full(3, 1 / 3, np.float32),
                        past[-1].label if past else -1,
                        phase=phase if past else ActionPhase.UNKNOWN)
        yield ActionFrame(action.window_end_ns, 0, 'toy', 'toy', actions=(action,))


@pytest.fixture(scope='session')
def report() -> Report:
    """The whole report."""
    result = evaluation.evaluate(predict, CLIPS, without=predict, parameters=12_345)
    unseen = OpenSet(tuple(LeftOut((a, b), 0.9, 0.8, np.linspace(0, 0.6, 9), np.ones(4))
                           for a, b in ('ab', 'cd')))
    return Report(
        'toy <model>', 'split 1', result, onsets(STREAMS, recognise), unseen,
        make_examples(result, explain, lambda clips: without_joints(clips, 0.4)),
        {'Trained on': 'toys & games'})
