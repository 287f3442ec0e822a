"""DeepLabCut: predictions or labels, with or without individuals, as CSV or HDF5.

HDF5 is read without pandas, which would run what a stranger has pickled into it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.pose import Floats, PoseFrame
from neuropose_ros.core.safe_pickle import load_pickle
from neuropose_ros.recording.importing.hdf5 import open_hdf5, texts
from neuropose_ros.recording.importing.poses import (
    Imported,
    Joints,
    Options,
    frame_of,
    joints_of,
    need_rate,
    person_of,
    stamp_at,
    track_ids,
)


@dataclass(frozen=True)
class _Table:
    """What both kinds of file hold.

    Attributes:
        columns: (individual, body part, coordinate) each.
        numbers: (T,) of the frames.
        values: (T, columns).
    """

    scorer: str
    columns: list[tuple[str, str, str]]
    numbers: list[int]
    values: Any


def read(path: Path, options: Options) -> Imported:
    """Read a ``.csv`` or ``.h5`` file; a frame is a row, also one without people.

    Raises:
        DataError: it is no such file, or no frame rate was given.
    """
    rate_hz = need_rate(path, options, "DeepLabCut's files")
    table = _read_hdf5(path) if path.suffix in {'.h5', '.hdf5'} else _read_csv(path)
    if any(b <= a for a, b in zip(table.numbers, table.numbers[1:], strict=False)):
        raise DataError(f'{path}: the numbers of its frames do not ascend')
    people = list(dict.fromkeys(individual for individual, _, _ in table.columns))
    parts = list(dict.fromkeys(part for _, part, _ in table.columns))
    joints = joints_of(path, 'deeplabcut', parts)
    known = _cube(table, people, [parts[i] for i in joints.order])
    ids = track_ids(people) if people != [''] else [0]
    return Imported(joints.layout, _frames(table, known, ids, joints, rate_hz, options),
                    table.scorer)


def _frames(
    table: _Table, known: Floats, ids: list[int], joints: Joints, rate_hz: float,
    options: Options,
) -> Iterator[PoseFrame]:
    for number, row in zip(table.numbers, known, strict=True):
        people = (person_of(one[:, :2], one[:, 2], track_id)
                  for one, track_id in zip(row, ids, strict=True))
        yield frame_of(number, stamp_at(number, rate_hz), people, joints.layout, table.scorer,
                       options.size)


def _cube(table: _Table, people: list[str], parts: list[str]) -> Floats:
    """Return (T, people, joints, 3); a likelihood that is not there is 1, as of labels."""
    out = np.full((len(table.numbers), len(people), len(parts), 3), np.nan, np.float32)
    out[..., 2] = 1
    places = {key: i for i, key in enumerate(table.columns)}
    for n, individual in enumerate(people):
        for k, part in enumerate(parts):
            for c, coordinate in enumerate(('x', 'y', 'likelihood')):
                place = places.get((individual, part, coordinate))
                if place is not None:
                    out[:, n, k, c] = table.values[:, place]
    return out


def _need_levels(path: Path, levels: Mapping[str, Sequence[str]]) -> None:
    if not {'scorer', 'bodyparts', 'coords'} <= levels.keys() or not len(levels['coords']):
        raise DataError(f'{path}: this is no table of DeepLabCut: its header lacks scorer, '
                        'bodyparts or coords')


def _table(
    path: Path, levels: Mapping[str, Sequence[str]], index: list[Any], values: Any,
) -> _Table:
    _need_levels(path, levels)
    unknown = set(levels['coords']) - {'x', 'y', 'likelihood'}
    if unknown:
        raise DataError(f'{path}: DeepLabCut has x, y and likelihood, not '
                        f'{", ".join(sorted(unknown))}')
    individuals = levels.get('individuals', [''] * len(levels['coords']))
    columns = list(zip(individuals, levels['bodyparts'], levels['coords'], strict=True))
    return _Table(str(levels['scorer'][0]), columns, [_number(path, i) for i in index], values)


def _number(path: Path, index: Any) -> int:
    """Return a frame's number: an index, or the digits of a picture's name."""
    digits = re.findall(r'\d+', str(index).rpartition('/')[2])
    if not digits:
        raise DataError(f'{path}: the row {index!r} has no number of a frame')
    return int(digits[-1])


def _read_csv(path: Path) -> _Table:
    try:
        with path.open(encoding='utf-8', newline='') as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f'{path}: cannot be read as a table ({error})') from error
    count = next((i + 1 for i, row in enumerate(rows[:4]) if row and row[0] == 'coords'), 0)
    # Labelled pictures may have their folders as further columns of the index.
    first = next((i for i, name in enumerate(rows[0]) if i and name), 1) if rows else 1
    levels = {row[0]: row[first:] for row in rows[:count]}
    _need_levels(path, levels)
    body = [row for row in rows[count:] if row]
    try:
        values = np.array([[float(cell or 'nan') for cell in row[first:]] for row in body])
        if body and values.shape != (len(body), len(rows[0]) - first):
            raise ValueError('rows of different lengths')
    except ValueError as error:
        raise DataError(f'{path}: not a table of numbers below its header ({error})') from error
    return _table(path, levels, ['/'.join(row[:first]) for row in body], values)


def _read_hdf5(path: Path) -> _Table:
    with open_hdf5(path) as file:
        group = next((file[name] for name in file if 'pandas_type' in file[name].attrs), None)
        if group is None:
            raise DataError(f'{path}: this is no HDF5 file of pandas, as DeepLabCut writes it')
        try:
            return _appendable(path, group) if 'table' in group else _fixed(path, group)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise DataError(f'{path}: not as pandas writes a table ({error!r})') from error


def _appendable(path: Path, group: Any) -> _Table:
    """Read the form 'table': rows of index and block, columns' names in a pickled attribute."""
    table = group['table']
    rows = table[:]
    kind = load_pickle(io.BytesIO(bytes(table.attrs['values_block_0_kind'])), str(path))
    names = _level_names(path, len(kind[0]))
    levels = dict(zip(names, zip(*kind, strict=True), strict=True))
    return _table(path, levels, _plain(rows['index']), rows['values_block_0'])


def _level_names(path: Path, count: int) -> list[str]:
    if count not in {3, 4}:
        raise DataError(f'{path}: its columns have {count} levels, those of DeepLabCut 3 or 4')
    return ['scorer', *(['individuals'] if count == 4 else []), 'bodyparts', 'coords']


def _fixed(path: Path, group: Any) -> _Table:
    """Read the form 'fixed': levels and codes of the columns, and one block of values."""
    levels: dict[str, Sequence[str]] = {}
    count = int(group.attrs['axis0_nlevels'])
    for i, name in enumerate(_level_names(path, count)):
        level = texts(group[f'axis0_level{i}'][:])
        levels[name] = [level[int(code)] for code in group[f'axis0_label{i}'][:]]
    return _table(path, levels, _plain(group['axis1'][:]), group['block0_values'][:])


def _plain(index: Any) -> list[Any]:
    return texts(index) if index.dtype.kind == 'S' else list(index.tolist())
