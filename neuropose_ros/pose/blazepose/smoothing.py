"""The filters published with BlazePose.

One-Euro filter: Casiez, Roussel and Vogel 2012. As published with MediaPipe, speed is measured
in sizes of the body per second, so that one setting fits people near and far.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.pose import Floats


class OneEuroFilter:
    """Low-pass whose cut-off rises with speed; one state and one setting per value of an array.

    All values of a person go through one filter: calling numpy costs more than the numbers.
    """

    def __init__(
        self, min_cutoff_hz: ArrayLike, beta: ArrayLike, derivative_cutoff_hz: float = 1.0,
    ) -> None:
        """Start without history.

        Args:
            min_cutoff_hz: cut-off at rest; a number, or one for each value.
            beta: rise of the cut-off per unit of speed; likewise.
            derivative_cutoff_hz: cut-off of the speed itself.
        """
        self._min_cutoff_hz = np.asarray(min_cutoff_hz, np.float64)
        self._beta = np.asarray(beta, np.float64)
        self._derivative_cutoff_hz = derivative_cutoff_hz
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._stamp_ns: int | None = None
        self._raw: NDArray[np.float64] = np.empty(0)
        self._smooth: NDArray[np.float64] = np.empty(0)
        self._speed: NDArray[np.float64] = np.empty(0)

    def apply(self, values: Floats, stamp_ns: int, size: ArrayLike = 1.0) -> Floats:
        """Return the smoothed values; the shape may not change until the next reset.

        Args:
            values: any shape.
            stamp_ns: of the picture. A stamp that does not advance returns ``values`` as they are.
            size: of the body, in the unit of the values, > 0; a number, or one for each value.
        """
        raw = values.astype(np.float64)
        if self._stamp_ns is None:
            self._stamp_ns = stamp_ns
            self._raw = self._smooth = raw
            self._speed = np.zeros_like(raw)
            return values
        if stamp_ns <= self._stamp_ns:
            return values
        rate_hz = NS_PER_S / (stamp_ns - self._stamp_ns)
        self._stamp_ns = stamp_ns
        speed = (raw - self._raw) * (rate_hz / np.asarray(size))
        self._raw = raw
        ratio = self._derivative_cutoff_hz * 2 * math.pi / rate_hz
        self._speed = self._speed + ratio / (1 + ratio) * (speed - self._speed)
        ratios = self._min_cutoff_hz + self._beta * np.abs(self._speed)
        ratios *= 2 * math.pi / rate_hz
        self._smooth = self._smooth + ratios / (1 + ratios) * (raw - self._smooth)
        return self._smooth.astype(np.float32)


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
