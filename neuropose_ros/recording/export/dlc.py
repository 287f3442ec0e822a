"""DeepLabCut: a table of x, y and likelihood with three or four rows of header, CSV and HDF5.

Rows are numbers of frames, so a lost frame is a row of empty fields; the format knows no times,
which are in ``NAME_times.csv`` beside it. One person is written as DeepLabCut does without
individuals, several with them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.errors import SessionError
from neuropose_ros.recording.export.material import Material
from neuropose_ros.recording.export.tracks import Tracks, gather

HDF_KEY = 'df_with_missing'
_COORDS = ('x', 'y', 'likelihood')


def write(material: Material, folder: Path) -> list[Path]:
    """Write ``NAME.csv``, ``NAME.h5`` and ``NAME_times.csv``.

    Raises:
        SessionError: pandas or PyTables is not installed, there is nobody in the session, or
            the numbers of its frames do not ascend.
    """
    tracks = gather(material.frames())
    if not tracks.people:
        raise SessionError(f'{material.name}: there is nobody in it to make columns of')
    slots = tracks.slots()
    header, columns = _header(material, tracks), _columns(tracks, slots)
    path = folder / f'{material.stem}.csv'
    with path.open('w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerows(header)
        writer.writerows(_rows(columns))
    return [path, _write_hdf(path.with_suffix('.h5'), header, columns),
            write_times(folder / f'{material.stem}_times.csv', tracks)]


def write_times(path: Path, tracks: Tracks) -> Path:
    """Write the acquisition time of each frame that there is, by its row in the export."""
    with path.open('w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(('frame', 'stamp_ns', 'frame_seq', 'epoch'))
        writer.writerows(zip(tracks.slots().tolist(), tracks.stamps_ns.tolist(),
                             tracks.frame_seqs.tolist(), tracks.epochs.tolist(), strict=True))
    return path


def _header(material: Material, tracks: Tracks) -> list[list[str]]:
    scorer = tracks.model or 'neuropose_ros'
    entries = [(scorer, track.name, joint, coord) for track in tracks.people
               for joint in material.layout.names for coord in _COORDS]
    levels = ['scorer', 'individuals', 'bodyparts', 'coords']
    rows = [[level, *values] for level, values in zip(
        levels, zip(*entries, strict=True), strict=True)]
    return rows if len(tracks.people) > 1 else [rows[0], *rows[2:]]


def _columns(tracks: Tracks, slots: Any) -> Any:
    """Return (rows, people * joints * 3) float32; NaN where there is nothing."""
    joints = tracks.people[0].keypoints.shape[1]
    out = np.full((int(slots[-1]) + 1, len(tracks.people), joints, 3), np.nan, np.float32)
    for index, track in enumerate(tracks.people):
        out[slots[track.rows], index] = np.concatenate(
            (track.keypoints, track.scores[..., None]), -1)
    return out.reshape(len(out), -1)


def _rows(columns: Any) -> Iterator[list[str]]:
    """Yield rows of the shortest decimals that give the same float32 again."""
    for index, row in enumerate(columns):
        yield [str(index), *('' if np.isnan(value) else str(value) for value in row)]


def _write_hdf(path: Path, header: list[list[str]], columns: Any) -> Path:
    try:
        import pandas
        import tables  # noqa: F401
    except ImportError as error:
        raise SessionError(f"DeepLabCut's HDF5 needs the package {error.name}: "
                           'pip install pandas tables') from error
    names = [row[0] for row in header]
    index = pandas.MultiIndex.from_arrays([row[1:] for row in header], names=names)
    frame = pandas.DataFrame(columns, columns=index)
    frame.to_hdf(path, key=HDF_KEY, mode='w', format='fixed')
    return path
