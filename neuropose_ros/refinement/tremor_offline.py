"""The tremor of a whole recording: found from both ends, then followed without a phase.

`TremorGuard` needs about a second until it is sure; run backwards over the same recording it is
sure about that second. Between them they find the frequency at every time, and an average over
past and future alike (a two-sided exponential window around the turning phase) is the tremor.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.refinement.filters import Values
from neuropose_ros.refinement.tremor import TremorGuard

Masks = NDArray[np.bool_]
T = TypeVar('T', np.float64, np.complex128)

_ALIKE_HZ = 0.5  # frequencies of one tremor, heard from both ends
_WINDOW_S = 0.3  # time constant of the average, to each side
_FARTHEST = 0.25  # body sizes: what is farther from slow movement is a jump
_MEMORY_S = 0.08  # of the filters that take slow movement off, to each side


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
    hz = _agreed(forward, backward)
    trembles = np.isfinite(hz).any(axis=0)
    tremor = np.zeros_like(measured)
    if trembles.any():
        tremor[:, trembles] = _follow(
            measured[:, trembles], valid[:, trembles], steps_s, hz[:, trembles],
            sizes[:, trembles])
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


def _agreed(forward: Values, backward: Values) -> Values:
    """Return (T, N) Hz where one of both heard a tremor that at some time both did, else NaN."""
    ahead, behind = np.isfinite(forward), np.isfinite(backward)
    both = np.abs(forward - backward) < _ALIKE_HZ  # not so for NaN
    kept, either = both.copy(), ahead | behind
    for order in (range(1, len(kept)), range(len(kept) - 2, -1, -1)):
        step = 1 if order.step < 0 else -1
        for i in order:
            kept[i] |= kept[i + step] & either[i]
    mean = np.where(both, 0.5 * (forward + backward), np.where(ahead, forward, backward))
    return np.where(kept, mean, np.nan)


def _follow(
    measured: Values, valid: Masks, steps_s: Values, hz: Values, sizes: Values,
) -> Values:
    """Return (T, N, D) of points that tremble somewhere, 0 where ``hz`` (T, N) is NaN."""
    known = np.isfinite(hz)[..., np.newaxis]
    weight = valid.astype(float)[..., np.newaxis]
    values = np.where(valid[..., np.newaxis], measured, 0.0)
    turns = np.cumsum(_held(hz) * steps_s[:, np.newaxis], axis=0)
    turned = np.exp(2j * np.pi * turns)[..., np.newaxis]
    tremor = np.zeros_like(values)
    # Slow movement holds a little of the tremor and the other way round: a few rounds part them.
    for _ in range(3):
        slow = _two_sided(values - weight * tremor, weight, steps_s, _MEMORY_S)
        far = np.abs(values - slow - tremor).max(axis=-1) > _FARTHEST * sizes
        weight = np.where(far[..., np.newaxis], 0.0, weight)
        values = weight * values
        wave = _two_sided(weight * (values - slow) * turned.conj(), weight, steps_s, _WINDOW_S)
        tremor = np.where(known, 2.0 * (wave * turned).real, 0.0)
    return tremor


def _held(hz: Values) -> Values:
    """Return (T, N) with the last known value, before the first one with that, for NaN."""
    known = np.isfinite(hz)
    order = np.arange(len(hz))[:, np.newaxis]
    last = np.maximum.accumulate(np.where(known, order, -1), axis=0)
    held: Values = np.take_along_axis(hz, np.where(last < 0, known.argmax(axis=0), last), axis=0)
    return held


def _two_sided(
    values: NDArray[T], weight: Values, steps_s: Values, window_s: float,
) -> NDArray[T]:
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
    total += _past(values[::-1], later)[::-1] - values
    share += _past(weight[::-1], later)[::-1] - weight
    np.divide(total, np.maximum(share, 1e-9), out=total)
    return total


def _past(values: NDArray[T], kept: Values) -> NDArray[T]:
    summed: NDArray[T] = values.copy()
    for i in range(1, len(values)):
        summed[i] += kept[i] * summed[i - 1]
    return summed
