"""Textured surfaces on their way to the camera."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.sources.synthetic.meshes import Mesh

Floats = NDArray[np.float32]
Array = NDArray[np.float64]
Ints = NDArray[np.int32]
Image = NDArray[np.uint8]

_LEVELS = 5


class Texture:
    """A texture and its halvings, each texel packed into one 32-bit word (B G R and spare)."""

    def __init__(self, image: Image) -> None:
        """Build the levels.

        Args:
            image: (H, W, 3) uint8 BGR, sides divisible by 16.
        """
        words, self.starts, self.widths = [], [], []
        start = 0
        for _ in range(_LEVELS):
            packed = cv2.cvtColor(image, cv2.COLOR_BGR2BGRA).view(np.uint32).ravel()
            self.starts.append(start)
            self.widths.append(image.shape[1])
            words.append(packed)
            start += len(packed)
            image = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        self.words = np.concatenate(words)


@dataclass(frozen=True, slots=True)
class Posed:
    """A surface in the optical frame: arrays over vertices, lengths in m.

    Attributes:
        points: (3, V) float32.
        normals: (3, V) float32, unit.
        faces: (3, F) int32, clockwise in the image where seen from outside.
        texels: (2, V) float32, of level 0.
        openness: (V,) float32.
        texture: what is painted on it.
        texel_m: size of a texel of level 0.
    """

    points: Floats
    normals: Floats
    faces: Ints
    texels: Floats
    openness: Floats
    texture: Texture
    texel_m: float


class Skin:
    """A mesh with its texture, ready to be bent by bones."""

    def __init__(self, mesh: Mesh, texture: Texture, *, rigid: bool = False) -> None:
        """Lay the arrays out for speed: the long axis last, float32.

        ``rigid``: one transformation moves all of it, whatever the weights.
        """
        self._points = np.ascontiguousarray(mesh.points.T, np.float32)
        self._normals = np.ascontiguousarray(mesh.normals.T, np.float32)
        weights = np.ones((len(mesh.points), 1)) if rigid else mesh.weights
        # Few bones move a vertex. Gathering them is done here and not as a matrix product: that
        # would start the threads of the linear algebra library, and waiting for threads costs
        # many times the work where the cores are busy.
        count = int((weights > 0).sum(1).max())
        order = np.argsort(-weights, axis=1, kind='stable')[:, :count].T
        self._bones = np.ascontiguousarray(order, np.int32)
        self._shares = np.take_along_axis(weights.T, order, 0).astype(np.float32)
        # Seen from outside the corners run clockwise in the image, whose y points down.
        self._faces = np.ascontiguousarray(mesh.faces[:, ::-1].T, np.int32)
        self._texels = np.ascontiguousarray(mesh.texels.T, np.float32)
        self._openness = mesh.openness.astype(np.float32)
        self._texture = texture
        corners = mesh.points[mesh.faces]
        texels = mesh.texels[mesh.faces]
        sizes = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1)
        steps = np.linalg.norm(texels[:, 1] - texels[:, 0], axis=1)
        self._texel = float(np.median(sizes / np.maximum(steps, 1e-9)))

    def posed(self, affine: Array, scale_m: float) -> Posed:
        """Return the surface with bones (B, 3, 4) from rest position to optical frame, m."""
        rows = np.ascontiguousarray(affine.reshape(len(affine), 12).T, np.float32)
        t = np.zeros((12, self._points.shape[1]), np.float32)
        for bones, shares in zip(self._bones, self._shares, strict=True):
            t += rows.take(bones, axis=1) * shares
        x, y, z = self._points
        points = np.stack([t[i] * x + t[i + 1] * y + t[i + 2] * z + t[i + 3] for i in (0, 4, 8)])
        x, y, z = self._normals
        normals = np.stack([t[i] * x + t[i + 1] * y + t[i + 2] * z for i in (0, 4, 8)])
        normals *= 1 / np.sqrt(normals[0]**2 + normals[1]**2 + normals[2]**2)
        return Posed(points, normals, self._faces, self._texels, self._openness, self._texture,
                     self._texel * scale_m)
