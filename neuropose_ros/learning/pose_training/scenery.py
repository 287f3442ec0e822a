"""People put before other backgrounds: what lies behind somebody must not tell where joints are.

Few recordings show few rooms, and a network learns the rooms. Nobody has cut these people out; a
body is about what lies near its bones, so the joints alone give a mask that is good enough.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Floats, Image
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.pose.geometry import finite_points

_TRUNK = ('shoulder', 'hip')
_HEAD = ('head', 'face', 'nose')
# Shares of the diagonal of the box around the joints, least and most.
_LIMB = (0.08, 0.14)
_SKULL = (0.08, 0.13)


def before(
    image: Image, points: Floats, layout: SkeletonLayout, scene: Image, rng: np.random.Generator,
) -> Image:
    """Return a picture whose person stands before another scene, with soft edges.

    Args:
        image: (H, W, 3) uint8.
        points: (K, 2) px, NaN where not known.
        scene: (H, W, 3) uint8.
    """
    height, width = image.shape[:2]
    share = _body(points, layout, (height, width), rng)[..., np.newaxis]
    return np.asarray(image * share + scene * (1 - share), np.uint8)


def _body(
    points: Floats, layout: SkeletonLayout, size: tuple[int, int], rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return (H, W) 0..1: how much of each pixel is the person's."""
    known = finite_points(points)
    mask = np.zeros(size, np.uint8)
    if known.sum() < 2:
        return np.ones(size, np.float32)
    # Coordinates far outside would not fit OpenCV's integers.
    places = np.clip(np.nan_to_num(points), -1e4, 1e4).round().astype(np.int32)
    # A joint far outside does not make a body larger than the picture.
    diagonal = min(float(np.linalg.norm(np.ptp(points[known], axis=0))), float(max(size)))
    thick = max(3, round(diagonal * rng.uniform(*_LIMB)))
    for first, second in layout.edges:
        if known[first] and known[second]:
            cv2.line(mask, places[first].tolist(), places[second].tolist(), 255, thick)
    trunk = [place for place, name, there in zip(places, layout.names, known, strict=True)
             if there and any(word in name for word in _TRUNK)]
    if len(trunk) > 2:
        hull = cv2.convexHull(np.stack(trunk))
        cv2.fillConvexPoly(mask, hull, 255)
        cv2.polylines(mask, [hull], True, 255, thick)
    radius = max(2, round(diagonal * rng.uniform(*_SKULL)))
    for place, name, there in zip(places, layout.names, known, strict=True):
        if there and name in _HEAD:
            cv2.circle(mask, place.tolist(), radius, 255, -1)
    blur = 2 * max(1, thick // 3) + 1
    soft: NDArray[np.float32] = np.asarray(
        cv2.GaussianBlur(mask, (blur, blur), 0), np.float32) / np.float32(255)
    return soft
