"""A session's people and signals as plain arrays, for numpy, xarray and pandas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.pose import Floats, PersonPose, PoseFrame, States
from neuropose_ros.core.signals import SignalChunk, SignalInfo
from neuropose_ros.core.skeleton import SkeletonLayout

Times = NDArray[np.int64]


class Recording(Protocol):
    """What of a session is needed here."""

    path: Path

    def topic(self, topic: str = '') -> str:
        """Return the topic, or the best one."""

    def poses(self, topic: str = '') -> Iterator[PoseFrame]:
        """Yield frames."""

    def layout(self, name: str) -> SkeletonLayout:
        """Return a layout."""

    def signals(self, stream: str = '') -> Iterator[SignalChunk]:
        """Yield chunks."""

    def signal_infos(self) -> dict[str, SignalInfo]:
        """Return what each stream is."""


@dataclass(frozen=True)
class PoseArrays:
    """The people of one topic: T frames, N individuals, K joints.

    An individual is a track of an epoch; people without a track are one for each index.

    Attributes:
        stamp_ns: (T,) int64, acquisition.
        individuals: N names, as ``track_3``, or ``epoch_1_track_3`` where there are epochs.
        keypoints: (T, N, K, 2) float32, px; NaN where not known.
        scores: (T, N, K) float32; NaN where the individual is not in the frame.
        states: (T, N, K) uint8, ``JointState``; 0 there.
        keypoints_3d: (T, N, K, 3) float32, m, or None where nobody has any.
    """

    stamp_ns: Times
    individuals: tuple[str, ...]
    layout: SkeletonLayout
    keypoints: Floats
    scores: Floats
    states: States
    keypoints_3d: Floats | None

    @property
    def time_s(self) -> NDArray[np.float64]:
        """(T,) float64, s since the first frame."""
        return _since_first_s(self.stamp_ns)


def _since_first_s(stamp_ns: Times) -> NDArray[np.float64]:
    start = stamp_ns[0] if len(stamp_ns) else np.int64(0)
    seconds: NDArray[np.float64] = (stamp_ns - start) / 1e9
    return seconds


def pose_arrays(session: Recording, topic: str) -> PoseArrays:
    """Return the people of one topic.

    Raises:
        SessionError: nobody was recorded, or the layout changes on the way.
    """
    frames = list(session.poses(topic))
    layouts = {frame.layout for frame in frames if frame.persons} or {frames[0].layout}
    if len(layouts) > 1:
        raise SessionError(
            f'{session.path}: its people have several layouts ({", ".join(sorted(layouts))}), '
            'which one array cannot hold; read poses() frame by frame')
    layout = session.layout(layouts.pop())
    epochs = len({frame.epoch for frame in frames}) > 1
    index: dict[str, int] = {}
    places = [(t, index.setdefault(individual(frame, i, person, epochs), len(index)), person)
              for t, frame in enumerate(frames) for i, person in enumerate(frame.persons)]
    shape = (len(frames), len(index), len(layout))
    keypoints = np.full((*shape, 2), np.nan, np.float32)
    scores, states = np.full(shape, np.nan, np.float32), np.zeros(shape, np.uint8)
    deep = any(person.keypoints_3d is not None for *_, person in places)
    keypoints_3d = np.full((*shape, 3), np.nan, np.float32) if deep else None
    for t, n, person in places:
        keypoints[t, n], scores[t, n] = person.keypoints, person.keypoint_scores
        states[t, n] = person.keypoint_states
        if keypoints_3d is not None and person.keypoints_3d is not None:
            keypoints_3d[t, n] = person.keypoints_3d
    stamp_ns = np.array([frame.stamp_ns for frame in frames], np.int64)
    return PoseArrays(
        stamp_ns, tuple(index), layout, keypoints, scores, states, keypoints_3d)


def individual(frame: PoseFrame, index: int, person: PersonPose, epochs: bool) -> str:
    """Return the name of a person: of a track of an epoch, or of an index without one.

    Args:
        epochs: the recording has several, in which the same track ids mean others.
    """
    name = f'track_{person.track_id}' if person.track_id >= 0 else f'untracked_{index}'
    return f'epoch_{frame.epoch}_{name}' if epochs else name


def dataset(poses: PoseArrays) -> Any:
    """Return an xarray.Dataset with the dimensions of the package movement.

    Raises:
        SessionError: xarray is not installed.
    """
    xarray = _imported('xarray')
    dims = ('time', 'keypoints', 'individuals')
    content = {
        'position': (('time', 'space', 'keypoints', 'individuals'),
                     poses.keypoints.transpose(0, 3, 2, 1)),
        'confidence': (dims, poses.scores.transpose(0, 2, 1)),
        'state': (dims, poses.states.transpose(0, 2, 1)),
    }
    if poses.keypoints_3d is not None:
        content['position_3d'] = (
            ('time', 'space_3d', 'keypoints', 'individuals'),
            poses.keypoints_3d.transpose(0, 3, 2, 1))
    coordinates = {
        'time': poses.time_s, 'stamp_ns': ('time', poses.stamp_ns), 'space': ['x', 'y'],
        'keypoints': list(poses.layout.names), 'individuals': list(poses.individuals)}
    if poses.keypoints_3d is not None:
        coordinates['space_3d'] = ['x', 'y', 'z']
    return xarray.Dataset(content, coordinates, {
        'time_unit': 'seconds', 'source_software': 'neuropose_ros', 'ds_type': 'poses',
        'layout': poses.layout.id})


def data_frame(poses: PoseArrays) -> Any:
    """Return a pandas.DataFrame with one row per time, individual in the frame, and joint.

    Raises:
        SessionError: pandas is not installed.
    """
    pandas = _imported('pandas')
    present = ~np.isnan(poses.scores).all(2) | (poses.states != 0).any(2)
    t, n = np.nonzero(present)
    joints = len(poses.layout)
    columns: dict[str, Any] = {
        'stamp_ns': np.repeat(poses.stamp_ns[t], joints),
        'time_s': np.repeat(poses.time_s[t], joints),
        'individual': np.repeat(np.array(poses.individuals, object)[n], joints),
        'keypoint': np.tile(np.array(poses.layout.names, object), len(t)),
        'x_px': poses.keypoints[t, n, :, 0].ravel(),
        'y_px': poses.keypoints[t, n, :, 1].ravel(),
        'score': poses.scores[t, n].ravel(),
        'state': poses.states[t, n].ravel(),
    }
    if poses.keypoints_3d is not None:
        for axis, name in enumerate(('x_m', 'y_m', 'z_m')):
            columns[name] = poses.keypoints_3d[t, n, :, axis].ravel()
    return pandas.DataFrame(columns)


def _imported(name: str) -> Any:
    try:
        return __import__(name)
    except ImportError as error:
        raise SessionError(f'this needs the package {name}: pip install {name}') from error


@dataclass(frozen=True)
class SignalArrays:
    """All samples of one stream: N samples, C channels.

    Attributes:
        stamp_ns: (N,) int64, ROS time of each sample.
        data: (N, C) float32, in the units of ``info``.
        info: what the stream is; None where nobody said so.
        lost_samples: said to be lost on the way.
    """

    stamp_ns: Times
    data: Floats
    info: SignalInfo | None
    lost_samples: int

    @property
    def time_s(self) -> NDArray[np.float64]:
        """(N,) float64, s since the first sample."""
        return _since_first_s(self.stamp_ns)


def signal_arrays(session: Recording, stream: str) -> SignalArrays:
    """Return all samples of one stream.

    Raises:
        SessionError: there is no such stream, or nobody said how fast its samples come.
    """
    chunks = list(session.signals(stream))
    if not chunks or not stream:
        known = sorted({chunk.stream for chunk in session.signals()})
        raise SessionError(f'{session.path}: there is no signal {stream!r}; there is '
                           f'{", ".join(known) or "none"}')
    info = session.signal_infos().get(stream)
    times = [sample_stamps(chunk, info) for chunk in chunks]
    return SignalArrays(
        np.concatenate(times), np.concatenate([chunk.data for chunk in chunks]), info,
        sum(chunk.lost_samples for chunk in chunks))


def sample_stamps(chunk: SignalChunk, info: SignalInfo | None) -> Times:
    """Return (N,) int64 ns, ROS time of each sample of a chunk.

    Raises:
        SessionError: the samples have no times, and nobody said how fast they come.
    """
    if chunk.offsets_ns is not None:
        offsets_ns = chunk.offsets_ns
    elif info is not None and info.rate_hz > 0:
        steps_ns = np.arange(len(chunk.data)) * (1e9 / info.rate_hz)
        offsets_ns = np.rint(steps_ns).astype(np.int64)
    else:
        raise SessionError(
            f'the samples of the signal {chunk.stream} have no times of their own, and its rate '
            'was not recorded')
    stamps_ns: Times = offsets_ns + np.int64(chunk.stamp_ns)
    return stamps_ns
