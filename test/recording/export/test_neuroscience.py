"""NWB, BIDS-Motion, DeepLabCut and SLEAP, read by the libraries of those who use them."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from datetime import timezone
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('pyarrow', reason='needs pyarrow')

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import JointState, PoseFrame
from neuropose_ros.recording.export.dlc import HDF_KEY
from neuropose_ros.recording.export.writing import export_session

from ..people import SECOND_NS, START_NS, person, pose_frame
from .sessions import LOST, SUBJECT, frames, write_session


def points_of(poses: list[PoseFrame], track_id: int) -> np.ndarray:
    return np.stack([p.keypoints for frame in poses for p in frame.persons
                     if p.track_id == track_id])


def test_nwb(tmp_path: Path) -> None:
    pynwb = pytest.importorskip('pynwb', reason='needs pynwb')
    pytest.importorskip('ndx_pose', reason='needs ndx-pose')
    poses = write_session(tmp_path / 'walk')
    (path,) = export_session(tmp_path / 'walk', 'nwb', tmp_path / 'out').files
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        assert pynwb.validate(path=str(path)) == []
        io = pynwb.NWBHDF5IO(str(path), 'r')
    with io:
        file = io.read()
        behavior = file.processing['behavior']
        start = file.session_start_time.astimezone(timezone.utc)
        start_ns = round(start.timestamp() * 1e6) * 1000
        known = [frame for frame in poses if frame.persons]
        for joint, name in enumerate(COCO17.names):
            series = behavior['track_3'][name]
            np.testing.assert_array_equal(series.data[:], points_of(poses, 3)[:, joint])
            stamps = start_ns + np.rint(series.timestamps[:] * SECOND_NS).astype(np.int64)
            assert stamps.tolist() == [frame.stamp_ns for frame in known]
        missing = behavior['track_3']['left_ear']
        assert set(missing.control[:]) == {JointState.MISSING}
        assert missing.control_description[JointState.MISSING] == 'MISSING'
        assert series.unit == 'pixels'
        np.testing.assert_array_equal(
            series.confidence[:], [frame.persons[0].keypoint_scores[-1] for frame in known])
        deep = behavior['track_3_3d'][name]
        np.testing.assert_array_equal(
            deep.data[:], [frame.persons[0].keypoints_3d[-1] for frame in known])
        assert deep.unit == 'meters' and 'optical centre' in deep.reference_frame
        assert 'track_5_3d' not in behavior.data_interfaces
        skeleton = behavior['track_3'].skeleton
        assert list(skeleton.nodes) == list(COCO17.names)
        assert skeleton.edges[:].tolist() == [list(edge) for edge in COCO17.edges]
        assert skeleton.subject.subject_id == file.subject.subject_id == SUBJECT.pseudonym
        assert behavior['track_5'].skeleton.subject is None
        assert file.intervals['actions']['label'][0] == 'walk'
        assert file.acquisition['eeg'].data.shape == (38 * 16, 2)
        assert file.acquisition['events'].timestamps[:].tolist() == [
            pytest.approx((START_NS + SECOND_NS - start_ns) / 1e9, abs=1e-9)]


def test_bids_motion(tmp_path: Path) -> None:
    pandas = pytest.importorskip('pandas', reason='needs pandas')
    poses = write_session(tmp_path / 'walk')
    export_session(tmp_path / 'walk', 'bids-motion', tmp_path / 'out')
    for subject, track_id, axes in (('sabcdefghijklmnop', 3, 'xyz'), ('unknown', 5, 'xy')):
        of_subject = tmp_path / 'out' / f'sub-{subject}'
        stem = f'sub-{subject}_task-walk6m'
        path = of_subject / 'motion' / f'{stem}_tracksys-neuropose_motion.tsv'
        channels = pandas.read_csv(
            str(path).replace('_motion.tsv', '_channels.tsv'), sep='\t', keep_default_na=False)
        motion = pandas.read_csv(path, sep='\t', header=None, names=channels['name'])
        seen = [(frame, p) for frame in poses for p in frame.persons if p.track_id == track_id]
        onset_ns = seen[0][0].stamp_ns
        latency = [(frame.stamp_ns - onset_ns) / 1e9 for frame, _ in seen]
        np.testing.assert_allclose(motion['latency'], latency, atol=1e-9)
        read = np.stack([motion[[f'{joint}_{axis}' for axis in axes]].to_numpy()
                         for joint in COCO17.names], 1)
        points = [p.keypoints_3d if axes == 'xyz' else p.keypoints for _, p in seen]
        np.testing.assert_allclose(read, points, atol=1e-6 if axes == 'xyz' else 1e-4)
        assert set(channels['units'][1:3]) == {'m' if axes == 'xyz' else 'px'}
        sidecar = json.loads(path.with_suffix('.json').read_text())
        assert sidecar['POSChannelCount'] == (channels['type'] == 'POS').sum() == 17 * len(axes)
        assert sidecar['RecordingType'] == 'discontinuous'
        events = pandas.read_csv(of_subject / 'motion' / f'{stem}_events.tsv', sep='\t')
        assert events['onset'].tolist() == [
            pytest.approx((START_NS + SECOND_NS - onset_ns) / 1e9, abs=1e-9)]
        scans = pandas.read_csv(of_subject / f'sub-{subject}_scans.tsv', sep='\t')
        stamp = pandas.Timestamp(scans['acq_time'][0])
        assert stamp.value == onset_ns // 1000 * 1000 and scans['filename'][0].endswith(path.name)


def test_people_who_are_not_known_are_told_apart_in_bids(tmp_path: Path) -> None:
    write_session(tmp_path / 'walk', [pose_frame(i, person(1), person(2)) for i in range(2)])
    files = export_session(tmp_path / 'walk', 'bids-motion', tmp_path / 'out').files
    assert {'sub-unknown_task-walk6m_tracksys-neuropose_acq-track1_motion.tsv',
            'sub-unknown_task-walk6m_acq-track2_events.tsv'} <= {file.name for file in files}


@pytest.mark.skipif(find_spec('bids_validator_deno') is None, reason='needs bids-validator-deno')
def test_the_bids_validator_has_no_errors(tmp_path: Path) -> None:
    write_session(tmp_path / 'walk')
    export_session(tmp_path / 'walk', 'bids-motion', tmp_path / 'out')
    validator = Path(sys.executable).with_name('bids-validator-deno')
    done = subprocess.run([str(validator), '--json', str(tmp_path / 'out')],
                          capture_output=True, text=True, check=False, timeout=100)
    report = json.loads(done.stdout)
    errors = [issue for issue in report['issues']['issues'] if issue['severity'] == 'error']
    assert errors == [] and report['summary']['dataTypes'] == ['motion']


@pytest.mark.parametrize('people', [1, 2])
def test_deeplabcut(people: int, tmp_path: Path) -> None:
    pandas = pytest.importorskip('pandas', reason='needs pandas')
    pytest.importorskip('tables', reason='needs PyTables')
    poses = write_session(tmp_path / 'walk', frames() if people == 2 else frames(20))
    table, hdf, times = export_session(tmp_path / 'walk', 'dlc', tmp_path / 'out').files
    levels = list(range(4 if people == 2 else 3))
    read = pandas.read_csv(table, header=levels, index_col=0)
    again = pandas.read_hdf(hdf, key=HDF_KEY)
    assert list(read.columns) == list(again.columns) and read.columns.names == again.columns.names
    np.testing.assert_array_equal(read.to_numpy(np.float32), again.to_numpy())
    one = again['blazepose']['track_3'] if people == 2 else again['blazepose']
    seqs = [frame.frame_seq for frame in poses if frame.persons]
    points = np.stack([one[name][['x', 'y']].to_numpy() for name in COCO17.names], 1)
    np.testing.assert_array_equal(points[seqs], points_of(poses, 3))
    assert np.isnan(points[list(LOST)]).all()
    stamps = pandas.read_csv(times)
    assert stamps['stamp_ns'].tolist() == [frame.stamp_ns for frame in poses]
    assert stamps['frame'].tolist() == [frame.frame_seq for frame in poses]


def test_sleap(tmp_path: Path) -> None:
    sleap_io = pytest.importorskip('sleap_io', reason='needs sleap-io')
    poses = write_session(tmp_path / 'walk')
    path, _ = export_session(tmp_path / 'walk', 'sleap', tmp_path / 'out').files
    labels = sleap_io.load_file(str(path))
    assert [track.name for track in labels.tracks] == ['track_3', 'track_5']
    assert [node.name for node in labels.skeletons[0].nodes] == list(COCO17.names)
    assert len(labels.skeletons[0].edges) == len(COCO17.edges)
    read = {labelled.frame_idx: labelled for labelled in labels}
    assert sorted(read) == [frame.frame_seq for frame in poses if frame.persons]
    for frame in poses:
        for one in frame.persons:
            (instance,) = [found for found in read[frame.frame_seq]
                           if found.track.name == f'track_{one.track_id}']
            np.testing.assert_array_equal(instance.numpy().astype(np.float32), one.keypoints)
            assert instance.score == pytest.approx(one.score, abs=1e-6)
