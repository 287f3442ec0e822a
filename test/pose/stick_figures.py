"""Stand-ins for both networks whose answers are known: stick figures, each of its own grey.

The "detector" returns the box of the visible pixels of each figure; the "network" takes, of the
figures in a region, the one with the most pixels there, as real ones take whoever is in front.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import Floats, PersonPose
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.ops.device import Picture
from neuropose_ros.pose.estimator import Detections, Region
from neuropose_ros.pose.people import make_person

SIZE = (320, 240)
# Shares of a box: nose, eyes, ears, then left and right of shoulders, elbows, wrists, hips,
# knees and ankles.
FIGURE = np.array([
    (0.5, 0.05), (0.55, 0.0), (0.45, 0.0), (0.6, 0.03), (0.4, 0.03), (0.8, 0.2), (0.2, 0.2),
    (0.95, 0.35), (0.05, 0.35), (1.0, 0.5), (0.0, 0.5), (0.7, 0.55), (0.3, 0.55), (0.75, 0.8),
    (0.25, 0.8), (0.75, 1.0), (0.25, 1.0)])
FAINTEST = 150
"""Grey from which on a pixel belongs to a figure."""


def figure(box: Sequence[float]) -> Floats:
    """Return the (17, 2) joints of the figure that fills a box."""
    low, high = np.array(box[:2], np.float64), np.array(box[2:], np.float64)
    points: Floats = (low + FIGURE * (high - low)).astype(np.float32)
    return points


def person(box: Sequence[float], score: float = 0.9, joint_score: float = 0.9) -> PersonPose:
    """Return the figure as somebody found."""
    return make_person(
        figure(box), np.full(17, joint_score, np.float32), *SIZE, score=score)


def drawn(*boxes: Sequence[float]) -> NDArray[np.uint8]:
    """Return a picture with a figure in each box, later ones in front; greys 200, 201..."""
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    for i, box in enumerate(boxes):
        points = figure(box).round().astype(int).tolist()
        for a, b in COCO17.edges:
            cv2.line(image, points[a], points[b], (200 + i,) * 3, 2)
    return image


def _greys(image: NDArray[np.uint8]) -> list[int]:
    return [int(grey) for grey in np.unique(image) if grey >= FAINTEST]


def _box(image: NDArray[np.uint8], grey: int) -> Floats:
    y, x = np.nonzero(image[..., 0] == grey)
    return np.array([x.min(), y.min(), x.max(), y.max()], np.float32)


class Detector:
    """Stand-in; implements `PersonDetector`.

    Attributes:
        extra: boxes that it sees too, with the score ``extra_score``.
        blind: finds nobody.
    """

    model = 'figures'

    def __init__(self, score: float = 0.9) -> None:
        """Give every box one score."""
        self.score = score
        self.extra: list[Sequence[float]] = []
        self.extra_score = score
        self.blind = False
        self.closed = False

    def detect(self, picture: Picture) -> Detections:
        """Return the boxes of all figures."""
        boxes = [] if self.blind else [
            _box(picture.image, grey) for grey in _greys(picture.image)]
        seen = len(boxes)
        boxes += [np.array(box, np.float32) for box in self.extra]
        return Detections(
            np.array(boxes, np.float32).reshape(-1, 4),
            np.array([self.score] * seen + [self.extra_score] * len(self.extra), np.float32))

    def close(self) -> None:
        """Remember it."""
        self.closed = True


class Estimator:
    """Stand-in; implements `RegionEstimator`.

    Attributes:
        asked: the regions of each call.
        ghost: a figure that it finds wherever there is none.
        full: the box of the whole figure of each grey.
        score: of each person found.
    """

    layout: SkeletonLayout = COCO17
    model = 'sticks'

    def __init__(self) -> None:
        """Begin with nobody asked."""
        self.asked: list[list[Region]] = []
        self.ghost = False
        self.full: dict[int, Sequence[float]] = {}
        self.closed = False
        self.score = 0.9

    def estimate(self, picture: Picture, regions: Sequence[Region]) -> list[PersonPose]:
        """Return the figure with the most pixels in each region, whole."""
        self.asked.append(list(regions))
        return [self._one(picture.image, region) for region in regions]

    def _one(self, image: NDArray[np.uint8], region: Region) -> PersonPose:
        x0, y0, x1, y1 = np.clip(region.box.round().astype(int), 0, None)
        part = image[y0:y1 + 1, x0:x1 + 1, 0]
        counts = {grey: int((part == grey).sum()) for grey in _greys(part)}
        if counts:
            best = max(counts, key=lambda grey: counts[grey])
            return person(self.full[best], self.score)
        if self.ghost:
            return person(region.box.tolist())
        return person(region.box.tolist(), 0.01, 0.01)

    def close(self) -> None:
        """Remember it."""
        self.closed = True
