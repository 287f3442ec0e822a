"""Feet that stand do not slide: a foot at rest at the lowest place is held where it came down."""

from __future__ import annotations

import numpy as np

from neuropose_ros.refinement import filters
from neuropose_ros.refinement.body import Body, Indices
from neuropose_ros.refinement.filters import Mask, Values

_WORDS = ('ankle', 'heel', 'toe', 'foot')
_REST = 0.15  # body sizes/s: slower is standing
_NEAR_FLOOR = 0.1  # body sizes above the lowest foot
_WEIGHT = 0.5
_ANCHOR_S = 0.3


class FloorContact:
    """The feet of P people in the image, whose lower border is taken to be down."""

    def __init__(self, body: Body) -> None:
        """Find the feet by the names of joints."""
        self._feet = np.array([index for index, name in enumerate(body.names) if any(
            word in name for word in _WORDS)], np.intp)
        self._anchor = np.zeros((0, len(self._feet), 2))

    def arrange(self, people: Indices) -> None:
        """Put the people into another order; -1 = somebody new."""
        self._anchor = filters.rearranged(self._anchor, people, np.nan)

    def project(
        self, dt_s: float, points: Values, velocity: Values, size_px: Values,
    ) -> Values | None:
        """Return the points (P, 2K, 3) with standing feet drawn to their anchor; None = none.

        Args:
            dt_s: since the last frame.
            points, velocity: (P, 2K, 3).
            size_px: (P,) of the bodies.
        """
        if not len(self._feet):
            return None
        feet, speed = points[:, self._feet, :2], velocity[:, self._feet, :2]
        standing = self._standing(feet, speed, size_px)
        fresh = standing & np.isnan(self._anchor[..., 0])
        share = -np.expm1(-dt_s / _ANCHOR_S)
        self._anchor = np.where(
            standing[..., None], np.where(
                fresh[..., None], feet, self._anchor + share * (feet - self._anchor)), np.nan)
        if not filters.some(standing):
            return None
        better: Values = points.copy()
        better[:, self._feet, :2] = np.where(
            standing[..., None], feet + _WEIGHT * (self._anchor - feet), feet)
        return better

    @staticmethod
    def _standing(feet: Values, speed: Values, size_px: Values) -> Mask:
        slow = np.einsum('pfd,pfd->pf', speed, speed) < (_REST * size_px[:, None]) ** 2
        height = np.where(np.isfinite(feet[..., 1]), feet[..., 1], -np.inf)
        lowest = height.max(axis=1, keepdims=True)
        standing: Mask = slow & (feet[..., 1] > lowest - _NEAR_FLOOR * size_px[:, None])
        return standing
