"""Depth images: the fields of ``sensor_msgs/Image`` to an array and back, as REP-118 has them."""

from __future__ import annotations

import array
from typing import Any, cast

import numpy as np

from neuropose_ros.core.errors import ImageError
from neuropose_ros.core.pose import Depth
from neuropose_ros.imaging.raw import MAX_PIXELS, RawImage, check_size

_TYPES: dict[str, np.dtype[Any]] = {
    '32FC1': np.dtype(np.float32), '16UC1': np.dtype(np.uint16), 'mono16': np.dtype(np.uint16)}


def decode(message: RawImage, *, max_pixels: int = MAX_PIXELS) -> Depth:
    """Return the depth of a ``sensor_msgs/Image``: a view of its own memory where that allows.

    ``32FC1`` is in m, ``16UC1`` (and ``mono16``, as some drivers call it) in mm.

    Raises:
        ImageError: the fields contradict each other, or it is no depth image.
    """
    check_size(message.width, message.height, max_pixels)
    kind = _TYPES.get(message.encoding)
    if kind is None:
        raise ImageError(
            f"The encoding '{message.encoding}' is not that of a depth image: "
            f'{", ".join(_TYPES)} are.')
    row_bytes = message.width * kind.itemsize
    needed = message.step * (message.height - 1) + row_bytes
    data = np.frombuffer(message.data, np.uint8)
    if message.step < row_bytes or data.size < needed:
        raise ImageError(
            f'The depth image has {data.size} bytes and step {message.step}, but '
            f'{message.width}x{message.height} {message.encoding} takes rows of {row_bytes} and '
            f'{needed} bytes.')
    ordered = kind.newbyteorder('>' if message.is_bigendian else '<')
    view: np.ndarray[Any, Any] = np.ndarray(
        (message.height, message.width), ordered, buffer=data.data,
        strides=(message.step, kind.itemsize))
    return cast(Depth, view.astype(kind, copy=False))


def encoding(depth: Depth) -> str:
    """Return the encoding of a depth picture."""
    return '32FC1' if depth.dtype == np.float32 else '16UC1'


def pack(depth: Depth) -> array.array[int]:
    """Return the bytes of a depth picture in the one type that ROS 2 messages take at once."""
    data = array.array('B')
    data.frombytes(np.ascontiguousarray(depth).view(np.uint8).data)
    return data
