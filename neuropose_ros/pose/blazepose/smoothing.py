"""The filters published with BlazePose.

One-Euro filter: Casiez, Roussel and Vogel 2012. As published with MediaPipe, speed is measured
in sizes of the body per second, so that one setting fits people near and far.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.pose import Floats

_FIRST_RATE_HZ = 30.0
_SMALLEST_SIZE = 1e-6


class OneEuroFilter:
    """Low-pass whose cut-off rises with speed; one state per value of an array."""

    def __init__(
        self, min_cutoff_hz: float, beta: float, derivative_cutoff_hz: float = 1.0,
    ) -> None:
        """Start without history.

        Args:
            min_cutoff_hz: cut-off at rest.
            beta: rise of the cut-off per unit of speed.
            derivative_cutoff_hz: cut-off of the speed itself.
        """
        self._min_cutoff_hz = min_cutoff_hz
        self._beta = beta
        self._derivative_cutoff_hz = derivative_cutoff_hz
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._stamp_ns: int | None = None
        self._raw: NDArray[np.float64] = np.empty(0)
        self._smooth: NDArray[np.float64] = np.empty(0)
        self._speed: NDArray[np.float64] = np.empty(0)

    def apply(self, values: Floats, stamp_ns: int, size: float = 1.0) -> Floats:
        """Return the smoothed values; the shape may not change until the next reset.

        Args:
            values: any shape.
            stamp_ns: of the picture. A stamp that does not advance returns ``values`` as they are.
            size: of the body, in the unit of the values.
        """
        if size < _SMALLEST_SIZE:
            return values
        if self._stamp_ns is None:
            self._stamp_ns = stamp_ns
            self._raw = self._smooth = values.astype(np.float64)
            self._speed = np.zeros_like(self._raw)
            return values
        if stamp_ns <= self._stamp_ns:
            return values
        rate_hz = NS_PER_S / (stamp_ns - self._stamp_ns)
        self._stamp_ns = stamp_ns
        speed = (values - self._raw) * (rate_hz / size)
        self._raw = values.astype(np.float64)
        self._speed += _weight(self._derivative_cutoff_hz, rate_hz) * (speed - self._speed)
        cutoff_hz = self._min_cutoff_hz + self._beta * np.abs(self._speed)
        ratio = cutoff_hz * (2 * math.pi / rate_hz)
        self._smooth = self._smooth + ratio / (1 + ratio) * (self._raw - self._smooth)
        return self._smooth.astype(np.float32)


def _weight(cutoff_hz: float, rate_hz: float) -> float:
    ratio = 2 * math.pi * cutoff_hz / rate_hz
    return ratio / (1 + ratio)


class LowPassFilter:
    """First-order low-pass with a fixed weight of the new value."""

    def __init__(self, weight: float) -> None:
        """Start without history; ``weight`` is 0..1."""
        self._weight = np.float32(weight)
        self._smooth: Floats | None = None

    def reset(self) -> None:
        """Forget everything."""
        self._smooth = None

    def apply(self, values: Floats) -> Floats:
        """Return the smoothed values."""
        if self._smooth is None:
            self._smooth = values
        else:
            self._smooth = self._smooth + self._weight * (values - self._smooth)
        return self._smooth
