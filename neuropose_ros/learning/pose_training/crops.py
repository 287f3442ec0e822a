"""The people of annotated pictures, cut out once: training reads them again and again.

A crop shows enough around a person for every augmentation. Crops are kept as JPEG of high quality
one after another in one file, which is mapped into memory.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import DataError, LayoutError
from neuropose_ros.core.layouts import layout as layout_of
from neuropose_ros.core.pose import Floats
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.cache import cache_folder
from neuropose_ros.learning.datasets.findings import DEFAULT_SKIPPED_SHARE, Findings
from neuropose_ros.learning.datasets.picture_files import load_pictures
from neuropose_ros.learning.datasets.picture_sets import PictureSet
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture
from neuropose_ros.learning.datasets.tables import read_arrays
from neuropose_ros.learning.pose_training.augmentation import Person, points_in_crop
from neuropose_ros.pose.geometry import box_around, square_warps

_VERSION = 1
_PIXELS, _TABLE = 'pixels.bin', 'table.npz'
_JPEG_QUALITY = 95
# A box around joints alone ends where limbs begin.
_JOINTS_TO_BOX = 1.2
_LEAST_SIDE_PX = 8.0


@dataclass(frozen=True)
class CropSettings:
    """How people are cut out.

    Attributes:
        side_px: of the square crops.
        context: share of the larger side of a person's box that the crop shows.
        replicated: beyond the picture lies its nearest pixel; else black.
    """

    side_px: int = 224
    context: float = 2.0
    replicated: bool = field(default=False, repr=False)  # black crops keep their key


@dataclass(frozen=True)
class CropSet:
    """N people, each in a square crop; all lengths are px of it.

    Attributes:
        layout: of the joints.
        pixels: (bytes,) uint8, all crops as JPEG.
        offsets: (N + 1,) where each begins.
        points: (N, K, 2) float32, NaN where not known.
        weights: (N, K) float32, 0..1: how much each joint is to be believed.
        boxes: (N, 4) float32.
        sizes: (N,) float32, by which PCK divides: the diagonal of the box around the joints.
        pictures: (N,) which picture each is from.
    """

    layout: SkeletonLayout
    pixels: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    points: Floats
    weights: Floats
    boxes: Floats
    sizes: Floats
    pictures: NDArray[np.int64]

    def __len__(self) -> int:
        """Return N."""
        return len(self.points)

    def person(self, index: int) -> Person:
        """Return one of them."""
        begin, end = self.offsets[index], self.offsets[index + 1]
        image = cv2.imdecode(self.pixels[begin:end], cv2.IMREAD_COLOR)
        return Person(np.asarray(image, np.uint8), self.points[index], self.weights[index],
                      self.boxes[index])

    def only(self, chosen: NDArray[np.intp]) -> CropSet:
        """Return some of them, in the given order."""
        parts = [self.pixels[self.offsets[index]:self.offsets[index + 1]] for index in chosen]
        offsets = np.concatenate(([0], np.cumsum([len(part) for part in parts])))
        return CropSet(
            self.layout, np.concatenate([np.zeros(0, np.uint8), *parts]),
            offsets.astype(np.int64), self.points[chosen], self.weights[chosen],
            self.boxes[chosen], self.sizes[chosen], self.pictures[chosen])


def cut_out(
    pictures: PictureSet, settings: CropSettings, *, cache: Path | None = None,
    findings: Findings | None = None, skipped_share: float = DEFAULT_SKIPPED_SHARE,
) -> CropSet:
    """Return the people of pictures, from the cache where they have been cut out before.

    Args:
        cache: folder; None = beside the user's other caches.
        findings: takes what cannot be used; of crops that are cached nothing is said again.
        skipped_share: stop where more of the pictures and people than this share is unusable.

    Raises:
        DataError: too much cannot be used, or the folder cannot be written.
    """
    findings = Findings() if findings is None else findings
    folder = (cache or cache_folder() / 'crops') / _key(pictures, settings)
    if not (folder / _TABLE).is_file():
        own = Findings()
        try:
            _write(pictures, settings, folder, own)
        except OSError as error:
            raise DataError(f'{folder}: crops cannot be written ({error.strerror or error}): '
                            'make room, or choose another folder by --cache') from error
        finally:
            for item in own.items:
                findings.skip(item.name, item.problem)
        try:
            own.refuse_many(len(_read(folder, pictures.layout)), skipped_share, 'picture')
        except DataError:
            shutil.rmtree(folder)
            raise
    return _read(folder, pictures.layout)


def _key(pictures: PictureSet, settings: CropSettings) -> str:
    digest = hashlib.sha256(repr((_VERSION, settings, pictures.layout.id)).encode())
    digest.update(b'replicated' if settings.replicated else b'')
    for picture in pictures.pictures:
        stat = picture.path.stat()
        digest.update(
            f'{picture.path}/{picture.frame}/{stat.st_size}/{stat.st_mtime_ns}'.encode())
        digest.update(picture.keypoints.tobytes())
        digest.update(picture.boxes.tobytes())
    return f'{pictures.name}-{digest.hexdigest()[:16]}'


def _write(
    pictures: PictureSet, settings: CropSettings, folder: Path, findings: Findings,
) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix='.crops-') as name:
        made = Path(name) / 'crops'
        made.mkdir()
        rows: list[tuple[Any, ...]] = []
        offsets = [0]
        with (made / _PIXELS).open('wb') as file:
            for row, data in _people(pictures.pictures, settings, findings):
                offsets.append(offsets[-1] + file.write(data))
                rows.append(row)
        columns = list(zip(*rows, strict=True)) or [()] * 4
        joints = len(pictures.layout)
        np.savez(
            made / _TABLE, offsets=np.array(offsets, np.int64),
            points=np.array(columns[0], np.float32).reshape(-1, joints, 2),
            boxes=np.array(columns[1], np.float32).reshape(-1, 4),
            sizes=np.array(columns[2], np.float32), pictures=np.array(columns[3], np.int64))
        if not (folder / _TABLE).is_file():  # another process may have been faster
            made.replace(folder)


def _people(
    pictures: Sequence[AnnotatedPicture], settings: CropSettings, findings: Findings,
) -> Iterator[tuple[tuple[Any, ...], bytes]]:
    for index, picture, image in load_pictures(pictures, findings):
        for points, stated in zip(picture.keypoints, picture.boxes, strict=True):
            box = stated if np.isfinite(stated).all() else _box_of(points)
            side = float((box[2:] - box[:2]).max()) if np.isfinite(box).all() else 0.0
            if side < _LEAST_SIDE_PX:
                findings.skip(picture.name, f'a person of {side:.0f} px is too small')
                continue
            warp = square_warps(
                (box[:2] + box[2:])[np.newaxis] / 2, [side * settings.context],
                settings.side_px)[0]
            crop = cv2.warpAffine(
                image, warp, (settings.side_px, settings.side_px),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE if settings.replicated else cv2.BORDER_CONSTANT)
            placed = points_in_crop(points, warp)
            known = box_around(placed)
            size = float(np.linalg.norm(known[2:] - known[:2]))
            corners = points_in_crop(box.reshape(2, 2), warp).reshape(4)
            _, data = cv2.imencode('.jpg', crop, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
            yield (placed, corners, size, index), data.tobytes()


def _box_of(points: Floats) -> Floats:
    box = box_around(points)
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * _JOINTS_TO_BOX
    return np.concatenate((middle - half, middle + half)).astype(np.float32)


def _read(folder: Path, layout: SkeletonLayout) -> CropSet:
    table = read_arrays(folder / _TABLE, ('offsets', 'points', 'boxes', 'sizes', 'pictures'))
    empty = not table['offsets'][-1]
    pixels = np.zeros(0, np.uint8) if empty else np.memmap(folder / _PIXELS, np.uint8, 'r')
    if len(pixels) != table['offsets'][-1]:
        raise DataError(f'{folder}: damaged; delete it, and it is made anew')
    weights = np.asarray(np.isfinite(table['points']).all(-1), np.float32)
    return CropSet(layout, pixels, table['offsets'], table['points'], weights, table['boxes'],
                   table['sizes'], table['pictures'])


def in_layout(crops: CropSet, name: str) -> CropSet:
    """Return the people with the joints of a built-in layout: by name, the others not known.

    Args:
        name: of the layout; '' = their own.

    Raises:
        DataError: the layout is unknown, or has no joint of theirs.
    """
    if not name:
        return crops
    try:
        wanted = layout_of(name)
    except LayoutError as error:
        raise DataError(f'layout: {error}') from error
    if wanted == crops.layout:
        return crops
    pairs = [(i, crops.layout.index(joint)) for i, joint in enumerate(wanted.names)
             if joint in crops.layout.names]
    if not pairs:
        raise DataError(f'the layouts {crops.layout.name} and {name} have no joint in common')
    targets, sources = (list(side) for side in zip(*pairs, strict=True))
    points = np.full((len(crops), len(wanted), 2), np.nan, np.float32)
    weights = np.zeros((len(crops), len(wanted)), np.float32)
    points[:, targets], weights[:, targets] = crops.points[:, sources], crops.weights[:, sources]
    return CropSet(wanted, crops.pixels, crops.offsets, points, weights, crops.boxes,
                   crops.sizes, crops.pictures)
