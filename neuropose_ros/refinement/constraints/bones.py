"""Bone lengths of each person, learnt while joints are measured, and kept softly.

In 3D a bone keeps its length. In the image it is seen shortened by perspective: its length there
is at most what was seen of it before, times how much larger the person has become. Projection by
the Kalman gain of a measured distance (Bar-Shalom, Li and Kirubarajan 2001, section 10.3).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from neuropose_ros.refinement import filters
from neuropose_ros.refinement.body import Body, Indices
from neuropose_ros.refinement.filters import Mask, Values

# A joint must be this well known, in body sizes, for a bone to be learnt from it.
_LEARNT_SD = 0.06
_LEARNT_S = 0.5  # so long must a bone have been measured before it counts
_MEMORY_S = 10.0  # after it what was seen of a bone counts less
# A bone may be so much longer than learnt, and the softness of that, in shares of its length.
_SLACK, _SOFTNESS = 0.15, 0.1
_SOFTNESS_3D = 0.03
_SCALE_FALLS_S = 5.0


class BoneLengths:
    """The bones of P people, in the image and in 3D."""

    def __init__(self, body: Body) -> None:
        """Take the bones; nothing is known of anybody."""
        self._flat = len(body.bones)
        self._ends = np.concatenate((body.bones, body.bones + body.count))
        rows = np.arange(2 * body.count)[:, None]
        self._begins = (self._ends[:, 0] == rows).astype(np.float64)  # (2K, 2B)
        self._finishes = (self._ends[:, 1] == rows).astype(np.float64)
        self._softness = np.where(np.arange(len(self._ends)) < self._flat, _SOFTNESS, _SOFTNESS_3D)
        self._length = np.zeros((0, len(self._ends)))  # of the body's scale; of m in 3D
        self._known_s = np.zeros(self._length.shape)
        self._scale = np.zeros(0)

    @property
    def count(self) -> int:
        """How many bones there are in the image; as many in 3D."""
        return self._flat

    def arrange(self, people: Indices) -> None:
        """Put the people into another order; -1 = somebody new."""
        self._length = filters.rearranged(self._length, people, 0.0)
        self._known_s = filters.rearranged(self._known_s, people, 0.0)
        self._scale = filters.rearranged(self._scale, people, 0.0)

    def learn(
        self, dt_s: float, points: Values, sd: Values, seen: Mask, size_px: Values, *, deep: bool,
    ) -> None:
        """Learn from a frame.

        Args:
            dt_s: since the last one.
            points: (P, 2K, 3).
            sd: (P, 2K) in body sizes.
            seen: (P, 2K) joints that were measured.
            size_px: (P,) of the bodies.
            deep: whether there is 3D.
        """
        self._scale = np.maximum(size_px, self._scale * np.exp(-dt_s / _SCALE_FALLS_S))
        some = slice(None) if deep else slice(self._flat)
        sure, ends = seen & (sd < _LEARNT_SD), self._ends[some]
        good = sure.take(ends[:, 0], axis=1) & sure.take(ends[:, 1], axis=1)
        if not filters.some(good):
            return
        length = _lengths(_ways(points, ends)) / self._units(deep=deep)
        known_s, learnt = self._known_s[:, some], self._length[:, some]
        share = dt_s / np.maximum(known_s + dt_s, 1e-9)
        forget = dt_s / _MEMORY_S
        # The longest is remembered in the image, the mean in 3D.
        step = np.maximum(share, np.where(length > learnt, 0.3, forget))
        if deep:
            step[:, self._flat:] = np.maximum(share[:, self._flat:], forget)
        learnt += np.where(good, step * (length - learnt), 0.0)
        known_s += dt_s * good

    def pulls(self, variance: Values, *, deep: bool) -> BonePulls | None:
        """Return what draws joints of this frame to where bones have their lengths.

        Args:
            variance: (P, 2K) per axis: who is less sure moves more.
            deep: whether there is 3D.

        Returns:
            None where no bone is known.
        """
        some = slice(None) if deep else slice(self._flat)
        known = self._known_s[:, some] >= _LEARNT_S
        if not filters.some(known):
            return None
        return BonePulls(
            self._ends[some], self._flat, self._begins[:, some], self._finishes[:, some], known,
            self._length[:, some] * self._units(deep=deep), self._softness[some], variance)

    def _units(self, *, deep: bool) -> Values:
        """Return, to go with (P, 2B), px of a body's scale in the image, 1 m in 3D."""
        scale = self._scale[:, None]
        if not deep:
            return scale
        return np.where(np.arange(len(self._ends)) < self._flat, scale, 1.0)


class BonePulls:
    """What is the same in all rounds over one frame; B bones, those in 3D after the others."""

    def __init__(
        self, ends: Indices, flat: int, begins: Values, finishes: Values, known: Mask,
        learnt: Values, softness: Values, variance: Values,
    ) -> None:
        """Take what is known.

        Args:
            ends: (B, 2) rows of joints.
            flat: how many bones are in the image.
            begins, finishes: (2K, B) 1 where a bone begins or ends.
            known: (P, B) whose length counts.
            learnt: (P, B) lengths.
            softness: (B,) of the bones, in shares of their length.
            variance: (P, 2K) of the joints.
        """
        self._ends, self._flat, self._begins, self._finishes = ends, flat, begins, finishes
        self._known, self._learnt, self._softness = known, learnt, softness
        self._variance = variance
        self._most, self._slight = (1.0 + _SLACK) * learnt, 0.01 * learnt

    def project(self, points: Values) -> Values | None:
        """Return the points (P, 2K, 3) with bones of possible lengths; None = all are.

        Args:
            points: (P, 2K, 3), NaN where unknown.
        """
        way = _ways(points, self._ends)
        length = _lengths(way)
        excess = np.maximum(length - self._most, 0.0)
        if length.shape[1] > self._flat:
            excess[:, self._flat:] = (length - self._learnt)[:, self._flat:]
        wrong = self._known & (np.abs(excess) > self._slight)
        if not filters.some(wrong):
            return None
        change = way * (excess / np.maximum(length, 1e-9))[..., None]
        pulls = [np.where(wrong[..., None], gain * change, 0.0) for gain in self._gains]
        # Where several bones pull at a joint, each has only part of the say.
        count = 1.0 + 0.5 * (wrong @ self._touches)
        better: Values = points + (
            self._begins @ pulls[0] - self._finishes @ pulls[1]) / count[..., None]
        return better

    @cached_property
    def _gains(self) -> tuple[Values, Values]:
        """(P, B, 1) for the first and the second end."""
        ends = self._variance[:, self._ends]
        gain = ends / (ends.sum(axis=2) + (self._softness * self._learnt) ** 2)[..., None]
        return gain[..., :1], gain[..., 1:]

    @cached_property
    def _touches(self) -> Values:
        """(B, 2K) 1 where a bone has a joint."""
        touches: Values = (self._begins + self._finishes).T
        return touches


def _ways(points: Values, ends: Indices) -> Values:
    """Return (P, E, 3) from the first to the second of ``ends`` (E, 2)."""
    return points.take(ends[:, 1], axis=1) - points.take(ends[:, 0], axis=1)


def _lengths(way: Values) -> Values:
    """Return (P, E) lengths of (P, E, 3) bones."""
    length: Values = np.sqrt(np.einsum('ped,ped->pe', way, way))
    return length
