"""Face, ears and hair, painted on the texture of a person."""

from __future__ import annotations

import cv2
import numpy as np

from neuropose_ros.sources.synthetic import head
from neuropose_ros.sources.synthetic.anatomy import EYE_Z, MOUTH_Z, NOSE_Z
from neuropose_ros.sources.synthetic.painter import Floats, Painter, shaded

_TEXELS_PER_RADIAN = (head.FACE.width - 1) / (2 * np.pi)
_TEXELS_PER_HEIGHT = (head.FACE.height - 1) / (head.TOP_Z - head.BOTTOM_Z)
# Fractional bits of drawing coordinates.
_SHIFT = 4


class _Face:
    """Draws in face coordinates: azimuth (rad, left positive) and height (share of H)."""

    def __init__(self, painter: Painter) -> None:
        self.view = painter.view(head.FACE)

    def _at(self, azimuth: float, z: float) -> tuple[int, int]:
        u, v = head.face_texel(azimuth, z) - (head.FACE.x, head.FACE.y) - 0.5
        return round(float(u) * 2**_SHIFT), round(float(v) * 2**_SHIFT)

    def ellipse(
        self, azimuth: float, z: float, wide: float, tall: float,
        color: tuple[float, float, float], tilt: float = 0.0,
    ) -> None:
        axes = (max(1, round(wide * _TEXELS_PER_RADIAN * 2**_SHIFT)),
                max(1, round(tall * _TEXELS_PER_HEIGHT * 2**_SHIFT)))
        cv2.ellipse(self.view, self._at(azimuth, z), axes, tilt, 0, 360, color, -1, cv2.LINE_AA,
                    _SHIFT)

    def line(self, points: list[tuple[float, float]], color: tuple[float, float, float],
             thickness: int) -> None:
        path = np.asarray([self._at(*point) for point in points], np.int32)
        cv2.polylines(self.view, [path], False, color, thickness, cv2.LINE_AA, _SHIFT)

    def shade(self, azimuth: float, z: float, wide: float, tall: float,
              gain: tuple[float, float, float]) -> None:
        """Multiply softly round a point."""
        rows, columns = np.mgrid[0:head.FACE.height, 0:head.FACE.width].astype(np.float32)
        u, v = (value / 2**_SHIFT for value in self._at(azimuth, z))
        weight = np.exp(-((columns - u) / (wide * _TEXELS_PER_RADIAN))**2
                        - ((rows - v) / (tall * _TEXELS_PER_HEIGHT))**2)[..., np.newaxis]
        self.view *= 1 + weight * (np.asarray(gain, np.float32) - 1)


def _paint_eyes(face: _Face, painter: Painter) -> None:
    look = painter.look
    skin, brow = look.skin, shaded(look.hair_color, 0.75)
    for sign in (1, -1):
        azimuth = sign * 0.405
        face.shade(azimuth, EYE_Z + 0.001, 0.22, 0.010, (0.84, 0.80, 0.80))
        face.ellipse(azimuth, EYE_Z, 0.205, 0.0050, shaded(skin, 0.70))
        face.ellipse(azimuth, EYE_Z, 0.185, 0.0038, (214, 218, 222))
        face.ellipse(azimuth, EYE_Z + 0.0003, 0.078, 0.0040, look.iris)
        face.ellipse(azimuth, EYE_Z + 0.0003, 0.040, 0.0022, (14, 12, 12))
        face.ellipse(azimuth + 0.02, EYE_Z + 0.0016, 0.012, 0.0009, (245, 245, 245))
        lid = [(azimuth + t * 0.215, EYE_Z + 0.0045 - 0.0060 * t * t) for t in
               np.linspace(-1, 1, 9)]
        face.line(lid, (30, 28, 34), 3)
        fold = [(a, z + 0.0030) for a, z in lid]
        face.line(fold, shaded(skin, 0.80), 1)
        arch = [(sign * (0.17 + 0.52 * t), EYE_Z + 0.0118 + 0.0034 * np.sin(np.pi * t * 0.8)
                 - 0.0020 * t) for t in np.linspace(0, 1, 9)]
        face.line(arch, brow, 5)


