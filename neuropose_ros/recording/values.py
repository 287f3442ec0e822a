"""Rows of the tables back to values, one record batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from neuropose_ros.core.action import Action, ActionFrame, ActionPhase
from neuropose_ros.core.events import MovementMetric
from neuropose_ros.core.pose import (
    FramePolicy,
    FrameStatus,
    Origin3D,
    PersonPose,
    PoseFrame,
    SceneEmbedding,
    TrackState,
)
from neuropose_ros.core.signals import SignalChunk
from neuropose_ros.core.wire import FrameInfo, known_enum
from neuropose_ros.recording.schema import TABLES

Row = dict[str, Any]


class Recorded(NamedTuple):
    """A value as it was recorded.

    Attributes:
        arrival_ns: ROS time when the recorder got it; 0 = it was never live.
        topic: of people only.
    """

    value: Any
    arrival_ns: int
    topic: str = ''


def rows_of(table: str, batches: Iterable[Any]) -> Iterator[Row]:
    """Yield rows; lists come as arrays of their own, or None where they are null."""
    names = [column.name for column in TABLES[table]]
    for batch in batches:
        columns = [_column(batch.column(name)) for name in names]
        for values in zip(*columns, strict=True):
            yield dict(zip(names, values, strict=True))


def _column(array: Any) -> list[Any]:
    if not hasattr(array, 'offsets'):
        plain: list[Any] = array.to_pylist()
        return plain
    flat = array.values.to_numpy(zero_copy_only=False)
    ends = array.offsets.to_numpy(zero_copy_only=False).tolist()
    return [flat[ends[i]:ends[i + 1]].copy() if valid else None
            for i, valid in enumerate(array.is_valid().to_pylist())]


_WIDTHS = {
    'keypoints': 2, 'keypoint_covariances': 3, 'keypoint_velocities': 2,
    'keypoint_innovations': 2, 'keypoints_3d': 3, 'keypoint_covariances_3d': 6,
}
_PERSON = frozenset(PersonPose.__dataclass_fields__)
_POSE = frozenset(PoseFrame.__dataclass_fields__) - {'persons'}
_ACTION = frozenset(Action.__dataclass_fields__)
_ACTION_FRAME = frozenset(ActionFrame.__dataclass_fields__) - {'actions'}


def _person(row: Row) -> PersonPose:
    fields = {name: row[name] for name in _PERSON}
    for name, width in _WIDTHS.items():
        if fields[name] is not None:
            fields[name] = fields[name].reshape(-1, width)
    fields['track_state'] = known_enum(TrackState, row['track_state'])
    fields['origin_3d'] = known_enum(Origin3D, row['origin_3d'])
    return PersonPose(**fields)


def _pose_frame(rows: list[Row]) -> PoseFrame:
    head = rows[0]
    fields = {name: head[name] for name in _POSE}
    fields['status'] = known_enum(FrameStatus, head['status'])
    return PoseFrame(**fields, persons=tuple(
        _person(row) for row in rows if row['person'] >= 0))


def _action(row: Row) -> Action:
    fields = {name: row[name] for name in _ACTION}
    fields['phase'] = known_enum(ActionPhase, row['phase'])
    return Action(**fields)


def _action_frame(rows: list[Row]) -> ActionFrame:
    head = rows[0]
    return ActionFrame(**{name: head[name] for name in _ACTION_FRAME}, actions=tuple(
        _action(row) for row in rows if row['action'] >= 0))


def _grouped(index: str, rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield the rows of one frame each: a new one begins where the index does not go up."""
    group: list[Row] = []
    for row in rows:
        if group and row[index] <= 0:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _frame_info(row: Row) -> FrameInfo:
    row['policy'] = known_enum(FramePolicy, row['policy'])
    return FrameInfo(**row)


def _signal(row: Row) -> SignalChunk:
    row['data'] = row['data'].reshape(-1, row.pop('channels'))
    return SignalChunk(**row)


_SINGLE: dict[str, Callable[[Row], Any]] = {
    'frames': _frame_info, 'scenes': lambda row: SceneEmbedding(**row), 'signals': _signal,
    'metrics': lambda row: MovementMetric(**row),
}


def values_of(table: str, batches: Iterable[Any]) -> Iterator[Recorded]:
    """Yield the values of a table in the order of recording."""
    rows = rows_of(table, batches)
    if table == 'people':
        for group in _grouped('person', rows):
            yield Recorded(_pose_frame(group), group[0]['arrival_ns'], group[0]['topic'])
    elif table == 'actions':
        for group in _grouped('action', rows):
            yield Recorded(_action_frame(group), group[0]['arrival_ns'])
    else:
        for row in rows:
            arrival_ns = row.pop('arrival_ns')
            yield Recorded(_SINGLE[table](row), arrival_ns)


def float_times(stamps_ns: Any) -> Any:
    """Return (N,) float64 s since the first of (N,) int64 ns."""
    stamps = np.asarray(stamps_ns, np.int64)
    return (stamps - (stamps[0] if len(stamps) else 0)) / 1e9
