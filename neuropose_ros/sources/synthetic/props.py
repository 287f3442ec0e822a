"""Things beside the subject: a treadmill, a stool, a passing screen, and shadows on the floor."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.sources.synthetic.camera import Camera
from neuropose_ros.sources.synthetic.meshes import Mesh, Region, Ring, join, tube
from neuropose_ros.sources.synthetic.rig import turn_z
from neuropose_ros.sources.synthetic.surfaces import Skin, Texture

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Image = NDArray[np.uint8]
Ints = NDArray[np.int32]

DECK_HEIGHT = 0.14
_DECK_LENGTH, _DECK_WIDTH, _BELT_WIDTH = 1.90, 0.78, 0.56
_MARK_EVERY_M = 0.38
_PER_M = 100
# Fractional bits of drawing coordinates.
_SHIFT = 4


def _polygon(points_px: Array) -> Ints:
    return np.asarray(np.rint(points_px * 2**_SHIFT), np.int32)


class Treadmill:
    """A treadmill on which a walker stays in place; its belt moves with the feet."""

    def __init__(
        self, camera: Camera, position: Array, heading: float, brightness: float, seed: int,
    ) -> None:
        """Stand with the middle of the belt at a place (3,) m, facing a heading (rad)."""
        self._camera, self._position, self._turn = camera, position, turn_z(heading)
        self._brightness = brightness
        random = np.random.default_rng(seed)
        period = round(_MARK_EVERY_M * _PER_M)
        length = round(_DECK_LENGTH * _PER_M)
        wide = round(_BELT_WIDTH * _PER_M)
        strip = np.full((length + period, wide), 58, np.float32)
        strip[:] += 5 * np.tile(random.standard_normal((period, wide)),
                                (length // period + 2, 1))[:length + period]
        for row in range(0, length + period, period):
            strip[row:row + 3, 6:-6] = 130
            strip[row:row + 14, wide // 2 - 1:wide // 2 + 1] = 130
        self._strip = np.clip(strip * brightness, 0, 255).astype(np.uint8)
        self._period, self._length, self._wide = period, length, wide
        corners = self._corners(_BELT_WIDTH, 0.0)
        self._image_corners = corners.astype(np.float32)
        low = np.floor(corners.min(0)).astype(int)
        high = np.ceil(corners.max(0)).astype(int) + 1
        self._left, self._top = (max(int(v), 0) for v in low)
        self._right = min(int(high[0]), camera.width)
        self._bottom = min(int(high[1]), camera.height)
        size = max(self._right - self._left, 0), max(self._bottom - self._top, 0)
        self._size = size
        self._mask = np.zeros((size[1], size[0]), np.uint8)
        if min(size):
            cv2.fillConvexPoly(self._mask, _polygon(corners - (self._left, self._top)), 255,
                               cv2.LINE_AA, _SHIFT)

    def _corners(self, width: float, height: float) -> Array:
        """Return the corners in the image, px: front left, front right, rear right, rear left."""
        half, side = _DECK_LENGTH / 2, width / 2
        local = np.array([[half, side, height], [half, -side, height], [-half, -side, height],
                          [-half, side, height]])
        world = local @ self._turn.T + self._position
        return self._camera.project(self._camera.to_optical(world))

    def draw_deck(self, frame: Image) -> None:
        """Draw what does not move on a frame (H, W, 3)."""
        top = self._corners(_DECK_WIDTH, 0.0)
        low = self._corners(_DECK_WIDTH, -DECK_HEIGHT)
        shadow = self._corners(_DECK_WIDTH + 0.16, -DECK_HEIGHT)
        dark = frame.copy()
        cv2.fillConvexPoly(dark, _polygon(shadow), (40, 40, 40), cv2.LINE_AA, _SHIFT)
        frame[:] = cv2.addWeighted(frame, 0.65, dark, 0.35, 0)
        order = np.argsort([-np.linalg.norm(self._middle(i) - self._camera.position)
                            for i in range(4)])
        for i in order:
            j = (i + 1) % 4
            shade = (44, 40, 38) if i % 2 else (62, 56, 52)
            side = np.stack((top[i], top[j], low[j], low[i]))
            cv2.fillConvexPoly(frame, _polygon(side), self._lit(shade), cv2.LINE_AA, _SHIFT)
        cv2.fillConvexPoly(frame, _polygon(top), self._lit((150, 146, 142)), cv2.LINE_AA, _SHIFT)

    def _middle(self, side: int) -> Array:
        half, width = _DECK_LENGTH / 2, _DECK_WIDTH / 2
        local = ((half, 0, 0), (0, -width, 0), (-half, 0, 0), (0, width, 0))[side]
        return np.asarray(local @ self._turn.T + self._position)

    def _lit(self, color: tuple[float, float, float]) -> tuple[float, float, float]:
        b = self._brightness
        return color[0] * b, color[1] * b, color[2] * b

    def draw_belt(self, frame: Image, way_m: float) -> None:
        """Draw the belt after it has moved a way backwards, on a frame (H, W, 4)."""
        if not min(self._size):
            return
        shift = way_m % _MARK_EVERY_M * _PER_M
        # Rows of the strip run from front to rear; moving back shows what lies further ahead.
        first = self._period - shift
        source = np.array([[0, first], [self._wide, first], [self._wide, first + self._length],
                           [0, first + self._length]], np.float32)
        target = self._image_corners - np.array([self._left, self._top], np.float32)
        matrix = cv2.getPerspectiveTransform(source, target)
        belt = cv2.warpPerspective(self._strip, matrix, self._size, flags=cv2.INTER_AREA)
        part = frame[self._top:self._bottom, self._left:self._right]
        cv2.copyTo(cv2.cvtColor(belt, cv2.COLOR_GRAY2BGRA), self._mask, part)


def stool(seat_z: float) -> Skin:
    """Return a round stool whose seat has a height (m), with its middle at the origin."""
    seat, metal = Region(0, 0, 64, 32), Region(0, 32, 64, 32)
    image = np.zeros((64, 64, 3), np.uint8)
    image[:32] = (70, 100, 150)
    image[:5] = (90, 125, 180)
    image[32:] = (120, 122, 124)
    rings = [Ring((0, 0, z), r, r, {}) for z, r in (
        (seat_z, 0.165), (seat_z - 0.010, 0.180), (seat_z - 0.035, 0.182),
        (seat_z - 0.045, 0.172))]
    parts: list[Mesh] = [tube(rings, 24, seat)]
    for x in (-1, 1):
        for y in (-1, 1):
            leg = [Ring((x * (0.105 + 0.05 * t), y * (0.105 + 0.05 * t),
                         (seat_z - 0.04) * (1 - t)), 0.014, 0.014, {}, openness=0.8)
                   for t in (0.0, 0.5, 1.0)]
            parts.append(tube(leg, 8, metal))
    return Skin(join(parts), Texture(image), rigid=True)


class Screen:
    """A cloth screen on a stand that passes between the camera and the subject.

    It faces the camera, so that all of it is equally far.
    """

    WIDTH_M, HEIGHT_M = 0.32, 1.30

    def __init__(
        self, camera: Camera, depth_m: float, floor_px: float, brightness: float, seed: int,
    ) -> None:
        """Stand at a depth; ``floor_px`` is the image row of the floor there."""
        self._camera, self._depth = camera, depth_m
        scale = camera.focal_px / depth_m
        wide, tall = round(self.WIDTH_M * scale), round(self.HEIGHT_M * scale)
        self._top = round(floor_px) - tall
        random = np.random.default_rng(seed)
        cloth = np.empty((tall, wide, 3), np.float32)
        across = np.linspace(-1, 1, wide, dtype=np.float32)
        folds = 1 + 0.10 * np.sin(9 * across + 0.6) - 0.15 * across**2
        cloth[:] = np.asarray((150, 176, 180), np.float32) * folds[None, :, None]
        coarse = random.standard_normal((tall // 8 + 2, wide // 8 + 2)).astype(np.float32)
        cloth *= 1 + 0.03 * cv2.resize(coarse, (wide, tall))[..., np.newaxis]
        rim = max(2, round(0.018 * scale))
        for edge in (np.s_[:rim], np.s_[-rim:], np.s_[:, :rim], np.s_[:, -rim:]):
            cloth[edge] = np.asarray((62, 66, 70), np.float32)
        self._image = cv2.cvtColor(
            np.clip(cloth * brightness, 0, 255).astype(np.uint8), cv2.COLOR_BGR2BGRA)

    def draw(self, frame: Image, inverse_depth: Floats, x_m: float) -> None:
        """Draw with its middle x_m to the right of the optical axis, where nothing is nearer."""
        camera = self._camera
        tall, wide = self._image.shape[:2]
        left = round(camera.center_px[0] + camera.focal_px * x_m / self._depth - wide / 2)
        x0, x1 = max(left, 0), min(left + wide, camera.width)
        y0, y1 = max(self._top, 0), min(self._top + tall, camera.height)
        if x0 >= x1 or y0 >= y1:
            return
        depth = inverse_depth[y0:y1, x0:x1]
        nearest = (depth < 1 / self._depth).astype(np.uint8)
        cv2.copyTo(self._image[y0 - self._top:y1 - self._top, x0 - left:x1 - left], nearest,
                   frame[y0:y1, x0:x1])
        np.maximum(depth, np.float32(1 / self._depth), out=depth)


# Pairs of bones between whose pivots the body casts its shadow, and how thick it is there
# (share of height).
SHADOW_BONES = (
    ('pelvis', 'chest', 0.085), ('chest', 'neck', 0.080), ('head', 'head', 0.055),
    *((f'{side}_{a}', f'{side}_{b}', r) for side in ('left', 'right') for a, b, r in (
        ('thigh', 'shank', 0.042), ('shank', 'foot', 0.028), ('foot', 'toes', 0.028),
        ('upper_arm', 'forearm', 0.026), ('forearm', 'fingers', 0.020))),
)


class Shadows:
    """Soft shadows on the floor."""

    def __init__(self, camera: Camera, toward_light: Array, floor_z: float) -> None:
        """Make the work space; ``toward_light`` (3,) is a direction in the world."""
        self._camera, self._light, self._floor_z = camera, toward_light, floor_z
        self._mask = np.zeros(((camera.height + 1) // 2, (camera.width + 1) // 2), np.uint8)

    def draw(self, frame: Image, segments: Sequence[tuple[Array, Array, float]]) -> None:
        """Darken the floor under segments (end, end, radius; m, world) on a (H, W, 4) frame."""
        camera, mask = self._camera, self._mask
        ends = np.asarray([end for a, b, _ in segments for end in (a, b)])
        ends = ends - self._light * ((ends[:, 2:] - self._floor_z) / self._light[2])
        optical = camera.to_optical(ends)
        if (optical[:, 2] < 0.3).any():
            return
        points = camera.project(optical) / 2
        radii = np.repeat([r for *_, r in segments], 2) * camera.focal_px / optical[:, 2] / 2
        margin = float(radii.max()) + 6
        low = np.maximum(np.floor(points.min(0) - margin), 0).astype(int)
        high = np.minimum(np.ceil(points.max(0) + margin), mask.shape[::-1]).astype(int)
        if (high <= low).any():
            return
        part = mask[low[1]:high[1], low[0]:high[0]]
        part.fill(0)
        path = np.rint((points - low) * 2**_SHIFT).astype(int)
        for i in range(0, len(path), 2):
            # Seen at a slant, a round shadow is flatter than wide.
            thick = max(1, round(float(radii[i] + radii[i + 1]) * 0.6))
            cv2.line(part, path[i].tolist(), path[i + 1].tolist(), 105, thick, cv2.LINE_8, _SHIFT)
        soft = cv2.blur(cv2.blur(part, (7, 5)), (7, 5))
        y0, x0 = low[1] * 2, low[0] * 2
        region = frame[y0:min(high[1] * 2, camera.height), x0:min(high[0] * 2, camera.width)]
        full = cv2.resize(255 - soft, region.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        cv2.multiply(region, cv2.cvtColor(full, cv2.COLOR_GRAY2BGRA), dst=region, scale=1 / 255)
