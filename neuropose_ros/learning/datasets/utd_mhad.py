"""UTD-MHAD (Chen et al. 2015): 27 actions, a Kinect's 20 joints and a worn inertial sensor.

Two forms are read: the official folders (``Skeleton/a1_s1_t1_skeleton.mat`` with `d_skel`
(20, 3, frames) and ``Inertial/a1_s1_t1_inertial.mat`` with `d_iner` (samples, 6)), and one file
of each kind, ``utd_skel.npz`` and ``utd_iner.npz`` (`kp`, `offset`, `label`, `subject`, `name`).
Joints are in m in the camera's frame at about 30 Hz; the sensor gives acceleration (g) and
angular velocity (deg/s) at 50 Hz, on the right wrist for actions 1 to 21, else the right thigh.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import UTD_MHAD20
from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.clips import Clip, ClipSet, Split
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.matlab import read_matlab
from neuropose_ros.learning.datasets.tables import (
    kept,
    locate,
    make_clip,
    read_sequences,
    times_at,
    without_zeros,
)

RATE_HZ, INERTIAL_RATE_HZ = 30.0, 50.0
SOURCE = 'UTD-MHAD (Chen, Jafari and Kehtarnavaz 2015): research'
ACTIONS = (
    'swipe_left', 'swipe_right', 'wave', 'clap', 'throw', 'arm_cross', 'basketball_shoot',
    'draw_x', 'draw_circle_clockwise', 'draw_circle_counter_clockwise', 'draw_triangle',
    'bowling', 'boxing', 'baseball_swing', 'tennis_swing', 'arm_curl', 'tennis_serve', 'push',
    'knock', 'catch', 'pickup_and_throw', 'jog', 'walk', 'sit_to_stand', 'stand_to_sit', 'lunge',
    'squat',
)
_NAME = re.compile(r'a(\d+)_s(\d+)_t(\d+)')


@dataclass(frozen=True)
class InertialRecording:
    """What the worn sensor measured during a clip.

    Attributes:
        times_s: (S,) from the begin of the clip.
        values: (S, 6) float32, acceleration in g, then angular velocity in deg/s.
    """

    times_s: NDArray[np.float64]
    values: Floats


def read_utd_mhad(root: Path, findings: Findings | None = None) -> Split:
    """Read the joints; odd subjects train, even ones test, as the authors do. Groups: subjects.

    Args:
        root: folder with ``Skeleton`` or ``utd_skel.npz``, or the one above it.
        findings: takes what is left out.

    Raises:
        DataError: there is neither, or a file is not of its form.
    """
    findings = Findings() if findings is None else findings
    recordings = _recordings(
        root, 'Skeleton', 'd_skel', 'utd_skel.npz', (len(UTD_MHAD20), 3), findings)
    train: list[Clip | None] = []
    test: list[Clip | None] = []
    for name, table in recordings.items():
        match = _NAME.fullmatch(name)
        action = int(match[1]) if match else 0
        if match is None or not 1 <= action <= len(ACTIONS):
            findings.skip(name, 'its name is not aACTION_sSUBJECT_tTRIAL with an action of '
                                f'1 to {len(ACTIONS)}')
            continue
        if table.ndim != 3 or table.shape[1:] != (len(UTD_MHAD20), 3):
            findings.skip(name, f'{table.shape} is not (frames, {len(UTD_MHAD20)}, 3)')
            continue
        part = train if int(match[2]) % 2 else test
        part.append(make_clip(
            findings, name, without_zeros(table), times_at(len(table), RATE_HZ), action - 1,
            f's{match[2]}'))
    everything = ClipSet('utd_mhad', UTD_MHAD20, (), LabelSet('utd_mhad', ACTIONS), SOURCE)
    return Split(everything.only(tuple(kept(train))), everything.only(tuple(kept(test))),
                 'odd subjects -> even subjects')


def read_utd_mhad_inertial(
    root: Path, findings: Findings | None = None,
) -> dict[str, InertialRecording]:
    """Read the worn sensor's recordings by the names of the clips that they belong to.

    Raises:
        DataError: there is neither ``Inertial`` nor ``utd_iner.npz``, or one is not of its form.
    """
    findings = Findings() if findings is None else findings
    found = {}
    for name, table in _recordings(
            root, 'Inertial', 'd_iner', 'utd_iner.npz', (6,), findings).items():
        if table.ndim != 2 or table.shape[1] != 6 or not len(table):
            findings.skip(name, f'{table.shape} is not (samples, 6)')
        elif not np.isfinite(table).all():
            findings.skip(name, 'a value of the inertial sensor is not finite')
        else:
            found[name] = InertialRecording(times_at(len(table), INERTIAL_RATE_HZ), table)
    return found


def _recordings(
    root: Path, folder: str, variable: str, arrays: str, shape: tuple[int, ...],
    findings: Findings,
) -> dict[str, Floats]:
    """Return name -> (frames, ...) of either form."""
    path = locate(root, arrays, folder, f'utd_mhad/{arrays}', f'UTD-MHAD/{folder}')
    if path.is_dir():
        return _from_matlab(path, variable, findings)
    return read_sequences(path, 'kp', shape)[0]


def _from_matlab(folder: Path, variable: str, findings: Findings) -> dict[str, Floats]:
    found = {}
    paths = sorted(folder.glob('*.mat'))
    if not paths:
        raise DataError(f'{folder}: there is no .mat file in it')
    for path in paths:
        name = re.sub(r'_(skeleton|inertial)$', '', path.stem)
        try:
            values = np.asarray(read_matlab(path, variable), np.float32)
        except (DataError, ValueError) as error:
            findings.skip(name, str(error).removeprefix(f'{path}: '))
        else:
            found[name] = np.moveaxis(values, -1, 0) if values.ndim == 3 else values
    return found