def _paint_mouth(face: _Face, painter: Painter) -> None:
    skin = painter.look.skin
    lip = skin[0] * 0.66, skin[1] * 0.60, skin[2] * 0.84
    face.shade(0, MOUTH_Z - 0.012, 0.20, 0.0035, (0.88, 0.88, 0.90))
    face.ellipse(0, MOUTH_Z + 0.0022, 0.350, 0.0030, shaded(lip, 0.92))
    face.ellipse(0, MOUTH_Z - 0.0034, 0.300, 0.0040, lip)
    face.ellipse(0, MOUTH_Z - 0.0040, 0.14, 0.0016, shaded(lip, 1.12))
    face.line([(0.42 * t, MOUTH_Z - 0.0004 + 0.0010 * t * t) for t in np.linspace(-1, 1, 9)],
              shaded(lip, 0.45), 2)
    for sign in (1, -1):
        face.line([(sign * (0.24 + 0.20 * t), NOSE_Z - 0.003 - 0.012 * t) for t in (0, 0.5, 1)],
                  shaded(skin, 0.88), 2)
        face.ellipse(sign * 0.090, NOSE_Z - 0.0068, 0.050, 0.0012, shaded(skin, 0.50))


def _paint_face(painter: Painter) -> None:
    face = _Face(painter)
    painter.skin(head.FACE)
    for sign in (1, -1):
        face.shade(sign * 0.62, 0.916, 0.25, 0.010, (0.93, 0.93, 1.03))
        face.shade(sign * 0.14, 0.920, 0.055, 0.012, (0.92, 0.92, 0.94))
    face.shade(0, NOSE_Z, 0.13, 0.006, (0.98, 0.96, 1.03))
    face.shade(0, NOSE_Z - 0.0088, 0.17, 0.0028, (0.86, 0.86, 0.88))
    face.shade(0, 0.862, 0.60, 0.0060, (0.80, 0.80, 0.82))
    _paint_eyes(face, painter)
    _paint_mouth(face, painter)
    view = painter.view(head.FACE)
    view[:] = cv2.GaussianBlur(view, (3, 3), 0)
    _paint_scalp(painter, view)


def _paint_scalp(painter: Painter, view: Floats) -> None:
    """Darken the skin towards the hair, so that the hairline is soft."""
    azimuth = (np.arange(head.FACE.width) / (head.FACE.width - 1) - 0.5) * 2 * np.pi
    line = head.hairline(azimuth, painter.look.hair)
    z = head.TOP_Z - np.arange(head.FACE.height) / _TEXELS_PER_HEIGHT
    share = np.clip((z[:, None] - line[None, :] + 0.004) / 0.006, 0, 1).astype(np.float32)
    share *= 0.85
    view *= (1 - share)[..., np.newaxis]
    view += share[..., np.newaxis] * np.asarray(painter.look.hair_color, np.float32)


def _paint_hair(painter: Painter) -> None:
    region = head.HAIR
    view = painter.view(region)
    strands = painter.noise(region.height, region.width, (5, 170))
    locks = painter.noise(region.height, region.width, (4, 24))
    z = np.linspace(1, 0, region.height, dtype=np.float32)[:, None]
    gloss = 0.35 * np.exp(-((z - 0.80) / 0.10)**2)
    shade = np.clip(1 + 0.22 * strands + 0.12 * locks + gloss, 0.45, 1.9)
    view[:] = np.asarray(painter.look.hair_color, np.float32) * shade[..., np.newaxis]


def _paint_ear(painter: Painter) -> None:
    painter.skin(head.EAR)
    view, skin = painter.view(head.EAR), painter.look.skin
    cv2.ellipse(view, (36, 44), (14, 28), 8, 0, 360, shaded(skin, 0.68), 4, cv2.LINE_AA)
    cv2.ellipse(view, (40, 52), (6, 10), 0, 0, 360, shaded(skin, 0.5), -1, cv2.LINE_AA)
    view[:] = cv2.GaussianBlur(view, (5, 5), 0)


def paint_head(painter: Painter) -> None:
    """Paint face, ears and hair."""
    _paint_face(painter)
    _paint_hair(painter)
    _paint_ear(painter)
