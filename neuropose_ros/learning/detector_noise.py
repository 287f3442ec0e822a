"""How an estimator errs on real pictures: measured against annotations, for augmentation.

A joint's error is modelled as what the augmentation draws: jitter from frame to frame, drift that
lasts, places elsewhere altogether, left taken for right, and joints too unsure to be used. Sizes
are in units of the mean bone length of the annotated body, so that they hold for any data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import conversion_matrix, convert_points
from neuropose_ros.core.pose import Floats
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.augmentation import AugmentationConfig, JointErrors, body_size

SCORE_EDGES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
LEAST_SCORE = 0.2
"""Joints the estimator is less sure of count as missing."""
_ELSEWHERE = 1.0
"""An error of more than this many bone lengths is no inaccuracy: the joint is elsewhere."""
_SWAP_GAIN = 0.5
"""Left and right are exchanged where that would put both nearer by this many bone lengths."""
_FAR_LAG = 5


@dataclass(frozen=True)
class Recording:
    """What an estimator found in one clip, and what is true.

    Attributes:
        found: (T, K, 2) px.
        scores: (T, K) 0..1.
        truth: (T, K', 2) px, of a layout of its own; NaN = not annotated.
    """

    found: Floats
    scores: Floats
    truth: Floats


@dataclass(frozen=True)
class DetectorNoise:
    """Measured errors of an estimator; sizes in bone lengths, shares 0..1, of frames and joints.

    Attributes:
        joints: names of the K joints that both layouts have.
        jitter: deviation of the error that is new in each frame, of each axis.
        drift: deviation of the error that lasts.
        drift_ticks: after how many frames it has changed.
        outlier_share: joints found elsewhere altogether.
        outlier_size: deviation of where, of each axis.
        outlier_ticks: mean length of a stay elsewhere.
        swap: share of the frames of a left/right pair in which it is exchanged.
        swap_ticks: mean length of an exchange.
        other_person: share of frames in which more than half of the joints are elsewhere; they
            say nothing about joints and are left out of everything else.
        missing: joints of a score under `LEAST_SCORE`.
        missing_ticks: mean length of such a gap.
        sizes: (K,) inaccuracy of each joint relative to the mean of all.
        missing_factors: (K,) share missing, relative to the mean.
        bias: (K, 2) median error: x to the picture's right, y downwards.
        score_error: median error by score, between `SCORE_EDGES`; NaN = no such score occurred.
    """

    joints: tuple[str, ...]
    jitter: float
    drift: float
    drift_ticks: float
    outlier_share: float
    outlier_size: float
    outlier_ticks: float
    swap: float
    swap_ticks: float
    other_person: float
    missing: float
    missing_ticks: float
    sizes: tuple[float, ...]
    missing_factors: tuple[float, ...]
    bias: tuple[tuple[float, float], ...]
    score_error: tuple[float, ...]

    def augmentation(self, **further: Any) -> AugmentationConfig:
        """Return the settings that draw these errors, with further ones beside them."""
        measured = {
            'jitter': self.jitter, 'drift': self.drift, 'drift_ticks': self.drift_ticks,
            'outlier_share': self.outlier_share, 'outlier_size': self.outlier_size,
            'swap': self.swap, 'missing': self.missing,
            'burst_ticks': max(self.missing_ticks, 1.0)}
        return AugmentationConfig(**(measured | further))

    def joint_errors(self, layout: SkeletonLayout) -> JointErrors:
        """Return how errors differ between the joints of a layout; 1 of unmeasured ones."""
        sizes, missing = (
            dict(zip(self.joints, values, strict=True))
            for values in (self.sizes, self.missing_factors))
        return JointErrors(
            np.array([sizes.get(name, 1.0) for name in layout.names], np.float32),
            np.array([missing.get(name, 1.0) for name in layout.names], np.float32))

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, for a file."""
        return asdict(self)


def measure(
    recordings: Sequence[Recording], layout: SkeletonLayout, truth_layout: SkeletonLayout,
) -> DetectorNoise:
    """Measure an estimator.

    Args:
        recordings: clips; they must be of training data, as the augmentation made of them is.
        layout: of what was found.
        truth_layout: of the annotations.

    Raises:
        DataError: no recording, or no joint in common.
    """
    known = np.asarray(conversion_matrix(truth_layout, layout).any(1)).ravel()
    names = tuple(name for name, there in zip(layout.names, known, strict=True) if there)
    if not recordings or not names:
        raise DataError('errors can be measured of clips with annotated joints alone: there are '
                        f'{len(recordings)} clips and {len(names)} common joints')
    pairs = [(layout.names[a], layout.names[b]) for a, b in layout.mirror_pairs]
    swaps = [(names.index(a), names.index(b)) for a, b in pairs if a in names and b in names]
    errors, scores, swapped, gone = [], [], [], []
    others = frames = 0
    for one in recordings:
        truth = convert_points(one.truth, truth_layout, layout)
        unit = float(body_size(truth[None], layout)[0])
        if not unit > 0:
            continue
        found, truth = one.found[:, known] / unit, truth[:, known] / unit
        exchanged = _exchanged(found, truth, swaps)
        error = _unswapped(found, exchanged, swaps) - truth
        here = np.asarray(_away(error).mean(1) <= 0.5)
        others, frames = others + int((~here).sum()), frames + len(here)
        if here.any():
            swapped.append(exchanged[here])
            errors.append(error[here])
            scores.append(one.scores[here][:, known])
            gone.append(scores[-1] < LEAST_SCORE)
    if not errors:
        raise DataError('errors cannot be measured: in no clip the annotated person was found')
    return _noise(names, errors, scores, swapped, gone, others / frames)


def _noise(
    names: tuple[str, ...], errors: Sequence[Floats], scores: Sequence[Floats],
    swapped: Sequence[NDArray[np.bool_]], gone: Sequence[NDArray[np.bool_]],
    other_person: float,
) -> DetectorNoise:
    away = [_away(error) for error in errors]
    # Only what a recogniser gets to see counts as inaccuracy: sure joints, roughly in place.
    near = [np.where((out | lost)[..., None], np.nan, e)
            for e, out, lost in zip(errors, away, gone, strict=True)]
    every, lost = np.concatenate(near), np.concatenate(gone)
    far = np.concatenate(errors)[np.concatenate(away) & ~lost]
    distances = np.linalg.norm(np.concatenate(errors), axis=-1)
    joint = np.sqrt(np.nanmean(every ** 2, axis=(0, 2)))
    jitter, drift, ticks = _jitter_and_drift(near)
    shares = lost.mean(0)
    bins = np.digitize(np.concatenate(scores), SCORE_EDGES[1:-1])
    return DetectorNoise(
        names, jitter, drift, ticks,
        float((np.concatenate(away) & ~lost).sum() / max((~lost).sum(), 1)),
        float(np.sqrt(np.nanmean(far ** 2))) if len(far) else 0.0, _mean_burst(away),
        float(np.concatenate(swapped).mean()) if swapped[0].size else 0.0,
        _mean_burst(swapped), other_person, float(lost.mean()), _mean_burst(gone),
        _floats(joint / np.nanmean(joint)), _floats(shares / max(shares.mean(), 1e-9)),
        tuple((float(x), float(y)) for x, y in np.nanmedian(every, axis=0)),
        tuple(float(np.nanmedian(distances[bins == b])) if (bins == b).any() else float('nan')
              for b in range(len(SCORE_EDGES) - 1)))


def _away(error: Floats) -> NDArray[np.bool_]:
    return np.asarray(np.linalg.norm(error, axis=-1) > _ELSEWHERE)


def _floats(values: NDArray[np.floating]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _jitter_and_drift(errors: Sequence[Floats]) -> tuple[float, float, float]:
    """Split errors into white noise and a first-order process by their autocovariance."""
    def covariance(lag: int) -> float:
        products = [(e[lag:] * e[:len(e) - lag]).ravel() for e in errors if len(e) > lag]
        return float(np.nanmean(np.concatenate(products))) if products else 0.0

    whole, first, later = covariance(0), covariance(1), covariance(_FAR_LAG)
    if not 0 < first <= whole:  # nothing lasts
        return float(np.sqrt(whole)), 0.0, 1.0
    later = min(max(later, first * 1e-3), first * 0.999)
    ticks = (_FAR_LAG - 1) / np.log(first / later)
    lasting = min(first * np.exp(1 / ticks), whole)
    return float(np.sqrt(whole - lasting)), float(np.sqrt(lasting)), float(max(ticks, 1.0))


def _exchanged(
    found: Floats, truth: Floats, swaps: Sequence[tuple[int, int]],
) -> NDArray[np.bool_]:
    """(T, P): whether exchanging a pair would put it clearly nearer to the truth."""
    out = np.zeros((len(found), len(swaps)), bool)
    for p, (left, right) in enumerate(swaps):
        pair, other = [left, right], [right, left]
        straight, crossed = (
            np.linalg.norm(found[:, order] - truth[:, pair], axis=-1).sum(1)
            for order in (pair, other))
        out[:, p] = straight - crossed > 2 * _SWAP_GAIN
    return out


def _unswapped(
    found: Floats, exchanged: NDArray[np.bool_], swaps: Sequence[tuple[int, int]],
) -> Floats:
    out = found.copy()
    for p, (left, right) in enumerate(swaps):
        now = exchanged[:, p, None]
        out[:, left] = np.where(now, found[:, right], found[:, left])
        out[:, right] = np.where(now, found[:, left], found[:, right])
    return np.asarray(out, np.float32)


def _mean_burst(flags: Sequence[NDArray[np.bool_]]) -> float:
    """Mean number of frames that a flag stays on, of (T, X) flags; 0 if none is ever on."""
    on = sum(int(part.sum()) for part in flags)
    starts = sum(int((part & ~np.vstack([np.zeros_like(part[:1]), part[:-1]])).sum())
                 for part in flags)
    return on / starts if starts else 0.0
