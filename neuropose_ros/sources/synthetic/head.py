"""The head: skull with a face, ears and hair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.sources.synthetic.anatomy import BONES, EYE_Z, MOUTH_Z, NOSE_Z
from neuropose_ros.sources.synthetic.meshes import Mesh, Region, mirrored, surface, weight_rows

Array = NDArray[np.float64]

FACE = Region(0, 768, 512, 256)
HAIR = Region(512, 768, 512, 256)
EAR = Region(960, 0, 64, 96)
BOTTOM_Z, TOP_Z = 0.862, 1.002

# z, how far the face, the back of the head and the side reach; chin to crown.
_SKULL = (
    (0.862, 0.028, 0.004, 0.004), (0.864, 0.041, 0.000, 0.012), (0.867, 0.048, -0.004, 0.019),
    (0.872, 0.0515, -0.010, 0.0245), (0.879, 0.0520, -0.022, 0.0300),
    (0.888, 0.0510, -0.034, 0.0345), (0.898, 0.0510, -0.042, 0.0375),
    (0.910, 0.0510, -0.048, 0.0402), (0.922, 0.0505, -0.052, 0.0420),
    (0.936, 0.0495, -0.055, 0.0432), (0.946, 0.0530, -0.0565, 0.0440),
    (0.956, 0.0530, -0.057, 0.0442), (0.968, 0.0505, -0.056, 0.0432),
    (0.978, 0.0455, -0.052, 0.0405), (0.986, 0.0385, -0.046, 0.0360),
    (0.993, 0.0290, -0.037, 0.0290), (0.998, 0.0190, -0.026, 0.0200),
    (1.001, 0.0095, -0.014, 0.0105), (1.002, -0.001, -0.003, 0.0015),
)
_FACE_COLUMNS, _HAIR_COLUMNS = 36, 26


@dataclass(frozen=True, slots=True)
class Hair:
    """Shape of the hair: thickness and nape height as shares of body height."""

    thickness: float = 0.010
    nape_z: float = 0.882
    forehead_z: float = 0.974


def _bump(value: Array, middle: float, width: float) -> Array:
    return np.exp(-((value - middle) / width) ** 2)


# Rows of the mesh: fine where the features of the face are.
_FACE_Z = np.unique(np.concatenate((
    np.linspace(BOTTOM_Z, 0.880, 5), np.linspace(0.880, 0.952, 22),
    np.linspace(0.952, 0.985, 6), [0.992, 0.997, TOP_Z])))
_HAIR_Z = np.unique(np.concatenate((
    np.linspace(0.866, 0.985, 17), [0.990, 0.994, 0.997, 0.999, 1.001, TOP_Z])))


def _columns(count: int) -> Array:
    """Return azimuths (rad) from behind round the left back to behind, denser in the face."""
    even = np.linspace(-np.pi, np.pi, count + 1)
    return even - 0.28 * np.sin(even)


def _skull(z: Array, columns: int) -> tuple[Array, Array]:
    """Return points (R, C, 3) at heights (R,), and their azimuth (C,)."""
    table = np.asarray(_SKULL)
    front, back, side = (np.interp(z, table[:, 0], column) for column in table[:, 1:].T)
    azimuth = _columns(columns)
    cos, sin = np.cos(azimuth), np.sin(azimuth)
    middle, half = (front + back) / 2, (front - back) / 2
    # The face is flatter than an ellipse.
    bend_x, bend_y = np.where(cos > 0, 2 / 2.3, 1.0), 2 / 2.15
    x = middle[:, None] + np.sign(cos) * np.abs(cos) ** bend_x * half[:, None]
    y = np.sign(sin) * np.abs(sin) ** bend_y * side[:, None]
    face = np.clip(cos * 2, 0, 1)
    wide = np.abs(y)
    height = np.broadcast_to(z[:, None], x.shape)
    # Nose: a ridge that grows from between the eyes to the tip and ends above the lip.
    ridge = np.interp(height, [NOSE_Z - 0.0095, NOSE_Z - 0.0065, NOSE_Z - 0.002, NOSE_Z + 0.003,
                               0.924, 0.938, 0.945],
                      [0.0, 0.008, 0.0148, 0.0145, 0.0085, 0.003, 0.0])
    width = np.interp(height, [NOSE_Z - 0.009, NOSE_Z - 0.002, 0.924, 0.940],
                      [0.0085, 0.0085, 0.0055, 0.0045])
    nose = ridge * np.exp(-(wide / width) ** 4)
    wings = 0.004 * _bump(wide, 0.0095, 0.0035) * _bump(height, NOSE_Z - 0.003, 0.0045)
    sockets = -0.0050 * _bump(wide, 0.0175, 0.0085) * _bump(height, EYE_Z, 0.0065)
    balls = 0.0028 * _bump(wide, 0.0180, 0.0050) * _bump(height, EYE_Z, 0.0035)
    cheeks = 0.0025 * _bump(wide, 0.0250, 0.0090) * _bump(height, 0.919, 0.0090)
    lips = 0.0030 * _bump(wide, 0.0, 0.0120) * (
        _bump(height, MOUTH_Z + 0.0035, 0.0025) + _bump(height, MOUTH_Z - 0.0045, 0.0030))
    dent = -0.0022 * _bump(wide, 0.0, 0.0150) * _bump(height, MOUTH_Z - 0.0115, 0.0035)
    chin = 0.0022 * _bump(wide, 0.0, 0.0110) * _bump(height, 0.869, 0.006)
    x = x + face * (nose + wings + sockets + balls + cheeks + lips + dent + chin)
    return np.stack((x, y, height), -1), azimuth


def face_texel(azimuth: Array | float, z: Array | float, region: Region = FACE) -> Array:
    """Return the texture position (..., 2) of a point of the head."""
    u = region.x + (np.asarray(azimuth) / (2 * np.pi) + 0.5) * (region.width - 1) + 0.5
    v = region.y + (TOP_Z - np.asarray(z)) / (TOP_Z - BOTTOM_Z) * (region.height - 1) + 0.5
    return np.stack(np.broadcast_arrays(u, v), -1)


def _face() -> Mesh:
    z = _FACE_Z
    points, azimuth = _skull(z, _FACE_COLUMNS)
    openness = 0.62 + 0.38 * np.clip((points[..., 2] - 0.868) / 0.022, 0, 1)
    openness = openness * (1 - 0.25 * _bump(points[..., 1] ** 2 * 1e2, 0.03, 0.03)
                           * _bump(points[..., 2], EYE_Z + 0.002, 0.006)
                           * (points[..., 0] > 0.02))
    return surface(points, face_texel(azimuth[None, :], z[:, None]),
                   np.broadcast_to(weight_rows([{'head': 1.0}]), (*points.shape[:2], len(BONES))),
                   openness)


def hairline(azimuth: Array, hair: Hair) -> Array:
    """Return the height (share of body height) above which hair grows, by azimuth (rad)."""
    degrees = np.abs(np.degrees(azimuth))
    top = hair.forehead_z
    return np.interp(degrees, [0, 30, 48, 58, 66, 74, 80, 84, 96, 104, 120, 180],
                     [top, top, top - 0.006, top - 0.016, 0.944, 0.926, 0.922, 0.938, 0.942,
                      0.920, hair.nape_z + 0.008, hair.nape_z])


def _hair(hair: Hair) -> Mesh:
    z = _HAIR_Z
    points, azimuth = _skull(z, _HAIR_COLUMNS)
    above = z[:, None] - hairline(azimuth, hair)[None, :]
    grow = np.clip(above / 0.010, -1, 1)
    crown = np.clip((z[:, None] - 0.93) / 0.05, 0, 1)
    thick = np.where(grow > 0, 0.0035 + (hair.thickness - 0.0035) * crown * grow, 0.0065 * grow)
    wave = 1 + 0.10 * np.sin(9 * azimuth)[None, :] * np.sin(400 * z)[:, None]
    core = np.array([-0.003, 0.0, 0.935])
    out = points - core
    out /= np.linalg.norm(out, axis=-1, keepdims=True)
    shell = points + out * (thick * wave)[..., None]
    openness = 0.75 + 0.25 * crown
    return surface(shell, face_texel(azimuth[None, :], z[:, None], HAIR),
                   np.broadcast_to(weight_rows([{'head': 1.0}]), (*points.shape[:2], len(BONES))),
                   np.broadcast_to(openness, points.shape[:2]))


def _ear() -> Mesh:
    angle = np.linspace(-np.pi, np.pi, 13)
    polar = np.linspace(0, np.pi, 8)
    s, c = np.sin(polar)[:, None], np.cos(polar)[:, None]
    tall = s * np.cos(angle)
    wide = s * np.sin(angle) * (1 - 0.25 * (tall < 0))
    points = np.stack((-0.004 + 0.0105 * wide + 0.002 * tall, 0.0445 + 0.0060 * c - 0.003 * wide,
                       0.9225 + 0.0175 * tall), -1)
    u = EAR.x + 0.5 + (wide + 1) / 2 * (EAR.width - 1)
    v = EAR.y + 0.5 + (1 - tall) / 2 * (EAR.height - 1)
    return surface(points, np.stack((u, v), -1),
                   np.broadcast_to(weight_rows([{'head': 1.0}]), (*points.shape[:2], len(BONES))),
                   np.full(points.shape[:2], 0.85))


def head_meshes(hair: Hair) -> list[Mesh]:
    """Return the meshes of the head."""
    ear = _ear()
    return [_face(), _hair(hair), ear, mirrored(ear)]
