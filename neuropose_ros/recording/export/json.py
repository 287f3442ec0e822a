"""JSON: one file that holds the frames as they are, for programs without tables."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from neuropose_ros.core.action import Action, ActionFrame, ActionPhase
from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.events import EventMarker, MovementMetric
from neuropose_ros.core.pose import (
    FrameStatus,
    JointState,
    Origin3D,
    PersonPose,
    PoseFrame,
    TrackState,
)
from neuropose_ros.core.signals import SignalChunk
from neuropose_ros.recording.arrow import arrow
from neuropose_ros.recording.export.material import Material

VERSION = 1


def write(material: Material, folder: Path) -> list[Path]:
    """Write ``NAME.json``: a dict of format, version, layout, frames, actions and so on.

    Times are ``sec`` and ``nanosec`` since 1970, since a number of a JSON reader may not hold
    both. What is not known is null. A frame is a line.
    """
    path = folder / f'{material.stem}.json'
    head = {
        'format': 'neuropose_ros poses', 'version': VERSION, 'session': material.name,
        'subjects': [subject.pseudonym for subject in material.subjects],
        'task': material.task, 'software': material.software, 'topic': material.topic,
        'layout': {'id': material.layout.id, 'names': material.layout.names,
                   'edges': material.layout.edges, 'mirror_pairs': material.layout.mirror_pairs},
        'label_sets': {key: value.labels for key, value in material.label_sets.items()},
        'signal_infos': {key: {
            'kind': info.kind, 'channels': info.channels, 'unit': info.unit,
            'rate_hz': info.rate_hz} for key, info in material.signal_infos.items()},
    }
    with path.open('w', encoding='utf-8') as file:
        file.write('{\n')
        for key, value in head.items():
            file.write(f'{json.dumps(key)}: {_dump(value)},\n')
        _list(file, 'frames', map(_frame, material.frames()))
        _list(file, 'actions', map(_actions, material.actions()))
        _list(file, 'signals', map(_signal, material.signals('')))
        _list(file, 'metrics', map(_metric, material.metrics()))
        _list(file, 'events', map(_event, material.events), last=True)
        file.write('}\n')
    return [path]


def _list(file: IO[str], key: str, items: Iterator[Any], *, last: bool = False) -> None:
    file.write(f'"{key}": [')
    for index, item in enumerate(items):
        file.write(f'{"," if index else ""}\n{_dump(item)}')
    file.write(']\n' if last else '],\n')


def _dump(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(',', ':'))


def _time(stamp_ns: int) -> dict[str, int]:
    return {'sec': stamp_ns // NS_PER_S, 'nanosec': stamp_ns % NS_PER_S}


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _numbers(values: Any) -> Any:
    """Return nested lists; float32 as the shortest decimals that give it again."""
    if values is None:
        return None
    array = np.asarray(values)
    if array.dtype != np.float32:
        return array.tolist()
    texts = arrow().array(array.ravel()).cast(arrow().string()).to_pylist()  # 20 times str()
    flat = [_number(float(text)) for text in texts]
    width = array.shape[-1]
    if array.ndim == 1:
        return flat
    return [flat[at:at + width] for at in range(0, len(flat), width)]


def _frame(frame: PoseFrame) -> dict[str, Any]:
    return {
        'stamp': _time(frame.stamp_ns), 'frame_seq': frame.frame_seq, 'epoch': frame.epoch,
        'status': FrameStatus(frame.status).name, 'skipped_before': frame.skipped_before,
        'image_size': [frame.image_width, frame.image_height], 'stage': frame.stage,
        'model': frame.model, 'persons': [_person(person) for person in frame.persons],
    }


def _person(person: PersonPose) -> dict[str, Any]:
    found: dict[str, Any] = {
        'track_id': person.track_id, 'track_state': TrackState(person.track_state).name,
        'score': _number(person.score), 'box': _numbers(person.box),
        'keypoints': _numbers(person.keypoints), 'scores': _numbers(person.keypoint_scores),
        'states': _states(person.keypoint_states),
    }
    for key, values in (('covariances', person.keypoint_covariances),
                        ('velocities', person.keypoint_velocities),
                        ('innovations', person.keypoint_innovations),
                        ('keypoints_3d', person.keypoints_3d),
                        ('covariances_3d', person.keypoint_covariances_3d)):
        if values is not None:
            found[key] = _numbers(values)
    if person.keypoint_states_3d is not None:
        found['states_3d'] = _states(person.keypoint_states_3d)
    if person.keypoints_3d is not None:
        found['origin_3d'] = Origin3D(person.origin_3d).name
    return found


def _states(values: Iterable[int]) -> list[str]:
    known = {int(state): state.name for state in JointState}
    return [known.get(int(value), JointState.UNKNOWN.name) for value in values]


def _actions(frame: ActionFrame) -> dict[str, Any]:
    return {
        'stamp': _time(frame.stamp_ns), 'frame_seq': frame.frame_seq, 'epoch': frame.epoch,
        'label_set': frame.label_set, 'model': frame.model,
        'actions': [_action(action) for action in frame.actions],
    }


def _action(action: Action) -> dict[str, Any]:
    return {
        'track_id': action.track_id, 'window_start': _time(action.window_start_ns),
        'window_end': _time(action.window_end_ns), 'frames_used': action.frames_used,
        'coverage': _number(action.coverage), 'label': action.top_label,
        'probabilities': _numbers(action.probabilities),
        'unknown_score': _number(action.unknown_score), 'reason': action.reason,
        'phase': ActionPhase(action.phase).name, 'entropy_nat': _number(action.entropy),
        'decision_delay_s': _number(action.decision_delay_s),
    }


def _signal(chunk: SignalChunk) -> dict[str, Any]:
    offsets = None if chunk.offsets_ns is None else chunk.offsets_ns.tolist()
    return {'stamp': _time(chunk.stamp_ns), 'stream': chunk.stream, 'sequence': chunk.sequence,
            'offsets_ns': offsets, 'data': _numbers(chunk.data)}


def _metric(metric: MovementMetric) -> dict[str, Any]:
    return {
        'stamp': _time(metric.stamp_ns), 'track_id': metric.track_id, 'name': metric.name,
        'value': _number(metric.value), 'unit': metric.unit, 'lower': _number(metric.lower),
        'upper': _number(metric.upper), 'valid': metric.valid,
        'window_start': _time(metric.window_start_ns),
        'window_end': _time(metric.window_end_ns),
    }


def _event(event: EventMarker) -> dict[str, Any]:
    return {'stamp': _time(event.stamp_ns), 'name': event.name, 'value': event.value}
