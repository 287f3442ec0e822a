"""CSV, Parquet and JSON hold the numbers of the session, read by pandas and json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('pandas', reason='needs pandas')
pytest.importorskip('pyarrow', reason='needs pyarrow')

import pandas
from pyarrow import parquet

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import JointState
from neuropose_ros.recording.export.tidy import TABLES
from neuropose_ros.recording.export.writing import export_session

from ..people import SECOND_NS, START_NS
from .sessions import EMPTY, frames, write_session


@pytest.fixture(scope='module', params=['csv', 'parquet'])
def exported(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Any:
    folder = tmp_path_factory.mktemp(request.param)
    write_session(folder / 'walk')
    export_session(folder / 'walk', request.param, folder / 'out')
    read = pandas.read_csv if request.param == 'csv' else pandas.read_parquet
    return lambda name: read(folder / 'out' / f'{name}.{request.param}')


def test_joints_are_those_of_the_session_to_the_last_bit(exported: Any) -> None:
    table = exported('joints')
    assert list(table.columns) == [column.name for column in TABLES['joints']]
    people = [(frame, person) for frame in frames() for person in frame.persons]
    assert len(table) == 17 * len(people)
    stamps = np.repeat([frame.stamp_ns for frame, _ in people], 17)
    assert (table['stamp_ns'].to_numpy() == stamps).all()
    assert list(table['joint'][:17]) == list(COCO17.names)
    points = table[['x_px', 'y_px']].to_numpy(np.float32)
    np.testing.assert_array_equal(points, np.concatenate([p.keypoints for _, p in people]))
    deep = table[table['track_id'] == 3][['x_m', 'y_m', 'z_m', 'var_y_px2', 'vx_px_s']]
    first = people[0][1]
    np.testing.assert_array_equal(deep.to_numpy(np.float32)[:17], np.column_stack(
        (first.keypoints_3d, first.keypoint_covariances[:, 2], first.keypoint_velocities[:, 0])))


def test_what_is_not_known_is_empty(exported: Any) -> None:
    table = exported('joints')
    ear = table[table['joint'] == 'left_ear']
    assert ear['x_px'].isna().all() and set(ear['state']) == {JointState.MISSING.name}
    flat = table[table['track_id'] == 5]
    assert len(flat) and flat[['x_m', 'state_3d', 'origin_3d', 'vx_px_s']].isna().all(axis=None)
    assert exported('metrics')['value'].isna().tolist() == [False, True]


def test_what_is_not_known_is_null_and_no_word(tmp_path: Path) -> None:
    write_session(tmp_path / 'walk')
    export_session(tmp_path / 'walk', 'csv', tmp_path / 'csv')
    assert 'nan' not in (tmp_path / 'csv' / 'joints.csv').read_text()
    export_session(tmp_path / 'walk', 'parquet', tmp_path / 'parquet')
    column = parquet.read_table(tmp_path / 'parquet' / 'joints.parquet')['x_px']
    assert column.null_count == len(column) / 17


def test_frames_without_people_have_their_row(exported: Any) -> None:
    table = exported('frames')
    assert len(table) == 38
    nobody = table[table['frame_seq'] == EMPTY].iloc[0]
    assert nobody['people'] == 0 and nobody['status'] == 'NO_PERSON'


def test_the_rest_comes_along(exported: Any) -> None:
    assert exported('actions')['label'].tolist() == ['walk']
    assert exported('actions')['probability'].tolist() == [0.75]
    event = exported('events').iloc[0]
    assert (event['stamp_ns'], event['name'], event['value']) == (
        START_NS + SECOND_NS, 'stimulus', 'on')
    signal = exported('signals-eeg')
    assert list(signal.columns) == ['stamp_ns', 'Cz', 'Pz'] and len(signal) == 38 * 16
    assert signal['stamp_ns'][1] - signal['stamp_ns'][0] == 2_000_000


def test_a_data_package_explains_every_column(tmp_path: Path) -> None:
    write_session(tmp_path / 'walk')
    export_session(tmp_path / 'walk', 'csv', tmp_path / 'out')
    package = json.loads((tmp_path / 'out' / 'datapackage.json').read_text())
    for resource in package['resources']:
        header = (tmp_path / 'out' / resource['path']).read_text().partition('\n')[0]
        fields = resource['schema']['fields']
        assert header.replace('"', '').split(',') == [field['name'] for field in fields]
        assert all(field['description'] for field in fields)
    assert package['layout']['names'] == list(COCO17.names)


def test_json_holds_every_frame(tmp_path: Path) -> None:
    poses = write_session(tmp_path / 'walk')
    (path,) = export_session(tmp_path / 'walk', 'json', tmp_path / 'out').files
    content = json.loads(path.read_text())
    assert content['layout']['id'] == COCO17.id and len(content['frames']) == len(poses)
    for read, frame in zip(content['frames'], poses, strict=True):
        assert read['stamp']['sec'] * SECOND_NS + read['stamp']['nanosec'] == frame.stamp_ns
        for one, person in zip(read['persons'], frame.persons, strict=True):
            points = np.array(one['keypoints'], float).astype(np.float32)
            np.testing.assert_array_equal(points, person.keypoints)
            assert [JointState[state] for state in one['states']] == list(person.keypoint_states)
    assert content['frames'][0]['persons'][0]['keypoints'][3] == [None, None]
    assert content['actions'][0]['actions'][0]['probabilities'] == [0.25, 0.75]
    assert content['metrics'][1]['value'] is None


@pytest.mark.parametrize('kind', ['csv', 'json'])
def test_nothing_says_where_the_session_came_from(kind: str, tmp_path: Path) -> None:
    write_session(tmp_path / 'walk')
    for file in export_session(tmp_path / 'walk', kind, tmp_path / 'out').files:
        text = file.read_text()
        assert 'anna' not in text and 'private' not in text and str(tmp_path) not in text
