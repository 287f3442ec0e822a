"""Inputs to try a network with, where no real picture is at hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.inference.ops.device import PictureInput
from neuropose_ros.inference.tensorrt.profiles import InputShape, Shape

_CELL_PX = 16


def make_probes(
    inputs: tuple[InputShape, ...], shapes: Mapping[str, Shape], picture: PictureInput,
) -> list[dict[str, NDArray[Any]]]:
    """Return two sets of inputs: smooth ramps with a fine texture, and flat coloured cells."""
    return [
        {entry.name: _input(entry, shapes[entry.name], picture, pixels) for entry in inputs}
        for pixels in (_ramps(picture), _cells(picture))]


def _input(
    entry: InputShape, shape: Shape, picture: PictureInput, pixels: NDArray[np.float64],
) -> NDArray[Any]:
    one = (picture.height, picture.width, 3)
    if picture.axes == 'nchw':
        pixels, one = pixels.transpose(2, 0, 1), (3, picture.height, picture.width)
    if shape[1:] == one:
        return np.broadcast_to(pixels, shape).astype(entry.dtype)
    return np.random.default_rng(0).normal(size=shape).astype(entry.dtype)


def _ramps(picture: PictureInput) -> NDArray[np.float64]:
    y, x = np.mgrid[:picture.height, :picture.width]
    planes = (x * 255 // max(1, picture.width - 1), y * 255 // max(1, picture.height - 1),
              x * y % 256)
    return _normalised(np.stack(planes, -1), picture)


def _cells(picture: PictureInput) -> NDArray[np.float64]:
    count = (-(-picture.height // _CELL_PX), -(-picture.width // _CELL_PX), 3)
    colours = np.random.default_rng(0).integers(0, 256, count)
    pixels = colours.repeat(_CELL_PX, 0).repeat(_CELL_PX, 1)
    return _normalised(pixels[:picture.height, :picture.width], picture)


def _normalised(pixels: NDArray[Any], picture: PictureInput) -> NDArray[np.float64]:
    normalised: NDArray[np.float64] = (
        (pixels - np.array(picture.mean)) / np.array(picture.std))
    return normalised
