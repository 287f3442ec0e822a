"""Left taken for right: found by innovations, undone before the filter sees it.

With the joints at hand a measurement is likelier under one of two hypotheses: every joint is its
own, or every joint is that of the other side (Bar-Shalom, Li and Kirubarajan 2001, chapter 6, on
association by normalised innovations).
"""

from __future__ import annotations

import numpy as np

from neuropose_ros.refinement import filters
from neuropose_ros.refinement.body import Body, Indices, Values
from neuropose_ros.refinement.filters import Mask

_FARTHEST_SD2 = 30.0
"""A squared distance beyond says no more: it is a jump, whatever the hypothesis."""
_CHANGE = 10.0
"""How much likelier (2 ln) a change of sides must be than none."""
_COMPANY = 0.25
"""How much the other limbs' sides say about those of a limb."""
_FIRST_TRUST_S = 0.5


class SideKeeper:
    """Knows for each person which groups of joints the detector has the wrong way round.

    Whoever keeps the sides wrong for longer than they were right before is believed: then they
    were wrong before.
    """

    def __init__(self, body: Body, most_trust_s: float) -> None:
        """Take the joints and how long sides are kept at most against the detector."""
        self._body = body
        self._most_trust_s = most_trust_s
        self._count = body.sides.sum(axis=0)
        self._swapped = np.zeros((0, body.sides.shape[1]), bool)
        self._trust_s = np.zeros(self._swapped.shape)

    def arrange(self, people: Indices) -> None:
        """Put the people into another order; -1 = somebody new."""
        self._swapped = filters.rearranged(self._swapped, people, False)
        self._trust_s = filters.rearranged(
            self._trust_s, people, min(_FIRST_TRUST_S, self._most_trust_s))

    def wrong(
        self, dt_s: float, values: Values, variances: Values, predicted: Values,
        predicted_variances: Values,
    ) -> Mask | None:
        """Return (P, 2K) rows that hold the joint of the other side; None = no row does.

        Args:
            dt_s: since the last frame.
            values: (P, 2K, D) measurements, NaN where there is none.
            variances: (P, 2K) of them, per axis.
            predicted: (P, 2K, D).
            predicted_variances: (P, 2K).
        """
        mirror, sides = self._body.mirror, self._body.sides
        if not sides.size:
            return None
        keep = np.minimum(_distances(values, predicted, predicted_variances + variances),
                          _FARTHEST_SD2)
        # Comparisons with NaN are false: what is not known surprises nobody.
        if not ((keep > _CHANGE / 2).any() or self._swapped.any()):
            self._trust_s = np.minimum(self._trust_s + dt_s, self._most_trust_s)
            return None
        cross = np.minimum(_distances(
            values[:, mirror], predicted, predicted_variances + variances[:, mirror]),
            _FARTHEST_SD2)
        gains, misfits = self._weigh(keep, cross)
        company = np.clip(gains.sum(axis=1, keepdims=True) - gains, -2 * _CHANGE, 2 * _CHANGE)
        before = np.where(self._swapped, _CHANGE, -_CHANGE)
        swapped = ((gains + before + _COMPANY * company > 0.0)
                   & (self._swapped | (misfits < _CHANGE / 2)))
        self._trust_s = np.minimum(
            self._trust_s + np.where(swapped, -dt_s, dt_s), self._most_trust_s)
        swapped &= self._trust_s > 0.0
        self._swapped = swapped
        if not swapped.any():
            return None
        rows: Mask = swapped @ sides.T > 0.0
        return rows

    def _weigh(self, keep: Values, cross: Values) -> tuple[Values, Values]:
        """Return (P, G): how much likelier swapped sides are, and how badly even they fit."""
        mirror, sides = self._body.mirror, self._body.sides
        kept, crossed = np.isfinite(keep), np.isfinite(cross)
        comparable = (kept.astype(np.int8) + kept[:, mirror]
                      == crossed.astype(np.int8) + crossed[:, mirror])
        gains = np.where(kept & comparable, keep, 0.0) - np.where(
            crossed & comparable, cross, 0.0)
        seen = (crossed & comparable).astype(np.float64) @ sides
        misfits = np.where(crossed & comparable, cross, 0.0) @ sides / np.maximum(seen, 1.0)
        return gains @ sides, misfits


def _distances(values: Values, predicted: Values, variances: Values) -> Values:
    """Return (P, 2K) squared distances in variances."""
    apart = values - predicted
    squared: Values = np.einsum('pkd,pkd->pk', apart, apart) / variances
    return squared
