"""Scenes made harder around a labelled person: occluders, clutter, distance, a tilted camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Image
from neuropose_ros.learning.pose_robustness.shots import Shot, warped

Mask = NDArray[np.uint8]
# Of the person's size: half the thickness of trunk and limbs with clothes, and of the head.
_LIMB, _HEAD = 0.07, 0.1
_MOST_PATCHES = 100
_SMALLEST_PX = 16


@dataclass(frozen=True)
class Chance:
    """Where draws come from.

    Attributes:
        seed: of the take: what is drawn with `take` is the same in all its frames.
        frame: of this frame alone.
        others: pictures that patches are cut out of.
    """

    seed: tuple[int, ...]
    frame: np.random.Generator
    others: Sequence[Image]

    def take(self) -> np.random.Generator:
        """Return draws that are the same in all frames of the take."""
        return np.random.default_rng(self.seed)


def occluded(shot: Shot, share: float, chance: Chance) -> Shot:
    """Put something in front of a person that hides about that share of the box.

    It stays where it is relative to the box: a table or a helper that goes along.
    """
    rng = chance.take()
    left, top, right, bottom = shot.truth.boxes[0]
    aspect = np.exp(rng.uniform(-0.5, 0.5))
    sides = np.sqrt(share * (right - left) * (bottom - top)) * np.array([aspect, 1 / aspect])
    middle = np.array([left, top]) + rng.uniform(0.2, 0.8, 2) * (right - left, bottom - top)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 9))
    radii = rng.uniform(0.45, 0.65, 9)[:, np.newaxis]
    outline = middle + sides * radii * np.stack((np.cos(angles), np.sin(angles)), 1)
    height, width = shot.image.shape[0], shot.image.shape[1]
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], 1)
    cover = _patch(rng, chance.others, width, height)
    return replace(shot, image=np.where(mask[:, :, np.newaxis] > 0, cover, shot.image))


def cluttered(shot: Shot, share: float, chance: Chance) -> Shot:
    """Cover about that share of the background with patches of other pictures."""
    rng = chance.take()
    height, width = shot.image.shape[:2]
    scene = shot.image.copy()
    covered = np.zeros(scene.shape[:2], bool)
    for _ in range(_MOST_PATCHES):
        if covered.mean() >= share:
            break
        side = max(shot.size_px, max(height, width) / 3) * rng.uniform(0.3, 0.7)
        wide, high = (int(max(_SMALLEST_PX, side * rng.uniform(0.6, 1.6))) for _ in range(2))
        x, y = int(rng.integers(-wide // 2, width)), int(rng.integers(-high // 2, height))
        rows, columns = slice(max(y, 0), max(y, 0) + high), slice(max(x, 0), max(x, 0) + wide)
        place = scene[rows, columns]
        if place.size:
            place[:] = _patch(rng, chance.others, place.shape[1], place.shape[0])
            covered[rows, columns] = True
    alpha = body_mask(shot)[..., np.newaxis]
    mixed = scene + alpha * (shot.image.astype(np.float32) - scene)
    return replace(shot, image=np.asarray(mixed + 0.5, np.uint8))


def body_mask(shot: Shot) -> NDArray[np.float32]:
    """Return (H, W) 0..1: where the person is, guessed from the joints, with a soft edge."""
    height, width = shot.image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    layout, points = shot.truth.layout, shot.truth.keypoints[0]
    thick = max(1, round(2 * _LIMB * shot.size_px))
    for a, b in layout.edges:
        if np.isfinite(points[[a, b]]).all():
            first, second = (tuple(np.round(points[i]).astype(int).tolist()) for i in (a, b))
            cv2.line(mask, first, second, 1, thick)
    for name, point in zip(layout.names, points, strict=True):
        if name in ('face', 'nose', 'head_top', 'upper_neck') and np.isfinite(point).all():
            cv2.circle(mask, tuple(np.round(point).astype(int).tolist()),
                       max(1, round(_HEAD * shot.size_px)), 1, -1)
    trunk = [i for i, name in enumerate(layout.names) if name.endswith(('shoulder', 'hip'))]
    known = points[trunk][np.isfinite(points[trunk]).all(1)]
    if len(known) > 2:
        cv2.fillConvexPoly(mask, cv2.convexHull(np.round(known).astype(np.int32)), 1)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), max(0.01 * shot.size_px, 0.7))
    return np.asarray(soft, np.float32)


def distant(shot: Shot, share: float, _chance: Chance) -> Shot:
    """Show a person at that share of the size, in a picture that stays as large."""
    height, width = shot.image.shape[:2]
    margin = (1 - share) / 2 * np.array([width - 1, height - 1])
    return warped(shot, [[share, 0, margin[0]], [0, share, margin[1]]], width, height)


def tilted(shot: Shot, degrees: float, chance: Chance) -> Shot:
    """Turn a picture, to the left or to the right, whole: it grows as needed."""
    angle = np.deg2rad(degrees) * (1 if chance.take().random() < 0.5 else -1)
    height, width = shot.image.shape[:2]
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    size = np.ceil(np.abs(turn) @ (width, height)).astype(int)
    middle = np.array([width - 1, height - 1]) / 2
    offset = (size - 1) / 2 - turn @ middle
    return warped(shot, np.concatenate((turn, offset[:, np.newaxis]), 1), *map(int, size))


def _patch(
    rng: np.random.Generator, others: Sequence[Image], width: int, height: int,
) -> Image:
    """Return a part of another picture, stretched to a size."""
    other = others[int(rng.integers(len(others)))]
    share = rng.uniform(0.2, 0.5)
    high, wide = (max(_SMALLEST_PX // 2, int(share * side)) for side in other.shape[:2])
    y, x = (int(rng.integers(0, max(1, side - part + 1)))
            for side, part in zip(other.shape[:2], (high, wide), strict=True))
    part = other[y:y + high, x:x + wide]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    return np.asarray(cv2.resize(np.ascontiguousarray(part), (width, height)), np.uint8)
