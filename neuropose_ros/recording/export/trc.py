"""TRC, the text format of motion capture that OpenSim reads: a file for each person, in mm.

The axes are turned so that y is up, see `recording.export.axes`. A row for each frame in which the
person is known in 3D, at its time of acquisition; empty fields where a joint is not known.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.pose import Floats
from neuropose_ros.recording.export.axes import MM_PER_M, turned
from neuropose_ros.recording.export.material import Material
from neuropose_ros.recording.export.tracks import PersonTrack, Tracks, gather


def write(material: Material, folder: Path) -> list[Path]:
    """Write ``NAME_PERSON.trc`` for each person who is known in 3D.

    Raises:
        SessionError: nobody is known in 3D, or time or the numbers of frames do not ascend.
    """
    tracks = gather(material.frames())
    people = people_in_3d(material, tracks)
    rate_hz = tracks.rate_hz()
    written = []
    for track, points in people:
        path = folder / f'{material.stem}_{track.name}.trc'
        path.write_text(_text(material, tracks, track, points, rate_hz, path.name), 'utf-8')
        written.append(path)
    return written


def people_in_3d(material: Material, tracks: Tracks) -> list[tuple[PersonTrack, Floats]]:
    """Return the people who are known in 3D, with (n, K, 3) points in m and laboratory axes.

    Raises:
        SessionError: there are none.
    """
    found = [(track, turned(track.keypoints_3d)) for track in tracks.people
             if track.keypoints_3d is not None and np.isfinite(track.keypoints_3d).any()]
    if not found:
        raise SessionError(
            f'{material.name}: nobody in its {material.topic} is known in 3D, and this format '
            'holds metres, not pixels; record with depth or lifting, or export csv, nwb or dlc')
    return found


def _text(
    material: Material, tracks: Tracks, track: PersonTrack, points: Floats, rate_hz: float,
    name: str,
) -> str:
    present = np.isfinite(points).any((1, 2))
    rows = track.rows[present]
    numbers = tracks.slots()[rows] + 1
    seconds = (tracks.stamps_ns[rows] - tracks.stamps_ns[0]) / NS_PER_S
    joints = len(material.layout)
    rate = f'{rate_hz:.6g}'
    lines = [
        f'PathFileType\t4\t(X/Y/Z)\t{name}',
        'DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\t'
        'OrigNumFrames',
        f'{rate}\t{rate}\t{len(rows)}\t{joints}\tmm\t{rate}\t{numbers[0]}\t{len(rows)}',
        'Frame#\tTime\t' + '\t\t\t'.join(material.layout.names) + '\t\t',
        '\t\t' + '\t'.join(f'X{i}\tY{i}\tZ{i}' for i in range(1, joints + 1)),
        '',
    ]
    millimetres = points[present].reshape(len(rows), -1).astype(np.float64) * MM_PER_M
    for number, time_s, values in zip(numbers, seconds, millimetres, strict=True):
        fields = ('' if np.isnan(value) else f'{value:.5f}' for value in values)
        lines.append(f'{number}\t{time_s:.9f}\t' + '\t'.join(fields))
    return '\n'.join(lines) + '\n'
