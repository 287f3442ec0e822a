"""SLEAP's analysis file (HDF5), in any order of its axes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.recording.importing.hdf5 import open_hdf5, text, texts
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

_AXES = ('frame', 'track', 'node', 'xy')
_USUAL = {'tracks': ('track', 'xy', 'node', 'frame'), 'point_scores': ('track', 'node', 'frame'),
          'instance_scores': ('track', 'frame')}


def read(path: Path, options: Options) -> Imported:
    """Read an analysis file; a frame is a row, also one without people.

    Raises:
        DataError: it is no such file, or no frame rate was given.
    """
    rate_hz = need_rate(path, options, "SLEAP's files")
    if path.suffix == '.slp':
        raise DataError(f'{path}: this is a project of SLEAP; export an analysis file (HDF5) '
                        'from it: sleap-convert --format analysis')
    with open_hdf5(path) as file:
        if 'tracks' not in file or 'node_names' not in file:
            raise DataError(f'{path}: this is no analysis file of SLEAP: it lacks tracks or '
                            'node_names')
        points = _ordered(path, file, 'tracks')
        scores = _ordered(path, file, 'point_scores')
        whole = _ordered(path, file, 'instance_scores')
        nodes = texts(file['node_names'][:])
        edges = file['edge_inds'][:].tolist() if 'edge_inds' in file else []
        tracks = texts(file['track_names'][:]) if 'track_names' in file else []
        provenance = text(file['provenance'][()]) if 'provenance' in file else '{}'
    if points is None or points.shape[2:] != (len(nodes), 2):
        raise DataError(f'{path}: its tracks do not have 2 coordinates of {len(nodes)} nodes')
    joints = joints_of(path, 'sleap', nodes, edges)
    ids = track_ids(tracks) if len(tracks) == points.shape[1] else [-1] * points.shape[1]
    frames = _frames(points, scores, whole, ids, joints, rate_hz, options, _model(provenance))
    return Imported(joints.layout, frames, _model(provenance))


def _ordered(path: Path, file: Any, name: str) -> Any:
    """Return a data set with the axes frame, track, node, xy, as far as it has them."""
    if name not in file:
        return None
    dims = tuple(json.loads(file[name].attrs['dims'])) if 'dims' in file[name].attrs else (
        _USUAL[name])
    wanted = [axis for axis in _AXES if axis in dims]
    values = file[name][:]
    if values.ndim != len(dims) or sorted(dims) != sorted(_USUAL[name]):
        raise DataError(f'{path}: {name} has {values.ndim} axes, named {", ".join(dims)}')
    return values.transpose([dims.index(axis) for axis in wanted])


def _model(provenance: str) -> str:
    try:
        content = json.loads(provenance)
    except ValueError:
        content = {}
    model = content.get('model') if isinstance(content, dict) else None
    return str(model) if model else 'sleap'


def _frames(
    points: Any, scores: Any, whole: Any, ids: list[int], joints: Joints, rate_hz: float,
    options: Options, model: str,
) -> Iterator[PoseFrame]:
    ones = np.ones(points.shape[2])
    for index, row in enumerate(points):
        people = (
            person_of(
                row[n][joints.order],
                (ones if scores is None else scores[index, n])[joints.order], track_id,
                score=None if whole is None else float(whole[index, n]))
            for n, track_id in enumerate(ids))
        yield frame_of(index, stamp_at(index, rate_hz), people, joints.layout, model,
                       options.size)
