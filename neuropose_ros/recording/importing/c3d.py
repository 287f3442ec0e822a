"""C3D, the binary format of motion capture."""

from __future__ import annotations

import struct
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
    """Read a file; its times count from 2000, its axes are what X_SCREEN and Y_SCREEN say.

    Raises:
        DataError: ezc3d is not installed, it is no such file, or it says no rate or no unit of
            length.
    """
    file = _open(path)
    point: dict[str, Any] = {
        name: value['value'] for name, value in file['parameters']['POINT'].items()
        if isinstance(value, dict) and 'value' in value}
    rate_hz = float(point['RATE'][0]) if len(point.get('RATE', ())) else 0.0
    unit = str(point['UNITS'][0]).strip().lower() if len(point.get('UNITS', ())) else ''
    if not rate_hz > 0:
        raise DataError(f'{path}: it says no rate of its frames')
    if unit not in METRES:
        raise DataError(f'{path}: its unit is {unit!r}, which is no length: mm, cm or m')
    right, up, note = _axes(point, options)
    points = file['data']['points'][:3].transpose(2, 1, 0) * METRES[unit]
    residuals = file['data']['meta_points']['residuals'][0].T
    points[residuals < 0] = np.nan
    optical = to_optical(points, right, up)
    first = int(file['header']['points']['first_frame'])
    numbers = np.arange(first, first + len(optical))
    stamps = FILE_EPOCH_NS + np.rint(
        (numbers / rate_hz + _late_s(file, len(optical), rate_hz)) * NS_PER_S).astype(np.int64)
    markers = Markers(_labels(path, point, optical.shape[1]), optical,
                      states_of(optical, residuals), stamps.tolist(), numbers.tolist())
    said = _frames_said(path)
    notes = (note,) if said <= len(optical) else (
        note, f'it says it has {said} frames, and has {len(optical)}: it was cut off')
    return people_of(path, markers, 'c3d', notes)


def _open(path: Path) -> Any:
    try:
        import ezc3d
    except ImportError as error:
        raise DataError(f'{path}: C3D needs the package ezc3d: pip install ezc3d') from error
    if not path.is_file():
        raise DataError(f'{path}: there is no such file')
    try:
        return ezc3d.c3d(str(path))
    except (OSError, RuntimeError, ValueError) as error:
        raise DataError(f'{path}: cannot be read as C3D ({error})') from error


def _frames_said(path: Path) -> int:
    """Return the number of frames in the header; ezc3d puts what it has read in its place.

    The layout of the bytes is that of the C3D user guide (https://www.c3d.org): words 4 and 5 are
    the first and last frame, byte 4 of the parameters is 86 where they are big-endian.
    """
    with path.open('rb') as file:
        head = file.read(10)
        file.seek((head[0] - 1) * 512 + 3)
        order = '>' if file.read(1) == b'\x56' else '<'
    first, last = struct.unpack_from(f'{order}2H', head, 6)
    return int(last - first + 1)


def _labels(path: Path, point: dict[str, Any], count: int) -> list[str]:
    """Return the names of markers: a parameter holds 255, more are in LABELS2 and so on."""
    parts = [point.get(name, ()) for name in ('LABELS', *(f'LABELS{i}' for i in range(2, 10)))]
    names = [str(name).strip() for part in parts for name in part]
    if len(names) < count:
        raise DataError(f'{path}: it has {count} markers but names for {len(names)}')
    return names[:count]


def _axes(point: dict[str, Any], options: Options) -> tuple[str, str, str]:
    found = [point.get(name) for name in ('X_SCREEN', 'Y_SCREEN')]
    if all(value is not None and len(value) and str(value[0]).strip() for value in found):
        right, up = (str(value[0]).strip() for value in found if value is not None)
        return right, up, f'as the file says, {right} points right and {up} up'
    return options.right, options.up, (
        f'the file says no axes: {options.right} is taken to point right, {options.up} up')


def _late_s(file: Any, count: int, rate_hz: float) -> Any:
    """Return (frames,) s by which frames were later than their numbers say, else 0."""
    analog = file['parameters']['ANALOG']
    labels = list(analog['LABELS']['value'])
    samples = file['data']['analogs'][0]
    if 'time_offset' in labels and samples.shape[1] == count and (
            float(analog['RATE']['value'][0]) == rate_hz):
        return samples[labels.index('time_offset')]
    return np.zeros(count)
