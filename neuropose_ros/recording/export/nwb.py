"""Neurodata Without Borders, with the extension ndx-pose: what neuroscience archives take.

One ``PoseEstimation`` for each person, ``..._3d`` in metres where there is 3D; their series share
one vector of timestamps, those of acquisition. Confidence is the model's score; ``control`` holds
the joint states, with ``control_description`` as their names. Actions are time intervals, signals
time series, events annotations.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.pose import Floats, JointState, Origin3D, States
from neuropose_ros.recording.arrays import sample_stamps
from neuropose_ros.recording.export.material import Material
from neuropose_ros.recording.export.tracks import PersonTrack, Tracks, gather

_US = 1000
_PIXELS = ('(0, 0) is the centre of the top left pixel of the raw picture; x to the right, y down')
_METRES = {
    Origin3D.CAMERA: '(0, 0, 0) is the optical centre of the camera',
    Origin3D.ROOT_RELATIVE: '(0, 0, 0) is the middle of the hips',
    Origin3D.UNKNOWN: 'what (0, 0, 0) is, is not known',
}
_AXES = 'x to the right as the camera sees it, y down, z away from the camera'
_SCORE = 'confidence of the pose model in the joint, 0..1; not a probability'
_STATES = [state.name for state in JointState]


def write(material: Material, folder: Path) -> list[Path]:
    """Write ``NAME.nwb``.

    Raises:
        SessionError: pynwb or ndx-pose is not installed, there is nobody in the session, or
            time goes back.
    """
    libraries = _libraries()
    tracks = gather(material.frames())
    tracks.need_ascending_time()
    if not tracks.people:
        raise SessionError(f'{material.name}: there is nobody in it, and NWB has no place for '
                           'frames without people')
    path = folder / f'{material.stem}.nwb'
    with _quiet():
        file = _File(libraries, material, tracks)
        file.add_people()
        file.add_actions()
        file.add_signals()
        file.add_events()
        with libraries.pynwb.NWBHDF5IO(str(path), 'w') as io:
            io.write(file.content)
    return [path]


class _Libraries:
    """Modules that are only needed here."""

    def __init__(self, pynwb: Any, ndx_pose: Any) -> None:
        self.pynwb, self.ndx_pose = pynwb, ndx_pose


def _libraries() -> _Libraries:
    try:
        import ndx_pose
        import pynwb
    except ImportError as error:
        raise SessionError(f'the export to NWB needs the package {error.name}: '
                           'pip install pynwb ndx-pose') from error
    return _Libraries(pynwb, ndx_pose)


@contextmanager
def _quiet() -> Iterator[None]:
    """These libraries warn of their own doings, as of timestamps that are shared on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


