"""Tables with one row for each joint, action, sample and so on: what CSV and Parquet hold.

A value that is not known is null (an empty field in CSV), never a number that stands for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np

from neuropose_ros.core.action import ActionFrame, ActionPhase
from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.pose import (
    FrameStatus,
    JointState,
    Origin3D,
    PersonPose,
    PoseFrame,
    TrackState,
)
from neuropose_ros.core.signals import SignalChunk, SignalInfo
from neuropose_ros.recording.arrays import sample_stamps
from neuropose_ros.recording.arrow import arrow
from neuropose_ros.recording.export.material import Material
from neuropose_ros.recording.export.tracks import states_3d
from neuropose_ros.recording.schema import Column, arrow_type

_FRAMES_A_BATCH = 512

_FRAME = (
    Column('stamp_ns', 'int64', 'time of acquisition since 1970 (UTC)', 'ns'),
    Column('frame_seq', 'int64', 'number of the frame; a gap = lost or skipped'),
    Column('epoch', 'int64', 'up by 1 at each restart of the recording or its source'),
)
FRAMES = (
    *_FRAME,
    Column('status', 'string', 'OK, NO_PERSON, SKIPPED, ERROR or UNKNOWN'),
    Column('skipped_before', 'int64', 'frames since the previous row that were not looked at'),
    Column('people', 'int64', 'number of people in this frame'),
    Column('image_width', 'int64', 'of the picture; 0 = not known', 'px'),
    Column('image_height', 'int64', 'of the picture; 0 = not known', 'px'),
    Column('layout', 'string', 'id of the skeleton layout'),
    Column('stage', 'string', 'who made the poses, as pose or refinement'),
    Column('model', 'string', 'id of the pose model'),
)
JOINTS = (
    *_FRAME,
    Column('person', 'int64', 'rank of the person within the frame'),
    Column('track_id', 'int64', 'identity within an epoch; -1 = untracked'),
    Column('track_state', 'string', 'TENTATIVE, CONFIRMED, LOST or UNKNOWN'),
    Column('person_score', 'float64', 'confidence in the person, 0..1'),
    Column('joint', 'string', "name in the layout; left and right are the subject's"),
    Column('x_px', 'float32', 'to the right; 0 is the centre of the first column', 'px'),
    Column('y_px', 'float32', 'down; 0 is the centre of the first row', 'px'),
    Column('score', 'float32', 'confidence of the model in the joint, 0..1'),
    Column('state', 'string', 'MEASURED, CORRECTED, PREDICTED, INTERPOLATED, OCCLUDED, '
           'OUT_OF_FRAME, MISSING or UNKNOWN'),
    Column('var_x_px2', 'float32', 'variance of x_px', 'px^2'),
    Column('cov_xy_px2', 'float32', 'covariance of x_px and y_px', 'px^2'),
    Column('var_y_px2', 'float32', 'variance of y_px', 'px^2'),
    Column('vx_px_s', 'float32', 'velocity to the right', 'px/s'),
    Column('vy_px_s', 'float32', 'velocity down', 'px/s'),
    Column('x_m', 'float32', 'to the right as the camera sees it', 'm'),
    Column('y_m', 'float32', 'down', 'm'),
    Column('z_m', 'float32', 'away from the camera', 'm'),
    Column('state_3d', 'string', 'as state, of x_m y_m z_m'),
    Column('origin_3d', 'string', 'CAMERA, ROOT_RELATIVE (the mid-hip is 0) or UNKNOWN'),
)
ACTIONS = (
    *_FRAME,
    Column('track_id', 'int64', 'whose; -1 = untracked'),
    Column('window_start_ns', 'int64', 'first frame used', 'ns'),
    Column('window_end_ns', 'int64', 'last frame used', 'ns'),
    Column('frames_used', 'int64', 'frames of this person in the window'),
    Column('coverage', 'float64', "share of the window's joints that were measured, 0..1"),
    Column('label', 'string', 'the answer; unknown is one'),
    Column('probability', 'float64', 'of the label; empty where it is unknown'),
    Column('unknown_score', 'float64', 'how unlike all known actions, 0..1'),
    Column('reason', 'string', 'why the label is unknown'),
    Column('phase', 'string', 'ONSET, ONGOING, OFFSET or UNKNOWN'),
    Column('entropy_nat', 'float64', 'of the probabilities', 'nat'),
    Column('decision_delay_s', 'float64', 'window end minus the time decided about', 's'),
    Column('label_set', 'string', 'id of the labels known'),
    Column('model', 'string', 'id of the network'),
)
METRICS = (
    Column('stamp_ns', 'int64', 'when the window closed', 'ns'),
    Column('track_id', 'int64', 'whose'),
    Column('name', 'string', 'of the measure, as cadence'),
    Column('value', 'float64', 'empty where there was not enough evidence'),
    Column('unit', 'string', 'of value, lower and upper (UCUM)'),
    Column('lower', 'float64', '95 % interval'),
    Column('upper', 'float64', '95 % interval'),
    Column('valid', 'bool', 'there was enough evidence'),
    Column('window_start_ns', 'int64', 'first frame used', 'ns'),
    Column('window_end_ns', 'int64', 'last frame used', 'ns'),
)
EVENTS = (
    Column('stamp_ns', 'int64', 'when it happened', 'ns'),
    Column('name', 'string', 'what, as stimulus_on'),
    Column('value', 'string', 'free text or a number as text'),
)
TABLES = {'frames': FRAMES, 'joints': JOINTS, 'actions': ACTIONS, 'metrics': METRICS,
          'events': EVENTS}
SIGNAL_STAMP = Column('stamp_ns', 'int64', 'time of the sample; empty where it is not known', 'ns')

Rows = Iterator[Any]
"""Arrow record batches."""


def tables(material: Material) -> Iterator[tuple[str, tuple[Column, ...], Rows]]:
    """Yield name, columns and record batches of each table; ``signals-NAME`` for each stream."""
    yield 'frames', FRAMES, _batches(FRAMES, material.frames(), _frame_row)
    yield 'joints', JOINTS, _joint_batches(material)
    yield 'actions', ACTIONS, _batches(ACTIONS, _single_actions(material), _action_row)
    yield 'metrics', METRICS, _batches(METRICS, material.metrics(), _fields_of(METRICS))
    yield 'events', EVENTS, _batches(EVENTS, material.events, _fields_of(EVENTS))
    for stream in material.streams():
        info = material.signal_infos.get(stream)
        chunks = material.signals(stream)
        first = next(iter(chunks))
        columns = signal_columns(stream, info, first.data.shape[1])
        yield f'signals-{stream}', columns, _signal_batches(columns, info, chain([first], chunks))


def signal_columns(stream: str, info: SignalInfo | None, channels: int) -> tuple[Column, ...]:
    """Return the columns of a stream: stamp, then one for each channel."""
    names = info.channels if info is not None else ()
    units = info.unit if info is not None else ()
    return (SIGNAL_STAMP, *(
        Column(names[i] if i < len(names) else f'channel{i + 1}', 'float32',
               f'of the stream {stream}', units[i] if i < len(units) else '')
        for i in range(channels)))


def _stamps(chunk: SignalChunk, info: SignalInfo | None) -> list[int | None]:
    """Return N times in ns; None after the first where neither a rate nor offsets tell them."""
    try:
        return list(sample_stamps(chunk, info).tolist())
    except SessionError:
        return [chunk.stamp_ns, *[None] * (len(chunk.data) - 1)][:len(chunk.data)]


def schema(columns: tuple[Column, ...]) -> Any:
    """Return the Arrow schema; texts and units are metadata of its fields."""
    pa = arrow()
    return pa.schema([pa.field(column.name, arrow_type(column.kind), metadata={
        'text': column.text, 'unit': column.unit}) for column in columns])


def _batches(
    columns: tuple[Column, ...], values: Iterable[Any], row: Callable[[Any], tuple[Any, ...]],
) -> Rows:
    remaining = iter(values)
    while rows := [row(value) for value in islice(remaining, _FRAMES_A_BATCH)]:
        yield _record_batch(columns, list(zip(*rows, strict=True)))


def _record_batch(columns: tuple[Column, ...], values: list[Any]) -> Any:
    """Build a batch; NaN becomes null."""
    pa = arrow()
    arrays = [pa.array(value, arrow_type(column.kind), from_pandas=True)
              for column, value in zip(columns, values, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema(columns))


def _fields_of(columns: tuple[Column, ...]) -> Callable[[Any], tuple[Any, ...]]:
    return lambda value: tuple(getattr(value, column.name) for column in columns)


def _frame_row(frame: PoseFrame) -> tuple[Any, ...]:
    return (frame.stamp_ns, frame.frame_seq, frame.epoch, FrameStatus(frame.status).name,
            frame.skipped_before, len(frame.persons), frame.image_width, frame.image_height,
            frame.layout, frame.stage, frame.model)


def _single_actions(material: Material) -> Iterator[tuple[ActionFrame, Any]]:
    for frame in material.actions():
        for action in frame.actions:
            yield frame, action


def _action_row(pair: tuple[ActionFrame, Any]) -> tuple[Any, ...]:
    frame, action = pair
    known = action.top_index >= 0
    return (
        frame.stamp_ns, frame.frame_seq, frame.epoch, action.track_id, action.window_start_ns,
        action.window_end_ns, action.frames_used, action.coverage, action.top_label,
        float(action.probabilities[action.top_index]) if known else None, action.unknown_score,
        action.reason, ActionPhase(action.phase).name, action.entropy, action.decision_delay_s,
        frame.label_set, frame.model)


def _signal_batches(
    columns: tuple[Column, ...], info: SignalInfo | None, chunks: Iterable[SignalChunk],
) -> Rows:
    for chunk in chunks:
        yield _record_batch(columns, [
            _stamps(chunk, info), *np.ascontiguousarray(chunk.data.T)])


_STATES = np.array([state.name for state in JointState], object)
_WIDE = {'keypoint_covariances': 3, 'keypoint_velocities': 2, 'keypoints_3d': 3}


def _joint_batches(material: Material) -> Rows:
    remaining = iter(material.frames())
    names = np.array(material.layout.names, object)
    while frames := list(islice(remaining, _FRAMES_A_BATCH)):
        people = [(frame, rank, person) for frame in frames
                  for rank, person in enumerate(frame.persons)]
        if people:
            yield _record_batch(JOINTS, _joint_columns(people, names))


def _joint_columns(
    people: list[tuple[PoseFrame, int, PersonPose]], names: Any,
) -> list[Any]:
    joints = len(names)

    def of_person(value: Callable[[PoseFrame, int, PersonPose], Any], kind: Any) -> Any:
        return np.repeat(np.array([value(*item) for item in people], kind), joints)

    def of_joint(name: str) -> list[Any]:
        """Columns of a field, NaN for the people who lack it."""
        width = _WIDE.get(name, 2)
        nothing = np.full((joints, width), np.nan, np.float32)
        values = [getattr(person, name) for _, _, person in people]
        return list(np.concatenate([nothing if v is None else v for v in values]).T)

    def states(values: list[Any]) -> Any:
        flat = np.concatenate(values)
        return _STATES[np.where(flat < len(_STATES), flat, JointState.UNKNOWN)]

    has_3d = of_person(lambda _f, _r, person: person.keypoints_3d is not None, bool)
    origins = of_person(lambda _f, _r, person: Origin3D(person.origin_3d).name, object)
    return [
        of_person(lambda frame, _r, _p: frame.stamp_ns, np.int64),
        of_person(lambda frame, _r, _p: frame.frame_seq, np.int64),
        of_person(lambda frame, _r, _p: frame.epoch, np.int64),
        of_person(lambda _f, rank, _p: rank, np.int64),
        of_person(lambda _f, _r, person: person.track_id, np.int64),
        of_person(lambda _f, _r, person: TrackState(person.track_state).name, object),
        of_person(lambda _f, _r, person: person.score, np.float64),
        np.tile(names, len(people)),
        *of_joint('keypoints'),
        np.concatenate([person.keypoint_scores for _, _, person in people]),
        states([person.keypoint_states for _, _, person in people]),
        *of_joint('keypoint_covariances'),
        *of_joint('keypoint_velocities'),
        *of_joint('keypoints_3d'),
        np.where(has_3d, states([states_3d(person) for _, _, person in people]), None),
        np.where(has_3d, origins, None),
    ]
