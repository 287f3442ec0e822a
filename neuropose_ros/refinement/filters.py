"""Causal filters of moving points: pure functions, vectorised over N points.

A point's axes share their variances (noise is isotropic), so a filter of N points in D dimensions
costs the scalar recursions of N.

Sources: Kalman 1960; white-noise acceleration model and gating, Bar-Shalom, Li and Kirubarajan
2001, chapters 5 and 6; One-Euro, Casiez, Roussel and Vogel 2012.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]
T = TypeVar('T', bound=np.generic)

# The band of voluntary movement: where a delay of the filter matters and is stated.
MOVEMENT_BAND_HZ = np.linspace(0.25, 3.0, 8)


class Points(NamedTuple):
    """What is known of N points at one time; unknown points are NaN.

    Attributes:
        position: (N, D).
        velocity: (N, D), per s.
        position_variance, cross_variance, velocity_variance: (N,), of each axis; the cross term
            is of position and velocity.
    """

    position: Values
    velocity: Values
    position_variance: Values
    cross_variance: Values
    velocity_variance: Values


class Gain(NamedTuple):
    """How a measurement entered: (N,) shares of the innovation, 0 where none did."""

    position: Values
    velocity: Values


def some(mask: Mask) -> bool:
    """Return ``mask.any()``; counting is several times faster for the flags of a few people."""
    return bool(np.count_nonzero(mask))


def unknown_points(count: int, dimensions: int) -> Points:
    """Return ``count`` points of which nothing is known."""
    nan = np.full(count, np.nan)
    points = np.full((count, dimensions), np.nan)
    return Points(points, points, nan, nan, nan)


def arrange(points: Points, rows: NDArray[np.intp]) -> Points:
    """Return the points in another order: row i is ``rows[i]``, unknown where that is -1."""
    return Points(*(rearranged(values, rows, np.nan) for values in (
        points.position, points.velocity, points.position_variance, points.cross_variance,
        points.velocity_variance)))


def rearranged(values: NDArray[T], rows: NDArray[np.intp], fill: float) -> NDArray[T]:
    """Return ``values`` with ``values[rows[i]]`` at i, and ``fill`` where ``rows[i]`` is -1."""
    none = np.full((1, *values.shape[1:]), fill, values.dtype)
    ordered: NDArray[T] = np.concatenate((values, none))[rows]
    return ordered


def rows_of(people: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Return the (P * count,) rows of people who have ``count`` rows each; -1 stays -1."""
    rows = people[:, None] * count + np.arange(count)
    return np.where(people[:, None] < 0, -1, rows).ravel()


def select(mask: Mask, chosen: Points, other: Points) -> Points:
    """Return ``chosen`` where ``mask`` holds and ``other`` elsewhere."""
    wide = mask[:, None]
    return Points(
        np.where(wide, chosen.position, other.position),
        np.where(wide, chosen.velocity, other.velocity),
        np.where(mask, chosen.position_variance, other.position_variance),
        np.where(mask, chosen.cross_variance, other.cross_variance),
        np.where(mask, chosen.velocity_variance, other.velocity_variance),
    )


def start(measured: Values, variance: Values, speed_sd: Values) -> Points:
    """Return points first seen at ``measured`` (N, D), at rest as far as is known."""
    return Points(
        measured, np.where(np.isfinite(measured), 0.0, np.nan), variance,
        np.zeros_like(variance), speed_sd * speed_sd)


def predict(
    points: Points, dt_s: float, density: Values, drift: Values | None = None,
    drifting: Mask | None = None, decay_s: float = np.inf,
) -> Points:
    """Return the points after ``dt_s``.

    Args:
        points: before.
        dt_s: time that passes, >= 0.
        density: (N,) power spectral density of the acceleration, length^2/s^3.
        drift: (N, D) velocities that ``drifting`` points take up.
        drifting: (N,) points whose own velocity is no longer measured.
        decay_s: time constant with which they do.
    """
    step: float | Values = dt_s
    kept: float | Values = 1.0
    position = points.position + points.velocity * dt_s
    velocity = points.velocity
    if drift is not None and drifting is not None and some(drifting):
        fade = float(np.exp(-dt_s / decay_s))
        step = np.where(drifting, decay_s * (1.0 - fade), dt_s)
        kept = np.where(drifting, fade, 1.0)
        own = np.where(drifting[:, None], points.velocity - drift, points.velocity)
        base = np.where(drifting[:, None], drift, 0.0)
        position = points.position + base * dt_s + own * np.expand_dims(step, 1)
        velocity = base + own * np.expand_dims(kept, 1)
    carried = points.velocity_variance * step
    return Points(
        position, velocity,
        points.position_variance + step * (2.0 * points.cross_variance + carried)
        + density * (dt_s ** 3 / 3.0),
        kept * (points.cross_variance + carried) + density * (dt_s ** 2 / 2.0),
        kept * kept * points.velocity_variance + density * dt_s,
    )


