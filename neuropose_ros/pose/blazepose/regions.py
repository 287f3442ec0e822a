"""The square, rotated part of the picture that the landmark network looks at."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Floats

# The circle through the farthest point of the body, and some room around it.
_ROOM = 1.25


@dataclass(frozen=True, slots=True)
class Region:
    """A rotated square.

    Attributes:
        x, y: its centre, px.
        size: its side, px.
        rotation: of its x axis against the picture's, rad, clockwise as y points down.
    """

    x: float
    y: float
    size: float
    rotation: float

    def to_picture(self, points: Floats) -> Floats:
        """Map (K, 2) points of the region (0..1 along its sides) to px of the picture."""
        cos, sin = math.cos(self.rotation) * self.size, math.sin(self.rotation) * self.size
        turn = np.array([[cos, sin], [-sin, cos]])
        placed: Floats = ((points - 0.5) @ turn + (self.x, self.y)).astype(np.float32)
        return placed

    def warp(self, pixels: int) -> NDArray[np.float64]:
        """Return the (2, 3) affine map from px of a crop ``pixels`` wide to px of the picture."""
        cos = math.cos(self.rotation) * self.size / pixels
        sin = math.sin(self.rotation) * self.size / pixels
        half = pixels / 2
        return np.array([
            [cos, -sin, self.x - half * (cos - sin)],
            [sin, cos, self.y - half * (sin + cos)],
        ])


def alignment_size(centre: Floats, top: Floats) -> float:
    """Return the diameter of the body's circle, px, from its two auxiliary points (2,) px."""
    return 2.0 * math.hypot(float(top[0] - centre[0]), float(top[1] - centre[1]))


def region_from_alignment(centre: Floats, top: Floats) -> Region:
    """Return the region around the middle of the hips, upright along the line to ``top``.

    Args:
        centre: (2,) px, the middle of the hips.
        top: (2,) px, the point above it on the circle around the whole body.
    """
    rotation = math.pi / 2 - math.atan2(
        -float(top[1] - centre[1]), float(top[0] - centre[0]))
    rotation -= 2 * math.pi * math.floor((rotation + math.pi) / (2 * math.pi))
    size = alignment_size(centre, top) * _ROOM
    return Region(float(centre[0]), float(centre[1]), size, rotation)


def letterbox(width: int, height: int) -> Region:
    """Return the square around the whole picture."""
    return Region(width / 2, height / 2, float(max(width, height)), 0.0)
