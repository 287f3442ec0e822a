"""TRC, the text format of motion capture, with tabs or commas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.clocks import FILE_EPOCH_NS, NS_PER_S
from neuropose_ros.core.errors import DataError
from neuropose_ros.recording.export.axes import to_optical
from neuropose_ros.recording.importing.lengths import METRES
from neuropose_ros.recording.importing.motion_capture import Markers, people_of, states_of
from neuropose_ros.recording.importing.poses import Imported, Options


def read(path: Path, options: Options) -> Imported:
    """Read a file; its times count from 2000, its axes are those that the options say.

    Raises:
        DataError: it is no such file, says no unit of length, or its rows contradict its header.
    """
    lines = _lines(path)
    separator = '\t' if '\t' in lines[1] else ','
    head = dict(zip(lines[1].split(separator), lines[2].split(separator), strict=False))
    unit = head.get('Units', '').strip().lower()
    if unit not in METRES:
        raise DataError(f'{path}: its Units are {unit!r}, which is no length: mm, cm or m')
    names = [name.strip() for name in lines[3].split(separator)[2:] if name.strip()]
    rows = [line.split(separator) for line in lines[5:] if line.strip(f' \r{separator}')]
    table = _table(path, rows, 2 + 3 * len(names))
    if head.get('NumMarkers', '').strip() not in {'', str(len(names))}:
        raise DataError(f'{path}: it names {len(names)} markers and says it has '
                        f'{head["NumMarkers"]}')
    if (np.diff(table[:, 1]) <= 0).any():
        raise DataError(f'{path}: its times do not ascend')
    points = table[:, 2:].reshape(len(table), -1, 3) * METRES[unit]
    optical = to_optical(points, options.right, options.up)
    stamps = FILE_EPOCH_NS + np.rint(table[:, 1] * NS_PER_S).astype(np.int64)
    markers = Markers(names, optical, states_of(optical), stamps.tolist(),
                      (table[:, 0] - min(table[0, 0], 1)).astype(np.int64).tolist())
    notes = [f'the file says no axes: {options.right} is taken to point right, {options.up} up']
    if head.get('NumFrames', '').strip() not in {'', str(len(table))}:
        notes.append(f'it says it has {head["NumFrames"].strip()} frames, and has {len(table)}')
    return people_of(path, markers, 'trc', tuple(notes))


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text('utf-8-sig').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f'{path}: cannot be read as text ({error})') from error
    if len(lines) < 6 or not lines[0].startswith('PathFileType'):
        raise DataError(f'{path}: this is no TRC file: it does not begin with PathFileType')
    return lines


def _table(path: Path, rows: list[list[str]], width: int) -> Any:
    try:
        table = np.full((len(rows), width), np.nan)
        for target, row in zip(table, rows, strict=True):
            cells = [float(cell) if cell.strip() else np.nan for cell in row]
            if any(not np.isnan(cell) for cell in cells[width:]):
                raise ValueError(f'a row of {len(cells)} values, not {width}')
            target[:len(cells)] = cells[:width]
    except ValueError as error:
        raise DataError(f'{path}: a row is not of numbers as its header says ({error})') from error
    if not len(table):
        raise DataError(f'{path}: there is no frame in it')
    return table
