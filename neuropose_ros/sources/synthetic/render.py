"""Surfaces to an image: light, rasterisation, textures, smooth outlines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.sources.synthetic.camera import Camera
from neuropose_ros.sources.synthetic.raster import (
    Fragments,
    Triangles,
    front_faces,
    rasterise,
)
from neuropose_ros.sources.synthetic.surfaces import Posed, Texture

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
_WRAP = 0.15
_NEAREST_M = 0.05
# Take textures this many halvings finer than one texel per px.
_SHARPER = 0.3


class Renderer:
    """Draws surfaces over a background of fixed size and keeps the depth of what it drew."""

    def __init__(self, camera: Camera) -> None:
        """Make the work space for a camera."""
        self.camera = camera
        self._owner = np.zeros(camera.width * camera.height, np.int32)
        self._mask = np.zeros((camera.height, camera.width), np.uint8)
        self._palette = _Palette()
        self.inverse_depth: Floats = np.zeros((camera.height, camera.width), np.float32)

    def draw(self, frame: Image, surfaces: Sequence[Posed], light: Light) -> None:
        """Draw over a frame (H, W, 4) uint8 BGRA; ``inverse_depth`` (H, W) 1/m, 0 = nothing."""
        self.inverse_depth.fill(0)
        camera = self.camera
        points = np.concatenate([surface.points for surface in surfaces], 1)
        starts = np.cumsum([0, *(surface.points.shape[1] for surface in surfaces)])
        faces = np.concatenate([surface.faces + np.int32(start) for surface, start
                                in zip(surfaces, starts[:-1], strict=True)], 1)
        inverse = 1 / np.maximum(points[2], np.float32(_NEAREST_M))
        (cx, cy), focal = camera.center_px, np.float32(camera.focal_px)
        x = points[0] * inverse * focal + np.float32(cx)
        y = points[1] * inverse * focal + np.float32(cy)
        front, triangles = front_faces(x, y, faces)
        corners = faces.take(front, axis=1)
        seen = rasterise(
            triangles, inverse.take(corners), camera.width, camera.height, self._owner)
        if not len(seen.pixel):
            return
        ambient, key = self._lit(surfaces, light)
        u, v, base, stride = self._palette.texels(surfaces, camera.focal_px)
        inside = _Inside(triangles, seen, corners, camera.width)
        owner = (np.searchsorted(starts, corners[0], side='right') - 1).take(seen.face)
        word = inside.at(v).astype(np.int32)
        word *= stride.take(owner)
        word += base.take(owner)
        word += inside.at(u).astype(np.int32)
        color = self._palette.words.take(word, mode='clip').view(np.uint8).reshape(-1, 4)
        around, direct = inside.at(ambient), inside.at(key)
        out = np.empty((len(seen.pixel), 4), np.uint8)
        for c in range(3):
            lit = around * np.float32(_AMBIENT_TINT[c])
            lit += direct * np.float32(_KEY_TINT[c])
            lit *= color[:, c]
            out[:, c] = np.clip(lit, 0, 255, out=lit)
        frame.view(np.uint32).reshape(-1)[seen.pixel] = out.view(np.uint32).ravel()
        self.inverse_depth.reshape(-1)[seen.pixel] = seen.inverse_depth
        self._soften(frame, seen)

    def _lit(self, surfaces: Sequence[Posed], light: Light) -> tuple[Floats, Floats]:
        """Return the light (V,) from all around and from the key light."""
        rotation = self.camera.rotation
        toward = (rotation @ np.asarray(light.direction)).astype(np.float32)
        up = (rotation @ np.array([0, 0, 1.0])).astype(np.float32)
        nx, ny, nz = np.concatenate([surface.normals for surface in surfaces], 1)
        openness = np.concatenate([surface.openness for surface in surfaces])
        openness = openness * np.float32(light.brightness)
        # Written out: a matrix product would wait for threads, see Skin.
        around = np.float32(_AMBIENT) + np.float32(_SKY) * (up[0] * nx + up[1] * ny + up[2] * nz)
        around += np.float32(_HEADLIGHT) * np.maximum(-nz, 0)
        # Light wraps a little beyond the edge of shade, as from a lamp of some size.
        wrap = np.float32(_WRAP)
        direct = toward[0] * nx + toward[1] * ny + toward[2] * nz
        direct = np.maximum((direct + wrap) / (1 + wrap), 0)
        return around * openness, direct * (openness * np.float32(_KEY))

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


class _Inside:
    """Values at pixels from values at the corners of the triangles that cover them."""

    def __init__(self, triangles: Triangles, seen: Fragments, corners: Ints, width: int) -> None:
        self._triangles, self._face, self._corners = triangles, seen.face, corners
        row, column = np.divmod(seen.pixel, np.int32(width))
        self._dx = column.astype(np.float32)
        self._dx -= triangles.x[0].take(seen.face)
        self._dy = row.astype(np.float32)
        self._dy -= triangles.y[0].take(seen.face)

    def at(self, values: Floats) -> Floats:
        """Return values (N,) at the pixels of values (V,) at the vertices."""
        given = values.take(self._corners)
        per_x, per_y = self._triangles.gradients(given)
        out = per_x.take(self._face)
        out *= self._dx
        slope = per_y.take(self._face)
        slope *= self._dy
        out += slope
        out += given[0].take(self._face)
        return out


class _Palette:
    """The textures of all surfaces in one array, put together anew only when they change."""

    def __init__(self) -> None:
        self._textures: tuple[Texture, ...] = ()
        self.words: NDArray[np.uint32] = np.zeros(0, np.uint32)

    def texels(
        self, surfaces: Sequence[Posed], focal_px: float,
    ) -> tuple[Floats, Floats, Ints, Ints]:
        """Return u and v (V,) in texels, and per surface where its texture starts in ``words``
        and how wide it is, at the level that fits the distance."""
        textures = tuple(surface.texture for surface in surfaces)
        if textures != self._textures:
            self._textures = textures
            self.words = np.concatenate([texture.words for texture in textures])
        u, v, base, stride = [], [], [], []
        offset = 0
        for surface in surfaces:
            texture = surface.texture
            texels_per_px = float(surface.points[2].mean()) / focal_px / surface.texel_m
            level = round(float(np.log2(max(texels_per_px, 1.0))) - _SHARPER)
            level = min(max(level, 0), len(texture.starts) - 1)
            u.append(surface.texels[0] * np.float32(0.5**level))
            v.append(surface.texels[1] * np.float32(0.5**level))
            base.append(offset + texture.starts[level])
            stride.append(texture.widths[level])
            offset += len(texture.words)
        return (np.concatenate(u), np.concatenate(v),
                np.asarray(base, np.int32), np.asarray(stride, np.int32))
