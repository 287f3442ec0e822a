"""All constraints in a row, again and again until nothing moves any more."""

from __future__ import annotations

import numpy as np

from neuropose_ros.refinement import filters
from neuropose_ros.refinement.body import Body, Indices
from neuropose_ros.refinement.constraints.bones import BoneLengths
from neuropose_ros.refinement.constraints.floor import FloorContact
from neuropose_ros.refinement.constraints.limits import HingeLimits
from neuropose_ros.refinement.filters import Mask, Values
from neuropose_ros.refinement.parameters import RefinementParameters

_SETTLED = 0.002  # body sizes


class Constraints:
    """What is known of the bodies of P people; off unless the parameters want it."""

    def __init__(self, body: Body, parameters: RefinementParameters) -> None:
        """Know nobody yet."""
        self._wanted = parameters.use_constraints and parameters.mode == 'kalman'
        self._stands = self._wanted and parameters.use_floor_contact
        self._budget = parameters.iterations
        self._bones = BoneLengths(body)
        self._limits = HingeLimits(body)
        self._floor = FloorContact(body)

    def arrange(self, people: Indices) -> None:
        """Put the people into another order; -1 = somebody new."""
        self._bones.arrange(people)
        self._floor.arrange(people)

    def project(
        self, dt_s: float, points: Values, velocity: Values, variance: Values, seen: Mask,
        sizes: Values, *, deep: bool,
    ) -> Values | None:
        """Return the points (P, 2K, 3) as bodies can have them; None = they are.

        Args:
            dt_s: since the last frame.
            points, velocity: (P, 2K, 3), NaN where unknown.
            variance: (P, 2K) per axis.
            seen: (P, 2K) joints that were measured.
            sizes: (P, 2K) body sizes.
            deep: whether there is 3D.
        """
        if not self._wanted or not self._bones.count:
            return None
        size_px = sizes[:, 0]
        self._bones.learn(
            dt_s, points, np.sqrt(variance) / sizes, seen, size_px, deep=deep)
        better = points
        if self._stands:
            held = self._floor.project(dt_s, points, velocity, size_px)
            better = points if held is None else held
        pulls = self._bones.pulls(variance, deep=deep)
        for _ in range(self._budget):
            before = better
            moved = None if pulls is None else pulls.project(better)
            better = better if moved is None else moved
            moved = self._limits.project(better) if deep else None
            better = better if moved is None else moved
            if better is before or not filters.some(
                    np.abs(better - before) > _SETTLED * sizes[..., None]):
                break
        return None if better is points else better
