"""The tremor of a whole recording: found from both ends, then followed without a phase.

`TremorGuard` needs about a second until it is sure; run backwards over the same recording it is
sure about that second. Between them they find the frequency at every time, and an average over
past and future alike (a two-sided exponential window around the turning phase) is the tremor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.refinement.filters import Values
from neuropose_ros.refinement.tremor import TremorGuard

Masks = NDArray[np.bool_]

_WINDOW_S = 0.3  # time constant of the average, to each side
_MEMORY_S = 0.12  # of the filters that take slow movement off, to each side


def offline_tremor(measured: Values, valid: Masks, times_s: Values, sizes: Values) -> Values:
    """Return (T, N, D) the tremor of N points, 0 where there is none.

    Args:
        measured: (T, N, D).
        valid: (T, N) points that have been measured; others may be NaN.
        times_s: (T,) increasing.
        sizes: (N,) or (T, N) body size in the unit of the measurements, > 0.
    """
    sizes = np.broadcast_to(sizes, valid.shape)
    if len(times_s) < 2:
        return np.zeros_like(measured)
    steps_s = np.diff(times_s, prepend=2 * times_s[0] - times_s[1])
    forward = _frequencies(measured, valid, steps_s, sizes)
    backward = _frequencies(
        measured[::-1], valid[::-1], np.append(steps_s[:1], steps_s[:0:-1]), sizes[::-1])[::-1]
    known = np.isfinite(forward).astype(float) + np.isfinite(backward)
    trembles = known.any(axis=0)
    tremor = np.zeros_like(measured)
    if trembles.any():
        hz = (np.nan_to_num(forward) + np.nan_to_num(backward)) / np.maximum(known, 1.0)
        tremor[:, trembles] = _follow(
            measured[:, trembles], valid[:, trembles], steps_s, hz[:, trembles],
            known[:, trembles] > 0)
    return tremor


def _frequencies(measured: Values, valid: Masks, steps_s: Values, sizes: Values) -> Values:
    """Return (T, N) Hz, NaN where nothing trembles."""
    guard = TremorGuard(*measured.shape[1:])
    found = np.full(valid.shape, np.nan)
    for i, dt_s in enumerate(steps_s):
        guard.step(measured[i], valid[i], float(dt_s), sizes[i])
        if guard.any_open:
            found[i] = guard.frequency_hz
    return found


def _follow(
    measured: Values, valid: Masks, steps_s: Values, hz: Values, known: Masks,
) -> Values:
    """Return (T, N, D) of points that tremble somewhere, 0 where ``known`` (T, N) does not."""
    weight = valid.astype(float)[..., np.newaxis]
    values = np.where(valid[..., np.newaxis], measured, 0.0)
    # Three rounds: what the tremor holds of slow movement and the reverse goes to 0.
    tremor = np.zeros_like(measured)
    turned = np.exp(2j * np.pi * np.cumsum(hz * steps_s[:, np.newaxis], axis=0))[..., np.newaxis]
    for _ in range(3):
        slow = _two_sided(values - weight * tremor, weight, steps_s, _MEMORY_S)
        rest = weight * (values - slow)
        wave = _two_sided(rest * turned.conj(), weight, steps_s, _WINDOW_S)
        tremor = np.where(known[..., np.newaxis], 2.0 * (wave * turned).real, 0.0)
    return tremor


def _two_sided(
    values: NDArray[np.inexact], weight: Values, steps_s: Values, window_s: float,
) -> NDArray[np.inexact]:
    """Return the average over past and future, by a weight that falls off with ``window_s``.

    Args:
        values: (T, N, D), times their weight.
        weight: (T, N, 1).
        steps_s: (T,) from the time before to each.
        window_s: time constant.
    """
    kept = np.exp(-steps_s / window_s)
    total, share = _past(values, kept), _past(weight, kept)
    later = np.append(kept[1:], 1.0)[::-1]
    total = total + _past(values[::-1], later)[::-1] - values
    share = share + _past(weight[::-1], later)[::-1] - weight
    average: NDArray[np.inexact] = total / np.maximum(share, 1e-9)
    return average


def _past(values: NDArray[np.inexact], kept: Values) -> NDArray[np.inexact]:
    summed = values.copy()
    for i in range(1, len(values)):
        summed[i] += kept[i] * summed[i - 1]
    return summed
