"""Tremor of all people: one guard for the joints in the image, one for those in 3D."""

from __future__ import annotations

import numpy as np

from neuropose_ros.refinement import filters
from neuropose_ros.refinement.body import Indices
from neuropose_ros.refinement.filters import Mask, Values
from neuropose_ros.refinement.tremor import TremorGuard


class Tremor:
    """The tremor in (P, 2K) rows; the guard of 3D joints begins with the first of them."""

    def __init__(self, count: int, *, enabled: bool) -> None:
        """Know nobody yet; ``count`` is K. Not ``enabled``: there is never any."""
        self._count = count
        self._enabled = enabled
        self._people = 0
        self._flat = TremorGuard(0, 2)
        self._deep: TremorGuard | None = None

    def arrange(self, people: Indices) -> None:
        """Put the people into another order; -1 = somebody new."""
        self._people = len(people)
        rows = filters.rows_of(people, self._count)
        self._flat.arrange(rows)
        if self._deep is not None:
            self._deep.arrange(rows)

    def forget(self, gone: Mask) -> None:
        """Know nothing more of the joints (P, 2K) in ``gone``."""
        self._flat.forget(gone[:, :self._count].ravel())
        if self._deep is not None:
            self._deep.forget(gone[:, self._count:].ravel())

    def expected(self, dt_s: float) -> Values | None:
        """Return (P * 2K, 3) what tremor adds in ``dt_s``; None = nobody trembles."""
        return self._whole(
            self._flat.expected(dt_s) if self._flat.any_open else None,
            self._deep.expected(dt_s)
            if self._deep is not None and self._deep.any_open else None)

    def step(
        self, measured: Values, accepted: Mask, dt_s: float, sizes: Values,
    ) -> Values | None:
        """Go on by ``dt_s``; return (P * 2K, 3) the tremor, None = nobody trembles.

        Args:
            measured: (P * 2K, 3), NaN where there is none.
            accepted: (P, 2K) measurements that are believed.
            dt_s: since the last frame.
            sizes: (P, 2K) body sizes.
        """
        if not self._enabled or dt_s <= 0.0:
            return None
        count, points = self._count, measured.reshape(*accepted.shape, 3)
        flat = self._flat.step(
            points[:, :count, :2].reshape(-1, 2), accepted[:, :count].ravel(), dt_s,
            sizes[:, :count].ravel())
        deep = None
        if self._deep is None and filters.some(accepted[:, count:]):
            self._deep = TremorGuard(self._people * count, 3)
        if self._deep is not None:
            deep = self._deep.step(
                points[:, count:].reshape(-1, 3), accepted[:, count:].ravel(), dt_s,
                sizes[:, count:].ravel())
        return self._whole(
            flat if self._flat.any_open else None,
            deep if self._deep is not None and self._deep.any_open else None)

    def _whole(self, flat: Values | None, deep: Values | None) -> Values | None:
        if flat is None and deep is None:
            return None
        whole = np.zeros((self._people, 2 * self._count, 3))
        if flat is not None:
            whole[:, :self._count, :2] = flat.reshape(self._people, self._count, 2)
        if deep is not None:
            whole[:, self._count:] = deep.reshape(self._people, self._count, 3)
        return whole.reshape(-1, 3)
