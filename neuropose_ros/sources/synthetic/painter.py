"""Painting on the texture of a person."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.sources.synthetic.looks import Color, Look
from neuropose_ros.sources.synthetic.meshes import Region

Floats = NDArray[np.float32]
ATLAS_SIZE = 1024


def shaded(color: Color, factor: float) -> Color:
    """Return a colour made darker or lighter."""
    return color[0] * factor, color[1] * factor, color[2] * factor


class Painter:
    """Paints regions of one atlas."""

    def __init__(self, look: Look, seed: int) -> None:
        self.look = look
        self.atlas = np.zeros((ATLAS_SIZE, ATLAS_SIZE, 3), np.float32)
        self._random = np.random.default_rng(seed)

    def view(self, region: Region) -> Floats:
        return self.atlas[region.y:region.y + region.height, region.x:region.x + region.width]

    def noise(self, height: int, width: int, cells: tuple[int, int]) -> Floats:
        """Return smooth noise about 0, (height, width), with about ``cells`` bumps."""
        coarse = self._random.standard_normal((cells[0] + 1, cells[1])).astype(np.float32)
        # Both sides of a seam show the same.
        coarse = np.concatenate((coarse, coarse[:, :1]), 1)
        fine = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(fine, np.float32)

    def cloth(self, region: Region, color: Color, folds: tuple[int, int], depth: float) -> None:
        """Fill with a colour, weave and soft folds."""
        view = self.view(region)
        shape = region.height, region.width
        shade = 1 + depth * self.noise(*shape, folds) \
            + 0.5 * depth * self.noise(*shape, (folds[0] * 3, folds[1] * 3)) \
            + 0.03 * self._random.standard_normal(shape).astype(np.float32)
        view[:] = np.asarray(color, np.float32) * shade[..., np.newaxis]

    def skin(self, region: Region, tint: float = 1.0) -> None:
        view = self.view(region)
        shape = region.height, region.width
        shade = tint * (1 + 0.025 * self.noise(*shape, (8, 8)))
        view[:] = np.asarray(self.look.skin, np.float32) * shade[..., np.newaxis]

    def band(self, region: Region, top: float, bottom: float, factor: float) -> None:
        """Multiply the rows between two shares of the region's height."""
        rows = slice(round(top * region.height), max(round(bottom * region.height),
                                                     round(top * region.height) + 1))
        self.view(region)[rows] *= factor

    def stitch(self, region: Region, share: float, factor: float = 0.7, width: int = 3) -> None:
        """Darken a lengthwise seam at a share of the way round (0 = behind, 0.5 = in front)."""
        column = round(share * (region.width - 1))
        self.view(region)[:, max(column - width // 2, 0):column + width // 2 + 1] *= factor
