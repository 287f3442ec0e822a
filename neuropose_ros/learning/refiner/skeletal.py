"""Learning how bodies look and move, for `refinement.skeletal`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.learning.refiner.pairs import RATE_HZ, TRUTH_LAYOUT, Pair
from neuropose_ros.refinement.canonical import CORE_JOINTS, core_columns, mirrored_core
from neuropose_ros.refinement.skeletal import SkeletalModel, Values

# Of changes, the largest: cuts and misplaced annotations, not movement.
_QUANTILE = 0.99
# A core joint that the truth lacks is at the nose, give or take this share of its spread.
_OWN = 0.2
_PLACE_VARIANCE = 0.05  # squared body sizes: where the middle of the body is before it is seen


def true_columns() -> NDArray[np.intp]:
    """Return (C,): which true joint each core joint is; -1 = none."""
    return core_columns(TRUTH_LAYOUT.names)


def fit_skeletal(pairs: Sequence[Pair]) -> SkeletalModel:
    """Return the mean body and the covariances between joints, left and right alike."""
    columns = true_columns()
    known = np.flatnonzero(columns >= 0)
    shapes, changes = [], []
    for pair in pairs:
        points = pair.truth[:, columns[known]].astype(np.float64) / pair.box_px
        shapes.append(points - points.mean(1, keepdims=True))
        changes.append(np.diff(points, axis=0))
    shape, change = np.concatenate(shapes), np.concatenate(changes)
    length = (change ** 2).sum((1, 2))
    change = change[length <= np.quantile(length, _QUANTILE)]
    # A size by the spread of the joints, as the filter has it, not by the diagonal of the box.
    size = float(np.mean(2.5 * np.sqrt((shape ** 2).sum(-1).mean(1))))
    mean = np.zeros((len(CORE_JOINTS), 2))
    mean[known] = shape.mean(0) / size
    mirror = mirrored_core()
    mean[1:5] = mean[0]
    mean = (mean + mean[mirror] * (-1, 1)) / 2
    spread = _covariance(shape - shape.mean(0)) / size ** 2 + _PLACE_VARIANCE
    return SkeletalModel(
        mean, _symmetric(_whole(spread, known), mirror),
        _symmetric(_whole(_covariance(change) / size ** 2, known), mirror) * RATE_HZ)


def _covariance(points: Values) -> Values:
    covariance: Values = np.einsum('tkd,tjd->kj', points, points) / (2 * len(points))
    return covariance


def _whole(covariance: Values, known: NDArray[np.intp]) -> Values:
    """Return the covariance of all core joints from that of those the truth knows."""
    source = np.zeros(len(CORE_JOINTS), np.intp)
    source[known] = np.arange(len(known))
    whole = covariance[np.ix_(source, source)]
    lacking = np.setdiff1d(np.arange(len(CORE_JOINTS)), known)
    whole[lacking, lacking] *= 1 + _OWN
    return whole


def _symmetric(covariance: Values, mirror: NDArray[np.intp]) -> Values:
    symmetric: Values = (covariance + covariance[np.ix_(mirror, mirror)]) / 2
    return symmetric
