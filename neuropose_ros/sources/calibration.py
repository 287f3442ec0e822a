"""Camera calibrations: the camera_info YAML files of ROS (camera_calibration, REP-104)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from neuropose_ros.core.errors import SourceError

Matrix = NDArray[np.float64]

_COEFFICIENTS = {'plumb_bob': (5,), 'rational_polynomial': (8,), 'equidistant': (4,)}
_SAME_SHAPE = 0.01


@dataclass(frozen=True, slots=True)
class Calibration:
    """What ``sensor_msgs/CameraInfo`` says of a camera, for one picture size.

    Attributes:
        k: (3, 3) intrinsic matrix, px; zero = uncalibrated.
        d: distortion coefficients in the order of ``distortion_model``.
        r: (3, 3) rectification.
        p: (3, 4) projection of the rectified picture, px.
    """

    width: int
    height: int
    k: Matrix
    d: Matrix
    r: Matrix
    p: Matrix
    distortion_model: str = ''
    camera_name: str = ''

    @staticmethod
    def unknown(width: int, height: int) -> Calibration:
        """Return what is published of an uncalibrated camera: K = 0 (REP-104)."""
        zero = np.zeros
        return Calibration(width, height, zero((3, 3)), zero(0), np.eye(3), zero((3, 4)))

    @property
    def calibrated(self) -> bool:
        """Whether there is a focal length."""
        return bool(self.k[0, 0] > 0 and self.k[1, 1] > 0)

    def scaled(self, width: int, height: int) -> Calibration:
        """Return the calibration of the same view at another size.

        Raises:
            SourceError: the shape differs, so it is another view (cropped, other sensor mode).
        """
        if (width, height) == (self.width, self.height):
            return self
        sx, sy = width / self.width, height / self.height
        if abs(sx / sy - 1) > _SAME_SHAPE:
            raise SourceError(
                f'The calibration is for {self.width}x{self.height}, the pictures are '
                f'{width}x{height}: another shape, to be calibrated on its own.'
            )
        # The centre of the top-left pixel is (0, 0): the principal point moves by half pixels.
        move = np.array([
            [sx, 0, (sx - 1) / 2],
            [0, sy, (sy - 1) / 2],
            [0, 0, 1],
        ])
        if not self.calibrated:
            return replace(self, width=width, height=height)
        return replace(self, width=width, height=height, k=move @ self.k, p=move @ self.p)


def read_calibration(path: str | Path) -> Calibration:
    """Read a camera_info YAML file.

    Raises:
        SourceError: the file is missing, is not YAML, or a field is missing or has a wrong size.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding='utf-8'))
    except OSError as error:
        raise SourceError(
            f'The calibration file {path} cannot be read: {error.strerror}.') from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise SourceError(f'The calibration file {path} is not YAML.') from None
    if not isinstance(content, dict):
        raise SourceError(f'The calibration file {path} has no fields.')
    try:
        return _parse(content)
    except _FieldError as error:
        raise SourceError(f'The calibration file {path} {error}.') from None


class _FieldError(ValueError):
    """Says what is wrong with a field, as the end of a sentence."""


def _parse(content: dict[str, Any]) -> Calibration:
    model = str(content.get('distortion_model', ''))
    d = _matrix(content, 'distortion_coefficients', None).reshape(-1)
    if model not in _COEFFICIENTS:
        known = ', '.join(_COEFFICIENTS)
        raise _FieldError(f"has the distortion_model '{model}'; known are {known}")
    if len(d) not in (0, *_COEFFICIENTS[model]):
        raise _FieldError(f'has {len(d)} distortion_coefficients, which {model} does not')
    k = _matrix(content, 'camera_matrix', (3, 3))
    if np.any(k) and not (k[0, 0] > 0 and k[1, 1] > 0):
        raise _FieldError('has a camera_matrix without positive focal lengths')
    r = _matrix(content, 'rectification_matrix', (3, 3), default=np.eye(3))
    p = _matrix(content, 'projection_matrix', (3, 4), default=np.hstack([k, np.zeros((3, 1))]))
    return Calibration(
        _size(content, 'image_width'), _size(content, 'image_height'), k, d, r, p, model,
        str(content.get('camera_name', '')),
    )


def _size(content: dict[str, Any], field: str) -> int:
    value = content.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise _FieldError(f'needs {field} as a whole number above 0, not {value!r}')
    return value


def _matrix(
    content: dict[str, Any],
    field: str,
    shape: tuple[int, int] | None,
    default: Matrix | None = None,
) -> Matrix:
    """Return a field's matrix; ``shape`` None = one row of any length."""
    if field not in content and default is not None:
        return default
    entry = content.get(field)
    data = entry.get('data') if isinstance(entry, dict) else entry
    try:
        values = np.asarray(data, np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise _FieldError(f'has no numbers in {field}') from None
    if data is None or not np.isfinite(values).all():
        raise _FieldError(f'needs finite numbers in {field}')
    if shape is None:
        return values
    if values.size != shape[0] * shape[1]:
        raise _FieldError(f'has {values.size} numbers in {field}, not {shape[0]}x{shape[1]}')
    return values.reshape(shape)
