"""Dark pictures made brighter before a network looks at them.

The gain works in linear light (IEC 61966-2-1, sRGB), as a longer exposure does, so that what is
bright keeps its relations; shadows come up with their noise, which a blur takes off again: the
more the picture was brightened, the wider.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Image = NDArray[np.uint8]

DARK_BELOW = 100.0
"""Grey level: where the bright parts of a picture are darker, it counts as dark."""
_TARGET = 200.0
_MOST_STOPS = 6.0
# The brightest hundredths are lamps and reflections.
_BRIGHT_PERCENT = 97
# Brightening begins at nothing where a picture is just dark, and is whole at this share of that.
_WHOLLY_DARK = 0.7
# Somebody in light before a dark room is a small part of the picture and must not turn white:
# of what is not white already, all but three thousandths stay below this level.
_KEPT_PERCENT, _KEPT_BELOW, _WHITE = 99.7, 250.0, 250
_SAMPLES_PER_SIDE = 48
# Share of a change of light that a frame of a video takes over, and what is no drift but a switch.
_FOLLOWED, _SWITCH_STOPS = 0.2, 0.7
_BLUR_FROM_STOPS, _BLUR_PX_PER_STOP, _MOST_BLUR_PX = 1.5, 0.3, 1.2


def bright_level(image: Image) -> float:
    """Return how bright the bright parts of a (H, W, 3) picture are, grey levels."""
    return float(np.percentile(_samples(image), _BRIGHT_PERCENT))


def _samples(image: Image) -> Image:
    height, width = image.shape[:2]
    part = image[::max(1, height // _SAMPLES_PER_SIDE), ::max(1, width // _SAMPLES_PER_SIDE)]
    return np.asarray(part.max(-1), np.uint8)


def _wanted_stops(image: Image, dark_below: float) -> float:
    """Return how often the light of a picture should double."""
    level = bright_level(image)
    dark = (dark_below - level) / (dark_below * (1 - _WHOLLY_DARK))
    if dark <= 0:
        return 0.0
    stops = _stops(level, _TARGET) * min(dark, 1.0)
    samples = _samples(image)
    grey = samples[samples < _WHITE]
    if grey.size:
        stops = min(stops, _stops(float(np.percentile(grey, _KEPT_PERCENT)), _KEPT_BELOW))
    return stops


class Exposure:
    """Brightens frame after frame of one camera.

    Attributes:
        stops: of the last frame: how often its light was doubled; 0 = it was left as it is.
    """

    def __init__(self, dark_below: float = DARK_BELOW) -> None:
        """Know no frame yet.

        Args:
            dark_below: grey level of the bright parts below which pictures are brightened.
        """
        self._dark_below = dark_below
        self.stops = 0.0

    def reset(self) -> None:
        """Forget earlier frames."""
        self.stops = 0.0

    def correct(self, image: Image) -> Image:
        """Return the picture, or a brighter one where it is dark; (H, W, 3) uint8 BGR."""
        wanted = _wanted_stops(image, self._dark_below)
        if self.stops and abs(wanted - self.stops) < _SWITCH_STOPS:
            wanted = self.stops + _FOLLOWED * (wanted - self.stops)
        self.stops = wanted
        return image if not wanted else brightened(image, wanted)


def brightened(image: Image, stops: float) -> Image:
    """Return the picture with its light doubled ``stops`` times, noise of the shadows blurred."""
    light = _light(np.arange(256)) * 2.0**stops
    table = np.where(light <= 0.0031308, 12.92 * light,
                     1.055 * np.minimum(light, 1)**(1 / 2.4) - 0.055)
    bright = cv2.LUT(image, np.clip(np.round(255 * table), 0, 255).astype(np.uint8))
    blur_px = min(_BLUR_PX_PER_STOP * (stops - _BLUR_FROM_STOPS), _MOST_BLUR_PX)
    if blur_px > 0:
        bright = cv2.GaussianBlur(bright, (0, 0), blur_px)
    return np.asarray(bright, np.uint8)


def _stops(level: float, target: float) -> float:
    """Return how often the light must double for one grey level to become another."""
    wanted, there = _light(np.array([target, max(level, 1.0)]))
    return float(np.clip(np.log2(wanted / there), 0, _MOST_STOPS))


def _light(levels: ArrayLike) -> NDArray[np.float64]:
    """Return the linear light of grey levels, 0..1."""
    coded = np.asarray(levels, np.float64) / 255
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055)**2.4)
