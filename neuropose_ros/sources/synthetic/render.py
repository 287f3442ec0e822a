"""Surfaces to an image: light, rasterisation, textures, smooth outlines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.sources.synthetic.camera import Camera
from neuropose_ros.sources.synthetic.raster import Fragments, front_faces, rasterise
from neuropose_ros.sources.synthetic.surfaces import Posed

Floats = NDArray[np.float32]
Array = NDArray[np.float64]
Ints = NDArray[np.int32]
Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Light:
    """A key light from a direction and light from all around.

    Attributes:
        direction: (3,) unit, world, towards the light.
        brightness: 1 = a well lit room.
    """

    direction: tuple[float, float, float]
    brightness: float = 1.0


# Light from above and below the horizon and of the key light; tints B G R.
_AMBIENT, _SKY, _KEY, _HEADLIGHT = 0.40, 0.12, 0.62, 0.10
_AMBIENT_TINT = (1.05, 1.00, 0.97)
_KEY_TINT = (0.93, 0.99, 1.04)


class Renderer:
    """Draws surfaces over a background of fixed size and keeps the depth of what it drew."""

    def __init__(self, camera: Camera) -> None:
        """Make the work space for a camera."""
        self.camera = camera
        size = camera.width * camera.height
        self._owner = np.zeros(size, np.int32)
        self._mask = np.zeros((camera.height, camera.width), np.uint8)
        self.inverse_depth: Floats = np.zeros((camera.height, camera.width), np.float32)

    def draw(self, frame: Image, surfaces: Sequence[Posed], light: Light) -> None:
        """Draw over a frame (H, W, 4) uint8 BGRA; ``inverse_depth`` (H, W) 1/m, 0 = nothing."""
        self.inverse_depth.fill(0)
        if not surfaces:
            return
        camera = self.camera
        points = np.concatenate([surface.points for surface in surfaces], 1)
        starts = np.cumsum([0, *(surface.points.shape[1] for surface in surfaces)])
        faces = np.concatenate(
            [surface.faces + np.int32(start) for surface, start in zip(surfaces, starts,
                                                                        strict=False)], 1)
        inverse = 1 / np.maximum(points[2], np.float32(0.05))
        cx, cy = camera.center_px
        focal = np.float32(camera.focal_px)
        x = points[0] * inverse * focal + np.float32(cx)
        y = points[1] * inverse * focal + np.float32(cy)
        front, triangles = front_faces(x, y, faces)
        corners = faces.take(front, axis=1)
        seen = rasterise(
            triangles, inverse.take(corners), camera.width, camera.height, self._owner)
        if not len(seen.pixel):
            return
        ambient, key = self._lit(surfaces, light)
        u, v, base, stride, words = _texels(surfaces, camera.focal_px, starts)
        py, px = np.divmod(seen.pixel, np.int32(camera.width))
        dx = px.astype(np.float32) - triangles.x[0].take(seen.face)
        dy = py.astype(np.float32) - triangles.y[0].take(seen.face)

        def at(values: Floats) -> Floats:
            given = values.take(corners)
            gx, gy = triangles.gradients(given)
            return given[0].take(seen.face) + gx.take(seen.face) * dx + gy.take(seen.face) * dy

        owner = np.searchsorted(starts, corners[0], side='right') - 1
        row = at(v).astype(np.int32)
        word = row * stride.take(owner).take(seen.face)
        word += base.take(owner).take(seen.face)
        word += at(u).astype(np.int32)
        color = words.take(word, mode='clip').view(np.uint8).reshape(-1, 4)
        around, direct = at(ambient), at(key)
        out = np.empty((len(seen.pixel), 4), np.uint8)
        for c in range(3):
            lit = around * np.float32(_AMBIENT_TINT[c]) + direct * np.float32(_KEY_TINT[c])
            lit *= color[:, c]
            np.clip(lit, 0, 255, out=lit)
            out[:, c] = lit
        frame.view(np.uint32).reshape(-1)[seen.pixel] = out.view(np.uint32).ravel()
        self.inverse_depth.reshape(-1)[seen.pixel] = seen.inverse_depth
        self._soften(frame, seen)

    def _lit(self, surfaces: Sequence[Posed], light: Light) -> tuple[Floats, Floats]:
        rotation = self.camera.rotation
        toward = (rotation @ np.asarray(light.direction)).astype(np.float32)
        up = (rotation @ np.array([0, 0, 1.0])).astype(np.float32)
        normals = np.concatenate([surface.normals for surface in surfaces], 1)
        openness = np.concatenate([surface.openness for surface in surfaces])
        gain = np.float32(light.brightness)
        around = np.float32(_AMBIENT) + np.float32(_SKY) * (up @ normals)
        around += np.float32(_HEADLIGHT) * np.maximum(-normals[2], 0)
        direct = np.maximum((toward @ normals + np.float32(0.15)) / np.float32(1.15), 0)
        return around * openness * gain, direct * (openness * np.float32(_KEY) * gain)

    def _soften(self, frame: Image, seen: Fragments) -> None:
        """Blur across outlines only: edges as a lens draws them, at little cost."""
        mask = self._mask
        width = self.camera.width
        mask.fill(0)
        mask.reshape(-1)[seen.pixel] = 255
        top, bottom = int(seen.pixel.min()) // width, int(seen.pixel.max()) // width
        rows = slice(max(top - 1, 0), bottom + 2)
        columns = np.flatnonzero(mask[rows].max(0))
        box = rows, slice(max(int(columns[0]) - 1, 0), int(columns[-1]) + 2)
        edge = cv2.morphologyEx(mask[box], cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
        part = frame[box]
        cv2.copyTo(cv2.GaussianBlur(part, (3, 3), 0.7), edge, part)


def _texels(
    surfaces: Sequence[Posed], focal_px: float, starts: NDArray[np.int64],
) -> tuple[Floats, Floats, Ints, Ints, NDArray[np.uint32]]:
    """Return u and v (V,) in texels of the level that fits the distance, where each surface's
    texture starts and how wide it is, and the texels of all."""
    u, v = (np.empty(starts[-1], np.float32) for _ in range(2))
    base, stride, words = [], [], []
    offset = 0
    for index, surface in enumerate(surfaces):
        distance = float(surface.points[2].mean())
        step = distance / focal_px / surface.texel_m
        level = int(np.clip(np.round(np.log2(max(step, 1e-3)) - 0.3), 0,
                            len(surface.texture.starts) - 1))
        part = slice(starts[index], starts[index + 1])
        scale = np.float32(0.5**level)
        np.multiply(surface.texels[0], scale, out=u[part])
        np.multiply(surface.texels[1], scale, out=v[part])
        base.append(offset + surface.texture.starts[level])
        stride.append(surface.texture.widths[level])
        words.append(surface.texture.words)
        offset += len(surface.texture.words)
    return (u, v, np.asarray(base, np.int32), np.asarray(stride, np.int32),
            words[0] if len(words) == 1 else np.concatenate(words))
