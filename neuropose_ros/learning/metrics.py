"""How right, how sure and how careful a recogniser is. Every share is 0..1.

Macro-averaged F1 is the mean of the classes' F1 (Sokolova and Lapalme 2009 name the other form,
F1 of the mean precision and recall, too: they differ). Calibration: Guo et al. 2017, On
calibration of modern neural networks. Intervals: Wilson 1927; percentile bootstrap, Efron 1979.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure, how sure it is, and on how many clips it stands.

    Attributes:
        low: lower end of the 95 % confidence interval; NaN = not known.
        count: of clips.
    """

    value: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class ClassScores:
    """Per class, (C,) each; NaN where nothing can be said.

    Attributes:
        precision: share of the answers of this class that are right; NaN if it was never answered.
        recall: share of the clips of this class that are found; NaN if there is none.
        f1: 2 TP / (2 TP + FP + FN); NaN if there is no such clip and no such answer.
        support: clips of this class.
    """

    precision: Array
    recall: Array
    f1: Array
    support: Indices


@dataclass(frozen=True)
class Calibration:
    """Whether "80 % sure" is right 80 times in 100.

    Attributes:
        edges: (bins + 1,) of the confidence.
        confidence: (bins,) mean of the answers in a bin; NaN in an empty one.
        accuracy: (bins,) share of them that is right; NaN in an empty one.
        count: (bins,) answers.
        ece: expected calibration error: mean of abs(accuracy - confidence) over the answers.
    """

    edges: Array
    confidence: Array
    accuracy: Array
    count: Indices
    ece: float


def softmax(logits: ArrayLike) -> Array:
    """Return (..., C) probabilities."""
    values = np.asarray(logits, np.float64)
    powers = np.exp(values - values.max(-1, keepdims=True))
    shares: Array = powers / powers.sum(-1, keepdims=True)
    return shares


