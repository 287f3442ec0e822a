"""Single clips to look at: which ones, and what the network saw, filled in and attended to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.clips import ClipSet
from neuropose_ros.learning.evaluation import Evaluation
from neuropose_ros.learning.metrics import Array


@dataclass(frozen=True)
class Trace:
    """What a network makes of one clip; T ticks, K joints, its own normalised coordinates.

    Attributes:
        keypoints: (T, K, D) as given, NaN where missing.
        completed: (T, K, D) without gaps.
        attention: (T, K) how much each joint matters at each tick, sum 1.
        error: (T, K) distance between measured and predicted joint, NaN where missing.
    """

    keypoints: Floats
    completed: Floats
    attention: Floats
    error: Floats


Explain = Callable[[ClipSet], list[Trace]]
"""One trace per clip, in the clips' order."""


@dataclass(frozen=True)
class Example:
    """One clip of the report.

    Attributes:
        why: in words, why this one was chosen.
        probabilities: (C,) of the clip as it is.
        trace: of the clip with joints missing.
        truth: (T, K, D) where the joints really were, in the trace's coordinates.
    """

    name: str
    why: str
    label: int
    probabilities: Array
    trace: Trace
    truth: Floats


def choose(evaluation: Evaluation) -> list[tuple[int, str]]:
    """Return (index, why): the surest and the least sure of the right and the wrong answers."""
    answers = evaluation.answers.probabilities
    sure, right = answers.max(1), answers.argmax(1) == evaluation.labels
    chosen = []
    for part, word in ((right, 'right'), (~right, 'wrong')):
        indices = np.flatnonzero(part)
        if indices.size:
            ordered = indices[np.argsort(sure[indices], kind='stable')]
            chosen.append((int(ordered[-1]), f'the surest answer that is {word}'))
            if indices.size > 1:
                chosen.append((int(ordered[0]), f'the least sure answer that is {word}'))
    return chosen


def make_examples(
    evaluation: Evaluation, explain: Explain, damage: Callable[[ClipSet], ClipSet],
) -> tuple[Example, ...]:
    """Trace the chosen clips.

    Args:
        damage: takes joints away, so that there is something to complete.
    """
    chosen = choose(evaluation)
    clips = evaluation.clips.only(tuple(evaluation.clips.clips[i] for i, _ in chosen))
    whole, damaged = explain(clips), explain(damage(clips))
    return tuple(
        Example(evaluation.clips.clips[i].name, why, int(evaluation.labels[i]),
                evaluation.answers.probabilities[i], trace,
                aligned(full.keypoints, trace.keypoints))
        for (i, why), full, trace in zip(chosen, whole, damaged, strict=True))


def aligned(points: Floats, like: Floats) -> Floats:
    """Return poses moved and scaled tick by tick onto other coordinates of the same poses.

    A clip that lacks joints is normalised by those it has: this finds that change again, from the
    joints that both know.

    Args:
        points: (T, K, D).
        like: (T, K, D).

    Returns:
        (T, K, D); NaN at ticks with fewer than two common joints.
    """
    both = np.asarray(np.isfinite(points).all(-1) & np.isfinite(like).all(-1))
    weight = both[..., None].astype(np.float64)
    count = np.maximum(weight.sum(1, keepdims=True), 1)
    source, target = np.where(weight > 0, points, 0), np.where(weight > 0, like, 0)
    middle, goal = source.sum(1, keepdims=True) / count, target.sum(1, keepdims=True) / count
    spread = (weight * (source - middle) ** 2).sum((1, 2))
    scale = (weight * (source - middle) * (target - goal)).sum((1, 2)) / np.maximum(spread, 1e-12)
    moved = (points - middle) * scale[:, None, None] + goal
    return np.where((both.sum(1) >= 2)[:, None, None], moved, np.nan).astype(np.float32)
