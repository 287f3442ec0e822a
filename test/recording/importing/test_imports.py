"""Poses of other tools become sessions; files are written by the tools' libraries or by hand."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('pyarrow', reason='needs pyarrow')

from neuropose_ros.core.clocks import FILE_EPOCH_NS
from neuropose_ros.core.errors import DataError, NeuroposeError, SessionError
from neuropose_ros.core.layouts import COCO17, HALPE26, NTU25
from neuropose_ros.core.pose import JointState, Origin3D, PoseFrame
from neuropose_ros.recording import open_session
from neuropose_ros.recording.export.writing import export_session
from neuropose_ros.recording.importing.poses import Options
from neuropose_ros.recording.importing.writing import import_poses

from ..export.sessions import frames as exported_frames
from ..export.sessions import write_session
from ..people import SECOND_NS, person, pose_frame

AT_30 = Options(rate_hz=30, size=(640, 480))
SECOND = FILE_EPOCH_NS + round(SECOND_NS / 30)


def imported(path: Path, kind: str, options: Options = AT_30, layout: str = '') -> list[PoseFrame]:
    session = path.parent / f'imported-{kind}'
    import_poses(path, kind, session, options, layout)
    with open_session(session) as opened:
        return list(opened.poses('poses'))


# --- back from what was exported ----------------------------------------------------------


@pytest.mark.parametrize(('kind', 'needs'), [
    ('dlc', 'tables'), ('sleap', 'h5py'), ('nwb', 'pynwb'), ('trc', ''), ('c3d', 'ezc3d')])
def test_an_export_comes_back(kind: str, needs: str, tmp_path: Path) -> None:
    if needs:
        pytest.importorskip(needs, reason=f'needs {needs}')
    write_session(tmp_path / 'walk')
    file = export_session(tmp_path / 'walk', kind, tmp_path / 'out').files[0]
    frames = {frame.frame_seq: frame for frame in imported(file, kind)}
    wanted = [frame for frame in exported_frames() if frame.persons]
    at = list(range(len(wanted))) if kind == 'nwb' else [frame.frame_seq for frame in wanted]
    for number, frame in zip(at, wanted, strict=True):
        found, one = frames[number], frame.persons[0]
        if kind in {'trc', 'c3d'}:
            np.testing.assert_allclose(
                found.persons[0].keypoints_3d, one.keypoints_3d, atol=1e-7)
            assert found.persons[0].origin_3d is Origin3D.UNKNOWN
            assert np.isnan(found.persons[0].keypoints).all()
        else:
            assert [p.track_id for p in found.persons] == [p.track_id for p in frame.persons]
            for back, person in zip(found.persons, frame.persons, strict=True):
                np.testing.assert_array_equal(back.keypoints, person.keypoints)
                np.testing.assert_array_equal(back.keypoint_states, person.keypoint_states)
                known = np.isfinite(person.keypoints).all(1)
                np.testing.assert_array_equal(
                    back.keypoint_scores[known], person.keypoint_scores[known])
        assert found.layout == COCO17.id


@pytest.mark.parametrize('kind', ['nwb', 'c3d', 'trc'])
def test_times_come_back_to_the_nanosecond_or_microsecond(kind: str, tmp_path: Path) -> None:
    pytest.importorskip({'nwb': 'pynwb', 'c3d': 'ezc3d'}.get(kind, 'numpy'))
    write_session(tmp_path / 'walk')
    file = export_session(tmp_path / 'walk', kind, tmp_path / 'out').files[0]
    stamps = [frame.stamp_ns for frame in imported(file, kind) if frame.persons]
    wanted = [frame.stamp_ns for frame in exported_frames() if frame.persons]
    if kind != 'nwb':  # their times begin with the recording
        stamps, wanted = ([at - series[0] for at in series] for series in (stamps, wanted))
    np.testing.assert_allclose(stamps, wanted, rtol=0, atol=1000 if kind == 'c3d' else 1)


def test_more_markers_than_a_parameter_of_c3d_holds(tmp_path: Path) -> None:
    pytest.importorskip('ezc3d', reason='needs ezc3d')
    crowd = [pose_frame(i, *(person(n, seed=n, rich=True) for n in range(16))) for i in range(2)]
    write_session(tmp_path / 'crowd', crowd)
    file = export_session(tmp_path / 'crowd', 'c3d', tmp_path / 'out').files[0]
    frames = imported(file, 'c3d')
    assert [one.track_id for one in frames[1].persons] == list(range(16))
    np.testing.assert_allclose(
        frames[1].persons[15].keypoints_3d, crowd[1].persons[15].keypoints_3d, atol=1e-7)


# --- files as other tools write them ------------------------------------------------------


@pytest.mark.parametrize('form', ['csv', 'table', 'fixed'])
@pytest.mark.parametrize('individuals', [True, False])
def test_deeplabcut(form: str, individuals: bool, tmp_path: Path) -> None:
    pandas = pytest.importorskip('pandas', reason='needs pandas')
    pytest.importorskip('tables', reason='needs PyTables')
    names = ['scorer', *(['individuals'] if individuals else []), 'bodyparts', 'coords']
    columns = pandas.MultiIndex.from_product(
        [['DLC_resnet50'], *([['ind1', 'ind2']] if individuals else []), ['Nose', 'left paw'],
         ['x', 'y', 'likelihood']], names=names)
    values = np.arange(3 * len(columns), dtype=float).reshape(3, -1) / 100
    values[1, 3:5] = np.nan
    table = pandas.DataFrame(values, columns=columns)
    path = tmp_path / f'dlc.{"csv" if form == "csv" else "h5"}'
    if form == 'csv':
        table.to_csv(path)
    else:
        table.to_hdf(path, key='df_with_missing', format=form, mode='w')
    frames = imported(path, 'dlc')
    assert [frame.frame_seq for frame in frames] == [0, 1, 2] and frames[1].stamp_ns == SECOND
    assert [person.track_id for person in frames[0].persons] == ([1, 2] if individuals else [0])
    person = frames[1].persons[0]
    np.testing.assert_array_equal(person.keypoints[0], values[1, :2].astype(np.float32))
    assert person.keypoint_scores.tolist() == [np.float32(values[1, 2]), 0]
    assert person.keypoint_states.tolist() == [JointState.MEASURED, JointState.MISSING]
    assert (frames[0].image_width, frames[0].image_height) == (640, 480)
    assert frames[0].model == 'DLC_resnet50'
    assert frames[0].layout.startswith('deeplabcut@')


def test_labelled_pictures_of_deeplabcut(tmp_path: Path) -> None:
    path = tmp_path / 'CollectedData_me.csv'
    path.write_text('scorer,,,me,me\nbodyparts,,,nose,nose\ncoords,,,x,y\n'
                    'labeled-data,video,img004.png,1.5,2.5\n'
                    'labeled-data,video,img017.png,3,4\n')
    frames = imported(path, 'dlc')
    assert [frame.frame_seq for frame in frames] == [4, 17]
    assert frames[0].persons[0].keypoints.tolist() == [[1.5, 2.5]]
    assert frames[0].persons[0].keypoint_scores.tolist() == [1]


@pytest.mark.parametrize('preset', ['matlab', 'standard'])
def test_sleap(preset: str, tmp_path: Path) -> None:
    sleap_io = pytest.importorskip('sleap_io', reason='needs sleap-io')
    skeleton = sleap_io.Skeleton(['head', 'thorax'], edges=[('head', 'thorax')])
    track = sleap_io.Track('fly')
    labelled = [sleap_io.LabeledFrame(
        video=sleap_io.Video('x.mp4'), frame_idx=index, instances=[
            sleap_io.PredictedInstance.from_numpy(
                np.array([[1.0 + index, 2.0], [np.nan, np.nan]]), skeleton, score=0.5,
                point_scores=np.array([0.75, 0.0]), track=track)]) for index in (0, 2)]
    path = tmp_path / 'labels.analysis.h5'
    labels = sleap_io.Labels(labelled, videos=[labelled[0].video], skeletons=[skeleton])
    for frame in labelled:
        frame.video = labelled[0].video
    sleap_io.save_analysis_h5(labels, str(path), preset=preset)
    frames = imported(path, 'sleap')
    assert [len(frame.persons) for frame in frames] == [1, 0, 1]
    person = frames[2].persons[0]
    assert person.keypoints[0].tolist() == [3, 2] and np.isnan(person.keypoints[1]).all()
    assert person.score == 0.5 and person.keypoint_scores.tolist() == [0.75, 0]


def openpose(folder: Path, people: list[list[float]], number: int) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f'clip_{number:012}_keypoints.json').write_text(json.dumps({
        'version': 1.3, 'people': [
            {'person_id': [-1], 'pose_keypoints_2d': points} for points in people]}))


@pytest.mark.parametrize('joints', [25, 18])
def test_openpose(joints: int, tmp_path: Path) -> None:
    points = [float(value) for k in range(joints) for value in (k, 10 + k, 0.5)]
    points[3:6] = [0, 0, 0]
    openpose(tmp_path / 'json', [points, points], 0)
    openpose(tmp_path / 'json', [], 1)
    frames = imported(tmp_path / 'json', 'openpose')
    assert [len(frame.persons) for frame in frames] == [2, 0]
    person = frames[0].persons[0]
    assert person.track_id == -1 and person.keypoints[4].tolist() == [4, 14]
    assert np.isnan(person.keypoints[1]).all()
    assert person.keypoint_states[1] == JointState.MISSING


# Rows of BODY_25 and of COCO (OpenPose's doc/02_output.md).
BODY_25 = {
    'nose': 0, 'neck': 1, 'right_shoulder': 2, 'right_elbow': 3, 'right_wrist': 4,
    'left_shoulder': 5, 'left_elbow': 6, 'left_wrist': 7, 'hip': 8, 'right_hip': 9,
    'right_knee': 10, 'right_ankle': 11, 'left_hip': 12, 'left_knee': 13, 'left_ankle': 14,
    'right_eye': 15, 'left_eye': 16, 'right_ear': 17, 'left_ear': 18, 'left_big_toe': 19,
    'left_small_toe': 20, 'left_heel': 21, 'right_big_toe': 22, 'right_small_toe': 23,
    'right_heel': 24}
COCO_18 = {name: row - (row > 8) for name, row in BODY_25.items() if row < 19 and row != 8}


@pytest.mark.parametrize('rows', [BODY_25, COCO_18], ids=['BODY_25', 'COCO'])
def test_openpose_as_a_layout_that_the_package_knows(
    rows: dict[str, int], tmp_path: Path,
) -> None:
    openpose(tmp_path / 'json', [[v for k in range(len(rows)) for v in (k + 1.0, 0.0, 0.5)]], 0)
    (frame,) = imported(tmp_path / 'json', 'openpose', layout='halpe26')
    assert frame.layout == HALPE26.id
    found = frame.persons[0].keypoints[:, 0]
    assert {name: found[HALPE26.index(name)] - 1 for name in rows} == rows


def test_coco_annotations(tmp_path: Path) -> None:
    keypoints = [v for k in range(17) for v in (float(k), 1.0, 2)]
    keypoints[2], keypoints[5] = 0, 1
    path = tmp_path / 'person_keypoints.json'
    path.write_text(json.dumps({
        'images': [{'id': 7, 'width': 320, 'height': 240}, {'id': 3, 'width': 32, 'height': 24}],
        'annotations': [{'image_id': 7, 'keypoints': keypoints, 'track_id': 4}],
        'categories': [{'keypoints': list(COCO17.names), 'skeleton': [[16, 14]]}]}))
    first, second = imported(path, 'coco')
    assert not first.persons and (first.image_width, second.image_width) == (32, 320)
    (person,) = second.persons
    assert person.track_id == 4 and second.layout == COCO17.id
    assert person.keypoint_states[:3].tolist() == [
        JointState.MISSING, JointState.OCCLUDED, JointState.MEASURED]
    assert np.isnan(person.keypoints[0]).all() and person.keypoints[2].tolist() == [2, 1]


def test_coco_results(tmp_path: Path) -> None:
    path = tmp_path / 'results.json'
    path.write_text(json.dumps([{
        'image_id': 5, 'category_id': 1, 'score': 0.25,
        'keypoints': [v for k in range(17) for v in (float(k), 1.0, 0.5)]}]))
    ((person,),) = (frame.persons for frame in imported(path, 'coco'))
    assert person.score == 0.25 and set(person.keypoint_scores) == {0.5}


def test_pyskl(tmp_path: Path) -> None:
    keypoint = np.arange(2 * 3 * 17 * 2, dtype=np.float16).reshape(2, 3, 17, 2)
    keypoint[1, 2] = 0
    path = tmp_path / 'clips.pkl'
    path.write_bytes(pickle.dumps({'split': {}, 'annotations': [
        {'frame_dir': name, 'label': label, 'total_frames': 3, 'img_shape': (240, 320),
         'keypoint': keypoint, 'keypoint_score': np.full((2, 3, 17), 0.5, np.float16)}
        for name, label in (('a', 4), ('b', 9))]}))
    frames = imported(path, 'pyskl')
    assert [frame.epoch for frame in frames] == [0, 0, 0, 1, 1, 1]
    assert [len(frame.persons) for frame in frames] == [2, 2, 1, 2, 2, 1]
    assert frames[3].image_width == 320 and frames[3].persons[1].track_id == 1
    np.testing.assert_array_equal(frames[4].persons[1].keypoints, keypoint[1, 1])
    with open_session(tmp_path / 'imported-pyskl') as session:
        assert [(e.name, e.value) for e in session.events()] == [
            ('class_4', 'start'), ('class_4', 'stop'), ('class_9', 'start'), ('class_9', 'stop')]


def test_pyskl_in_3d(tmp_path: Path) -> None:
    keypoint = np.random.default_rng(0).random((1, 2, 25, 3)).astype(np.float32)
    path = tmp_path / 'ntu.pkl'
    path.write_bytes(pickle.dumps({'annotations': [{'label': 0, 'keypoint': keypoint}]}))
    frames = imported(path, 'pyskl')
    assert frames[1].layout == NTU25.id
    np.testing.assert_array_equal(frames[1].persons[0].keypoints_3d, keypoint[0, 1])


# --- files that other programs wrote ------------------------------------------------------


def test_c3d_of_vicon(data_folder: Path, tmp_path: Path) -> None:
    ezc3d = pytest.importorskip('ezc3d', reason='needs ezc3d')
    path = data_folder / 'formats' / 'markers_analogs.c3d'
    done = import_poses(path, 'c3d', tmp_path / 'c3d')
    assert done.frames == 580 and done.notes == ('as the file says, +X points right and +Z up',)
    points = ezc3d.c3d(str(path))['data']['points']
    with open_session(tmp_path / 'c3d') as session:
        frames = list(session.poses())
        layout = session.layout(done.layout)
    assert frames[1].stamp_ns - frames[0].stamp_ns == 10_000_000
    read = np.stack([frame.persons[0].keypoints_3d for frame in frames])
    x, y, z = (points[axis].T / 1000 for axis in range(3))
    np.testing.assert_allclose(read, np.stack((x, -z, y), -1), atol=1e-6)
    assert 'boite_gauche_ext' in layout.names and len(layout) == 51


def test_trc_with_commas(data_folder: Path, tmp_path: Path) -> None:
    done = import_poses(data_folder / 'formats' / 'markers.trc', 'trc', tmp_path / 'trc')
    assert 'it says it has 652 frames, and has 93' in done.notes
    with open_session(tmp_path / 'trc') as session:
        first = next(session.poses())
        place = session.layout(done.layout).index('asisr')
    np.testing.assert_allclose(
        first.persons[0].keypoints_3d[place], (0.6516759, -0.3134902, -0.1789877), atol=1e-7)


@pytest.mark.parametrize(('name', 'frames'), [
    ('0.1.1_poseestimation_nodes_edges', 100), ('0.3.0_poseestimation_one_camera', 10),
    ('0.3.0_poseestimation_two_cameras', 10)])
def test_nwb_of_every_version_of_ndx_pose(
    name: str, frames: int, data_folder: Path, tmp_path: Path,
) -> None:
    h5py = pytest.importorskip('h5py', reason='needs h5py')
    path = data_folder / 'formats' / f'{name}.nwb'
    done = import_poses(path, 'nwb', tmp_path / 'nwb')
    assert done.frames == frames
    with h5py.File(path) as file:
        paw = file['processing/behavior/PoseEstimation/front_right_paw']
        points, times = paw['data'][:], paw['timestamps'][:]
    with open_session(tmp_path / 'nwb') as session:
        layout = session.layout(done.layout)
        read = list(session.poses())
    assert layout.names == ('front_left_paw', 'front_right_paw') and layout.edges == ((0, 1),)
    np.testing.assert_array_equal(
        [frame.persons[0].keypoints[1] for frame in read], points.astype(np.float32))
    since = np.array([frame.stamp_ns - read[0].stamp_ns for frame in read])
    np.testing.assert_allclose(since / 1e9, times, atol=1e-9)


def test_nwb_that_says_no_time(data_folder: Path, tmp_path: Path) -> None:
    h5py = pytest.importorskip('h5py', reason='needs h5py')
    path = tmp_path / 'x.nwb'
    path.write_bytes(
        (data_folder / 'formats' / '0.3.0_poseestimation_one_camera.nwb').read_bytes())
    with h5py.File(path, 'a') as file:
        del file['session_start_time']
        file['session_start_time'] = 'yesterday'
    done = import_poses(path, 'nwb', tmp_path / 'nwb')
    assert done.notes == ("its start 'yesterday' is no time: it is taken to begin in 2000",)
    with open_session(tmp_path / 'nwb') as session:
        assert next(session.poses()).stamp_ns == FILE_EPOCH_NS


def test_nwb_without_a_single_joint(data_folder: Path, tmp_path: Path) -> None:
    path = data_folder / 'formats' / '0.1.1_poseestimation_no_cameras.nwb'
    with pytest.raises(DataError, match='no PoseEstimation in it has a PoseEstimationSeries'):
        import_poses(path, 'nwb', tmp_path / 'nwb')


# --- what cannot be read ------------------------------------------------------------------


TRC = ('PathFileType\t4\t(X/Y/Z)\tx.trc\nDataRate\tNumMarkers\tUnits\n30\t1\t{unit}\n'
       'Frame#\tTime\tnose\t\t\n\t\tX1\tY1\tZ1\n\n1\t0.0\t1\t2\t{z}\n')


def wrong_files(folder: Path) -> dict[str, tuple[str, Any, str]]:
    """Name -> format, content and what the error says."""
    return {
        'a.csv': ('dlc', 'x,y\n1,2\n', 'no table of DeepLabCut'),
        'b.csv': ('dlc', 'scorer,a,a\nbodyparts,n,n\ncoords,x,y\n0,1,two\n', 'table of numbers'),
        'c.csv': ('dlc', 'scorer,a\nbodyparts,n\ncoords,z\n0,1\n', 'not z'),
        'd.h5': ('dlc', 'no hdf5', 'cannot be read as HDF5'),
        'e.h5': ('sleap', 'no hdf5', 'cannot be read as HDF5'),
        'f.slp': ('sleap', '', 'export an analysis file'),
        'g.json': ('openpose', '{"people": 3}', 'not as OpenPose writes it'),
        'h.json': ('openpose', '{"people": [{"pose_keypoints_2d": [1, 2, 3]}]}', '25 or 18'),
        'i.json': ('coco', '{"images": []}', 'in the form of COCO'),
        'j.json': ('coco', '[]', 'no annotation has keypoints'),
        'k.pkl': ('pyskl', 'cos\nsystem\n(S"true"\ntR.', 'is not loaded'),
        'l.pkl': ('pyskl', pickle.dumps({'annotations': [3]}), 'annotation 0 is not'),
        'm.nwb': ('nwb', '', 'cannot be read as HDF5'),
        'n.trc': ('trc', TRC.format(unit='furlong', z=3), "'furlong', which is no length"),
        'o.trc': ('trc', TRC.format(unit='', z=3), 'which is no length'),
        'p.trc': ('trc', TRC.format(unit='mm', z='abc'), 'not of numbers'),
        'q.trc': ('trc', 'nothing\n', 'no TRC file'),
        'r.c3d': ('c3d', 'nothing', 'cannot be read as C3D'),
    }


@pytest.mark.parametrize('name', sorted(wrong_files(Path())))
def test_wrong_files(name: str, tmp_path: Path) -> None:
    kind, content, message = wrong_files(tmp_path)[name]
    if kind == 'c3d':
        pytest.importorskip('ezc3d', reason='needs ezc3d')
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=message):
        import_poses(path, kind, tmp_path / 'out', AT_30)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def deeplabcut(folder: Path) -> Path:
    path = folder / 'x.csv'
    path.write_text('scorer,a,a\nbodyparts,n,n\ncoords,x,y\n0,1,2\n')
    return path


@pytest.mark.parametrize(('ask', 'message'), [
    (lambda path, out: import_poses(path, 'dlc', out), 'say no frame rate: give it'),
    (lambda path, out: import_poses(path, 'dlc', out, Options(rate_hz=0)), 'not above 0'),
    (lambda path, out: import_poses(path, 'anipose', out), "no format 'anipose'"),
    (lambda path, out: import_poses(path / 'y', 'dlc', out), 'no such file or folder'),
    (lambda path, out: import_poses(path, 'dlc', out / '..a/b c'), 'name of a session'),
    (lambda path, out: import_poses(path, 'dlc', path, AT_30), 'exists already'),
    (lambda path, out: import_poses(path, 'dlc', out, AT_30, 'coco18'), 'unknown layout'),
])
def test_what_is_asked_for_wrongly(
    ask: Callable[[Path, Path], object], message: str, tmp_path: Path,
) -> None:
    path = deeplabcut(tmp_path)
    with pytest.raises(NeuroposeError, match=message):
        ask(path, tmp_path / 'out')
    assert [entry.name for entry in tmp_path.iterdir()] == ['x.csv']


def test_a_session_is_not_written_over(tmp_path: Path) -> None:
    import_poses(deeplabcut(tmp_path), 'dlc', tmp_path / 'out', AT_30)
    with pytest.raises(SessionError, match='exists already'):
        import_poses(tmp_path / 'x.csv', 'dlc', tmp_path / 'out', AT_30)
    with open_session(tmp_path / 'out') as session:
        assert session.about.kind == 'import' and session.closed
        assert str(tmp_path) not in json.dumps(session.facts)
