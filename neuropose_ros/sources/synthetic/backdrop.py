"""What stands behind the subject: a studio, a furnished room, or a picture."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import SourceError
from neuropose_ros.sources.synthetic.camera import Camera

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

WALL_X = -3.6
_PER_M = 120
_WALL_M, _WALL_TOP_M = 14.0, 4.5
# Length of the floor from near the camera's default place to the wall.
_FLOOR_M = 6.4
_FLOOR_NEAR_X = WALL_X + _FLOOR_M
_FARTHEST_M = 40.0
# Of the picture that is drawn at twice the size.
_BAND_ROWS = 64
_FLOOR_SHAPE = int(_FLOOR_M * _PER_M), int(_WALL_M * _PER_M)


def backdrop(
    camera: Camera, kind: str, floor_z: float, brightness: float, seed: int,
) -> Image:
    """Return the still background (H, W, 3) uint8 BGR.

    Args:
        camera: through which it is seen.
        kind: plain, room, or the path of a picture.
        floor_z: height of the floor, m.
        brightness: factor on the light.
        seed: varies grain and furniture.

    Raises:
        SourceError: the picture cannot be read.
    """
    if kind not in ('plain', 'room'):
        return _picture(camera, kind, brightness)
    view = _furnished(camera, kind, floor_z, seed)
    return np.asarray(np.clip(view * np.float32(brightness), 0, 255), np.uint8)


@lru_cache(maxsize=2)
def _furnished(camera: Camera, kind: str, floor_z: float, seed: int) -> Image:
    """Return the background in full light; scenes that follow one another often share it."""
    random = np.random.default_rng(seed)
    # One after the other: as numbers they are four times their pictures.
    wall = _picture_of(_room_wall(random) if kind == 'room' else _studio_wall(random))
    floor = _picture_of(_planks(random) if kind == 'room' else _studio_floor(random))
    return _seen(camera, wall, floor, floor_z)


def _picture_of(values: Floats) -> Image:
    return np.clip(values, 0, 255, out=values).astype(np.uint8)


def _picture(camera: Camera, path: str, brightness: float) -> Image:
    image = cv2.imread(str(Path(path).expanduser()), cv2.IMREAD_COLOR)
    if image is None:
        raise SourceError(
            f"background '{path}' is no picture that can be read; use plain, room or a file.")
    scale = max(camera.width / image.shape[1], camera.height / image.shape[0])
    size = (max(camera.width, round(image.shape[1] * scale)),
            max(camera.height, round(image.shape[0] * scale)))
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else
                       cv2.INTER_LINEAR)
    left, top = (size[0] - camera.width) // 2, (size[1] - camera.height) // 2
    image = image[top:top + camera.height, left:left + camera.width]
    return np.asarray(np.clip(image * np.float32(brightness), 0, 255), np.uint8)


def _seen(camera: Camera, wall: Image, floor: Image, floor_z: float) -> Image:
    """Project the pictures of wall and floor into the image, at twice the size, then halve."""
    fine = Camera(camera.width * 2, camera.height * 2, camera.focal_px * 2, camera.position,
                  camera.target)
    view = np.empty((fine.height, fine.width, 3), np.uint8)
    # In bands: what is computed for each pixel on the way is twenty times the picture, and
    # memory once used stays with the process.
    for top in range(0, fine.height, _BAND_ROWS):
        rows = slice(top, top + _BAND_ROWS)
        view[rows] = _seen_rows(camera, fine.rays(rows).astype(np.float32), wall, floor, floor_z)
    size = camera.width, camera.height
    return np.asarray(cv2.resize(view, size, interpolation=cv2.INTER_AREA))


def _seen_rows(
    camera: Camera, rays: Floats, wall: Image, floor: Image, floor_z: float,
) -> Image:
    to_wall, to_floor = _ways(camera, rays, floor_z)
    on_floor = to_floor < to_wall
    reach = np.minimum(np.minimum(to_floor, to_wall), np.float32(_FARTHEST_M))
    hit_x, hit_y, hit_z = (camera.position[i] + rays[..., i] * reach for i in range(3))
    across = (hit_y + _WALL_M / 2) * _PER_M
    up = (_WALL_TOP_M - (hit_z - floor_z)) * _PER_M
    along = (_FLOOR_NEAR_X - hit_x) * _PER_M
    options = cv2.INTER_LINEAR, cv2.BORDER_REFLECT_101
    at_wall = cv2.remap(wall, across.astype(np.float32), up.astype(np.float32), options[0],
                        borderMode=options[1])
    at_floor = cv2.remap(floor, across.astype(np.float32), along.astype(np.float32), options[0],
                         borderMode=options[1])
    return np.asarray(np.where(on_floor[..., np.newaxis], at_floor, at_wall))


def _ways(camera: Camera, rays: Floats, floor_z: float) -> tuple[Floats, Floats]:
    """Return how far along the optical axis (H, W) wall and floor are, m."""
    x, _, z = camera.position
    with np.errstate(divide='ignore', invalid='ignore'):
        to_wall = np.where(rays[..., 0] < 0, (WALL_X - x) / rays[..., 0], np.inf)
        to_floor = np.where(rays[..., 2] < 0, (floor_z - z) / rays[..., 2], np.inf)
    return to_wall, to_floor


def backdrop_depth(camera: Camera, kind: str, floor_z: float) -> Floats:
    """Return the depth (H, W) of wall and floor, m; 0 = unknown, as that of a picture."""
    if kind not in ('plain', 'room'):
        return np.zeros((camera.height, camera.width), np.float32)
    reach = np.minimum(*_ways(camera, camera.rays().astype(np.float32), floor_z))
    return np.where(reach < _FARTHEST_M, reach, 0).astype(np.float32)


def _grain(random: np.random.Generator, shape: tuple[int, int], cell: int) -> Floats:
    """Return smooth noise about 0 with bumps of ``cell`` texels."""
    coarse = random.standard_normal((shape[0] // cell + 2, shape[1] // cell + 2))
    fine = cv2.resize(coarse.astype(np.float32), (shape[1], shape[0]),
                      interpolation=cv2.INTER_CUBIC)
    return np.asarray(fine, np.float32)


def _plain(random: np.random.Generator, shape: tuple[int, int], color: tuple[int, int, int],
           grain: float) -> Floats:
    shade = 1 + grain * _grain(random, shape, 60) + grain * 0.6 * _grain(random, shape, 4)
    return np.asarray(color, np.float32) * shade[..., np.newaxis]


def _studio_wall(random: np.random.Generator) -> Floats:
    wall_shape = int(_WALL_TOP_M * _PER_M), int(_WALL_M * _PER_M)
    wall = _plain(random, wall_shape, (196, 198, 196), 0.010)
    up = np.linspace(0.92, 1.06, wall_shape[0], dtype=np.float32)[::-1]
    across = 1 - 0.22 * np.linspace(-1, 1, wall_shape[1], dtype=np.float32)**2
    wall *= (up[:, None] * across[None, :])[..., np.newaxis]
    wall[-12:] *= 0.72
    wall[-13:-11] *= 1.15
    return wall


def _studio_floor(random: np.random.Generator) -> Floats:
    floor = _plain(random, _FLOOR_SHAPE, (150, 158, 164), 0.015)
    floor *= (1 - 0.22 * np.linspace(-1, 1, floor.shape[1], dtype=np.float32)**2)[None, :, None]
    return floor


def _room_wall(random: np.random.Generator) -> Floats:
    wall_shape = int(_WALL_TOP_M * _PER_M), int(_WALL_M * _PER_M)
    wall = _plain(random, wall_shape, (168, 186, 196), 0.02)
    bottom = wall_shape[0]
    _bricks(random, wall[bottom - 330:bottom, :620])
    _window(random, wall, 690, bottom - 290)
    _posters(random, wall, bottom)
    _shelf(random, wall, 1110, bottom)
    wall[-14:] = np.asarray((225, 228, 230), np.float32)
    wall[-16:-14] *= 0.6
    return wall


def _bricks(random: np.random.Generator, wall: Floats) -> None:
    height, width = 9, 26
    wall[:] = np.asarray((150, 160, 166), np.float32)
    for row in range(0, wall.shape[0], height):
        for column in range(-(row // height % 2) * width // 2, wall.shape[1], width):
            shade = 0.85 + 0.3 * random.random()
            wall[row:row + height - 1, max(column, 0):max(column + width - 1, 0)] = \
                np.asarray((70, 92, 150), np.float32) * shade
    wall *= 1 + 0.05 * _grain(random, (wall.shape[0], wall.shape[1]), 3)[..., np.newaxis]


def _window(random: np.random.Generator, wall: Floats, left: int, top: int) -> None:
    wide, tall = 190, 170
    view = np.empty((tall, wide, 3), np.float32)
    view[:] = np.asarray((240, 224, 196), np.float32)
    for _ in range(60):
        at = (int(random.integers(0, wide)), int(random.integers(tall // 2, tall)))
        green = tuple(float(v) for v in random.integers((60, 110, 60), (110, 170, 110)))
        cv2.circle(view, at, int(random.integers(8, 22)), green, -1, cv2.LINE_AA)
    wall[top - 8:top + tall + 8, left - 8:left + wide + 8] = np.asarray((232, 236, 238))
    wall[top:top + tall, left:left + wide] = view
    wall[top:top + tall, left + wide // 2 - 4:left + wide // 2 + 4] = np.asarray((225, 230, 232))
    wall[top + tall // 2 - 3:top + tall // 2 + 3, left:left + wide] = np.asarray((225, 230, 232))


def _posters(random: np.random.Generator, wall: Floats, bottom: int) -> None:
    for left, top, wide, tall in ((930, bottom - 300, 80, 110), (1030, bottom - 270, 56, 76),
                                  (640, bottom - 120, 40, 56), (1420, bottom - 290, 100, 140)):
        frame = wall[top:top + tall, left:left + wide]
        frame[:] = np.asarray((40, 46, 52), np.float32)
        picture = frame[5:-5, 5:-5]
        picture[:] = random.integers(90, 230, 3).astype(np.float32)
        for _ in range(9):
            color = tuple(float(v) for v in random.integers(20, 240, 3))
            center = (int(random.integers(0, wide)), int(random.integers(0, tall)))
            cv2.circle(picture, center, int(random.integers(5, 24)), color, -1, cv2.LINE_AA)


def _shelf(random: np.random.Generator, wall: Floats, left: int, bottom: int) -> None:
    wide, tall = 250, 250
    top = bottom - tall - 6
    wall[top:top + tall, left:left + wide] = np.asarray((52, 70, 96), np.float32)
    for level in range(4):
        base = top + 8 + (level + 1) * 60
        wall[base - 54:base, left + 7:left + wide - 7] = np.asarray((30, 40, 54), np.float32)
        column = left + 9
        while column < left + wide - 30:
            thick, high = int(random.integers(5, 13)), int(random.integers(30, 50))
            color = random.integers(30, 220, 3).astype(np.float32)
            wall[base - high:base, column:column + thick] = color
            wall[base - high:base, column + thick - 1] *= 0.5
            column += thick + (int(random.integers(0, 24)) if random.random() < 0.12 else 0)


def _planks(random: np.random.Generator) -> Floats:
    """Lay boards that run away from the camera."""
    floor = np.empty((*_FLOOR_SHAPE, 3), np.float32)
    wide, long = 16, 160
    rows, columns = floor.shape[:2]
    for column in range(0, columns, wide):
        start = -int(random.integers(0, long))
        for row in range(start, rows, long):
            tone = np.asarray((92, 128, 168), np.float32) * (0.82 + 0.3 * random.random())
            part = floor[max(row, 0):max(row + long, 0), column:column + wide]
            part[:] = tone
            part[-1:] *= 0.6
            part[:, -1:] *= 0.65
    stretched = _grain(random, (rows // 20, columns), 2)
    floor *= 1 + 0.06 * cv2.resize(stretched, (columns, rows))[..., np.newaxis]
    return floor
