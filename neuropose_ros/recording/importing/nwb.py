"""Poses in NWB files, by ndx-pose of any version: they are read as HDF5, by their types.

A ``PoseEstimation`` is a person; one in metres whose name ends in ``_3d`` belongs to the one
without.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.clocks import FILE_EPOCH_NS, NS_PER_S
from neuropose_ros.core.errors import DataError
from neuropose_ros.core.pose import Floats, JointState, PersonPose, PoseFrame, States
from neuropose_ros.recording.importing.hdf5 import open_hdf5, text, texts
from neuropose_ros.recording.importing.lengths import METRES
from neuropose_ros.recording.importing.poses import (
    Imported,
    Joints,
    Options,
    frame_of,
    joints_of,
    person_of,
    track_ids,
    with_3d,
)

_PIXELS = {'pixels', 'pixel', 'px'}


@dataclass(frozen=True)
class _Series:
    """One joint of one person: n samples.

    Attributes:
        values: (n, 2) px, or (n, 3) m.
    """

    values: Floats
    times_s: NDArray[np.float64]
    scores: Floats
    states: States


@dataclass(frozen=True)
class _Estimation:
    name: str
    joints: dict[str, _Series]
    metric: bool
    scorer: str
    edges: list[tuple[str, str]]


def read(path: Path, options: Options) -> Imported:
    """Read all people of a file.

    Raises:
        DataError: it is no NWB file, nobody is in it, or a unit is neither pixels nor a length.
    """
    notes: list[str] = []
    with open_hdf5(path) as file:
        if 'session_start_time' not in file:
            raise DataError(f'{path}: this is no NWB file: it says no session_start_time')
        start_ns = _start_ns(text(file['session_start_time'][()]), notes)
        found = [_estimation(path, name, group, notes) for name, group in
                 _of_type(file, 'PoseEstimation')]
    found = [estimation for estimation in found if estimation.joints]
    if not found:
        raise DataError(f'{path}: no PoseEstimation in it has a PoseEstimationSeries')
    names = list(dict.fromkeys(name for estimation in found for name in estimation.joints))
    edges = {(names.index(a), names.index(b)) for estimation in found
             for a, b in estimation.edges if a in names and b in names}
    joints = joints_of(path, 'nwb', names, sorted(edges))
    ordered = [names[i] for i in joints.order]
    model = next((estimation.scorer for estimation in found if estimation.scorer), 'nwb')
    people = _people(found)
    frames = _frames(people, ordered, joints, start_ns, options, model)
    return Imported(joints.layout, frames, model, notes=tuple(dict.fromkeys(notes)))


def _start_ns(said: str, notes: list[str]) -> int:
    try:
        moment = datetime.fromisoformat(said.replace('Z', '+00:00'))
    except ValueError:
        notes.append(f'its start {said!r} is no time: it is taken to begin in 2000')
        return FILE_EPOCH_NS
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    since = moment - datetime.fromtimestamp(0, timezone.utc)
    return (since.days * 86400 + since.seconds) * NS_PER_S + since.microseconds * 1000


def _of_type(group: Any, kind: str) -> Iterator[tuple[str, Any]]:
    """Yield the groups of an NWB type below a group, without following links."""
    for name in group:
        if group.get(name, getlink=True).__class__.__name__ != 'HardLink':
            continue
        item = group[name]
        if _is(item, kind):
            yield name, item
        elif hasattr(item, 'keys'):
            yield from _of_type(item, kind)


def _is(item: Any, kind: str) -> bool:
    return text(item.attrs.get('neurodata_type', '')) == kind


def _estimation(path: Path, name: str, group: Any, notes: list[str]) -> _Estimation:
    series = {}
    metric = False
    for joint, item in _of_type(group, 'PoseEstimationSeries'):
        series[joint], deep = _series(path, f'{name}/{joint}', item, notes)
        metric = metric or deep
    scorer = text(group['scorer'][()]) if 'scorer' in group else ''
    return _Estimation(name, series, metric, scorer, _edges(group))


def _edges(group: Any) -> list[tuple[str, str]]:
    """Return bones by names, from the linked skeleton or, before ndx-pose 0.2, from here."""
    linked = (group[name] for name in group)  # a link has the name of what it leads to
    for where in (*(item for item in linked if _is(item, 'Skeleton')), group):
        if 'nodes' in where and 'edges' in where:
            nodes = texts(where['nodes'][:])
            return [(nodes[int(a)], nodes[int(b)]) for a, b in where['edges'][:]]
    return []


def _series(path: Path, name: str, item: Any, notes: list[str]) -> tuple[_Series, bool]:
    data, where = item['data'], f'{path}: {name}'
    unit = text(data.attrs.get('unit', '')).strip().lower()
    values = data[:].astype(np.float64) * float(data.attrs.get('conversion', 1.0))
    if values.ndim != 2 or values.shape[1] not in {2, 3}:
        raise DataError(f'{where} has values of shape {values.shape}, not (samples, 2 or 3)')
    metric = unit not in _PIXELS
    if metric and unit not in METRES:
        raise DataError(f'{where} has the unit {unit!r}, which is neither pixels nor a length')
    if metric and values.shape[1] == 2:
        raise DataError(f'{where} has two coordinates in {unit}, neither a picture nor 3D')
    if not metric and values.shape[1] == 3:
        notes.append(f'{name} has a third coordinate in pixels, which is left out')
        values = values[:, :2]
    count = len(values)
    scores = item['confidence'][:] if 'confidence' in item else np.ones(count)
    values = values * METRES[unit] if metric else values
    points = values.astype(np.float32)
    return _Series(points, _times_s(where, item, count), scores.astype(np.float32),
                   _states(item, points)), metric


def _times_s(where: str, item: Any, count: int) -> NDArray[np.float64]:
    if 'timestamps' in item:
        times: NDArray[np.float64] = item['timestamps'][:].astype(np.float64)
    elif 'starting_time' in item:
        start = item['starting_time']
        times = float(start[()]) + np.arange(count) / float(start.attrs['rate'])
    else:
        raise DataError(f'{where} has neither timestamps nor a rate')
    if len(times) != count:
        raise DataError(f'{where} has {count} values but {len(times)} timestamps')
    return times


def _states(item: Any, points: Floats) -> States:
    """Return states: by what the exporter of this package wrote, else by what is known."""
    known = np.isfinite(points).all(1)
    plain = np.where(known, JointState.MEASURED, JointState.MISSING).astype(np.uint8)
    if 'control' not in item or 'control_description' not in item:
        return plain
    words, states = texts(item['control_description'][:]), JointState.__members__
    if not set(words) <= states.keys():
        return plain
    found: States = np.array([states[word] for word in words], np.uint8)[item['control'][:]]
    return found


def _people(found: list[_Estimation]) -> list[tuple[int, _Estimation | None, _Estimation | None]]:
    """Return track id, what is known in px and what is known in m of each person."""
    flat = {estimation.name: estimation for estimation in found if not estimation.metric}
    deep = {estimation.name.removesuffix('_3d'): estimation for estimation in found
            if estimation.metric}
    names = [*flat, *(name for name in deep if name not in flat)]
    return [(track_id, flat.get(name), deep.get(name))
            for name, track_id in zip(names, track_ids(names), strict=True)]


class _Part:
    """A person's joints at any time that one of them has."""

    def __init__(self, estimation: _Estimation, joints: list[str], width: int) -> None:
        self._rows: dict[int, int] = {}
        series = [estimation.joints.get(name) for name in joints]
        for one in series:
            for time_s in () if one is None else one.times_s:
                self._rows.setdefault(round(float(time_s) * NS_PER_S), len(self._rows))
        shape = (len(self._rows), len(joints))
        self.points = np.full((*shape, width), np.nan, np.float32)
        self.scores = np.zeros(shape, np.float32)
        self.states = np.full(shape, JointState.MISSING, np.uint8)
        for k, one in enumerate(series):
            if one is not None:
                at = [self._rows[round(float(time_s) * NS_PER_S)] for time_s in one.times_s]
                self.points[at, k], self.scores[at, k] = one.values, one.scores
                self.states[at, k] = one.states

    @property
    def times_ns(self) -> list[int]:
        return list(self._rows)

    def row(self, time_ns: int) -> int | None:
        return self._rows.get(time_ns)


def _frames(
    people: list[tuple[int, _Estimation | None, _Estimation | None]], ordered: list[str],
    joints: Joints, start_ns: int, options: Options, model: str,
) -> Iterator[PoseFrame]:
    parts = [(track_id, None if flat is None else _Part(flat, ordered, 2),
              None if deep is None else _Part(deep, ordered, 3))
             for track_id, flat, deep in people]
    times = sorted({time_ns for _, *both in parts for part in both if part is not None
                    for time_ns in part.times_ns})
    for index, time_ns in enumerate(times):
        seen = (_person(track_id, flat, deep, time_ns) for track_id, flat, deep in parts)
        yield frame_of(index, start_ns + time_ns, seen, joints.layout, model, options.size)


def _person(
    track_id: int, flat: _Part | None, deep: _Part | None, time_ns: int,
) -> PersonPose | None:
    person = None
    row = None if flat is None else flat.row(time_ns)
    if flat is not None and row is not None:
        person = person_of(flat.points[row], flat.scores[row], track_id, flat.states[row])
    row = None if deep is None else deep.row(time_ns)
    if deep is not None and row is not None and np.isfinite(deep.points[row]).any():
        person = with_3d(person, deep.points[row], deep.states[row], track_id)
    return person
