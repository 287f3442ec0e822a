"""BIDS with the motion extension (BIDS 1.9 and later): a data set of one session.

A recording for each person, below the subject that they are of. Channels are x, y (and z) of each
joint, in px or m, with the score as a MISC channel. The first channel is LATENCY: the time of each
row after the person's first one, which ``..._scans.tsv`` has, so that no constant rate is assumed.
A row is a frame with this person.
"""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
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
        values: (n,), NaN where not known.
        digits: after the decimal point.
    """

    row: tuple[str, ...]
    values: Any
    digits: int


def write(material: Material, folder: Path) -> list[Path]:
    """Write a data set: description, participants, and ``sub-X/motion`` with the recordings.

    Raises:
        SessionError: there is nobody in the session, or time goes back.
    """
    tracks = gather(material.frames())
    tracks.need_ascending_time()
    if not tracks.people:
        raise SessionError(f'{material.name}: there is nobody in it to make channels of')
    people: dict[str, list[PersonTrack]] = defaultdict(list)
    for track in tracks.people:
        owner = _label(material.subject_of(track.epoch, track.track_id)) or 'unknown'
        people[f'sub-{owner}'].append(track)
    written = _write_data_set(material, folder, sorted(people))
    for subject, of_subject in people.items():
        motion = folder / subject / 'motion'
        motion.mkdir(parents=True)
        scans = []
        for track in of_subject:
            stem = f'{subject}_task-{_task(material)}'
            acquisition = '' if len(of_subject) == 1 else f'_acq-{_label(track.name)}'
            files = _Recording(material, tracks, track, motion, stem, acquisition).write()
            scans.append((f'motion/{files[0].name}', _date(int(tracks.stamps_ns[track.rows[0]]))))
            written += files
        written.append(_table(folder / subject / f'{subject}_scans.tsv',
                              ('filename', 'acq_time'), scans))
    return written


def _task(material: Material) -> str:
    return _label(material.task) or 'recording'


@dataclass(frozen=True)
class _Recording:
    """The files of one person; rows are the frames that have them."""

    material: Material
    tracks: Tracks
    track: PersonTrack
    folder: Path
    stem: str
    acquisition: str

    def write(self) -> list[Path]:
        """Write data, channels, sidecars and events; the data come first."""
        channels = list(_channels(self.material, self.tracks, self.track))
        path = self.folder / f'{self.stem}_tracksys-{_TRACKSYS}{self.acquisition}'
        return [
            _motion(_with(path, '_motion.tsv'), channels),
            _table(_with(path, '_channels.tsv'), _COLUMNS, [c.row for c in channels]),
            _json(_with(path, '_channels.json'), {'reference_frame': {
                'Description': 'what a position is relative to',
                'Levels': {name: frame for name, frame in _FRAMES.items()
                           if any(c.row[5] == name for c in channels)}}}),
            _json(_with(path, '_motion.json'), self._sidecar(channels)),
            *self._events(),
        ]

    def _sidecar(self, channels: list[_Channel]) -> dict[str, Any]:
        rows = self.track.rows
        stamps, seqs = self.tracks.stamps_ns[rows], self.tracks.frame_seqs[rows]
        span_s = float(stamps[-1] - stamps[0]) / NS_PER_S
        rate_hz = round((len(rows) - 1) / span_s, 6) if span_s else 0.0
        kinds = [channel.row[2] for channel in channels]
        return {
            'TaskName': _task(self.material),
            'TaskDescription': f'{self.material.topic} in {self.material.layout.name} by '
                               f'{self.tracks.model}',
            'SamplingFrequency': rate_hz, 'SamplingFrequencyEffective': rate_hz,
            'TrackingSystemName': _TRACKSYS, 'TrackedPointsCount': len(self.material.layout),
            'MotionChannelCount': len(channels), 'POSChannelCount': kinds.count('POS'),
            'MISCChannelCount': kinds.count('MISC'), 'LATENCYChannelCount': 1,
            'RecordingType': 'discontinuous' if (np.diff(seqs) != 1).any() else 'continuous',
            'RecordingDuration': round(span_s, 6), 'MissingValues': 'n/a',
            'SoftwareVersions': self.material.software, 'DeviceSerialNumber': 'n/a',
            'Manufacturer': 'n/a', 'ManufacturersModelName': 'n/a',
        }

    def _events(self) -> list[Path]:
        if not self.material.events:
            return []
        onset_ns = int(self.tracks.stamps_ns[self.track.rows[0]])
        rows = [(f'{(event.stamp_ns - onset_ns) / NS_PER_S:.9f}', 'n/a', event.name,
                 event.value or 'n/a') for event in self.material.events]
        path = self.folder / f'{self.stem}{self.acquisition}_events.tsv'
        return [
            _table(path, ('onset', 'duration', 'trial_type', 'value'), rows),
            _json(path.with_suffix('.json'), {
                'trial_type': {'Description': 'name of the event marker'},
                'value': {'Description': 'what came with it: free text or a number'}})]


def _with(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _label(text: str) -> str:
    """Return what BIDS takes as a label: letters and digits."""
    return re.sub(r'[^A-Za-z0-9]', '', text)


def _date(stamp_ns: int) -> str:
    moment = datetime.fromtimestamp(stamp_ns // NS_PER_S, timezone.utc)
    return f'{moment:%Y-%m-%dT%H:%M:%S}.{stamp_ns % NS_PER_S // 1000:06}Z'


def _channels(material: Material, tracks: Tracks, track: PersonTrack) -> Iterator[_Channel]:
    stamps = tracks.stamps_ns[track.rows]
    yield _Channel(('latency', 'n/a', 'LATENCY', 'n/a', 's', 'n/a'),
                   (stamps - stamps[0]) / NS_PER_S, 9)
    points, frame, unit = _positions(track)
    for index, joint in enumerate(material.layout.names):
        for axis, letter in zip(range(points.shape[2]), 'xyz', strict=False):
            yield _Channel((f'{joint}_{letter}', letter, 'POS', joint, unit, frame),
                           points[:, index, axis], 6 if unit == 'm' else 4)
        yield _Channel((f'{joint}_score', 'n/a', 'MISC', joint, 'n/a', 'n/a'),
                       track.scores[:, index], 6)


def _positions(track: PersonTrack) -> tuple[Floats, str, str]:
    """Return metres where there are any, else pixels."""
    if track.keypoints_3d is not None and np.isfinite(track.keypoints_3d).any():
        return track.keypoints_3d, _CAMERA, 'm'
    return track.keypoints, _PICTURE, 'px'


def _motion(path: Path, channels: list[_Channel]) -> Path:
    """Write the data, which BIDS wants without a header."""
    with path.open('w', encoding='utf-8') as file:
        for row in zip(*(channel.values for channel in channels), strict=True):
            file.write('\t'.join(
                'n/a' if np.isnan(value) else f'{value:.{channel.digits}f}'
                for value, channel in zip(row, channels, strict=True)) + '\n')
    return path


def _write_data_set(material: Material, folder: Path, subjects: list[str]) -> list[Path]:
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
               [(subject, 'homo sapiens') for subject in subjects])]


def _table(path: Path, header: Iterable[str], rows: Iterable[Iterable[str]]) -> Path:
    with path.open('w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file, delimiter='\t', lineterminator='\n')
        writer.writerow(header)
        writer.writerows(rows)
    return path


def _json(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content, indent=2) + '\n', 'utf-8')
    return path
