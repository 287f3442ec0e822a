"""CMU motion capture as exponential maps, turned into 3D joints; no labels, for pre-training.

One file, ``cmu_mocap8_expmap.npz``: an array (frames, 117) for each recording, named
part/activity/recording. A row is the root's position and 38 rotations as exponential maps, the
form of Li et al. 2018 (Convolutional Sequence to Sequence Model for Human Dynamics), who took
it from Jain et al. 2016 and Martinez et al. 2017. The bones are those that Li et al. published
beside the data, in the unit of the database's .asf files (mocap.cs.cmu.edu, FAQ: 1/0.45 inch).
Rotations multiply rows from the right: standing feet stand still that way and no other.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import CMU28
from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.clips import ClipSet
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.tables import (
    kept,
    locate,
    make_clip,
    read_arrays,
    times_at,
)

RECORDED_HZ = 120.0
SOURCE = ('CMU Graphics Lab Motion Capture Database (mocap.cs.cmu.edu, NSF EIA-0196217), free to '
          'use, as distributed by Li et al. 2018 under MIT')
METRES_PER_UNIT = 0.0254 / 0.45

# Each bone: parent (an index into this table), offset in the parent's frame. Those without an
# offset only add a rotation, where chains leave the root, the chest and the wrists.
_BONES: tuple[tuple[int, tuple[float, float, float]], ...] = (
    (-1, (0, 0, 0)),
    (0, (0, 0, 0)), (1, (1.65674, -1.80282, 0.62477)), (2, (2.5972, -7.13576, 0)),
    (3, (2.49236, -6.8477, 0)), (4, (0.19704, -0.54136, 2.14581)), (5, (0, 0, 1.11249)),
    (0, (0, 0, 0)), (7, (-1.6107, -1.80282, 0.62476)), (8, (-2.59502, -7.12977, 0)),
    (9, (-2.4678, -6.78024, 0)), (10, (-0.23024, -0.63258, 2.13368)), (11, (0, 0, 1.11569)),
    (0, (0, 0, 0)), (13, (0.01961, 2.0545, -0.14112)), (14, (0.01021, 2.06436, -0.05921)),
    (15, (0, 0, 0)), (16, (0.00713, 1.56711, 0.14968)), (17, (0.03429, 1.56041, -0.10006)),
    (18, (0.01305, 1.6256, -0.05265)),
    (15, (0, 0, 0)), (20, (3.54205, 0.90436, -0.17364)), (21, (4.86513, 0, 0)),
    (22, (3.35554, 0, 0)), (23, (0, 0, 0)), (24, (0.66117, 0, 0)), (25, (0.53306, 0, 0)),
    (23, (0, 0, 0)), (27, (0.5412, 0, 0.5412)),
    (15, (0, 0, 0)), (29, (-3.49802, 0.75994, -0.32616)), (30, (-5.02649, 0, 0)),
    (31, (-3.36431, 0, 0)), (32, (0, 0, 0)), (33, (-0.73041, 0, 0)), (34, (-0.58887, 0, 0)),
    (32, (0, 0, 0)), (36, (-0.59786, 0, 0.59786)),
)
# Where the joints of CMU28 lie in the table: the root, then each bone that has a length.
_JOINTS = (0, *(i for i, (_, offset) in enumerate(_BONES) if any(offset)))
_WIDTH = 3 + 3 * len(_BONES)


def rotation_matrices(expmaps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (..., 3, 3) rotations of (..., 3) axis times angle in rad (Rodrigues)."""
    angle = np.linalg.norm(expmaps, axis=-1)[..., np.newaxis, np.newaxis]
    x, y, z = np.moveaxis(expmaps, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack((zero, -z, y, z, zero, -x, -y, x, zero), -1).reshape(*x.shape, 3, 3)
    # sin(a)/a and (1 - cos(a))/a^2 without dividing by 0
    half = np.sinc(angle / (2 * np.pi))
    return np.asarray(np.eye(3) + np.sinc(angle / np.pi) * cross + half ** 2 / 2 * cross @ cross)


def joints_of_expmaps(rows: Floats) -> Floats:
    """Return (T, 28, 3) m of (T, 117) rows; y is up, joints as `CMU28`."""
    frames = np.asarray(rows, np.float64).reshape(len(rows), -1, 3)
    turns = rotation_matrices(frames[:, 1:])
    points = np.empty((len(rows), len(_BONES), 3))
    for i, (parent, offset) in enumerate(_BONES):
        if parent < 0:
            points[:, i] = frames[:, 0]
        else:
            points[:, i] = points[:, parent] + np.array(offset) @ turns[:, parent]
            turns[:, i] = turns[:, i] @ turns[:, parent]
    return np.asarray(points[:, _JOINTS] * METRES_PER_UNIT, np.float32)


def read_cmu_mocap(
    root: Path, findings: Findings | None = None, *, rate_hz: float = 30.0,
) -> ClipSet:
    """Read all recordings; a group is an activity.

    Args:
        root: folder with ``cmu_mocap8_expmap.npz``, or the one above it.
        findings: takes what is left out.
        rate_hz: frames per second to keep of the 120, which it has to divide.

    Raises:
        DataError: the file is missing or not of its form, or the rate does not divide.
    """
    if rate_hz <= 0 or RECORDED_HZ % rate_hz:
        raise DataError(f'cmu_mocap has {RECORDED_HZ:g} frames per second; a rate of {rate_hz:g} '
                        'does not divide it')
    findings = Findings() if findings is None else findings
    path = locate(root, 'cmu_mocap8_expmap.npz', 'cmu_mocap/cmu_mocap8_expmap.npz')
    step = round(RECORDED_HZ / rate_hz)
    clips = []
    for name, rows in read_arrays(path, _names(path)).items():
        if rows.ndim != 2 or rows.shape[1] != _WIDTH or not len(rows):
            findings.skip(name, f'{rows.shape} is not (frames, {_WIDTH})')
            continue
        points = joints_of_expmaps(rows[::step])
        clips.append(make_clip(findings, name, points, times_at(len(points), rate_hz),
                               group=name.rpartition('/')[0].rpartition('/')[2]))
    return ClipSet('cmu_mocap', CMU28, tuple(kept(clips)), None, SOURCE)


def _names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix('.npy') for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f'{path}: cannot be read as arrays ({error})') from error
