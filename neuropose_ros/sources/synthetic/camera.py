"""The pinhole camera through which the synthetic subject is seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A level-horizon pinhole camera without distortion, looking at a point.

    World axes: z up, floor at 0. Optical axes: x right, y down, z forward. Pixels: the centre
    of the top-left pixel is (0, 0).

    Attributes:
        width: px.
        height: px.
        focal_px: focal length.
        position: m, world.
        target: m, world: what lies in the middle of the image.
    """

    width: int
    height: int
    focal_px: float
    position: tuple[float, float, float]
    target: tuple[float, float, float]

    @property
    def center_px(self) -> tuple[float, float]:
        """Principal point: the middle of the image."""
        return (self.width - 1) / 2, (self.height - 1) / 2

    @property
    def matrix(self) -> Array:
        """K, (3, 3)."""
        cx, cy = self.center_px
        return np.array([[self.focal_px, 0, cx], [0, self.focal_px, cy], [0, 0, 1]])

    @cached_property
    def rotation(self) -> Array:
        """(3, 3): world to optical axes."""
        forward = np.subtract(self.target, self.position)
        forward = forward / np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        return np.stack((right, np.cross(forward, right), forward))

    def to_optical(self, points: Array) -> Array:
        """Return world points (..., 3) m in the optical frame, m."""
        return np.asarray((points - np.asarray(self.position)) @ self.rotation.T)

    def project(self, optical: Array) -> Array:
        """Return optical points (..., 3) m as (..., 2) px."""
        return np.asarray(
            optical[..., :2] / optical[..., 2:] * self.focal_px + np.asarray(self.center_px))

    def rays(self, rows: slice = slice(None)) -> Array:
        """Return the world direction of each pixel of the rows (H, W, 3), not normalised."""
        cx, cy = self.center_px
        x, y = np.meshgrid((np.arange(self.width) - cx) / self.focal_px,
                           (np.arange(self.height)[rows] - cy) / self.focal_px)
        return np.asarray(np.stack((x, y, np.ones_like(x)), -1) @ self.rotation)
