"""How far estimates are from the truth, and how times are distributed.

Sizes by which distances are divided are named, because the same error reads 20 times better
against an image than against a head:

* ``larger_side``: the larger side of the true person's box, as in PCK@0.1 of the box
  (Yang and Ramanan 2013, Articulated human detection with flexible mixtures of parts).
* ``diagonal``: the diagonal of the true person's box.

Object keypoint similarity (OKS) divides by the square root of the area that is annotated, and by
how far annotators differ about each joint (Lin et al. 2014, COCO keypoint evaluation).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuropose_ros.core.pose import PersonPose
from neuropose_ros.core.skeleton import SkeletonLayout

Normalisation = Literal['larger_side', 'diagonal']
Array = NDArray[np.float64]

# Farther than this share of the true box (mean over joints), an estimate is of someone else.
_MATCH_LIMIT = 0.5
# By the beginning of the joint's name without its side; the first that fits.
_SIGMAS = {
    'nose': 0.026, 'eye': 0.025, 'ear': 0.035, 'shoulder': 0.079, 'elbow': 0.072, 'wrist': 0.062,
    'hip': 0.107, 'knee': 0.087, 'ankle': 0.089,
    'mouth': 0.026, 'face': 0.026, 'head': 0.026, 'upper_neck': 0.026, 'neck': 0.026,
    'thorax': 0.079, 'pelvis': 0.107, 'spine': 0.107, 'belly': 0.107,
    'pinky': 0.062, 'index': 0.062, 'thumb': 0.062, 'hand': 0.062,
    'heel': 0.079, 'foot': 0.079, 'big_toe': 0.079, 'small_toe': 0.079,
}
_OTHER_SIGMA = 0.072  # the middle of COCO's


def box_size_px(box: ArrayLike, normalisation: Normalisation) -> Array:
    """Return the size of boxes (..., 4: x_min y_min x_max y_max, px) as (...).

    Raises:
        ValueError: a box is empty or inverted: nothing can be divided by its size.
    """
    corners = np.asarray(box, np.float64)
    sides = corners[..., 2:] - corners[..., :2]
    if not (sides > 0).all():
        raise ValueError(f'a box must have x_max > x_min and y_max > y_min, not {corners}')
    size: Array = sides.max(-1) if normalisation == 'larger_side' else np.hypot(
        sides[..., 0], sides[..., 1])
    return size


def relative_distances(
    predicted: ArrayLike, truth: ArrayLike, box: ArrayLike, normalisation: Normalisation,
) -> Array:
    """Return (..., K) distances as a share of the box; NaN where either point is not known.

    Args:
        predicted: (..., K, 2) px.
        truth: (..., K, 2) px.
        box: (..., 4) px, of the true person.
        normalisation: which size of the box counts as 1.

    Raises:
        ValueError: shapes differ or a box is empty.
    """
    a, b = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
    if a.shape != b.shape or a.shape[-1:] != (2,):
        raise ValueError(f'points of shape {a.shape} cannot be compared with {b.shape}')
    distances: Array = np.linalg.norm(a - b, axis=-1)
    return distances / box_size_px(box, normalisation)[..., np.newaxis]


def pck(distances: ArrayLike, threshold: float, counted: ArrayLike | None = None) -> float:
    """Return the percentage of correct keypoints as a share 0..1.

    A joint that was to be found and was not (NaN) is wrong, never left out.

    Args:
        distances: (...) relative distances.
        threshold: largest relative distance of a correct joint, as 0.1.
        counted: (...) bool, the joints that were to be found, as those truly visible.

    Returns:
        The share, or NaN if no joint was to be found.
    """
    values = np.asarray(distances, np.float64)
    chosen = values.ravel() if counted is None else values[np.asarray(counted, bool)]
    return float((chosen <= threshold).mean()) if chosen.size else float('nan')


def mean_distance_pct(distances: ArrayLike, counted: ArrayLike | None = None) -> float:
    """Return the mean of the known relative distances in %; NaN if none is known."""
    values = np.asarray(distances, np.float64)
    chosen = values.ravel() if counted is None else values[np.asarray(counted, bool)]
    known = chosen[np.isfinite(chosen)]
    return 100 * float(known.mean()) if known.size else float('nan')


def acceleration_error(predicted: ArrayLike, truth: ArrayLike, rate_hz: float) -> float:
    """Return the mean difference of acceleration, a measure of jitter (Kanazawa et al. 2019).

    Args:
        predicted: (T, K, D), T >= 3 samples at a constant rate.
        truth: (T, K, D).
        rate_hz: samples per second.

    Returns:
        Units of the points per s^2, over all triples that are known in both; NaN if none is.
    """
    difference = np.asarray(predicted, np.float64) - np.asarray(truth, np.float64)
    if difference.ndim != 3:
        raise ValueError(f'expected points of shape (T, K, D), not {difference.shape}')
    magnitude = np.linalg.norm(np.diff(difference, 2, axis=0), axis=-1) * rate_hz**2
    known = magnitude[np.isfinite(magnitude)]
    return float(known.mean()) if known.size else float('nan')


def oks_sigmas(layout: SkeletonLayout) -> Array:
    """Return (K,) standard deviations of annotators, as shares of the root of the area.

    Those of COCO for its joints; for the others those that COCO-WholeBody (Jin et al. 2020) and
    Halpe (Li et al. 2020) are evaluated with, or of the nearest joint that has one.
    """
    return np.array([_sigma(name) for name in layout.names])


def _sigma(name: str) -> float:
    part = name.removeprefix('left_').removeprefix('right_')
    return next((sigma for word, sigma in _SIGMAS.items() if part.startswith(word)), _OTHER_SIGMA)


def object_keypoint_similarity(
    predicted: ArrayLike, truth: ArrayLike, area_px2: ArrayLike, sigmas: ArrayLike,
    counted: ArrayLike | None = None,
) -> Array:
    """Return (...) OKS, 0..1, by the definition of COCO; NaN where no joint was to be found.

    Args:
        predicted: (..., K, 2) px; a joint not given (NaN) counts as 0, never as left out.
        truth: (..., K, 2) px.
        area_px2: (...) px^2, annotated area of the true person.
        sigmas: (K,), from `oks_sigmas`.
        counted: (..., K) bool, the joints that are annotated; None = all that are finite.
    """
    true = np.asarray(truth, np.float64)
    squared = ((np.asarray(predicted, np.float64) - true) ** 2).sum(-1)
    size = np.asarray(area_px2, np.float64)[..., np.newaxis] + np.spacing(1)
    variance = (2 * np.asarray(sigmas, np.float64)) ** 2
    similarity = np.nan_to_num(np.exp(-squared / (2 * size * variance)), nan=0.0)
    known = np.isfinite(true).all(-1)
    chosen = known if counted is None else known & np.asarray(counted, bool)
    count = chosen.sum(-1)
    total = np.where(chosen, similarity, 0.0).sum(-1)
    oks: Array = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return oks


def percentiles(values: ArrayLike, shares: Sequence[float] = (50, 99)) -> tuple[float, ...]:
    """Return percentiles of the finite values; NaN each if there are none."""
    flat = np.asarray(values, np.float64).ravel()
    finite = flat[np.isfinite(flat)]
    if not finite.size:
        return (float('nan'),) * len(shares)
    return tuple(float(value) for value in np.percentile(finite, shares))


def match_people(
    predicted: Sequence[PersonPose], truth: Sequence[PersonPose],
) -> list[int | None]:
    """Return for each true person the index of the estimate of it, or None.

    Both in one layout. The nearest pair by mean relative distance over common joints is taken
    first; an estimate serves one person; half a box away is someone else.
    """
    pairs = []
    for i, true in enumerate(truth):
        for j, person in enumerate(predicted):
            distances = relative_distances(
                person.keypoints, true.keypoints, true.box, 'larger_side')
            known = distances[np.isfinite(distances)]
            if known.size:
                pairs.append((float(known.mean()), i, j))
    matches: list[int | None] = [None] * len(truth)
    taken: set[int] = set()
    for distance, i, j in sorted(pairs):
        if distance <= _MATCH_LIMIT and matches[i] is None and j not in taken:
            matches[i] = j
            taken.add(j)
    return matches
