"""Joints of many clips side by side: what the smoothing baselines work on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.refiner.pairs import RATE_HZ

Values = NDArray[np.float64]
_SURE = 0.3
_LEAST_SIZE_PX = 8.0


@dataclass(frozen=True)
class Tracks:
    """N clips of up to T frames and K joints.

    Attributes:
        points: (N, T, K, 2) px, NaN = not there, as beyond a clip's end.
        scores: (N, T, K) 0..1, 0 where there is no point.
        sizes: (N, T) px: mean of the diagonal of the joints' box up to each frame.
        lengths: frames of each clip.
    """

    points: Values
    scores: Values
    sizes: Values
    lengths: tuple[int, ...]

    def known(self, least_score: float = 0.0) -> NDArray[np.bool_]:
        """Return (N, T, K): the joint is there with that score."""
        return np.asarray(np.isfinite(self.points[..., 0]) & (self.scores >= least_score))

    def seen(self, least_score: float) -> Values:
        """Return the points, NaN where they are not there with that score.

        Of a joint that never has that score in a clip, all points count.
        """
        known = self.known(least_score)
        counted = known | (self.known() & ~known.any(1, keepdims=True))
        return np.where(counted[..., None], self.points, np.nan)

    def cut(self, points: Values) -> list[Floats]:
        """Return (N, T, K, 2) points clip by clip."""
        return [np.asarray(clip[:length], np.float32)
                for clip, length in zip(points, self.lengths, strict=True)]


class Smoother(Protocol):
    """Estimates joints from what was found; one that looks ahead says so by its use."""

    def __call__(self, tracks: Tracks) -> Values:
        """Return (N, T, K, 2) px, NaN where nothing can be said."""
        ...


def side_by_side(points: Sequence[Floats], scores: Sequence[Floats] | None = None) -> Tracks:
    """Put clips of (T, K, 2) points and (T, K) scores beside each other; no scores = all 1."""
    lengths = tuple(len(clip) for clip in points)
    shape = (len(points), max(lengths), points[0].shape[1])
    joined, sure = np.full((*shape, 2), np.nan), np.zeros(shape)
    for index, clip in enumerate(points):
        joined[index, :len(clip)] = clip
        sure[index, :len(clip)] = np.isfinite(clip[..., 0]) if scores is None else scores[index]
    return Tracks(joined, sure, _sizes(joined, sure), lengths)


def _sizes(points: Values, scores: Values) -> Values:
    """Return (N, T) running means of the box around the joints that are sure."""
    known = np.asarray(np.isfinite(points).all(-1))
    sure = known & (scores >= _SURE)
    counted = np.where((sure.sum(-1) > 2)[..., None], sure, known)[..., None]
    high = np.where(counted, points, -np.inf).max(2)
    low = np.where(counted, points, np.inf).min(2)
    there = np.asarray(counted.any((2, 3)))
    diagonals = np.where(there, np.hypot(*np.moveaxis(
        np.where(there[..., None], high - low, 0.0), -1, 0)), 0.0)
    means = diagonals.cumsum(1) / np.maximum(there.cumsum(1), 1)
    return np.asarray(np.maximum(means, _LEAST_SIZE_PX))


def frame_s() -> float:
    """Return the time between two frames."""
    return 1 / RATE_HZ
