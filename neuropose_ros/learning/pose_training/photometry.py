"""Pictures made worse as cameras do: light, colour, blur, noise, compression, and occluders.

Pure functions of a picture and a strength, so that what is trained against can be measured, too.
Pictures are (H, W, 3) uint8.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Image

_LEVELS = np.arange(256, dtype=np.float32)


def tinted(image: Image, gains: NDArray[np.float32], offset: float) -> Image:
    """Change the contrast of each channel about the middle grey, and the brightness.

    Args:
        gains: (3,) factors.
        offset: grey levels.
    """
    table = (_LEVELS[:, np.newaxis] - 128) * gains + (128 + offset)
    return _looked_up(image, table)


def recoloured(
    image: Image, hue_deg: float, saturation: float, gamma: float, *, negative: bool = False,
) -> Image:
    """Turn a picture's hues, and change its saturation and its tones.

    Args:
        saturation: factor.
        gamma: exponent of the grey levels, 0..1.
        negative: bright becomes dark.
    """
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    turned = np.zeros((256, 3), np.float32)
    turned[:, 0] = (_LEVELS + hue_deg / 2) % 180  # OpenCV's hues are half degrees
    turned[:, 1] = _LEVELS * saturation
    turned[:, 2] = _LEVELS
    bgr = np.asarray(cv2.cvtColor(_looked_up(hsv, turned), cv2.COLOR_HSV2BGR), np.uint8)
    tones = (_LEVELS / 255) ** gamma * 255
    return _looked_up(bgr, 255 - tones if negative else tones)


def low_light(
    image: Image, exposure: float, noise: float, rng: np.random.Generator,
) -> Image:
    """Show a picture as a camera does that gets little light.

    Less light reaches the sensor (in linear light, gamma 2.2), and its noise stays: shot noise
    that grows with the square root of the light, and read noise.

    Args:
        exposure: share of the light that is left, 0..1.
        noise: standard deviation of the read noise, grey levels.
    """
    dark = _looked_up(image, ((_LEVELS / 255) ** 2.2 * exposure) ** (1 / 2.2) * 255)
    return noisy(dark, noise, rng)


def noisy(image: Image, noise: float, rng: np.random.Generator) -> Image:
    """Add noise of that standard deviation, grey levels, that grows with the light."""
    grain = rng.standard_normal(image.shape, np.float32)
    values = image.astype(np.float32)
    values += grain * noise * (1 + np.sqrt(values / 255))
    return np.clip(values, 0, 255).astype(np.uint8)


def motion_blur(image: Image, length_px: float, angle: float) -> Image:
    """Blur along a line of that length, at an angle in radians."""
    size = max(3, 2 * round(length_px / 2) + 1)
    kernel = np.zeros((size, size), np.float32)
    middle = size // 2
    reach = np.array([np.cos(angle), np.sin(angle)]) * (length_px / 2)
    start, end = (tuple(np.round(middle + sign * reach).astype(int).tolist()) for sign in (-1, 1))
    cv2.line(kernel, start, end, 1.0)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def defocus(image: Image, radius_px: float) -> Image:
    """Blur by a disc of that radius."""
    size = 2 * int(np.ceil(radius_px)) + 1
    y, x = np.mgrid[:size, :size] - size // 2
    kernel = np.clip(radius_px + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def compressed(image: Image, quality: int) -> Image:
    """Show a picture as JPEG of that quality, 1 to 100, leaves it."""
    _, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def coarse(image: Image, share: float) -> Image:
    """Show a picture as if it were of that share of the size, as people far away are."""
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(8, round(width * share)), max(8, round(height * share))),
                       interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height)), np.uint8)


def occluded(image: Image, share: float, rng: np.random.Generator) -> Image:
    """Hide a part of a picture behind a rectangle or ellipse: plain, noise, or other pixels of it.

    Args:
        share: of the picture's area.
    """
    height, width = image.shape[:2]
    shape = np.exp(rng.uniform(-0.7, 0.7))
    half = np.sqrt(share * height * width / 4) * np.array([shape, 1 / shape])
    centre = rng.uniform(0, 1, 2) * (width, height)
    mask = np.zeros((height, width), np.uint8)
    if rng.random() < 0.5:
        low, high = (tuple(np.round(centre + sign * half).astype(int).tolist())
                     for sign in (-1, 1))
        cv2.rectangle(mask, low, high, 1, -1)
    else:
        middle, axes = (tuple(np.round(value).astype(int).tolist()) for value in (centre, half))
        cv2.ellipse(mask, middle, axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
    kind = rng.integers(3)
    if kind == 0:
        cover: Image = np.broadcast_to(rng.integers(0, 256, 3, np.uint8), image.shape)
    elif kind == 1:
        cover = rng.integers(0, 256, image.shape, np.uint8)
    else:
        shift = rng.integers(width // 4, width), rng.integers(height // 4, height)
        cover = np.roll(image, shift, (1, 0))
    return np.where(mask[..., np.newaxis] > 0, cover, image)


def _looked_up(image: Image, table: NDArray[np.floating]) -> Image:
    levels = np.clip(table, 0, 255).astype(np.uint8)
    if levels.ndim == 2:
        levels = np.ascontiguousarray(levels)[np.newaxis]
    return np.asarray(cv2.LUT(image, levels), np.uint8)
