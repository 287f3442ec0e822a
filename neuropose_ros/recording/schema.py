"""The columns of a session's tables: what feeds the files, the readers and the docs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from neuropose_ros.recording.arrow import arrow

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        kind: an Arrow type by name; ``[float32]`` is a list, null where nothing is known.
        text: what it holds, for people.
        timing: how long something took or when it arrived here: differs from run to run.
    """

    name: str
    kind: str
    text: str
    unit: str = ''
    timing: bool = False


STAMP = Column('stamp_ns', 'int64', 'time of acquisition, ROS time', 'ns')
ARRIVAL = Column('arrival_ns', 'int64', 'ROS time when the recorder got it; 0 = never live', 'ns',
                 timing=True)
_NUMBERED = (
    STAMP,
    Column('frame_seq', 'uint64', 'number of the frame; a gap = lost or skipped'),
    Column('epoch', 'uint32', 'up by 1 at each restart, loop or reset'),
    Column('frame_id', 'string', 'tf frame of the camera'),
)

FRAMES = (
    *_NUMBERED,
    Column('source', 'string', 'where the frame came from'),
    Column('policy', 'uint8', 'how the source was read: 1 newest, 2 every frame'),
    Column('rectified', 'bool', 'the picture is free of lens distortion'),
    ARRIVAL,
)

PEOPLE = (
    Column('topic', 'string', 'poses, poses_refined, ...'),
    *_NUMBERED,
    Column('seq_is_local', 'bool', 'frames were numbered on arrival: earlier losses do not show'),
    Column('status', 'uint8', '1 people, 2 nobody, 3 skipped, 4 error, 0 unknown'),
    Column('skipped_before', 'uint32', 'frames since the previous row that were not looked at'),
    Column('feedback_stamp_ns', 'int64', 'stamp of the pose feedback used; 0 = none', 'ns'),
    Column('image_width', 'uint32', 'of the picture', 'px'),
    Column('image_height', 'uint32', 'of the picture', 'px'),
    Column('layout', 'string', 'id of the skeleton layout: K joints'),
    Column('stage', 'string', 'who made this: pose, refinement, truth, ...'),
    Column('model', 'string', 'id of the pose model'),
    Column('receive_ms', 'float64', 'acquisition to arrival at the stage', 'ms', timing=True),
    Column('preprocess_ms', 'float64', 'duration', 'ms', timing=True),
    Column('inference_ms', 'float64', 'duration', 'ms', timing=True),
    Column('postprocess_ms', 'float64', 'duration', 'ms', timing=True),
    Column('person', 'int32', 'index within the frame; -1 = a frame without people, whose further '
           'columns are null'),
    Column('track_id', 'int32', 'identity within an epoch; -1 = untracked'),
    Column('track_state', 'uint8', '1 tentative, 2 confirmed, 3 lost, 0 unknown'),
    Column('score', 'float64', 'confidence in the person, 0..1'),
    Column('box', '[float32]', 'x_min y_min x_max y_max', 'px'),
    Column('keypoints', '[float32]', 'K*2: x y; NaN = not known', 'px'),
    Column('keypoint_scores', '[float32]', 'K: confidence, 0..1'),
    Column('keypoint_states', '[uint8]', 'K: 7 measured, 6 corrected, 5 predicted, 4 '
           'interpolated, 3 occluded, 2 out of frame, 1 missing, 0 unknown'),
    Column('keypoint_covariances', '[float32]', 'K*3: xx xy yy', 'px^2'),
    Column('keypoint_velocities', '[float32]', 'K*2', 'px/s'),
    Column('keypoint_innovations', '[float32]', 'K*2: measured minus predicted', 'px'),
    Column('keypoints_3d', '[float32]', 'K*3: x y z', 'm'),
    Column('keypoint_states_3d', '[uint8]', 'K: as keypoint_states'),
    Column('keypoint_covariances_3d', '[float32]', 'K*6: xx xy xz yy yz zz', 'm^2'),
    Column('origin_3d', 'uint8', '1 camera, 2 relative to the mid-hip, 0 unknown'),
    Column('frame_3d', 'string', 'tf frame of keypoints_3d'),
    Column('delay_ms', 'float64', 'group delay of the filter that made this', 'ms'),
    ARRIVAL,
)

