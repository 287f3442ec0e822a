"""Pictures without labels, and two views of each in which the same points are known.

Both views show the same region, turned, zoomed, moved, lit and covered in other ways. A view's
warp is known, and with it where each point of the picture lies in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import DataError, ImageError, SourceError
from neuropose_ros.core.pose import Floats, Image
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.config import at_least, within
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.picture_files import load_pictures
from neuropose_ros.learning.datasets.picture_sets import PictureSet
from neuropose_ros.learning.datasets.unlabelled import files_below, frames_of
from neuropose_ros.learning.pose_training.augmentation import (
    CropMaker,
    Person,
    PictureAugmentation,
)
from neuropose_ros.learning.pose_training.network import PoseNetworkConfig

_JPEG_QUALITY = 90


@dataclass(frozen=True)
class ViewSettings:
    """Which pictures, and what is seen of them.

    Attributes:
        every: frames of a video from one that is taken to the next.
        most: pictures, about evenly spread; 0 = all. They are kept in memory, as JPEG.
        side_px: larger pictures are made so small.
        skipped_share: of the files that may be unusable before it is an error.
        least_region: a region has at least this share of the picture's height, at most all.
        points: of each region, that are known in both views.
    """

    every: int = 5
    most: int = 10_000
    side_px: int = 320
    skipped_share: float = 0.05
    least_region: float = 0.4
    points: int = 24

    def __post_init__(self) -> None:
        """Check ranges."""
        at_least(1, every=self.every, points=self.points)
        at_least(0, most=self.most)
        at_least(32, side_px=self.side_px)
        within(0, 1, skipped_share=self.skipped_share)
        within(0.05, 1, least_region=self.least_region)


@dataclass(frozen=True)
class PictureStore:
    """N pictures as JPEG.

    Attributes:
        pixels: (bytes,) uint8, one after another.
        offsets: (N + 1,) where each begins.
    """

    pixels: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        """Return N."""
        return len(self.offsets) - 1

    def picture(self, index: int) -> Image:
        """Return one, (H, W, 3) uint8 BGR."""
        begin, end = self.offsets[index], self.offsets[index + 1]
        return np.asarray(cv2.imdecode(self.pixels[begin:end], cv2.IMREAD_COLOR), np.uint8)


def stored(images: Iterable[Image], settings: ViewSettings) -> PictureStore:
    """Return pictures made small, as JPEG.

    Raises:
        DataError: there is none.
    """
    kept: list[NDArray[np.uint8]] = []
    stride = 1
    for number, image in enumerate(images):
        if number % stride:
            continue
        kept.append(_encoded(image, settings.side_px))
        # Nobody knows how many are to come, and memory is not endless.
        if settings.most and len(kept) >= 2 * settings.most:
            kept, stride = kept[::2], 2 * stride
    if not kept:
        raise DataError('there is no picture to learn from')
    if settings.most and settings.most < len(kept):
        chosen = np.linspace(0, len(kept) - 1, settings.most).round().astype(int)
        kept = [kept[index] for index in np.unique(chosen)]
    offsets = np.concatenate(([0], np.cumsum([len(data) for data in kept])))
    return PictureStore(np.concatenate(kept), offsets.astype(np.int64))


def _encoded(image: Image, side_px: int) -> NDArray[np.uint8]:
    share = side_px / max(image.shape[:2])
    small = image if share >= 1 else cv2.resize(
        image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode('.jpg', small, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return np.asarray(data, np.uint8)


def pictures_below(
    root: Path, settings: ViewSettings, findings: Findings | None = None,
) -> PictureStore:
    """Return the pictures and frames of the videos in a folder and below it.

    Args:
        findings: takes files that cannot be read.

    Raises:
        DataError: there is no file, or too many cannot be read.
    """
    findings = Findings() if findings is None else findings
    files = files_below(root)

    def images() -> Iterator[Image]:
        for path in files:
            try:
                yield from (image for _, image in frames_of(path, settings.every))
            except (SourceError, ImageError) as error:
                findings.skip(path.name, error)

    found = stored(images(), settings)
    findings.refuse_many(len(files) - len(findings), settings.skipped_share, 'file')
    return found


def pictures_of_set(
    pictures: PictureSet, settings: ViewSettings, findings: Findings | None = None,
) -> PictureStore:
    """Return annotated pictures without what is annotated; of each recording every so many."""
    chosen = [picture for picture in pictures.pictures
              if picture.frame < 0 or picture.frame % settings.every == 0]
    findings = Findings() if findings is None else findings
    return stored((image for _, _, image in load_pictures(chosen, findings)), settings)


@dataclass(frozen=True)
class Views:
    """Two views of N pictures.

    Attributes:
        images: (2 N, H, W, 3) uint8 BGR; i and i + N are of one picture.
        points: (2 N, P, 2) px; point p of i and of i + N is the same spot.
        inside: (N, P) bool, in both views.
    """

    images: NDArray[np.uint8]
    points: Floats
    inside: NDArray[np.bool_]


class ViewMaker:
    """Makes two views of regions of pictures."""

    def __init__(
        self, settings: ViewSettings, network: PoseNetworkConfig,
        augmentation: PictureAugmentation,
    ) -> None:
        """Take what is drawn, for which network."""
        self._settings = settings
        self._aspect = network.width_px / network.height_px
        # Points have no left and right and are no body: they go through as joints all the same.
        layout = SkeletonLayout(
            'points', tuple(f'point_{index}' for index in range(settings.points)), (), ())
        self._maker = CropMaker(
            layout, network.width_px, network.height_px, 1.0, augmentation)

    def make(
        self, store: PictureStore, chosen: NDArray[np.intp], rng: np.random.Generator,
    ) -> Views:
        """Return two views of some pictures."""
        first, second = [], []
        for index in chosen:
            region = self._region(store.picture(int(index)), rng)
            first.append(self._maker.make(region, rng))
            second.append(self._maker.make(region, rng))
        both = (*first, *second)
        weights = np.stack([view.weights for view in both]) > 0
        return Views(
            np.stack([view.image for view in both]), np.stack([view.points for view in both]),
            weights[:len(first)] & weights[len(first):])

    def _region(self, image: Image, rng: np.random.Generator) -> Person:
        size = np.array(image.shape[1::-1], np.float32)
        sides = rng.uniform(self._settings.least_region, 1) * size[1] * np.array(
            [self._aspect, 1], np.float32)
        low = rng.uniform(0, 1, 2) * (size - sides)
        count = self._settings.points
        points = low + rng.uniform(0, 1, (count, 2)) * sides
        return Person(image, points.astype(np.float32), np.ones(count, np.float32),
                      np.concatenate((low, low + sides)).astype(np.float32))