def distance_sd(innovation: Values, variance: Values) -> Values:
    """Return (N,) lengths of innovations (N, D) in standard deviations (per axis)."""
    lengths: Values = np.sqrt(np.einsum('nd,nd->n', innovation, innovation) / variance)
    return lengths


def correct(predicted: Points, innovation: Values, variance: Values) -> tuple[Points, Gain]:
    """Return the points given measurements, by the Kalman gain.

    Args:
        predicted: at the time of the measurement.
        innovation: (N, D) measured minus predicted position.
        variance: (N,) of the measurement, per axis; infinite where there is none.
    """
    total = predicted.position_variance + variance
    gain = Gain(predicted.position_variance / total, predicted.cross_variance / total)
    rest = 1.0 - gain.position
    return Points(
        predicted.position + gain.position[:, None] * innovation,
        predicted.velocity + gain.velocity[:, None] * innovation,
        rest * predicted.position_variance,
        rest * predicted.cross_variance,
        predicted.velocity_variance - gain.velocity * predicted.cross_variance,
    ), gain


def inflate(predicted: Points, dt_s: float, density: Values) -> Points:
    """Return predicted points that ``density`` (N,) more of acceleration has moved on the way."""
    return Points(
        predicted.position, predicted.velocity,
        predicted.position_variance + density * (dt_s ** 3 / 3.0),
        predicted.cross_variance + density * (dt_s ** 2 / 2.0),
        predicted.velocity_variance + density * dt_s)


def one_euro_gain(
    speed: Values, dt_s: float, min_cutoff_hz: float, cutoff_slope: float,
) -> Values:
    """Return (N,) shares of a new measurement, given speeds (N,) in body sizes/s."""
    return low_pass_share(min_cutoff_hz + cutoff_slope * speed, dt_s)


def low_pass_share(cutoff_hz: Values, dt_s: float) -> Values:
    """Return the share of the newest value in a first-order low-pass filter."""
    turns = 2.0 * np.pi * dt_s * cutoff_hz
    share: Values = turns / (turns + 1.0)
    return share


def frequency_response(
    alpha: float, beta: float, frequency_hz: Values, dt_s: float,
) -> NDArray[np.complex128]:
    """Return the complex response of the position of a steady constant-velocity filter.

    Args:
        alpha: share of the innovation that the position takes.
        beta: share that the velocity takes, times ``dt_s``.
        frequency_hz: (F,).
        dt_s: sampling interval.
    """
    delay = np.exp(-2j * np.pi * frequency_hz * dt_s)
    denominator = 1.0 - (2.0 - alpha - beta) * delay + (1.0 - alpha) * delay * delay
    response: NDArray[np.complex128] = (alpha + (beta - alpha) * delay) / denominator
    return response


def group_delays_s(alpha: Values, beta: Values, dt_s: float) -> Values:
    """Return (P,) greatest group delays in `MOVEMENT_BAND_HZ`, never < 0; to about 2 %.

    A constant-velocity filter does not delay a steady movement at all, so the delay is stated for
    changing movement: the band of voluntary movement.

    Args:
        alpha: (P,) shares of the innovation that the position takes.
        beta: (P,) shares that the velocity takes, times ``dt_s``.
        dt_s: sampling interval.
    """
    return np.array([_group_delay_s(round(a, 2), round(b, 3), round(dt_s, 4)) for a, b in zip(
        alpha.tolist(), beta.tolist(), strict=True)])


@lru_cache(maxsize=4096)
def _group_delay_s(alpha: float, beta: float, dt_s: float) -> float:
    """Return the greatest of -d(phase)/d(omega) in closed form."""
    if dt_s <= 0.0 or alpha == beta == 0.0:  # what takes nothing has no phase
        return 0.0
    delay = np.exp(-2j * np.pi * MOVEMENT_BAND_HZ * dt_s)
    square = delay * delay
    top, middle, last = beta - alpha, alpha + beta - 2.0, 1.0 - alpha
    lag = (top * delay / (alpha + top * delay)
           - (middle * delay + 2.0 * last * square) / (1.0 + middle * delay + last * square)).real
    return max(float(lag.max()) * dt_s, 0.0)


def low_pass_delays_s(share: Values, dt_s: float) -> Values:
    """Return (P,) group delays of first-order low-pass filters for slow movement."""
    delays: Values = dt_s * (1.0 - share) / share
    return delays
