"""The camera's geometry: from pixels to viewing directions."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import DepthError

Array = NDArray[np.float64]

MODELS = ('', 'plumb_bob', 'rational_polynomial', 'equidistant')

_OPENCV_SIZES = (4, 5, 8, 12, 14)
_EQUIDISTANT_SIZE = 4

_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-9)
# A direction must lead back to its pixel: beyond the field in which a distortion model holds,
# the iteration ends anywhere.
_TOLERANCE_PX = 0.5


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """What ``sensor_msgs/CameraInfo`` says of the lens, for one picture size.

    Attributes:
        k: (3, 3) intrinsic matrix, px; zero = uncalibrated.
        d: distortion coefficients in the order of ``model``; empty = none.
        model: one of `MODELS`.
    """

    width: int
    height: int
    k: Array
    d: Array
    model: str = ''

    def __post_init__(self) -> None:
        """Refuse what cannot be undistorted.

        Raises:
            DepthError: the distortion model is not known, or D is not one of it.
        """
        if self.model not in MODELS:
            raise DepthError(
                f'the distortion model {self.model!r} of camera_info is not known; known are '
                f'{", ".join(MODELS[1:])}')
        if not np.any(self.d):
            return
        fits = self.d.size >= _EQUIDISTANT_SIZE if self.model == 'equidistant' else (
            self.d.size in _OPENCV_SIZES)
        if not fits or not np.isfinite(self.d).all():
            raise DepthError(
                f'D of camera_info does not fit its distortion model '
                f'{self.model or MODELS[1]}: {self.d.tolist()}')

    @property
    def calibrated(self) -> bool:
        """Whether there is a focal length."""
        return bool(self.k[0, 0] > 0 and self.k[1, 1] > 0)

    @property
    def focal_px(self) -> float:
        """The mean focal length."""
        return float(self.k[0, 0] + self.k[1, 1]) / 2

    def rays(self, points_px: Array) -> Array:
        """Return (N, 2): x/z and y/z in the optical frame for (N, 2) px; NaN where unknown."""
        rays = np.full(points_px.shape, np.nan)
        known = np.flatnonzero(np.isfinite(points_px).all(1))
        if not len(known):
            return rays
        points = np.ascontiguousarray(points_px[known], np.float64)
        if not np.any(self.d):
            focal = np.array((self.k[0, 0], self.k[1, 1]))
            y = (points[:, 1] - self.k[1, 2]) / focal[1]
            rays[known] = np.stack(
                ((points[:, 0] - self.k[0, 2] - self.k[0, 1] * y) / focal[0], y), 1)
            return rays
        found = self._undistorted(points)
        back = self._distorted(found)
        found[~(np.abs(back - points).max(1) < _TOLERANCE_PX)] = np.nan
        rays[known] = found
        return rays

    def _undistorted(self, points: Array) -> Array:
        if self.model == 'equidistant':
            found = cv2.fisheye.undistortPoints(points[:, None], self.k, self.d[:4])
        else:
            found = cv2.undistortPointsIter(
                points[:, None], self.k, self.d, None, None, _CRITERIA)
        return np.array(found, np.float64).reshape(-1, 2)

    def _distorted(self, rays: Array) -> Array:
        zero = np.zeros(3)
        if self.model == 'equidistant':
            pixels = cv2.fisheye.distortPoints(rays[:, None], self.k, self.d[:4])
        else:
            points = np.concatenate((rays, np.ones((len(rays), 1))), 1)
            pixels, _ = cv2.projectPoints(points, zero, zero, self.k, self.d)
        return np.asarray(pixels, np.float64).reshape(-1, 2)
