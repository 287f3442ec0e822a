"""Raw images: the fields of ``sensor_msgs/Image`` to a BGR array and back.

Encodings are those of ``sensor_msgs/image_encodings.hpp``. The common ones are read here, without
a copy where the memory allows; ``cv_bridge``, where it is installed, reads the rest.
"""

from __future__ import annotations

import array
from dataclasses import dataclass
from typing import Any, Protocol, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import ImageError
from neuropose_ros.core.pose import Image

MAX_PIXELS = 1 << 24
"""Largest picture taken by default (4096 x 4096): 4k passes, 8k needs to be asked for."""

FULL_SCALE_16 = 65535


class RawImage(Protocol):
    """What is read of a ``sensor_msgs/Image``, whichever library made it."""

    encoding: str
    height: int
    width: int
    step: int
    is_bigendian: Any
    data: Any


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the samples of an encoding lie in memory, and OpenCV's code to make them BGR."""

    channels: int
    bits: int = 8
    code: int | None = None


def _with_16_bits(layouts: dict[str, _Layout]) -> dict[str, _Layout]:
    """Add to each 8-bit encoding its 16-bit sister."""
    wide = {
        name.removesuffix('8') + '16': _Layout(layout.channels, 16, layout.code)
        for name, layout in layouts.items()
    }
    return {**layouts, **wide}


_LAYOUTS = {
    **_with_16_bits({
        'bgr8': _Layout(3),
        'rgb8': _Layout(3, code=cv2.COLOR_RGB2BGR),
        'bgra8': _Layout(4, code=cv2.COLOR_BGRA2BGR),
        'rgba8': _Layout(4, code=cv2.COLOR_RGBA2BGR),
        'mono8': _Layout(1, code=cv2.COLOR_GRAY2BGR),
        # OpenCV names a Bayer pattern by its second row from the second column on.
        'bayer_rggb8': _Layout(1, code=cv2.COLOR_BayerBG2BGR),
        'bayer_bggr8': _Layout(1, code=cv2.COLOR_BayerRG2BGR),
        'bayer_gbrg8': _Layout(1, code=cv2.COLOR_BayerGR2BGR),
        'bayer_grbg8': _Layout(1, code=cv2.COLOR_BayerGB2BGR),
    }),
    # OpenCV's own type names say nothing of colour; its order by convention is BGR.
    '8UC1': _Layout(1, code=cv2.COLOR_GRAY2BGR),
    '8UC3': _Layout(3),
    '8UC4': _Layout(4, code=cv2.COLOR_BGRA2BGR),
    '16UC1': _Layout(1, 16, cv2.COLOR_GRAY2BGR),
    'uyvy': _Layout(2, code=cv2.COLOR_YUV2BGR_UYVY),
    'yuv422': _Layout(2, code=cv2.COLOR_YUV2BGR_UYVY),
    'yuyv': _Layout(2, code=cv2.COLOR_YUV2BGR_YUY2),
    'yuv422_yuy2': _Layout(2, code=cv2.COLOR_YUV2BGR_YUY2),
}
_PAIRED = ('uyvy', 'yuv422', 'yuyv', 'yuv422_yuy2')

ENCODINGS = tuple(sorted(_LAYOUTS))
"""Encodings read without ``cv_bridge``."""


def decode(
    message: RawImage, *, max_pixels: int = MAX_PIXELS, white_level: int = FULL_SCALE_16
) -> Image:
    """Return the picture of a ``sensor_msgs/Image`` as (H, W, 3) uint8 BGR.

    ``bgr8`` is a read-only view of the message's own memory; everything else is converted.
    16-bit samples are scaled linearly so that ``white_level`` becomes 255 and what is brighter
    saturates: a fixed scale, because one that followed the content would make brightness flicker.

    Raises:
        ImageError: the fields contradict each other, or the encoding is not understood.
    """
    check_size(message.width, message.height, max_pixels)
    layout = _LAYOUTS.get(message.encoding)
    if layout is None:
        return _by_cv_bridge(message)
    samples = _samples(message, layout)
    if layout.bits == 16:
        samples = _to_8_bits(samples, white_level)
    if layout.code is not None:
        return cast(Image, cv2.cvtColor(samples, layout.code))
    image = cast(Image, samples)
    image.flags.writeable = False
    return image


