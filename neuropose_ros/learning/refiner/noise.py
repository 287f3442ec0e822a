"""How noisy a detector really is, by the confidence it states; fitted on clips with truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.refiner.measures import in_detector_definition
from neuropose_ros.learning.refiner.pairs import FOUND_LAYOUT, MODEL, TRUTH_LAYOUT, Pair
from neuropose_ros.refinement.filters import Values
from neuropose_ros.refinement.noise import DetectorNoise, NoiseCurve, NoiseModel

_SCORES = np.arange(0.05, 1.0, 0.1)
_LEAST_SAMPLES = 200  # of a joint at a confidence, that say something of their own
# Of a normal error in two axes: the median, and what 9 of 10 are within, in deviations.
_MEDIAN_SD, _NINE_OF_TEN_SD = 1.1774, 2.1460
_LEAST_SD = 1e-3


def fit_noise(pairs: Sequence[Pair], offsets: Floats, model: str = MODEL) -> NoiseModel:
    """Return the noise of the detector, from the errors it made.

    The white deviation is that of second differences (by their median: jumps are outliers, not
    noise); the slow one fills up what 9 of 10 errors are within. Both fall as confidence rises.

    Args:
        pairs: clips whose truth fits the picture.
        offsets: (15, 2) of `measures.joint_offsets`.
        model: id of the detector.
    """
    joints = [name for name in TRUTH_LAYOUT.names if name in FOUND_LAYOUT.names]
    found = [FOUND_LAYOUT.index(name) for name in joints]
    truth = [TRUTH_LAYOUT.index(name) for name in joints]
    scores, errors, changes = [], [], []
    for pair in pairs:
        if len(pair) < 3:
            continue
        error = pair.found[:, found] - in_detector_definition(pair, offsets)[:, truth]
        error = error / body_sizes_px(pair)[:, None, None]
        scores.append(pair.scores[1:-1, found])
        errors.append(np.linalg.norm(error[1:-1], axis=-1))
        changes.append(np.linalg.norm(np.diff(error, 2, axis=0), axis=-1) / np.sqrt(6.0))
    stated, length, change = (
        np.concatenate(part).astype(np.float64) for part in (scores, errors, changes))
    curve = _fit(stated.ravel(), length.ravel(), change.ravel(), None)
    return NoiseModel({model: DetectorNoise(curve, {
        name: _fit(stated[:, column], length[:, column], change[:, column], curve)
        for column, name in enumerate(joints)})})


def body_sizes_px(pair: Pair) -> Floats:
    """Return (T,) longer sides of the box of what was found: the unit of a refiner's noise."""
    known = np.where((pair.scores >= np.float32(0.3))[..., None], pair.found, np.nan)
    few = np.isfinite(known[..., 0]).sum(axis=1) < 3
    known[few] = pair.found[few]
    sides = np.nanmax(known, axis=1) - np.nanmin(known, axis=1)
    return np.asarray(np.maximum(sides.max(axis=1), 8.0), np.float32)


def _fit(
    scores: Values, errors: Values, changes: Values, common: NoiseCurve | None,
) -> NoiseCurve:
    """Return a curve; where samples are few, that of all joints is ``common``."""
    white, slow = [], []
    for index, score in enumerate(_SCORES):
        near = np.abs(scores - score) <= 0.05
        share = min(1.0, near.sum() / _LEAST_SAMPLES)
        values = [np.nan, np.nan]
        if near.any():
            values[0] = np.median(changes[near]) / _MEDIAN_SD
            whole = np.quantile(errors[near], 0.9) / _NINE_OF_TEN_SD
            values[1] = np.sqrt(max(whole ** 2 - values[0] ** 2, _LEAST_SD ** 2))
        if common is not None:
            own = np.nan_to_num(np.log(np.maximum(values, _LEAST_SD)), nan=0.0)
            shared = np.log((common.white[index], common.slow[index]))
            values = list(np.exp(share * own + (1.0 - share) * shared))
        white.append(values[0])
        slow.append(values[1])
    return NoiseCurve(tuple(_SCORES.tolist()), _falling(white), _falling(slow))


def _falling(values: Sequence[float]) -> tuple[float, ...]:
    """Return values that never rise; one that is not known is its neighbour's."""
    known = np.asarray(values)
    places = np.arange(len(known))
    given = np.isfinite(known)
    filled = np.exp(np.interp(places, places[given], np.log(known[given])))
    up, down = np.minimum.accumulate(filled), np.maximum.accumulate(filled[::-1])[::-1]
    return tuple(np.sqrt(up * down).tolist())
