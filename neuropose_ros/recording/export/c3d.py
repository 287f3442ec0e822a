"""C3D, the binary format of motion capture: points in mm, y up, at a constant rate.

The axes are turned as for TRC, see `recording.export.axes`. Frames have numbers and no times, so a
lost frame is one of invalid points, the rate is the mean one, and the analog channel
``time_offset`` says how much later than its number says each frame was acquired. A residual is -1
where a joint is not known, the root of its mean variance in mm where that is known, and else 0:
the format's word for values that are not raw measurements.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.pose import Floats
from neuropose_ros.recording.export.axes import MM_PER_M
from neuropose_ros.recording.export.material import Material
from neuropose_ros.recording.export.tracks import PersonTrack, Tracks, gather
from neuropose_ros.recording.export.trc import people_in_3d

MOST_FRAMES = 65535
"""Of a file, which counts them in 16 bits."""
_MOST_RESIDUAL, _FINEST_MM = 255, 0.01


def write(material: Material, folder: Path) -> list[Path]:
    """Write ``NAME.c3d`` or its parts; markers of several people are ``PERSON:JOINT``.

    Raises:
        SessionError: ezc3d is not installed, nobody is known in 3D, there are less than two
            frames, or time or the numbers of frames do not ascend.
    """
    try:
        import ezc3d
    except ImportError as error:
        raise SessionError(
            'the export to C3D needs the package ezc3d: pip install ezc3d') from error
    tracks = gather(material.frames())
    people = people_in_3d(material, tracks)
    rate_hz = tracks.rate_hz()
    if not rate_hz:
        raise SessionError(f'{material.name}: C3D needs a rate, which one frame does not have')
    points, residuals = _points(tracks, people)
    offsets_s = _offsets_s(tracks, rate_hz)
    # A residual is a byte, in units of the scale, whose minus says that points are floats.
    scale = max(float(residuals.max()) / _MOST_RESIDUAL, _FINEST_MM)
    residuals[residuals > 0] = np.maximum(residuals[residuals > 0], scale)
    written = []
    for number, start in enumerate(range(0, points.shape[2], MOST_FRAMES), 1):
        part = slice(start, start + MOST_FRAMES)
        file: Any = ezc3d.c3d()
        _describe(file, material, people, rate_hz)
        file['parameters']['POINT']['SCALE']['value'] = [-scale]
        file['data']['points'] = points[..., part]
        file['data']['meta_points']['residuals'] = residuals[..., part]
        file['data']['meta_points']['camera_masks'] = np.zeros(
            (7, *points[0, :, part].shape), bool)
        file['data']['analogs'] = offsets_s[None, None, part]
        ending = f'_part{number}' if points.shape[2] > MOST_FRAMES else ''
        written.append(folder / f'{material.stem}{ending}.c3d')
        file.write(str(written[-1]))
    return written


def _describe(
    file: Any, material: Material, people: list[tuple[PersonTrack, Floats]], rate_hz: float,
) -> None:
    several = len(people) > 1
    prefixes = [f'{track.name}:' if several else '' for track, _ in people]
    parameters = file['parameters']
    parameters['POINT']['RATE']['value'] = [rate_hz]
    parameters['POINT']['UNITS']['value'] = ['mm']
    parameters['POINT']['LABELS']['value'] = tuple(
        f'{prefix}{joint}' for prefix in prefixes for joint in material.layout.names)
    parameters['ANALOG']['RATE']['value'] = [rate_hz]
    parameters['ANALOG']['LABELS']['value'] = ('time_offset',)
    parameters['ANALOG']['UNITS']['value'] = ('s',)
    for name, value in (('X_SCREEN', '+X'), ('Y_SCREEN', '+Y')):
        file.add_parameter('POINT', name, [value])
    file.add_parameter('SUBJECTS', 'USED', [len(people)])
    file.add_parameter('SUBJECTS', 'USES_PREFIXES', [int(several)])
    file.add_parameter('SUBJECTS', 'NAMES', [track.name for track, _ in people])
    file.add_parameter('SUBJECTS', 'LABEL_PREFIXES', prefixes)
    file.add_parameter('MANUFACTURER', 'SOFTWARE', [material.software or 'neuropose_ros'])


def _points(tracks: Tracks, people: list[tuple[PersonTrack, Floats]]) -> tuple[Any, Any]:
    """Return (4, markers, frames) mm and (1, markers, frames) residuals."""
    slots = tracks.slots()
    count, joints = int(slots[-1]) + 1, people[0][1].shape[1]
    points = np.full((4, len(people) * joints, count), np.nan)
    points[3] = 1
    residuals = np.full((1, len(people) * joints, count), -1.0)
    for index, (track, metres) in enumerate(people):
        of_person = slice(index * joints, (index + 1) * joints)
        at = slots[track.rows]
        points[:3, of_person, at] = metres.transpose(2, 1, 0).astype(np.float64) * MM_PER_M
        root = np.nan_to_num(np.asarray(track.residuals_3d)) * MM_PER_M
        residuals[0, of_person, at] = np.where(np.isfinite(metres).all(2), root, -1)
    return points, residuals


def _offsets_s(tracks: Tracks, rate_hz: float) -> Any:
    """Return (frames,) s: acquisition minus what the number says; 0 for lost frames."""
    slots = tracks.slots()
    offsets = np.zeros(int(slots[-1]) + 1)
    offsets[slots] = (tracks.stamps_ns - tracks.stamps_ns[0]) / NS_PER_S - slots / rate_hz
    return offsets
