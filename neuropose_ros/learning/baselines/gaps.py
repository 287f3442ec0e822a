"""What fills gaps without a model: the last value, lines, curves; alone or with the body."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator

from neuropose_ros.learning.baselines.tracks import Tracks, Values


@dataclass(frozen=True)
class Hold:
    """The last value that was seen; before the first, the first: that alone looks ahead.

    Attributes:
        least_score: of a joint that counts as seen.
        with_body: whether a held joint moves as the mean of the joints that are seen does.
    """

    least_score: float = 0.0
    with_body: bool = False

    def __call__(self, tracks: Tracks) -> Values:
        """Return the points, gaps filled."""
        seen = tracks.seen(self.least_score)
        moved = drift(seen) if self.with_body else np.zeros((*seen.shape[:2], 1, 2))
        return _hold(seen - moved) + moved


@dataclass(frozen=True)
class Between:
    """Values between the one before and the one after a gap; at an end, the nearest.

    Attributes:
        kind: linear, or a curve: pchip (Fritsch and Carlson 1980), cubic.
        least_score: of a joint that counts as seen.
        with_body: as of `Hold`.
    """

    kind: str = 'linear'
    least_score: float = 0.0
    with_body: bool = False

    def __call__(self, tracks: Tracks) -> Values:
        """Return the points, gaps filled."""
        seen = tracks.seen(self.least_score)
        moved = drift(seen) if self.with_body else np.zeros((*seen.shape[:2], 1, 2))
        return _between(seen - moved, self.kind) + moved


def drift(seen: Values) -> Values:
    """Return (N, T, 1, 2): how far the body has gone, by the joints seen in both frames."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)  # a frame without a joint in common
        steps = np.nanmedian(np.diff(seen, axis=1), axis=2)
    gone = np.nan_to_num(steps).cumsum(1)
    return np.asarray(np.concatenate((np.zeros_like(gone[:, :1]), gone), 1)[:, :, None])


def _hold(seen: Values) -> Values:
    frames = np.arange(seen.shape[1])[:, None]
    known = np.isfinite(seen[..., 0])
    last = np.maximum.accumulate(np.where(known, frames, -1), axis=1)
    first = np.argmax(known, axis=1)[:, None]
    index = np.where(last < 0, first, last)
    return np.asarray(np.take_along_axis(seen, index[..., None], 1))


def _between(seen: Values, kind: str) -> Values:
    filled: Values = seen.copy()
    frames = np.arange(seen.shape[1])
    known = np.isfinite(seen[..., 0])
    for clip, joint in zip(*np.nonzero(known.any(1) & ~known.all(1)), strict=True):
        at = np.flatnonzero(known[clip, :, joint])
        inside = np.clip(frames, at[0], at[-1])
        values = seen[clip, at, joint]
        if kind == 'linear' or len(at) < 2:
            curve = np.stack([np.interp(inside, at, axis) for axis in values.T], -1)
        else:
            make = PchipInterpolator if kind == 'pchip' else CubicSpline
            curve = make(at, values)(inside)
        filled[clip, :, joint] = curve
    return filled
