"""Human3.6M (Ionescu et al. 2014) as its 3D joints are commonly distributed.

``data_3d_h36m.npz`` (the form of VideoPose3D, Pavllo et al. 2019): one array of objects,
`positions_3d`, a dict of subject -> action -> (frames, 32 or 17, 3) m in the world at 50 Hz. Of
the 32 joints the usual 17 are kept. Training subjects are S1, S5, S6, S7 and S8, test S9 and S11.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import H36M17
from neuropose_ros.core.safe_pickle import load_object_array
from neuropose_ros.learning.clips import Clip, ClipSet, Split
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.tables import kept, locate, make_clip, times_at

RATE_HZ = 50.0
SOURCE = 'Human3.6M (Ionescu et al. 2014): academic research, by agreement'
TRAIN_SUBJECTS, TEST_SUBJECTS = ('S1', 'S5', 'S6', 'S7', 'S8'), ('S9', 'S11')
# Of the 32 joints of the recording system: those that move on their own, as H36M17 names them.
_KEPT = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)


def read_h36m(root: Path, findings: Findings | None = None) -> Split:
    """Read all sequences, labelled with their action; a group is a subject.

    Args:
        root: folder with ``data_3d_h36m.npz``, or the file.
        findings: takes what is left out.

    Raises:
        DataError: the file is missing or not of the form.
    """
    findings = Findings() if findings is None else findings
    path = root if root.is_file() else locate(root, 'data_3d_h36m.npz', 'h36m/data_3d_h36m.npz')
    positions = _positions(path)
    actions = sorted({_action(str(name)) for takes in positions.values() for name in takes})
    if not actions:
        raise DataError(f'{path}: it holds no sequence')
    labels = LabelSet('h36m', tuple(actions))
    train: list[Clip | None] = []
    test: list[Clip | None] = []
    for subject, takes in positions.items():
        for take, value in takes.items():
            name = f'{subject}/{take}'
            points = np.asarray(value, np.float32) if isinstance(value, np.ndarray) else None
            if points is not None and points.ndim == 3 and points.shape[1] == 32:
                points = points[:, _KEPT]
            if points is None or points.shape[1:] != (len(H36M17), 3):
                findings.skip(name, 'it is not (frames, 32 or 17, 3)')
            elif subject not in (*TRAIN_SUBJECTS, *TEST_SUBJECTS):
                findings.skip(name, f'{subject} is on no side of the split')
            else:
                part = train if subject in TRAIN_SUBJECTS else test
                part.append(make_clip(
                    findings, name, points, times_at(len(points), RATE_HZ),
                    labels.index(_action(str(take))), str(subject)))
    everything = ClipSet('h36m', H36M17, (), labels, SOURCE)
    return Split(everything.only(tuple(kept(train))), everything.only(tuple(kept(test))),
                 'S1, S5, S6, S7, S8 -> S9, S11')


def _action(take: str) -> str:
    """Return the action of a take: ``Walking 1`` is Walking."""
    return re.sub(r'\s*\d+$', '', take).replace(' ', '_')


def _positions(path: Path) -> dict[str, dict[str, Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            raw = archive.read('positions_3d.npy')
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f'{path}: it has no array positions_3d ({error})') from error
    positions = load_object_array(raw, path.name)
    positions = positions.item() if isinstance(positions, np.ndarray) and (
        positions.shape == ()) else positions
    if not isinstance(positions, dict) or not all(
            isinstance(takes, dict) for takes in positions.values()):
        raise DataError(f'{path}: positions_3d is no dict of subjects and their actions')
    return positions
