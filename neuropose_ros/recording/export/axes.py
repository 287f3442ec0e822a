"""Axes of 3D exports: the camera's become those of a laboratory, with y up.

Here 3D points are in an optical frame or relative to the mid-hip with its axes (REP-103: x right,
y down, z away from the camera). OpenSim and motion capture want the vertical axis up. Turned by
half a turn about x, both hold: x right as the camera sees it, y up, z towards the camera, right
handed. The turn is its own inverse.
"""

from __future__ import annotations

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.pose import Floats

MM_PER_M = 1000.0


def turned(points: Floats) -> Floats:
    """Return (..., 3) points of the one kind of axes in the other."""
    return points * np.array((1, -1, -1), np.float32)


def to_optical(points: Floats, right: str, up: str) -> Floats:
    """Return (..., 3) points of a laboratory as an optical frame that looks along its depth.

    Args:
        right: axis of the laboratory that points right, as ``+X``.
        up: axis that points up, as ``+Z``.

    Raises:
        DataError: these are no two different axes.
    """
    x, y = _axis(right), -_axis(up)
    if abs(float(x @ y)) > 0:
        raise DataError(f'{right} to the right and {up} up are no two different axes')
    return (points @ np.stack((x, y, np.cross(x, y)), 1)).astype(np.float32)


def _axis(name: str) -> Floats:
    sign, letter = (name[0], name[1:]) if name[:1] in {'+', '-'} else ('+', name)
    if letter.upper() not in {'X', 'Y', 'Z'}:
        raise DataError(f'{name!r} is no axis: they are +X -X +Y -Y +Z -Z')
    axis = np.zeros(3, np.float32)
    axis['XYZ'.index(letter.upper())] = -1 if sign == '-' else 1
    return axis
