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
_CHANGE = 8.0
"""How much likelier (2 ln) a change of sides must be than none."""
_MISFIT = 6.0
"""Squared distance up to which joints of a pair are where the other side was expected."""
_LEAST_SD = 0.03
"""Body sizes: joints nearer than about three times that have no sides to tell apart."""
_COMPANY = 0.25
"""How much the other limbs' sides say about those of a limb."""
_FIRST_TRUST_S = 0.25


class SideKeeper:
    """Knows for each person which groups of joints the detector has the wrong way round.

    Whoever keeps the sides wrong for longer than they were right before is believed: then they
    were wrong before.
    """

    def __init__(self, body: Body, most_trust_s: float) -> None:
        """Take the joints and how long sides are kept at most against the detector."""
        self._body = body
        self._most_trust_s = most_trust_s
        self._count = body.sides.sum(axis=0) / 2.0  # pairs of one of the halves of rows
        self._swapped = np.zeros((0, body.sides.shape[1]), bool)
        self._trust_s = np.zeros(self._swapped.shape)

    def arrange(self, people: Indices) -> None:
        """Put the people into another order; -1 = somebody new."""
        self._swapped = filters.rearranged(self._swapped, people, False)
        self._trust_s = filters.rearranged(
            self._trust_s, people, min(_FIRST_TRUST_S, self._most_trust_s))

    def wrong(
        self, dt_s: float, values: Values, variances: Values, before: Values, predicted: Values,
        predicted_variances: Values, sizes: Values,
    ) -> Mask | None:
        """Return (P, 2K) rows that hold the joint of the other side; None = no row does.

        Sides change only if both the last place and the predicted place of the joints say so:
        hands that clap turn back, legs that stride go on.

        Args:
            dt_s: since the last frame.
            values: (P, 2K, D) measurements, NaN where there is none.
            variances: (P, 2K) of them, per axis.
            before: (P, 2K, D) the points in the last frame.
            predicted: (P, 2K, D) in this one.
            predicted_variances: (P, 2K).
            sizes: (P, 2K) body sizes.
        """
        pairs = self._body.pairs
        if not len(pairs):
            return None
        apart, expected = _difference(values, pairs), _difference(predicted, pairs)
        # Comparisons with NaN are false: what is not known surprises nobody.
        if not ((np.einsum('pmd,pmd->pm', apart, expected) < 0.0).any() or self._swapped.any()):
            self._trust_s = np.minimum(self._trust_s + dt_s, self._most_trust_s)
            return None
        total = variances + predicted_variances + (_LEAST_SD * sizes) ** 2
        variance = total[:, pairs].sum(axis=2)
        gains, misfits = self._weigh(apart, expected, variance)
        held, held_misfits = self._weigh(apart, _difference(before, pairs), variance)
        sides = self._body.sides
        gains = np.where(
            self._swapped @ sides.T > 0.0, np.maximum(gains, held), np.minimum(gains, held),
        ) @ sides
        fits = np.minimum(misfits, held_misfits) @ sides < _MISFIT * self._count
        company = np.clip(gains.sum(axis=1, keepdims=True) - gains, -2 * _CHANGE, 2 * _CHANGE)
        hold = np.where(self._swapped, _CHANGE, -_CHANGE)
        swapped = (gains + hold + _COMPANY * company > 0.0) & (self._swapped | fits)
        self._trust_s = np.minimum(
            self._trust_s + np.where(swapped, -dt_s, dt_s), self._most_trust_s)
        swapped &= self._trust_s > 0.0
        self._swapped = swapped
        if not swapped.any():
            return None
        rows: Mask = swapped @ self._body.side_rows.T > 0.0
        return rows

    @staticmethod
    def _weigh(apart: Values, expected: Values, variance: Values) -> tuple[Values, Values]:
        """Return (P, M): how much likelier swapped sides are, and how badly even they fit.

        Args:
            apart: (P, M, D) from right to left, as measured.
            expected: (P, M, D) as expected.
            variance: (P, M) of their difference.
        """
        straight, crossed = apart - expected, apart + expected
        keep = np.einsum('pmd,pmd->pm', straight, straight) / variance
        cross = np.einsum('pmd,pmd->pm', crossed, crossed) / variance
        cross = np.where(np.isfinite(cross), cross, 0.0)
        keep = np.where(np.isfinite(keep), keep, 0.0)
        limit = 2.0 * _FARTHEST_SD2
        return np.minimum(keep, limit) - np.minimum(cross, limit), cross


def _difference(values: Values, pairs: Indices) -> Values:
    """Return (P, M, D) from the right joint to the left one of (P, 2K, D)."""
    both = values[:, pairs]
    apart: Values = both[:, :, 0] - both[:, :, 1]
    return apart
