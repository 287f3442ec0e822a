"""Triangles to pixels with a depth test, all triangles of a frame in one pass of array operations.

Scan conversion: each triangle becomes one span per image row, spans become pixels, and of the
pixels at one place the nearest stays. Working on spans keeps the number of array elements near
the number of covered pixels, which is what makes numpy fast enough here. Arrays have the long
axis last and stay float32: both matter for speed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

# Edges flatter than this (px) bound no row; the two others do.
_FLAT_PX = 1e-4
_FAR = np.float32(1e9)


@dataclass(frozen=True, slots=True)
class Fragments:
    """What is seen: one entry per covered pixel, in no particular order.

    Attributes:
        pixel: (N,) int32 flat index row * width + column, each at most once.
        face: (N,) int32 index of the triangle seen there.
        inverse_depth: (N,) float32, 1/m.
    """

    pixel: Ints
    face: Ints
    inverse_depth: Floats


@dataclass(frozen=True, slots=True)
class Triangles:
    """Projected front faces.

    Attributes:
        x: (3, F) float32, px.
        y: (3, F) float32, px.
        jacobian: (4, F) float32: turns differences of a value between corners 1-0 and 2-0 into
            its change per px: d/dx = j0 * d1 + j1 * d2, d/dy = j2 * d1 + j3 * d2.
    """

    x: Floats
    y: Floats
    jacobian: Floats

    def gradients(self, values: Floats) -> tuple[Floats, Floats]:
        """Return d/dx and d/dy (F,) of values (3, F) given at the corners."""
        first, second = values[1] - values[0], values[2] - values[0]
        j = self.jacobian
        return j[0] * first + j[1] * second, j[2] * first + j[3] * second


def front_faces(x: Floats, y: Floats, faces: Ints) -> tuple[Ints, Triangles]:
    """Return the indices of faces seen from the front (clockwise in the image) and their shape.

    Args:
        x: (V,) px.
        y: (V,) px.
        faces: (3, F) vertex indices.
    """
    fx, fy = x.take(faces), y.take(faces)
    area = (fx[1] - fx[0]) * (fy[2] - fy[0]) - (fy[1] - fy[0]) * (fx[2] - fx[0])
    front = np.flatnonzero(area > 1e-6).astype(np.int32)
    fx, fy = fx.take(front, axis=1), fy.take(front, axis=1)
    inverse = 1 / area.take(front)
    jacobian = np.stack((fy[2] - fy[0], fy[0] - fy[1], fx[0] - fx[2], fx[1] - fx[0])) * inverse
    return front, Triangles(fx, fy, jacobian)


def _bounds(triangles: Triangles) -> tuple[list[tuple[Floats, Floats]], ...]:
    """Return three left and three right bounds as (slope, offset): x = slope * y + offset."""
    left, right = [], []
    x, y = triangles.x, triangles.y
    for a, b in ((0, 1), (1, 2), (2, 0)):
        rise = y[b] - y[a]
        rises, falls = rise > _FLAT_PX, rise < -_FLAT_PX
        slope = (x[b] - x[a]) / np.where(rises | falls, rise, np.float32(1))
        # The upper end anchors the line, so that both faces at an edge compute the same numbers.
        offset = np.where(rises, x[a], x[b]) - slope * np.where(rises, y[a], y[b])
        left.append((slope * falls, np.where(falls, offset, -_FAR)))
        right.append((slope * rises, np.where(rises, offset, _FAR)))
    return left, right


def _ranges(first: Ints, count: Ints) -> tuple[Ints, Ints]:
    """Return (item, value): item i repeated count[i] times, value counting from first[i]."""
    item = np.repeat(np.arange(len(count), dtype=np.int32), count)
    shift = first - (np.cumsum(count, dtype=np.int32) - count)
    value = shift.take(item)
    value += np.arange(len(item), dtype=np.int32)
    return item, value


def _pixels(edge: Floats, limit: int) -> Ints:
    """Return the first pixel centre at or beyond an edge, kept inside 0..limit."""
    return np.clip(np.ceil(edge), 0, limit).astype(np.int32)


def rasterise(
    triangles: Triangles, inverse_depth: Floats, width: int, height: int, owner: Ints,
) -> Fragments:
    """Return the nearest face at each pixel whose centre a face covers.

    Args:
        triangles: F front faces.
        inverse_depth: (3, F) 1/m at the corners.
        width: px.
        height: px.
        owner: (height * width,) int32 work space; what it holds before does not matter.
    """
    y = triangles.y
    top = _pixels(np.minimum(np.minimum(y[0], y[1]), y[2]), height)
    end = _pixels(np.maximum(np.maximum(y[0], y[1]), y[2]), height)
    face, row = _ranges(top, end - top)
    at = row.astype(np.float32)
    lefts, rights = _bounds(triangles)
    low, *more_low = (slope.take(face) * at + offset.take(face) for slope, offset in lefts)
    high, *more_high = (slope.take(face) * at + offset.take(face) for slope, offset in rights)
    for line in more_low:
        np.maximum(low, line, out=low)
    for line in more_high:
        np.minimum(high, line, out=high)
    left, right = _pixels(low, width), _pixels(high, width)
    filled = np.flatnonzero(right > left)
    face, row, left, right = (v.take(filled) for v in (face, row, left, right))

    dx, dy = triangles.gradients(inverse_depth)
    constant = inverse_depth[0] - dx * triangles.x[0] - dy * triangles.y[0]
    slope = dx.take(face)
    start = constant.take(face) + dy.take(face) * row.astype(np.float32) \
        + slope * left.astype(np.float32)
    first = row * np.int32(width) + left
    span, pixel = _ranges(first, right - left)
    depth = slope.take(span)
    depth *= pixel - first.take(span)
    depth += start.take(span)
    return _nearest(span, pixel, depth, face, owner)


def _nearest(span: Ints, pixel: Ints, depth: Floats, face: Ints, owner: Ints) -> Fragments:
    low, high = float(depth.min(initial=np.inf)), float(depth.max(initial=0))
    key = depth - np.float32(low)
    key *= np.float32(65535 / max(high - low, 1e-9))
    # A stable sort of 16-bit keys is a radix sort: linear in the number of pixels.
    order = np.argsort(key.astype(np.uint16), kind='stable').astype(np.int32)
    owner[pixel.take(order)] = order
    seen = np.flatnonzero(owner.take(pixel) == np.arange(len(pixel), dtype=np.int32))
    return Fragments(pixel.take(seen), face.take(span.take(seen)), depth.take(seen))
