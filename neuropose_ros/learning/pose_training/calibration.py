"""Scores that mean what they say: of joints with 0.8, eight in ten are right.

How much of the probability lies near the answer ranks the answers well and is no chance: a
network that is always right spreads it over some px all the same. People who were held back tell
the two apart. The scores go through a logistic curve (Platt 1999, "Probabilistic outputs for
support vector machines", whose smoothing of the truth keeps few people from teaching certainty),
the logits through a temperature before (Guo et al. 2017, "On calibration of modern neural
networks").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.metrics import confidence_curve
from neuropose_ros.learning.pose_training.network import Logits, PoseNetwork
from neuropose_ros.learning.pose_training.samples import Samples
from neuropose_ros.learning.pose_training.task import pictures_of

RIGHT_WITHIN = 0.1
"""A joint nearer to the truth than this share of the person's size is right."""
_TEMPERATURES = (1.0, 1.5, 2.0, 3.0)
_LEAST_JOINTS = 100
_STEPS, _RIDGE = 50, 1e-6
_AT_ONCE = 32

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class ScoreCurve:
    """What makes chances of scores: 1 / (1 + exp(-slope * score - offset)).

    Attributes:
        temperature: of the logits that the scores are taken from.
        joints: it was fitted on; 0 = it was not.
        ece: expected calibration error of the chances, each half of the people judged by the
            curve of the other half; NaN = not known.
        ece_before: of the scores themselves.
    """

    temperature: float = 1.0
    slope: float = 0.0
    offset: float = 0.0
    joints: int = 0
    ece: float = float('nan')
    ece_before: float = float('nan')

    def chances(self, answers: Tensor) -> Tensor:
        """Scale (N, K, B) answers so that the highest of each joint is the chance it is right.

        All of a joint's bins are scaled alike: the best one stays the best, to the last digit.
        """
        if not self.joints:
            return answers
        best = answers.amax(-1, keepdim=True)
        return answers * (torch.sigmoid(self.slope * best + self.offset) / best.clamp_min(1e-6))


def fit_scores(network: PoseNetwork, samples: Samples) -> ScoreCurve:
    """Fit the curve on people who were held back; one without joints = they cannot tell.

    They cannot where nobody was held back, where fewer than 100 of their joints are known, or
    where higher scores are not more often right.
    """
    known = np.asarray(np.isfinite(samples.points).all(-1))
    if not samples.held_back or known.sum() < _LEAST_JOINTS:
        return ScoreCurve()
    logits = _logits(network, samples)
    best, least = ScoreCurve(), np.inf
    before = _judged(network, logits, 1.0, samples)
    for temperature in _TEMPERATURES:
        scores, right = _judged(network, logits, temperature, samples)
        slope, offset = _logistic(scores[known], right[known])
        loss = _loss(_curve(scores[known], slope, offset), right[known])
        if slope > 0 and loss < least:
            least = loss
            best = ScoreCurve(
                temperature, slope, offset, int(known.sum()),
                ece_by_halves(scores, right, known), _ece(before[0][known], before[1][known]))
    return best


def _logits(network: PoseNetwork, samples: Samples) -> Logits:
    with torch.inference_mode():
        parts = [network(pictures_of(samples.images[begin:begin + _AT_ONCE]))
                 for begin in range(0, len(samples.images), _AT_ONCE)]
    return Logits(*(torch.cat(axis) for axis in zip(*parts, strict=True)))


def _judged(
    network: PoseNetwork, logits: Logits, temperature: float, samples: Samples,
) -> tuple[Floats, Flags]:
    """Return (N, K) scores, and whether each joint is right."""
    with torch.inference_mode():
        x, y = (answers.max(-1) for answers in network.nearness(logits, temperature))
    points = torch.stack((x.indices, y.indices), -1).numpy() / network.config.bins_per_px
    scores = torch.minimum(x.values, y.values).numpy()
    return scores, samples.distances(points.astype(np.float32)) < RIGHT_WITHIN


def _logistic(scores: NDArray[np.floating], right: Flags) -> tuple[float, float]:
    """Return slope and offset of the greatest likelihood, by Newton's steps."""
    hits = int(right.sum())
    truth = np.where(right, (hits + 1) / (hits + 2), 1 / (len(right) - hits + 2))
    design = np.stack([scores.astype(np.float64), np.ones(len(scores))], 1)
    weights = np.zeros(2)
    for _ in range(_STEPS):
        found = _curve(design @ weights, 1.0, 0.0)
        slope = design.T @ (truth - found) - _RIDGE * weights
        curvature = (design * (found * (1 - found))[:, np.newaxis]).T @ design
        step = np.linalg.solve(curvature + _RIDGE * np.eye(2), slope)
        weights += step
        if np.abs(step).max() < 1e-8:
            break
    return float(weights[0]), float(weights[1])


def _curve(scores: NDArray[np.floating], slope: float, offset: float) -> NDArray[np.float64]:
    values: NDArray[np.float64] = 1 / (
        1 + np.exp(-np.clip(slope * scores.astype(np.float64) + offset, -40, 40)))
    return values


def _loss(chances: NDArray[np.float64], right: Flags) -> float:
    safe = np.clip(chances, 1e-9, 1 - 1e-9)
    return float(-np.where(right, np.log(safe), np.log1p(-safe)).mean())


def _ece(scores: NDArray[np.floating], right: Flags) -> float:
    return confidence_curve(scores, right).ece


def ece_by_halves(scores: NDArray[np.floating], right: Flags, known: Flags) -> float:
    """Return the calibration error, each half of the people judged by the other half's curve.

    People in a row are of one recording: the halves share one recording at most.

    Args:
        scores: (N, K), or the log-odds of chances made of them, which gives the same.
        right, known: (N, K).
    """
    first = np.zeros_like(known)
    first[:len(known) // 2] = True
    chances, truths = [], []
    for half in (first, ~first):
        judge, judged = known & ~half, known & half
        if not judge.any() or not judged.any():
            return float('nan')
        chances.append(_curve(scores[judged], *_logistic(scores[judge], right[judge])))
        truths.append(right[judged])
    return _ece(np.concatenate(chances), np.concatenate(truths))