class _File:
    """An NWB file on its way; times are s since its start."""

    def __init__(self, libraries: _Libraries, material: Material, tracks: Tracks) -> None:
        self._pynwb, self._pose = libraries.pynwb, libraries.ndx_pose
        self._material, self._tracks = material, tracks
        # The start is kept in whole microseconds; the rest is in the timestamps.
        self._start_us = int(tracks.stamps_ns[0]) // _US
        start = datetime.fromtimestamp(0, timezone.utc) + timedelta(microseconds=self._start_us)
        self.content: Any = self._pynwb.NWBFile(
            session_description=material.task or f'{material.topic} of {material.name}',
            identifier=f'{material.stem}-{tracks.stamps_ns[0]}-{material.layout.id}',
            session_start_time=start,
            session_id=material.stem,
            source_script=material.software, source_script_file_name='neuropose export',
        )
        if material.subject:
            self.content.subject = self._pynwb.file.Subject(
                subject_id=material.subject, species='Homo sapiens', sex='U')
        self._behavior = self.content.create_processing_module(
            'behavior', 'poses of people and what is said about them')
        self._skeletons: dict[str, Any] = {}

    def _seconds(self, stamps_ns: Any) -> Any:
        return (np.asarray(stamps_ns, np.int64) - self._start_us * _US) / NS_PER_S

    def add_people(self) -> None:
        """Add a PoseEstimation or two for each person, and the skeletons."""
        made = [pose for track in self._tracks.people for pose in self._estimations(track)]
        self._behavior.add(self._pose.Skeletons(skeletons=list(self._skeletons.values())))
        for pose in made:
            self._behavior.add(pose)

    def _skeleton(self, track: PersonTrack) -> Any:
        """Return the skeleton of the subject, or the one of people who are not known."""
        owner = self._material.subject_of(track.epoch, track.track_id)
        linked = bool(owner) and owner == self._material.subject
        layout = self._material.layout
        name = f'{layout.name}_subject' if linked else layout.name
        if name not in self._skeletons:
            self._skeletons[name] = self._pose.Skeleton(
                name=name, nodes=list(layout.names),
                edges=np.array(layout.edges, np.uint8).reshape(-1, 2),
                subject=self.content.subject if linked else None)
        return self._skeletons[name]

    def _estimations(self, track: PersonTrack) -> Iterator[Any]:
        seconds = self._seconds(self._tracks.stamps_ns[track.rows])
        flat = self._series(seconds, track.keypoints, track.states, 'pixels', _PIXELS,
                            track.scores)
        yield self._estimation(track, track.name, flat)
        if track.keypoints_3d is not None and track.states_3d is not None:
            origin = ' or '.join(_METRES[kind] for kind in sorted(track.origins_3d))
            deep = self._series(seconds, track.keypoints_3d, track.states_3d, 'meters',
                                f'{origin}; {_AXES}', track.scores)
            yield self._estimation(track, f'{track.name}_3d', deep)

    def _series(
        self, seconds: Any, points: Floats, states: States, unit: str, reference: str,
        scores: Floats,
    ) -> list[Any]:
        made: list[Any] = []
        known = np.where(states < len(_STATES), states, 0).astype(np.uint8)
        for index, joint in enumerate(self._material.layout.names):
            made.append(self._pose.PoseEstimationSeries(
                name=joint, data=points[:, index], unit=unit, reference_frame=reference,
                timestamps=made[0] if made else seconds, confidence=scores[:, index],
                confidence_definition=_SCORE, control=known[:, index],
                control_description=_STATES,
                comments='control says of each value where it came from'))
        return made

    def _estimation(self, track: PersonTrack, name: str, series: list[Any]) -> Any:
        owner = self._material.subject_of(track.epoch, track.track_id)
        whose = f'of the subject {owner}' if owner else 'of somebody who is not known'
        software, _, version = self._material.software.partition(' ')
        return self._pose.PoseEstimation(
            name=name, pose_estimation_series=series, skeleton=self._skeleton(track),
            description=f'{self._material.topic} {whose}: track {track.track_id} of epoch '
                        f'{track.epoch}; picture of {self._tracks.image_size[0]} x '
                        f'{self._tracks.image_size[1]} pixels',
            scorer=self._tracks.model or None, source_software=software or None,
            source_software_version=version or None)

    def add_actions(self) -> None:
        """Add a table of intervals with what each person did."""
        pairs = [(frame, action) for frame in self._material.actions() for action in frame.actions]
        if not pairs:
            return
        table = self._pynwb.epoch.TimeIntervals(
            name='actions', description='what the recogniser said of each window of frames')
        for name, text in (
            ('label', 'the answer; unknown is one'), ('track_id', 'whose'), ('epoch', 'of whose'),
            ('probability', 'of the label; NaN where it is unknown'),
            ('unknown_score', 'how unlike all known actions, 0..1'),
            ('coverage', "share of the window's joints that were measured, 0..1"),
            ('model', 'id of the network'),
        ):
            table.add_column(name, text)
        for frame, action in pairs:
            start, stop = self._seconds((action.window_start_ns, action.window_end_ns))
            known = action.top_index >= 0
            table.add_row(
                start_time=float(start), stop_time=float(stop), label=action.top_label,
                track_id=action.track_id, epoch=frame.epoch, coverage=float(action.coverage),
                probability=float(action.probabilities[action.top_index]) if known else np.nan,
                unknown_score=float(action.unknown_score), model=frame.model)
        self.content.add_time_intervals(table)

    def add_signals(self) -> None:
        """Add a time series for each stream, with the time of every sample."""
        for stream in self._material.streams():
            info = self._material.signal_infos.get(stream)
            chunks = list(self._material.signals(stream))
            stamps = np.concatenate([sample_stamps(chunk, info) for chunk in chunks])
            units = sorted(set(info.unit)) if info is not None else []
            self.content.add_acquisition(self._pynwb.TimeSeries(
                name=stream.replace('/', '_').replace(':', '_'),
                data=np.concatenate([chunk.data for chunk in chunks]),
                unit=units[0] if len(units) == 1 else 'see comments',
                timestamps=self._seconds(stamps),
                description=info.kind if info is not None else 'not described',
                comments='channels: ' + ', '.join(
                    f'{name} ({unit})' for name, unit in zip(info.channels, info.unit, strict=True)
                ) if info is not None else 'channels are not described'))

    def add_events(self) -> None:
        """Add the event markers."""
        if self._material.events:
            events = self._pynwb.misc.AnnotationSeries(
                name='events', description='event markers as name=value',
                data=[f'{event.name}={event.value}' for event in self._material.events],
                timestamps=self._seconds([event.stamp_ns for event in self._material.events]))
            self.content.add_acquisition(events)
