"""Pictures as a worse camera gives them: little light, blur, noise, compression.

Everything optical happens in linear light (IEC 61966-2-1, sRGB), as it does in front of a sensor;
noise is that of electrons. Pictures are (H, W, 3) uint8 BGR. What pose networks are trained with
(`pose_training.photometry`) is cruder and drawn otherwise, so that a bench is no repetition of
the training; JPEG is JPEG in both.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Image

Values = NDArray[np.float32]

FULL_WELL = 4000.0
"""Electrons of white, as small sensors of webcams and telephones have."""
READ_NOISE = 5.0
"""Electrons, standard deviation."""
_CODES = 4096
_PATH_POINTS = 96
_BLADES = 6


def _encoding(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0)**(1 / 2.4) - 0.055)


def _decoding(coded: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055)**2.4)


_LIGHT = _decoding(np.arange(256) / 255).astype(np.float32)
_CODE = np.round(255 * _encoding(np.arange(_CODES) / (_CODES - 1))).astype(np.uint8)


def linear_light(image: Image) -> Values:
    """Return the light of each pixel, 0..1."""
    return _LIGHT[image]


def encoded(light: Values) -> Image:
    """Return the picture of light, what is outside of 0..1 cut off."""
    codes = np.clip(light * (_CODES - 1) + 0.5, 0, _CODES - 1).astype(np.uint16)
    image: Image = _CODE[codes]
    return image


def low_light(image: Image, stops: float, rng: np.random.Generator) -> Image:
    """Show a picture as a camera of fixed exposure does in less light.

    Args:
        stops: times that the light is halved.
    """
    electrons = linear_light(image) * np.float32(FULL_WELL * 2.0**-stops)
    # Shot noise is Poisson's; from a few electrons on, and with read noise, that is a bell.
    spread = np.sqrt(electrons + READ_NOISE**2)
    electrons += spread * rng.standard_normal(image.shape, np.float32)
    return encoded(electrons / np.float32(FULL_WELL))


def motion_blur(image: Image, length_px: float, rng: np.random.Generator) -> Image:
    """Blur along a bent path of that length, as a shaken camera or somebody who moves does."""
    steps = np.linspace(-0.5, 0.5, _PATH_POINTS)
    angles = rng.uniform(0, 2 * np.pi) + rng.uniform(-1.5, 1.5) * steps
    path = np.cumsum(np.stack((np.cos(angles), np.sin(angles)), 1), 0)
    path = (path - path.mean(0)) * (length_px / _PATH_POINTS)
    # Exposure is not even along the way: the hand speeds up and slows down.
    weights = 1 + rng.uniform(-0.5, 0.5) * np.sin(2 * np.pi * steps)
    return _filtered(image, _splatted(path, weights))


def defocus(image: Image, diameter_px: float, rng: np.random.Generator) -> Image:
    """Blur by the image of an iris with six blades, of that diameter."""
    size = 2 * int(np.ceil(diameter_px / 2)) + 3
    fine = 8
    middle, radius = size * fine / 2, max(diameter_px, 1.0) * fine / 2
    corners = rng.uniform(0, np.pi) + np.arange(_BLADES) * (2 * np.pi / _BLADES)
    shape = np.zeros((size * fine, size * fine), np.float32)
    cv2.fillConvexPoly(shape, np.round(middle + radius * np.stack(
        (np.cos(corners), np.sin(corners)), 1)).astype(np.int32), 1.0)
    kernel = cv2.resize(shape, (size, size), interpolation=cv2.INTER_AREA)
    return _filtered(image, np.asarray(kernel, np.float32))


def noise(image: Image, levels: float, rng: np.random.Generator) -> Image:
    """Add the grain of a high amplification: of lightness mostly, a pixel wide and more.

    Args:
        levels: standard deviation, grey levels.
    """
    height, width = image.shape[:2]
    grain = rng.standard_normal((height, width, 1), np.float32) * np.float32(0.8)
    colour = rng.standard_normal((-(-height // 2), -(-width // 2), 3), np.float32)
    grain = grain + np.float32(0.6) * np.asarray(cv2.resize(
        colour, (width, height), interpolation=cv2.INTER_NEAREST), np.float32)
    noisy: Image = np.clip(image + np.float32(levels) * grain, 0, 255).astype(np.uint8)
    return noisy


def jpeg(image: Image, quality: float, _rng: np.random.Generator) -> Image:
    """Show a picture as JPEG of that quality, 1..100, leaves it."""
    _, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _splatted(path: NDArray[np.float64], weights: NDArray[np.float64]) -> Values:
    """Return a kernel with each (x, y) of a path shared out among its four pixels."""
    reach = int(np.ceil(np.abs(path).max())) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    low = np.floor(path).astype(int)
    part = path - low
    for dx in (0, 1):
        for dy in (0, 1):
            share = np.where(dx, part[:, 0], 1 - part[:, 0]) * np.where(
                dy, part[:, 1], 1 - part[:, 1])
            np.add.at(kernel, (low[:, 1] + dy + reach, low[:, 0] + dx + reach), share * weights)
    return kernel.astype(np.float32)


def _filtered(image: Image, kernel: Values) -> Image:
    light = cv2.filter2D(linear_light(image), -1, kernel / kernel.sum(),
                         borderType=cv2.BORDER_REPLICATE)
    return encoded(np.asarray(light, np.float32))