ACTIONS = (
    *_NUMBERED,
    Column('scene_stamp_ns', 'int64', 'stamp of the scene embedding used; 0 = none', 'ns'),
    Column('label_set', 'string', 'id of the label set: C labels'),
    Column('model', 'string', 'id of the network'),
    Column('action', 'int32', 'index within the frame; -1 = nobody was judged, whose further '
           'columns are null'),
    Column('track_id', 'int32', 'whose; -1 = untracked'),
    Column('window_start_ns', 'int64', 'first frame used', 'ns'),
    Column('window_end_ns', 'int64', 'last frame used', 'ns'),
    Column('frames_used', 'uint32', 'frames of this person in the window'),
    Column('coverage', 'float64', "share of the window's joints that were measured, 0..1"),
    Column('probabilities', '[float32]', 'C, sum 1'),
    Column('top_index', 'int32', 'into the label set; -1 = unknown'),
    Column('top_label', 'string', 'the label, or unknown'),
    Column('unknown_score', 'float64', 'how unlike all known actions, 0..1'),
    Column('reason', 'string', 'why the label is unknown'),
    Column('phase', 'uint8', '1 onset, 2 ongoing, 3 offset, 0 unknown'),
    Column('entropy', 'float64', 'of the probabilities', 'nat'),
    Column('decision_delay_s', 'float64', 'window end minus the time decided about', 's'),
    ARRIVAL,
)

SCENES = (
    *_NUMBERED,
    Column('model', 'string', 'id of the encoder'),
    Column('embedding', '[float32]', 'D values, as the encoder gives them'),
    ARRIVAL,
)

SIGNALS = (
    Column('stream', 'string', 'name of the stream'),
    Column('stamp_ns', 'int64', 'ROS time of the first sample', 'ns'),
    Column('frame_id', 'string', 'tf frame of the sensor'),
    Column('sequence', 'uint64', 'of the first sample, in samples; a gap = lost'),
    Column('channels', 'uint16', 'C, number of channels'),
    Column('data', '[float32]', 'N*C samples, one after the other, in the units of the stream'),
    Column('offsets_ns', '[int64]', "N: each sample's time after stamp_ns; null = regular", 'ns'),
    Column('clock_id', 'string', 'the clock that stamped the samples'),
    Column('clock_offset_s', 'float64', 'ROS time minus that clock', 's'),
    Column('clock_uncertainty_s', 'float64', 'standard deviation of the offset', 's'),
    Column('lost_samples', 'uint64', 'lost before this chunk'),
    ARRIVAL,
)

METRICS = (
    Column('stamp_ns', 'int64', 'when the window closed', 'ns'),
    Column('frame_id', 'string', 'tf frame'),
    Column('track_id', 'int32', 'whose'),
    Column('name', 'string', 'of the measure, as cadence'),
    Column('value', 'float64', 'NaN when not valid'),
    Column('unit', 'string', 'of value, lower and upper (UCUM)'),
    Column('window_start_ns', 'int64', 'first frame used', 'ns'),
    Column('window_end_ns', 'int64', 'last frame used', 'ns'),
    Column('lower', 'float64', '95 % interval; NaN = unknown'),
    Column('upper', 'float64', '95 % interval; NaN = unknown'),
    Column('valid', 'bool', 'there was enough evidence'),
    ARRIVAL,
)

TABLES: dict[str, tuple[Column, ...]] = {
    'frames': FRAMES, 'people': PEOPLE, 'actions': ACTIONS, 'scenes': SCENES,
    'signals': SIGNALS, 'metrics': METRICS,
}


def timing_columns(table: str) -> frozenset[str]:
    """Return the columns that differ between two runs on the same input."""
    return frozenset(column.name for column in TABLES[table] if column.timing)


def arrow_type(kind: str) -> Any:
    """Return the Arrow type of a `Column.kind`."""
    pa = arrow()
    if kind.startswith('['):
        return pa.list_(arrow_type(kind[1:-1]))
    return getattr(pa, 'bool_' if kind == 'bool' else kind)()


@cache
def schema_of(table: str) -> Any:
    """Return the Arrow schema of a table; texts and units are metadata of its fields."""
    pa = arrow()
    return pa.schema([
        pa.field(column.name, arrow_type(column.kind), metadata={
            'text': column.text, 'unit': column.unit})
        for column in TABLES[table]
    ], metadata={'neuropose_ros': f'{table} {FORMAT_VERSION}'})


def markdown(table: str) -> str:
    """Return the table of columns for the docs."""
    rows = ['| column | type | unit | what it holds |', '|---|---|---|---|']
    rows += [f'| `{column.name}` | {column.kind} | {column.unit} | {column.text} |'
             for column in TABLES[table]]
    return '\n'.join(rows) + '\n'