def top1_accuracy(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Return the share of (N, C) answers whose highest is the label (N,); NaN of none."""
    right = is_right(probabilities, labels)
    return float(right.mean()) if right.size else float('nan')


def is_right(probabilities: ArrayLike, labels: ArrayLike) -> NDArray[np.bool_]:
    """Return (N,): whose highest probability is that of the label.

    Raises:
        ValueError: the shapes do not fit, or a probability is not finite.
    """
    values, truth = np.asarray(probabilities, np.float64), np.asarray(labels)
    if values.ndim != 2 or truth.shape != values.shape[:1]:
        raise ValueError(f'{values.shape} answers cannot be held against {truth.shape} labels')
    if not np.isfinite(values).all():
        raise ValueError('a probability is not finite')
    return np.asarray(values.argmax(1) == truth)


def confusion_matrix(labels: ArrayLike, predicted: ArrayLike, classes: int) -> Indices:
    """Return (C, C) counts: rows are the truth, columns the answers."""
    cells = np.asarray(labels, np.int64) * classes + np.asarray(predicted, np.int64)
    counts: Indices = np.bincount(cells, minlength=classes * classes)
    return counts.reshape(classes, classes)


def class_scores(confusion: Indices) -> ClassScores:
    """Return precision, recall and F1 of each class."""
    hits = np.diag(confusion).astype(np.float64)
    answers, support = confusion.sum(0), confusion.sum(1)
    return ClassScores(
        _ratio(hits, answers), _ratio(hits, support),
        _ratio(2 * hits, np.asarray(answers + support)), support)


def macro_f1(confusion: Indices) -> float:
    """Return the mean F1 of the classes that occur, in truth or answer; NaN of none."""
    f1 = class_scores(confusion).f1
    known = f1[np.isfinite(f1)]
    return float(known.mean()) if known.size else float('nan')


def _ratio(part: Array, whole: NDArray[np.int64]) -> Array:
    ratio: Array = np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
    return ratio


def calibration(probabilities: ArrayLike, labels: ArrayLike, bins: int = 15) -> Calibration:
    """Sort answers (N, C) by their confidence, the highest probability, into equal bins."""
    right = is_right(probabilities, labels)
    return confidence_curve(np.asarray(probabilities, np.float64).max(1), right, bins)


def confidence_curve(confidence: ArrayLike, right: ArrayLike, bins: int = 15) -> Calibration:
    """Sort (N,) answers by their confidence, 0..1, into equal bins; `right` is (N,) bool."""
    confidence, right = np.asarray(confidence, np.float64), np.asarray(right, bool)
    edges = np.linspace(0, 1, bins + 1)
    index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)  # (a, b]
    count = np.bincount(index, minlength=bins)
    sure: Array = np.bincount(index, confidence, bins).astype(np.float64)
    hits: Array = np.bincount(index, right.astype(np.float64), bins).astype(np.float64)
    ece = float(np.abs(hits - sure).sum() / right.size) if right.size else float('nan')
    return Calibration(edges, _ratio(sure, count), _ratio(hits, count), count, ece)


def auroc(known: ArrayLike, unknown: ArrayLike) -> float:
    """Return the area under the ROC curve of a score that should be higher for the unknown.

    That is the chance that an unknown clip scores higher than a known one, ties counted half
    (Mann and Whitney 1947).

    Args:
        known: (N,) scores.
        unknown: (M,) scores.

    Returns:
        0..1, 0.5 = the score says nothing; NaN if either is empty.

    Raises:
        ValueError: a score is NaN: it could be counted as either.
    """
    low, high = (np.asarray(part, np.float64).ravel() for part in (known, unknown))
    if np.isnan(low).any() or np.isnan(high).any():
        raise ValueError('a score is NaN')
    if not low.size or not high.size:
        return float('nan')
    ordered = np.sort(low)
    below = np.searchsorted(ordered, high, 'left')
    equal = np.searchsorted(ordered, high, 'right') - below
    return float((below + equal / 2).mean() / low.size)


def wilson_interval(hits: float, total: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share; (NaN, NaN) of nothing."""
    if not total:
        return float('nan'), float('nan')
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    share, size = hits / total, 1 + z * z / total
    middle = (share + z * z / (2 * total)) / size
    half = z / size * (share * (1 - share) / total + z * z / (4 * total * total)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def bootstrap_interval(
    statistic: Callable[[Indices], float], count: int, draws: int = 1000, seed: int = 0,
) -> tuple[float, float]:
    """Return the 95 % percentile interval of a statistic of clips drawn anew with replacement.

    Args:
        statistic: of the clips with these indices (count,); draws that give NaN are left out.
        count: of clips.
        draws: how often to draw.
        seed: the same seed gives the same interval.
    """
    if not count:
        return float('nan'), float('nan')
    random = np.random.default_rng(seed)
    values = np.array([statistic(random.integers(0, count, count)) for _ in range(draws)])
    values = values[~np.isnan(values)]
    if not values.size:
        return float('nan'), float('nan')
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(values, [tail, 100 - tail], method='nearest')  # inf has no middle
    return float(low), float(high)


def share_of(hits: float, total: int) -> Estimate:
    """Return hits of a total as a share with its Wilson interval."""
    value = hits / total if total else float('nan')
    return Estimate(value, *wilson_interval(hits, total), total)


def share_estimate(hits: ArrayLike) -> Estimate:
    """Return the share of (N,) hits with its Wilson interval.

    Hits may be shares themselves (a clip seen several times): the clips are what is independent.
    """
    values = np.asarray(hits, np.float64)
    return share_of(float(values.sum()), values.size)


def median_estimate(values: ArrayLike) -> Estimate:
    """Return the median of (N,) values with its bootstrap interval; NaN of none."""
    known = np.asarray(values, np.float64)
    if not known.size:
        return Estimate(float('nan'), float('nan'), float('nan'), 0)
    ends = bootstrap_interval(lambda chosen: float(np.median(known[chosen])), known.size)
    return Estimate(float(np.median(known)), *ends, known.size)
