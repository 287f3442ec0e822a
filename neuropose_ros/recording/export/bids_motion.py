"""BIDS with the motion extension (BIDS 1.9 and later): a data set of one session.

Channels are x, y (and z) of each joint of each person, in px or m, with the score as a MISC
channel. The first channel is LATENCY: the time of each row after the recording's onset, which
``..._scans.tsv`` has, so that no constant rate is assumed. A row is a frame; a frame that was lost
is none.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.pose import Floats
from neuropose_ros.recording.export.material import Material
from neuropose_ros.recording.export.tracks import PersonTrack, Tracks, gather

BIDS_VERSION = '1.9.0'
_TRACKSYS = 'neuropose'
_PICTURE, _CAMERA = 'picture', 'camera'
_FRAMES = {
    _PICTURE: {
        'RotationRule': 'n/a', 'RotationOrder': 'n/a', 'SpatialAxes': 'RI',
        'Description': '(0, 0) is the centre of the top left pixel; x to the right, y down'},
    _CAMERA: {
        'RotationRule': 'n/a', 'RotationOrder': 'n/a', 'SpatialAxes': 'RIA',
        'Description': 'x to the right as the camera sees it, y down, z away from it; 0 is the '
                       'camera or, where the place is not known, the middle of the hips'},
}
_COLUMNS = ('name', 'component', 'type', 'tracked_point', 'units', 'reference_frame')


@dataclass(frozen=True)
class _Channel:
    """A column of the motion file.

    Attributes:
        row: as the channels file has it, by `_COLUMNS`.
        values: (T,), NaN where not known.
        digits: after the decimal point.
    """

    row: tuple[str, ...]
    values: Any
    digits: int


def write(material: Material, folder: Path) -> list[Path]:
    """Write a data set: description, participants, and ``sub-X/motion`` with one recording.

    Raises:
        SessionError: there is nobody in the session, or time goes back.
    """
    tracks = gather(material.frames())
    tracks.need_ascending_time()
    if not tracks.people:
        raise SessionError(f'{material.name}: there is nobody in it to make channels of')
    subject = f'sub-{_label(material.subject) or "unknown"}'
    stem = (f'{subject}_task-{_label(material.task) or "recording"}_tracksys-{_TRACKSYS}')
    motion = folder / subject / 'motion'
    motion.mkdir(parents=True)
    channels = list(_channels(material, tracks))
    return [
        *_write_data_set(material, folder, subject),
        _table(folder / subject / f'{subject}_scans.tsv', ('filename', 'acq_time'),
               [(f'motion/{stem}_motion.tsv', _date(int(tracks.stamps_ns[0])))]),
        _motion(motion / f'{stem}_motion.tsv', channels),
        _table(motion / f'{stem}_channels.tsv', _COLUMNS, [c.row for c in channels]),
        _json(motion / f'{stem}_channels.json', {'reference_frame': {
            'Description': 'what a position is relative to',
            'Levels': {name: frame for name, frame in _FRAMES.items()
                       if any(c.row[5] == name for c in channels)}}}),
        _json(motion / f'{stem}_motion.json', _sidecar(material, tracks, channels)),
        *_events(motion / f'{subject}_task-{_label(material.task) or "recording"}_events.tsv',
                 material, tracks),
    ]


def _label(text: str) -> str:
    """Return what BIDS takes as a label: letters and digits."""
    return re.sub(r'[^A-Za-z0-9]', '', text)


def _date(stamp_ns: int) -> str:
    moment = datetime.fromtimestamp(stamp_ns // NS_PER_S, timezone.utc)
    return f'{moment:%Y-%m-%dT%H:%M:%S}.{stamp_ns % NS_PER_S // 1000:06}Z'


def _channels(material: Material, tracks: Tracks) -> Iterator[_Channel]:
    latency = (tracks.stamps_ns - tracks.stamps_ns[0]) / NS_PER_S
    yield _Channel(('latency', 'n/a', 'LATENCY', 'n/a', 's', 'n/a'), latency, 9)
    count = len(tracks.stamps_ns)
    for track in tracks.people:
        points, frame, unit = _positions(track)
        for index, joint in enumerate(material.layout.names):
            name = f'{track.name}_{joint}'
            for axis, letter in zip(range(points.shape[2]), 'xyz', strict=False):
                yield _Channel(
                    (f'{name}_{letter}', letter, 'POS', name, unit, frame),
                    _spread(points[:, index, axis], track.rows, count), 6 if unit == 'm' else 4)
            yield _Channel(
                (f'{name}_score', 'n/a', 'MISC', name, 'n/a', 'n/a'),
                _spread(track.scores[:, index], track.rows, count), 6)


def _positions(track: PersonTrack) -> tuple[Floats, str, str]:
    """Return metres where there are any, else pixels."""
    if track.keypoints_3d is not None and np.isfinite(track.keypoints_3d).any():
        return track.keypoints_3d, _CAMERA, 'm'
    return track.keypoints, _PICTURE, 'px'


def _spread(values: Any, rows: Any, count: int) -> Any:
    out = np.full(count, np.nan)
    out[rows] = values
    return out


def _motion(path: Path, channels: list[_Channel]) -> Path:
    """Write the data, which BIDS wants without a header."""
    with path.open('w', encoding='utf-8') as file:
        for row in zip(*(channel.values for channel in channels), strict=True):
            file.write('\t'.join(
                'n/a' if np.isnan(value) else f'{value:.{channel.digits}f}'
                for value, channel in zip(row, channels, strict=True)) + '\n')
    return path


def _sidecar(material: Material, tracks: Tracks, channels: list[_Channel]) -> dict[str, Any]:
    span_s = (tracks.stamps_ns[-1] - tracks.stamps_ns[0]) / NS_PER_S
    rate_hz = (len(tracks.stamps_ns) - 1) / span_s if span_s else 0.0
    lost = bool((np.diff(tracks.frame_seqs) != 1).any())
    kinds = [channel.row[2] for channel in channels]
    return {
        'TaskName': _label(material.task) or 'recording',
        'SamplingFrequency': round(float(rate_hz), 6),
        'SamplingFrequencyEffective': round(float(rate_hz), 6),
        'TrackingSystemName': _TRACKSYS,
        'TrackedPointsCount': len(tracks.people) * len(material.layout),
        'MotionChannelCount': len(channels), 'POSChannelCount': kinds.count('POS'),
        'MISCChannelCount': kinds.count('MISC'), 'LATENCYChannelCount': 1,
        'RecordingType': 'discontinuous' if lost else 'continuous',
        'RecordingDuration': round(float(span_s), 6), 'MissingValues': 'n/a',
        'SoftwareVersions': material.software,
        'DeviceSerialNumber': 'n/a', 'Manufacturer': 'n/a', 'ManufacturersModelName': 'n/a',
        'TaskDescription': f'{material.topic} of {material.layout.name} by {tracks.model}',
    }


def _write_data_set(material: Material, folder: Path, subject: str) -> list[Path]:
    readme = folder / 'README'
    readme.write_text(
        f'{material.topic} of the session {material.name}: positions of joints that a pose '
        f'model found in pictures, in the skeleton layout {material.layout.id}.\n'
        'Subjects have pseudonyms. Times are those of acquisition.\n', 'utf-8')
    return [readme, _json(folder / 'dataset_description.json', {
        'Name': material.name, 'BIDSVersion': BIDS_VERSION, 'DatasetType': 'raw',
        'GeneratedBy': [{'Name': material.software.partition(' ')[0] or 'neuropose_ros',
                         'Version': material.software.partition(' ')[2] or 'n/a'}],
    }), _table(folder / 'participants.tsv', ('participant_id', 'species'),
               [(subject, 'homo sapiens')])]


def _events(path: Path, material: Material, tracks: Tracks) -> list[Path]:
    if not material.events:
        return []
    rows = [(f'{(event.stamp_ns - int(tracks.stamps_ns[0])) / NS_PER_S:.9f}', 'n/a', event.name,
             event.value or 'n/a') for event in material.events]
    return [
        _table(path, ('onset', 'duration', 'trial_type', 'value'), rows),
        _json(path.with_suffix('.json'), {
            'trial_type': {'Description': 'name of the event marker'},
            'value': {'Description': 'what came with it: free text or a number'}})]


def _table(path: Path, header: Iterable[str], rows: Iterable[Iterable[str]]) -> Path:
    with path.open('w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file, delimiter='\t', lineterminator='\n')
        writer.writerow(header)
        writer.writerows(rows)
    return path


def _json(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content, indent=2) + '\n', 'utf-8')
    return path
