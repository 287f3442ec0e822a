"""Boxes, and the affine maps that cut a network's input out of a picture.

Points are counted from the centre of the top-left pixel, in pictures and in crops alike. Boxes
of the package are counted so too: a box around the whole picture is -0.5 to width - 0.5.
Detectors count the edges of their boxes from the edge of the top-left pixel, which lies half a
pixel before its centre: `boxes_to_picture` converts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuropose_ros.core.pose import Floats

Warp = NDArray[np.float64]
"""(..., 2, 3): px of a crop -> px of the picture."""

LARGEST_OVERLAP = 0.65
"""Of two people's boxes: what YOLOX and RTMO are evaluated with."""
_HALF_PX = 0.5
_MOST_CANDIDATES = 1000
_LEAST_SIDE_PX = 1.0
_SMALLEST_AREA = np.float32(1e-12)


def box_iou(a: Floats, b: Floats) -> Floats:
    """Return the (N, M) intersections over union of (N, 4) with (M, 4) boxes.

    An empty or inverted box overlaps nothing, itself included.
    """
    common, total = _overlaps(a, b)
    overlaps: Floats = common / np.maximum(total - common, _SMALLEST_AREA)
    return overlaps


def _overlaps(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return (N, M) common areas, and sums of both areas."""
    x_low, y_low, x_high, y_high = a.T[:, :, np.newaxis]
    width = np.minimum(x_high, b[:, 2])
    width -= np.maximum(x_low, b[:, 0])
    height = np.minimum(y_high, b[:, 3])
    height -= np.maximum(y_low, b[:, 1])
    np.maximum(width, 0, out=width)
    width *= np.maximum(height, 0, out=height)
    return width, np.add.outer(box_areas(a), box_areas(b))


def box_areas(boxes: Floats) -> Floats:
    """Return the (...) areas of (..., 4) boxes, px^2; 0 for inverted ones."""
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    areas: Floats = sides[..., 0] * sides[..., 1]
    return areas


def non_maximum_suppression(
    boxes: Floats, scores: Floats, largest_overlap: float,
) -> NDArray[np.intp]:
    """Return the indices of the boxes to keep, best first.

    A box goes when it overlaps a better kept one by more than ``largest_overlap``
    (intersection over union). Of equal scores the first counts as better.

    Args:
        boxes: (N, 4).
        scores: (N,).
        largest_overlap: above 0, up to 1.
    """
    order = np.argsort(-scores, kind='stable')
    sorted_boxes = boxes[order]
    common, total = _overlaps(sorted_boxes, sorted_boxes)
    # common / (total - common) > limit, without dividing N^2 numbers.
    common *= np.float32((1 + largest_overlap) / largest_overlap)
    overlaps = common > total
    # Each row as one whole number: clearing what a box overlaps is one operation on integers.
    rows = np.packbits(overlaps, axis=1, bitorder='little')
    dropped = 0
    kept = []
    for place, row in enumerate(rows):
        if not dropped >> place & 1:
            kept.append(place)
            dropped |= int.from_bytes(row.tobytes(), 'little')
    return order[kept]


def best_boxes(
    boxes: Floats, scores: Floats, width: int, height: int, *, most: int,
    largest_overlap: float = LARGEST_OVERLAP,
) -> tuple[NDArray[np.intp], Floats]:
    """Choose among whatever a detector says.

    Boxes that are no boxes (not finite, inverted, under a pixel in the picture) are left out,
    overlapping ones suppressed.

    Args:
        boxes: (N, 4) px of the picture.
        scores: (N,).
        width, height: of the picture, px.
        most: how many to return.
        largest_overlap: see `non_maximum_suppression`.

    Returns:
        (n,) indices, best first, and (n, 4) their boxes, cut at the edges of the picture.
    """
    candidates = np.flatnonzero(finite_points(boxes) & np.isfinite(scores))
    cut = clip_boxes(boxes[candidates], width, height)
    wide = (cut[:, 2:] - cut[:, :2]).min(axis=1, initial=np.inf) >= _LEAST_SIDE_PX
    candidates, cut = candidates[wide], cut[wide]
    if len(candidates) > _MOST_CANDIDATES:
        best = np.argsort(-scores[candidates], kind='stable')[:_MOST_CANDIDATES]
        candidates, cut = candidates[best], cut[best]
    kept = non_maximum_suppression(cut, scores[candidates], largest_overlap)[:most]
    return candidates[kept], cut[kept]


def clip_boxes(boxes: Floats, width: int, height: int) -> Floats:
    """Cut (N, 4) boxes at the edges of a picture."""
    low, high = -_HALF_PX, np.array([width, height, width, height]) - _HALF_PX
    clipped: Floats = np.clip(boxes, low, high).astype(np.float32)
    return clipped


def box_around(points: Floats) -> Floats:
    """Return the (4,) box around the finite ones of (K, 2) points; NaN if there is none."""
    known = points[finite_points(points)]
    if not known.size:
        return np.full(4, np.nan, np.float32)
    box: Floats = np.concatenate((known.min(0), known.max(0))).astype(np.float32)
    return box


def finite_points(points: Floats) -> NDArray[np.bool_]:
    """Return (...), whether (..., D) points are known."""
    return np.asarray(np.isfinite(points).all(axis=-1))


def in_picture(points: Floats, width: int, height: int) -> NDArray[np.bool_]:
    """Return (...), whether (..., 2) points lie on a pixel; NaN does not."""
    limits = np.array([width, height]) - _HALF_PX
    inside: NDArray[np.bool_] = (points >= -_HALF_PX) & (points <= limits)
    return np.asarray(inside.all(axis=-1))


def letterbox(
    width: int, height: int, input_width: int, input_height: int, *, centred: bool = False,
) -> Warp:
    """Return the (2, 3) map of a crop that holds a whole picture, its shape kept.

    The edges of the pictures coincide, not the centres of their first pixels, as when an image
    is resized.

    Args:
        width, height: of the picture, px.
        input_width, input_height: of the crop, px.
        centred: the picture in the middle of the crop; otherwise in its top-left corner.
    """
    pixels = max(width / input_width, height / input_height)
    offset = np.zeros(2)
    if centred:
        offset = (np.array([input_width, input_height]) - np.array([width, height]) / pixels) / 2
    x, y = pixels * (_HALF_PX - offset) - _HALF_PX
    return np.array([[pixels, 0.0, x], [0.0, pixels, y]])


def square_warps(centres: ArrayLike, sides_px: ArrayLike, input_side: int) -> Warp:
    """Return the (N, 2, 3) maps of square crops.

    The edges of square and crop coincide, as when an image is resized.

    Args:
        centres: (N, 2) px of the picture.
        sides_px: (N,) sides of the squares.
        input_side: of the crops, px.
    """
    middle = np.asarray(centres, np.float64)
    pixels = np.asarray(sides_px, np.float64) / input_side
    warps = np.zeros((len(middle), 2, 3))
    warps[:, 0, 0] = warps[:, 1, 1] = pixels
    warps[:, :, 2] = middle - pixels[:, np.newaxis] * ((input_side - 1) / 2)
    return warps


def top_down_warps(
    boxes: ArrayLike, input_width: int, input_height: int, *, padding: float = 1.25,
) -> Warp:
    """Return the (N, 2, 3) maps of crops around people, as top-down networks are trained.

    The box grows about its centre by ``padding``, then in one direction to the shape of the
    input, and its centre goes to pixel (width / 2, height / 2) of the crop: the affine of mmpose
    (TopdownAffine; boxes there count from the edge of the picture's first pixel). What lies at a
    pixel of the crop lies where the map says: reading joints back by it is exact.

    Args:
        boxes: (N, 4) px of the picture, not empty.
        input_width, input_height: of the crop, px.
        padding: share of the box, 1 = none.
    """
    corners = np.asarray(boxes, np.float64).reshape(-1, 4)
    centres = (corners[:, :2] + corners[:, 2:]) / 2 + _HALF_PX
    sides = (corners[:, 2:] - corners[:, :2]) * padding
    size = np.array([input_width, input_height], np.float64)
    pixels = (sides / size).max(1)
    warps = np.zeros((len(corners), 2, 3))
    warps[:, 0, 0] = warps[:, 1, 1] = pixels
    warps[:, :, 2] = centres - pixels[:, np.newaxis] * (size / 2)
    return warps


def points_to_picture(points: ArrayLike, warps: Warp) -> Floats:
    """Map (..., K, 2) points of crops to px of the picture by (..., 2, 3) maps."""
    with np.errstate(invalid='ignore'):  # an infinite point of a broken network becomes NaN
        turned = np.asarray(points, np.float64) @ np.swapaxes(warps[..., :2], -1, -2)
    placed: Floats = (turned + warps[..., np.newaxis, :, 2]).astype(np.float32)
    return placed


def boxes_to_picture(boxes: Floats, warp: Warp) -> Floats:
    """Map (N, 4) boxes as detectors count them to boxes of the picture as the package does.

    Args:
        boxes: x_min y_min x_max y_max, px from the edge of the crop's first pixel.
        warp: (2, 3), not turned.
    """
    corners = np.asarray(boxes, np.float64) - _HALF_PX
    placed: Floats = (corners * np.tile(warp[[0, 1], [0, 1]], 2) + np.tile(warp[:, 2], 2)).astype(
        np.float32)
    return placed
