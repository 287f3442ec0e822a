"""What a recogniser is worth on a test set: the figures of the report, and nothing drawn.

All protocols take a `Predict`: any function that answers a set of clips, in the clips' order.
They change the clips (their beginning alone, joints missing, classes it never saw), never the
recogniser.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.clips import ClipSet
from neuropose_ros.learning.degradation import first_share, without_joints
from neuropose_ros.learning.metrics import (
    Array,
    Calibration,
    ClassScores,
    Estimate,
    Indices,
    bootstrap_interval,
    calibration,
    class_scores,
    confusion_matrix,
    is_right,
    macro_f1,
    median_estimate,
    share_estimate,
)

SHARES = (0.25, 0.5, 0.75, 1.0)
MISSING_SHARES = (0.0, 0.2, 0.4)
BURST_FRAMES = 15


@dataclass(frozen=True)
class Answers:
    """What a recogniser says of N clips.

    Attributes:
        probabilities: (N, C), sum 1 each.
        unknown: (N,) how unlike all known actions, 0..1; None = it cannot tell.
    """

    probabilities: Array
    unknown: Array | None = None


Predict = Callable[[ClipSet], Answers]


@dataclass(frozen=True)
class MissingPoint:
    """Accuracy with a share of the joints missing.

    Attributes:
        hits: (N,) how often the answers to a clip were right, 0..1.
        hits_without: (N,) of the recogniser without completion, on the same joints; None = not
            asked for.
    """

    share: float
    hits: Array
    hits_without: Array | None = None

    @property
    def top1(self) -> Estimate:
        """Accuracy of the recogniser as it is."""
        return share_estimate(self.hits)

    @property
    def without(self) -> Estimate | None:
        """Accuracy without completion."""
        return None if self.hits_without is None else share_estimate(self.hits_without)


@dataclass(frozen=True)
class Cost:
    """What an answer costs, one clip at a time.

    Attributes:
        frames: (N,) of the clips that were timed.
        durations_s: (N,) of the same clips, first to last frame.
        ms: (N,) from clip to answer.
        parameters: of the network; 0 = not known.
    """

    frames: Indices
    durations_s: Array
    ms: Array
    parameters: int = 0

    @property
    def ms_per_clip(self) -> Estimate:
        """Median over the clips."""
        return median_estimate(self.ms)


@dataclass(frozen=True)
class Evaluation:
    """The figures of one recogniser on one test set.

    Attributes:
        labels: (N,) the truth.
        confusion: (C, C), rows are the truth.
        by_share: accuracy of the first part of the clips: share of the clip -> accuracy.
        missing: accuracy with joints missing; empty = not measured.
        cost: None = not measured.
        missing_draws: how often other joints were taken away.
        seed: of the draws and intervals.
    """

    clips: ClipSet
    labels: Indices
    answers: Answers
    top1: Estimate
    macro_f1: Estimate
    ece: Estimate
    confusion: Indices
    per_class: ClassScores
    calibration: Calibration
    by_share: tuple[tuple[float, Estimate], ...] = ()
    missing: tuple[MissingPoint, ...] = ()
    cost: Cost | None = None
    missing_draws: int = 3
    seed: int = 0


def labels_of(clips: ClipSet) -> Indices:
    """Return (N,) labels.

    Raises:
        DataError: there are no clips, no labels, or a clip has none.
    """
    if not clips.clips or clips.labels is None:
        raise DataError(f'{clips.name}: without labelled clips nothing can be evaluated')
    bare = [clip.name for clip in clips.clips if clip.label < 0]
    if bare:
        raise DataError(f'{clips.name}: {len(bare)} clips have no label, the first is {bare[0]}')
    return np.array([clip.label for clip in clips.clips], np.int64)


def ask(predict: Predict, clips: ClipSet) -> Answers:
    """Return the answers, checked.

    Raises:
        DataError: their number or the number of classes is not that of the clips.
    """
    answers = predict(clips)
    classes = len(clips.labels) if clips.labels is not None else answers.probabilities.shape[1]
    if answers.probabilities.shape != (len(clips), classes):
        raise DataError(
            f'{clips.name} has {len(clips)} clips of {classes} classes, the recogniser gives '
            f'answers of shape {answers.probabilities.shape}: they do not belong together')
    if not np.isfinite(answers.probabilities).all():
        worst = clips.clips[int(np.argmin(np.isfinite(answers.probabilities).all(1)))].name
        raise DataError(f'the recogniser gives probabilities that are no numbers, as of {worst}')
    return answers


def evaluate(
    predict: Predict, clips: ClipSet, *, without: Predict | None = None,
    shares: Sequence[float] = SHARES, missing_shares: Sequence[float] = MISSING_SHARES,
    missing_draws: int = 3, seed: int = 0, bins: int = 15, parameters: int = 0,
) -> Evaluation:
    """Measure everything that the clips and the recogniser allow.

    Args:
        without: the recogniser without completion.
        missing_draws: how often other joints are taken away.
        seed: of the draws and the bootstrap.
        bins: of the calibration curve.
        parameters: of the network, for the record.

    Raises:
        DataError: clips without labels, or answers that do not fit them.
    """
    labels = labels_of(clips)
    answers = ask(predict, clips)
    classes, count = answers.probabilities.shape[1], len(labels)
    predicted = answers.probabilities.argmax(1)
    confusion = confusion_matrix(labels, predicted, classes)

    def f1(chosen: Indices) -> float:
        return macro_f1(confusion_matrix(labels[chosen], predicted[chosen], classes))

    def ece(chosen: Indices) -> float:
        return calibration(answers.probabilities[chosen], labels[chosen], bins).ece

    curve = calibration(answers.probabilities, labels, bins)
    return Evaluation(
        clips, labels, answers,
        top1=share_estimate(is_right(answers.probabilities, labels)),
        macro_f1=Estimate(
            macro_f1(confusion), *bootstrap_interval(f1, count, seed=seed), count),
        ece=Estimate(curve.ece, *bootstrap_interval(ece, count, seed=seed), count),
        confusion=confusion, per_class=class_scores(confusion), calibration=curve,
        by_share=clip_shares(predict, clips, shares),
        missing=missing_joints(predict, clips, missing_shares, missing_draws, without, seed),
        cost=measure_cost(predict, clips, parameters), missing_draws=missing_draws, seed=seed)


def clip_shares(
    predict: Predict, clips: ClipSet, shares: Sequence[float] = SHARES,
) -> tuple[tuple[float, Estimate], ...]:
    """Return share of the clip seen -> accuracy."""
    labels = labels_of(clips)
    return tuple(
        (share, share_estimate(is_right(ask(predict, first_share(clips, share)).probabilities,
                                        labels)))
        for share in shares)


def missing_joints(
    predict: Predict, clips: ClipSet, shares: Sequence[float] = MISSING_SHARES, draws: int = 3,
    without: Predict | None = None, seed: int = 0, burst_frames: int = BURST_FRAMES,
) -> tuple[MissingPoint, ...]:
    """Return the accuracy with joints missing in bursts, `degradation.without_joints`.

    Args:
        draws: different joints, the accuracy is the mean; both recognisers see the same.
        without: the recogniser without completion.
    """
    labels = labels_of(clips)

    def hits(model: Predict, share: float) -> Array:
        right = [is_right(ask(model, without_joints(clips, share, seed + draw, burst_frames))
                          .probabilities, labels) for draw in range(draws if share else 1)]
        return np.asarray(np.mean(right, 0), np.float64)

    return tuple(
        MissingPoint(share, hits(predict, share),
                     None if without is None else hits(without, share)) for share in shares)


def missing_loss(points: Sequence[MissingPoint], share: float = 0.4) -> Estimate:
    """Return the accuracy lost with that share of the joints missing (`missing40_loss`)."""
    return _difference(_point(points, 0.0).hits, _point(points, share).hits)


def completion_gain(points: Sequence[MissingPoint], share: float = 0.4) -> Estimate:
    """Return the accuracy that completion saves at that share.

    Raises:
        ValueError: it was not measured without completion.
    """
    point = _point(points, share)
    if point.hits_without is None:
        raise ValueError('not measured without completion')
    return _difference(point.hits, point.hits_without)


def _difference(more: Array, less: Array) -> Estimate:
    """Of the same clips, so the bootstrap draws pairs."""
    gaps = more - less
    ends = bootstrap_interval(lambda chosen: float(gaps[chosen].mean()), len(gaps))
    return Estimate(float(gaps.mean()), *ends, len(gaps))


def _point(points: Sequence[MissingPoint], share: float) -> MissingPoint:
    for point in points:
        if abs(point.share - share) < 1e-9:
            return point
    raise ValueError(f'not measured with {share:.0%} of the joints missing')


def measure_cost(
    predict: Predict, clips: ClipSet, parameters: int = 0, most_clips: int = 40,
) -> Cost:
    """Time single clips, evenly chosen; the first answer, which sets things up, is not counted."""
    indices = np.unique(np.linspace(0, len(clips) - 1, min(len(clips), most_clips)).round())
    chosen = [clips.clips[int(i)] for i in indices]
    predict(clips.only((chosen[0],)))
    ms = []
    for clip in chosen:
        one = clips.only((clip,))
        begin = time.perf_counter()
        predict(one)
        ms.append(1e3 * (time.perf_counter() - begin))
    return Cost(
        np.array([len(clip.times_s) for clip in chosen], np.int64),
        np.array([clip.times_s[-1] - clip.times_s[0] for clip in chosen]), np.array(ms),
        parameters)
