"""What a depth picture shows round a few places: surfaces, not averages of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import DepthError
from neuropose_ros.core.pose import Depth

Array = NDArray[np.float64]

MAX_SURFACES = 4
_SIDE = 7
_SAMPLES = _SIDE * _SIDE
_STEPS = np.linspace(-1, 1, _SIDE)
# The middle of a patch is where the joint was found.
_WEIGHTS = np.exp(-(_STEPS[:, None]**2 + _STEPS**2) / (2 * 0.6**2)).ravel()
_WEIGHTS /= _WEIGHTS.sum()
# Surfaces with fewer samples of a patch are edges and stray pixels, not something to stand on.
_LEAST_SHARE = 0.10
# Depth within a patch on one limb varies by its roundness; a larger step is another surface.
_STEP_M = 0.08
_STEP_SIGMAS = 4.0
_SAME_SHAPE = 0.02
# Outside of every picture.
_FAR_PX = 1e6


@dataclass(frozen=True, slots=True)
class DepthNoise:
    """Standard deviation of a depth reading: ``base_m + per_m2 * z^2``.

    Stereo errs with the square of the distance. The defaults are near those that Nguyen, Izadi
    and Lovell (3DIMPVT 2012) measured on a structured-light camera; for time of flight ``per_m2``
    is near 0.
    """

    base_m: float = 0.0012
    per_m2: float = 0.0019

    def sigma_m(self, depth_m: Array) -> Array:
        """Return the standard deviation at depths, m."""
        return self.base_m + self.per_m2 * depth_m**2


@dataclass(frozen=True, slots=True)
class Surfaces:
    """The up to `MAX_SURFACES` (C) surfaces in each of N patches, nearest first.

    Attributes:
        depth_m: (N, C) median; NaN where there is none.
        spread_m: (N, C) half the distance of the 16th and 84th percentile.
        share: (N, C) of the patch, its middle weighing most; the rest has no depth.
    """

    depth_m: Array
    spread_m: Array
    share: Array


def check_depth(depth: Depth, width: int, height: int) -> None:
    """Refuse a depth picture that cannot be one of a view.

    Args:
        depth: any.
        width: of the view's picture, px.
        height: of the view's picture, px.

    Raises:
        DepthError: its type or shape.
    """
    if not isinstance(depth, np.ndarray) or depth.ndim != 2 or not depth.size or (
            depth.dtype not in (np.float32, np.uint16)):
        raise DepthError('a depth picture must be (height, width) float32 in m or uint16 in mm')
    rows, columns = depth.shape
    if abs(columns * height / (rows * width) - 1) > _SAME_SHAPE:
        raise DepthError(
            f'the depth picture is {columns}x{rows}, the picture {width}x{height}: another view; '
            'have the driver align depth to colour')


def samples(
    depth: Depth, centres_px: Array, half_px: Array, width: int, height: int,
    range_m: tuple[float, float],
) -> Array:
    """Return (N, S) depths, m, of square patches; NaN where the picture has none.

    Args:
        depth: the depth picture.
        centres_px: (N, 2) in the view's picture.
        half_px: (N,) half the side of the patches; at least one pixel of depth is taken.
        width: of the view's picture, px.
        height: of the view's picture, px.
        range_m: nearest and farthest depth that the camera can tell.
    """
    rows, columns = depth.shape
    # The centre of the top-left pixel is (0, 0) in both pictures.
    scale = np.array((columns / width, rows / height))
    centres = (np.where(np.isfinite(centres_px), centres_px, -_FAR_PX) + 0.5) * scale - 0.5
    centres = np.clip(centres, -_FAR_PX, _FAR_PX)
    half = np.clip(half_px[:, None] * scale, 1.0, _FAR_PX)
    at = np.rint(centres[:, :, None] + half[:, :, None] * _STEPS).astype(np.int64)
    x, y = at[:, 0, None, :], at[:, 1, :, None]
    inside = (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
    found = depth[np.clip(y, 0, rows - 1), np.clip(x, 0, columns - 1)].astype(np.float64)
    if depth.dtype == np.uint16:
        found *= 0.001
    with np.errstate(invalid='ignore'):
        good = inside & (found >= range_m[0]) & (found <= range_m[1])
    return np.where(good, found, np.nan).reshape(len(centres), _SAMPLES)


def surfaces(sampled: Array, noise: DepthNoise) -> Surfaces:
    """Part each patch's samples where depth steps, so that none is a mean of two surfaces."""
    count = len(sampled)
    order = np.argsort(sampled, 1)
    ordered = np.take_along_axis(sampled, order, 1)
    known = np.isfinite(ordered)
    filled = np.where(known, ordered, 0.0)
    weights = _WEIGHTS[order]
    step = _STEP_M + _STEP_SIGMAS * noise.sigma_m(filled[:, :-1])
    with np.errstate(invalid='ignore'):
        number = np.cumsum(np.diff(ordered, axis=1) > step, axis=1)
    number = np.concatenate((np.zeros((count, 1), np.int64), number), 1)
    number[~known] = _SAMPLES
    sizes = np.zeros((count, _SAMPLES + 1), np.int64)
    np.add.at(sizes, (np.arange(count)[:, None], number), 1)
    shares = np.zeros(sizes.shape)
    np.add.at(shares, (np.arange(count)[:, None], number), weights)
    starts = np.cumsum(sizes, 1) - sizes
    shares[:, _SAMPLES] = 0
    # The nearest of those that are large enough first; a stable sort keeps their order.
    chosen = np.argsort(shares < _LEAST_SHARE, 1, kind='stable')[:, :MAX_SURFACES]
    size, start = np.take_along_axis(sizes, chosen, 1), np.take_along_axis(starts, chosen, 1)
    share = np.take_along_axis(shares, chosen, 1)
    large = share >= _LEAST_SHARE

    def percentile(part: float) -> Array:
        index = start + np.rint((np.maximum(size, 1) - 1) * part).astype(np.int64)
        at = np.take_along_axis(filled, np.minimum(index, _SAMPLES - 1), 1)
        return np.where(large, at, np.nan)

    return Surfaces(
        depth_m=percentile(0.5), spread_m=(percentile(0.84) - percentile(0.16)) / 2,
        share=np.where(large, share, 0.0))
