"""Compressed images: JPEG, PNG and what else OpenCV reads, to a BGR array; JPEG back.

OpenCV fills the missing part of a cut-off JPEG with grey and says nothing, so the end of the
data is looked for here first (ITU-T T.81, B.1.1; PNG specification 2003, 11.2).
"""

from __future__ import annotations

import array
from dataclasses import dataclass
from typing import Union, cast

import cv2
import numpy as np

from neuropose_ros.core.errors import ImageError
from neuropose_ros.core.pose import Image
from neuropose_ros.imaging.raw import MAX_PIXELS, check_image, check_size

Bytes = Union[bytes, bytearray, memoryview, 'array.array[int]']

_JPEG_START = b'\xff\xd8'
_JPEG_END = b'\xff\xd9'
_PNG_START = b'\x89PNG\r\n\x1a\n'
_PNG_END = b'IEND\xae\x42\x60\x82'
_SCAN, _NO_PAYLOAD = 0xDA, {0x01, *range(0xD0, 0xD8)}
_FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def decode(data: Bytes, *, name: str = 'image', max_pixels: int = MAX_PIXELS) -> Image:
    """Return the picture in ``data`` as (H, W, 3) uint8 BGR; the content tells the format.

    Raises:
        ImageError: no picture, one that is cut off, or one larger than ``max_pixels``.
    """
    content = np.frombuffer(data, np.uint8)
    if not content.size:
        raise ImageError(f'The compressed {name} is empty.')
    if not _is_complete(content.tobytes(), name, max_pixels):
        raise ImageError(
            f'The compressed {name} is cut off after {content.size} bytes: its end is missing.'
        )
    try:
        image = cv2.imdecode(content, cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ImageError(f'The compressed {name} cannot be decoded: {error.err}.') from None
    if image is None:
        raise ImageError(f'The compressed {name} is not a picture that can be decoded.')
    check_size(image.shape[1], image.shape[0], max_pixels)
    return cast(Image, image)


def _is_complete(data: bytes, name: str, max_pixels: int) -> bool:
    """Whether a JPEG or PNG has its end; True for formats that are left to OpenCV."""
    if data.startswith(_JPEG_START):
        header = _read_jpeg_header(data)
        if header is None:
            return False
        _check_declared(header.width, header.height, name, max_pixels)
        # Within a scan 0xFF is stuffed, so this marker cannot be part of the pixels.
        return data.find(_JPEG_END, header.scan_start) >= 0
    if data.startswith(_PNG_START):
        if len(data) < 24:
            return False
        width, height = (int.from_bytes(data[at : at + 4], 'big') for at in (16, 20))
        _check_declared(width, height, name, max_pixels)
        return data.rfind(_PNG_END) >= 0
    return True


def _check_declared(width: int, height: int, name: str, max_pixels: int) -> None:
    try:
        check_size(width, height, max_pixels)
    except ImageError as error:
        raise ImageError(f'The compressed {name} is not taken. {error}') from None


@dataclass(frozen=True, slots=True)
class _JpegHeader:
    width: int
    height: int
    scan_start: int


def _read_jpeg_header(data: bytes) -> _JpegHeader | None:
    """Walk the segments (a thumbnail inside one has an end of its own) up to the first scan."""
    at, width, height = 2, 0, 0
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF or marker in _NO_PAYLOAD:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], 'big')
        if marker in _FRAME_HEADERS:
            height, width = (int.from_bytes(data[at + i : at + i + 2], 'big') for i in (5, 7))
        at += 2 + length
        if marker == _SCAN:
            return _JpegHeader(width, height, at) if at <= len(data) else None
    return None


def encode_jpeg(image: Image, quality: int = 80) -> array.array[int]:
    """Return (H, W, 3) uint8 BGR as JPEG, in the type that ROS 2 messages take at once.

    Args:
        quality: 1 (smallest) to 100 (best).

    Raises:
        ImageError: the array is not (H, W, 3) uint8, or the quality is out of range.
    """
    check_image(image)
    if not 1 <= quality <= 100:
        raise ImageError(f'A JPEG quality is between 1 and 100, not {quality}.')
    ok, encoded = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise ImageError(f'OpenCV cannot encode the {image.shape} image as JPEG.')
    data = array.array('B')
    data.frombytes(encoded.data)
    return data
