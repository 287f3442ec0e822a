"""Pre- and post-processing on the processor, with OpenCV and numpy."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import ImageError
from neuropose_ros.inference.ops.device import Floats, Image, PictureInput, Tensor

# OpenCV's warps count pixels in 16 bits.
_LARGEST_SIDE_PX = 32766


class HostOps:
    """numpy arrays on the host; implements `DeviceOps`.

    Crops are what `cv2.warpAffine` makes: coordinates in steps of 1/32 px, rounded to whole grey
    levels before they are normalised.
    """

    @property
    def device(self) -> str:
        """Where the arrays lie."""
        return 'cpu'

    def upload(self, image: Image) -> Tensor:
        """Return the (H, W, 3) uint8 BGR picture itself.

        Raises:
            ImageError: it is larger than OpenCV can warp.
        """
        height, width = image.shape[:2]
        if max(height, width) > _LARGEST_SIDE_PX:
            raise ImageError(
                f'an image of {width}x{height} is larger than {_LARGEST_SIDE_PX} px: scale it')
        return image

    def crops(
        self, picture: Tensor, warps: NDArray[np.float64], target: PictureInput,
        fill: float | None = 0.0,
    ) -> NDArray[Any]:
        """Cut N parts out of a picture, ready for a network; see `DeviceOps.crops`."""
        height, width = target.height, target.width
        chw = target.axes == 'nchw'
        shape = (len(warps), 3, height, width) if chw else (len(warps), height, width, 3)
        crops = np.empty(shape, target.dtype)
        border = cv2.BORDER_REPLICATE if fill is None else cv2.BORDER_CONSTANT
        level = 0.0 if fill is None else fill
        as_it_is = not chw and target.channels == 'bgr' and _is_identity(target)
        cut = np.empty((height, width, 3), np.uint8)
        for crop, warp in zip(crops, warps, strict=True):
            part = crop if as_it_is else cut
            cv2.warpAffine(
                picture, warp, (width, height), dst=part, borderMode=border,
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderValue=(level,) * 3)
            if not as_it_is:
                _normalise(part, target, crop)
        return crops

    def simcc(self, x: Tensor, y: Tensor) -> tuple[Floats, Floats]:
        """Read coordinate classifications; see `DeviceOps.simcc`."""
        bins = np.stack((x.argmax(-1), y.argmax(-1)), -1).astype(np.float32)
        scores = np.minimum(x.max(-1), y.max(-1))
        return bins, scores.astype(np.float32, copy=False)

    def heatmaps(self, maps: Tensor) -> tuple[Floats, Floats]:
        """Read heat maps; see `DeviceOps.heatmaps`."""
        height, width = maps.shape[-2:]
        flat = maps.reshape(*maps.shape[:2], height * width)
        peaks = flat.argmax(-1)[..., np.newaxis]
        y, x = np.divmod(peaks, width)
        moves = [
            # At an edge, one neighbour is missing: no move.
            np.where((place > 0) & (place < size - 1), np.sign(
                np.take_along_axis(flat, np.minimum(peaks + step, flat.shape[-1] - 1), -1)
                - np.take_along_axis(flat, np.maximum(peaks - step, 0), -1)), 0)
            for place, size, step in ((x, width, 1), (y, height, width))
        ]
        cells = np.concatenate((x + 0.25 * moves[0], y + 0.25 * moves[1]), -1)
        heights = np.take_along_axis(flat, peaks, -1)[..., 0]
        return cells.astype(np.float32), heights.astype(np.float32, copy=False)

    def download(self, tensor: Tensor) -> NDArray[Any]:
        """Return the array itself."""
        array: NDArray[Any] = tensor
        return array


def _is_identity(target: PictureInput) -> bool:
    return not any(target.mean) and set(target.std) == {1.0} and target.dtype == 'uint8'


def _normalise(part: Image, target: PictureInput, crop: NDArray[Any]) -> None:
    """Fill ``crop`` with the values of a (H, W, 3) BGR part: looked up, there are only 256."""
    tables = _tables(target)
    # Half precision has no place in OpenCV: its bits have.
    values = crop.view(np.uint16) if crop.dtype == np.float16 else crop
    if target.axes == 'nchw':
        planes = cv2.split(part)
        for plane, table, out in zip(
            planes[::-1] if target.channels == 'rgb' else planes, tables, values, strict=True,
        ):
            cv2.LUT(plane, table, out)
    else:
        if target.channels == 'rgb':
            cv2.cvtColor(part, cv2.COLOR_BGR2RGB, part)
        cv2.LUT(part, np.ascontiguousarray(tables.T)[np.newaxis], values)


@lru_cache(maxsize=32)
def _tables(target: PictureInput) -> NDArray[Any]:
    """Return (3, 256): what each grey level becomes, in the network's order of channels."""
    levels = np.arange(256, dtype=np.float64)
    mean, std = np.array(target.mean)[:, np.newaxis], np.array(target.std)[:, np.newaxis]
    values = (levels - mean) / std
    dtype = np.dtype(target.dtype)
    if dtype.kind in 'iu':
        limits = np.iinfo(dtype)
        values = values.round().clip(limits.min, limits.max)
    tables: NDArray[Any] = values.astype(dtype)
    return tables.view(np.uint16) if dtype == np.float16 else tables
