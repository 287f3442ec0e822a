"""Which way a body faces, and turning it to face the camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Floats
from neuropose_ros.core.skeleton import SkeletonLayout

_TRUNK = ('shoulder', 'hip')


def face_front(points: Floats, layout: SkeletonLayout, vertical: int = 1) -> Floats:
    """Turn a (T, K, 3) clip about the vertical so that right to left mostly lies along an axis.

    Left to right is taken across shoulders and hips (all pairs of a layout without them), its
    direction as the geometric median over the clip: people who turn are turned by what they
    mostly face, whatever the camera's own heading.
    Axes keep their handedness; a clip with no such pair known is returned as it is.

    Args:
        points: NaN = missing.
        vertical: the axis that points up or down.
    """
    pairs = [pair for pair in layout.mirror_pairs
             if any(word in layout.names[pair[0]] for word in _TRUNK)] or layout.mirror_pairs
    first, second = (vertical + 1) % 3, (vertical + 2) % 3
    across = np.asarray([points[:, right] - points[:, left] for left, right in pairs])
    known = across[np.isfinite(across).all(-1)]
    if not len(known):
        return points
    a, b = geometric_median(known[:, [first, second]].astype(np.float64))
    length = float(np.hypot(a, b))
    if length < 1e-6:
        return points
    # `second` is x where the vertical is y: across the body becomes +x.
    cos, sin = b / length, a / length
    out = points.astype(np.float32, copy=True)
    out[..., first] = cos * points[..., first] - sin * points[..., second]
    out[..., second] = sin * points[..., first] + cos * points[..., second]
    return out


def geometric_median(points: NDArray[np.float64], steps: int = 32) -> NDArray[np.float64]:
    """Return the (D,) place nearest to all (N, D) points in sum (Weiszfeld's iteration)."""
    place = points.mean(0)
    for _ in range(steps):
        weights = 1 / np.maximum(np.linalg.norm(points - place, axis=1), 1e-6)
        place = (points * weights[:, None]).sum(0) / weights.sum()
    return np.asarray(place)
