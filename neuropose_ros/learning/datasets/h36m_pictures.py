"""Human3.6M (Ionescu et al. 2014) as pictures with joints in 2D and in metres.

The form that mmpose's converter writes (tools/dataset_converters/preprocess_h36m.py):
``annotation_body3d/fps<N>/h36m_{train,test}.npz`` with `imgname`, `part` (N, 17, 3: x, y,
visible) and `S` (N, 17, 4: m in the axes of the camera, from ``D3_Positions_mono``), and
``images``. Training subjects are S1, S5, S6, S7 and S8, test S9 and S11.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import H36M17
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture
from neuropose_ros.learning.datasets.tables import locate, read_arrays

SOURCE = 'Human3.6M (Ionescu et al. 2014): academic research, by agreement'
PATTERN = 'annotation_body3d/fps*/h36m_{}.npz'
_SHAPES = {'part': (len(H36M17), 3), 'S': (len(H36M17), 4)}


def read_h36m_pictures(
    root: Path, part: str = 'test', findings: Findings | None = None,
) -> tuple[tuple[AnnotatedPicture, ...], str]:
    """Read the pictures of one part, one person in each; a group is a subject.

    Args:
        root: folder with ``annotation_body3d`` and ``images``.
        part: ``train`` or ``test``; '' = test.
        findings: takes annotations without a picture or with a joint that is no number.

    Returns:
        The pictures, and whose they are.

    Raises:
        DataError: a file is missing or not of the form.
    """
    findings = Findings() if findings is None else findings
    name = PATTERN.format(part or 'test')
    path = next(iter(sorted(root.glob(name))), None)
    if path is None:
        raise DataError(f'{root}: there is no {name}; give the folder that the data set lies in')
    arrays = read_arrays(path, ('imgname', *_SHAPES))
    count = len(arrays['imgname'])
    for key, shape in _SHAPES.items():
        if arrays[key].shape != (count, *shape) or arrays[key].dtype.kind not in 'fiu':
            raise DataError(f'{path}: {key} is {arrays[key].dtype} of {arrays[key].shape}, not '
                            f'numbers of ({count}, {shape[0]}, {shape[1]})')
    folder = locate(root, 'images')
    pictures = []
    for file, flat, metres in zip(
            arrays['imgname'].tolist(), arrays['part'], arrays['S'], strict=True):
        if not (folder / file).is_file():
            findings.skip(file, f'it is annotated, but {folder} has no such picture')
        elif not (np.isfinite(flat).all() and np.isfinite(metres).all()):
            findings.skip(file, 'a joint of it is no number')
        else:
            pictures.append(_picture(folder / file, flat, metres))
    return tuple(pictures), SOURCE


def _picture(
    path: Path, flat: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    metres: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> AnnotatedPicture:
    visible = flat[np.newaxis, :, 2] > 0
    points = np.where(visible[..., np.newaxis], flat[np.newaxis, :, :2], np.nan)
    unknown = np.full(1, np.nan, np.float32)
    return AnnotatedPicture(
        path, H36M17, points.astype(np.float32), visible, np.full((1, 4), np.nan, np.float32),
        unknown, unknown, group=path.name.partition('_')[0],
        keypoints_3d=metres[np.newaxis, :, :3].astype(np.float32))
