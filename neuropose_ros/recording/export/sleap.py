"""SLEAP's analysis file (HDF5): dense arrays of tracks, in the order of axes that SLEAP writes.

``tracks`` (tracks, 2, nodes, frames) px, ``track_occupancy`` (frames, tracks), ``point_scores``
(tracks, nodes, frames), ``instance_scores`` and ``tracking_scores`` (tracks, frames). Frames are
numbers; their times are in ``NAME_times.csv`` beside it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.errors import SessionError
from neuropose_ros.recording.export.dlc import write_times
from neuropose_ros.recording.export.material import Material
from neuropose_ros.recording.export.tracks import Tracks, gather

_DIMS = {
    'tracks': ('track', 'xy', 'node', 'frame'), 'track_occupancy': ('frame', 'track'),
    'point_scores': ('track', 'node', 'frame'), 'instance_scores': ('track', 'frame'),
    'tracking_scores': ('track', 'frame'),
}


def write(material: Material, folder: Path) -> list[Path]:
    """Write ``NAME.analysis.h5`` and ``NAME_times.csv``.

    Raises:
        SessionError: h5py is not installed, there is nobody in the session, or the numbers of
            its frames do not ascend.
    """
    try:
        import h5py
    except ImportError as error:
        raise SessionError(
            'the export to SLEAP needs the package h5py: pip install h5py') from error
    tracks = gather(material.frames())
    if not tracks.people:
        raise SessionError(f'{material.name}: there is nobody in it to make tracks of')
    path = folder / f'{material.stem}.analysis.h5'
    layout = material.layout
    with h5py.File(path, 'w') as file:
        for name, values in _arrays(tracks).items():
            dataset = file.create_dataset(name, data=values, compression='gzip')
            dataset.attrs['dims'] = json.dumps(_DIMS[name])
        file['track_names'] = _texts(track.name for track in tracks.people)
        file['node_names'] = _texts(layout.names)
        file['edge_names'] = np.array(
            [[layout.names[a].encode(), layout.names[b].encode()] for a, b in layout.edges],
            'S').reshape(-1, 2)
        file['edge_inds'] = np.array(layout.edges, np.int64).reshape(-1, 2)
        file['labels_path'] = file['video_path'] = ''
        file['video_ind'] = 0
        file['provenance'] = json.dumps({'software': material.software, 'model': tracks.model})
        file.attrs['format'], file.attrs['preset'] = 'analysis', 'matlab'
        file.attrs['skeleton_name'] = layout.name
        file.attrs['skeleton_symmetries'] = json.dumps(
            [[layout.names[a], layout.names[b]] for a, b in layout.mirror_pairs])
    return [path, write_times(folder / f'{material.stem}_times.csv', tracks)]


def _texts(values: Any) -> Any:
    return np.array([value.encode() for value in values], 'S')


def _arrays(tracks: Tracks) -> dict[str, Any]:
    slots = tracks.slots()
    count, joints = int(slots[-1]) + 1, tracks.people[0].keypoints.shape[1]
    people = len(tracks.people)
    points = np.full((people, 2, joints, count), np.nan)
    scores = np.full((people, joints, count), np.nan)
    whole = np.full((people, count), np.nan)
    occupied = np.zeros((count, people), np.uint8)
    for index, track in enumerate(tracks.people):
        at = slots[track.rows]
        points[index][..., at] = track.keypoints.transpose(2, 1, 0)
        scores[index][:, at] = track.scores.T
        whole[index, at] = track.person_scores
        occupied[at, index] = 1
    return {'tracks': points, 'track_occupancy': occupied, 'point_scores': scores,
            'instance_scores': whole, 'tracking_scores': np.full((people, count), np.nan)}