def check_size(width: int, height: int, max_pixels: int = MAX_PIXELS) -> None:
    """Raise ImageError for a picture without pixels or with more than ``max_pixels``."""
    if width <= 0 or height <= 0:
        raise ImageError(f'The image is {width}x{height}: it has no pixels.')
    if width * height > max_pixels:
        raise ImageError(
            f'The image is {width}x{height}, {width * height / 1e6:.1f} million pixels; at most '
            f'{max_pixels / 1e6:.1f} million are taken: have the camera make it smaller.'
        )


def _samples(message: RawImage, layout: _Layout) -> NDArray[Any]:
    """Return a (H, W) or (H, W, C) view of the message's data, of uint8 or uint16."""
    width, height, step, channels = message.width, message.height, message.step, layout.channels
    if message.encoding in _PAIRED and width % 2:
        raise ImageError(f'A {message.encoding} image has an even width, not {width}.')
    row_bytes = width * channels * layout.bits // 8
    if step < row_bytes:
        raise ImageError(
            f'The image says step {step}, but a row of {width} {message.encoding} pixels takes '
            f'{row_bytes} bytes.'
        )
    data = np.frombuffer(message.data, np.uint8)
    needed = step * (height - 1) + row_bytes
    if data.size < needed:
        raise ImageError(
            f'The image has {data.size} bytes of data, but {width}x{height} {message.encoding} '
            f'with step {step} takes {needed}.'
        )
    wide = '>u2' if message.is_bigendian else '<u2'
    dtype: np.dtype[Any] = np.dtype(wide if layout.bits == 16 else np.uint8)
    # The inner strides are those of packed pixels, so OpenCV takes even a padded view as it is.
    pixel = channels * dtype.itemsize
    shape = (height, width) if channels == 1 else (height, width, channels)
    strides = (step, pixel) if channels == 1 else (step, pixel, dtype.itemsize)
    samples: NDArray[Any] = np.ndarray(shape, dtype, buffer=data.data, strides=strides)
    return samples


def _to_8_bits(samples: NDArray[Any], white_level: int) -> NDArray[Any]:
    if not 1 <= white_level <= FULL_SCALE_16:
        raise ImageError(f'The white level {white_level} is not between 1 and {FULL_SCALE_16}.')
    native = samples.astype(np.uint16, copy=False)
    return cast('NDArray[Any]', cv2.convertScaleAbs(native, alpha=255.0 / white_level))


def _by_cv_bridge(message: RawImage) -> Image:
    understood = f'understood are {", ".join(ENCODINGS)}'
    try:
        from cv_bridge import CvBridge, CvBridgeError
    except ImportError:
        raise ImageError(
            f"The encoding '{message.encoding}' is not understood; {understood}, and more where "
            'cv_bridge is installed.'
        ) from None
    try:
        return cast(Image, CvBridge().imgmsg_to_cv2(message, 'bgr8'))
    except (CvBridgeError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise ImageError(
            f"Neither neuropose_ros nor cv_bridge can read the encoding '{message.encoding}' "
            f'({error}); {understood}.'
        ) from None


def check_image(image: Image) -> None:
    """Raise ImageError unless the array is (H, W, 3) uint8 with H, W > 0."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ImageError(f'A BGR image is (H, W, 3) uint8, not {image.shape} {image.dtype}.')


def pack(image: Image) -> array.array[int]:
    """Return the bytes of a (H, W, 3) image in the one type that ROS 2 messages take at once.

    Any other buffer is copied element by element when it is set in a message: 100 times slower.
    """
    data = array.array('B')
    data.frombytes(np.ascontiguousarray(image).data)
    return data
