"""TRC and C3D, in millimetres with y up, read by pandas and ezc3d."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('pyarrow', reason='needs pyarrow')

from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.recording.export import c3d
from neuropose_ros.recording.export.axes import to_optical, turned
from neuropose_ros.recording.export.writing import export_session

from ..people import person, pose_frame
from .sessions import LOST, frames, write_session


def laboratory_mm(poses: list[PoseFrame]) -> np.ndarray:
    points = np.stack([frame.persons[0].keypoints_3d for frame in poses if frame.persons])
    return points.astype(np.float64) * (1000, -1000, -1000)


def test_trc(tmp_path: Path) -> None:
    pandas = pytest.importorskip('pandas', reason='needs pandas')
    poses = write_session(tmp_path / 'walk')
    (path,) = export_session(tmp_path / 'walk', 'trc', tmp_path / 'out').files
    lines = path.read_text().splitlines()
    head = dict(zip(lines[1].split('\t'), lines[2].split('\t'), strict=True))
    assert head['NumFrames'] == '37' and head['NumMarkers'] == '17' and head['Units'] == 'mm'
    assert float(head['DataRate']) == pytest.approx(30, abs=0.1)
    assert lines[3].split('\t')[2::3][:17] == list(COCO17.names) and lines[5] == ''
    read = pandas.read_csv(path, sep='\t', skiprows=6, header=None)
    seen = [frame for frame in poses if frame.persons]
    assert read[0].tolist() == [frame.frame_seq + 1 for frame in seen]
    np.testing.assert_allclose(
        read[1], [(frame.stamp_ns - poses[0].stamp_ns) / 1e9 for frame in seen], atol=1e-9)
    np.testing.assert_allclose(
        read.iloc[:, 2:].to_numpy().reshape(-1, 17, 3), laboratory_mm(poses), atol=1e-5)


def test_c3d(tmp_path: Path) -> None:
    ezc3d = pytest.importorskip('ezc3d', reason='needs ezc3d')
    poses = write_session(tmp_path / 'walk')
    (path,) = export_session(tmp_path / 'walk', 'c3d', tmp_path / 'out').files
    file = ezc3d.c3d(str(path))
    point = file['parameters']['POINT']
    assert point['UNITS']['value'] == ['mm'] and point['LABELS']['value'] == list(COCO17.names)
    assert (point['X_SCREEN']['value'], point['Y_SCREEN']['value']) == (['+X'], ['+Y'])
    points, residuals = file['data']['points'][:3], file['data']['meta_points']['residuals'][0]
    assert points.shape == (3, 17, 40)
    seqs = [frame.frame_seq for frame in poses if frame.persons]
    np.testing.assert_allclose(
        points[:, :, seqs].transpose(2, 1, 0), laboratory_mm(poses), rtol=1e-6)
    assert np.isnan(points[:, :, list(LOST)]).all() and (residuals[:, list(LOST)] == -1).all()
    covariances = poses[0].persons[0].keypoint_covariances_3d
    np.testing.assert_allclose(
        residuals[:, 0], np.sqrt(covariances[:, (0, 3, 5)].mean(1)) * 1000, atol=1000 / 255)
    rate_hz = point['RATE']['value'][0]
    seqs = [frame.frame_seq for frame in poses]
    late_s = file['data']['analogs'][0, 0, seqs]
    times_s = [(frame.stamp_ns - poses[0].stamp_ns) / 1e9 for frame in poses]
    np.testing.assert_allclose(np.array(seqs) / rate_hz + late_s, times_s, atol=1e-7)


def test_markers_of_several_people_have_prefixes(tmp_path: Path) -> None:
    ezc3d = pytest.importorskip('ezc3d', reason='needs ezc3d')
    people = [pose_frame(i, person(1, rich=True), person(2, rich=True)) for i in range(3)]
    write_session(tmp_path / 'walk', people)
    (path,) = export_session(tmp_path / 'walk', 'c3d', tmp_path / 'out').files
    labels = ezc3d.c3d(str(path))['parameters']['POINT']['LABELS']['value']
    assert labels[0] == 'track_1:nose' and labels[17] == 'track_2:nose'
    assert len(export_session(tmp_path / 'walk', 'trc', tmp_path / 'trc').files) == 2


def test_a_file_that_would_be_too_long_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    ezc3d = pytest.importorskip('ezc3d', reason='needs ezc3d')
    poses = write_session(tmp_path / 'walk')
    monkeypatch.setattr(c3d, 'MOST_FRAMES', 25)
    files = export_session(tmp_path / 'walk', 'c3d', tmp_path / 'out').files
    assert [file.name for file in files] == ['walk_part1.c3d', 'walk_part2.c3d']
    parts = [ezc3d.c3d(str(file))['data'] for file in files]
    points = np.concatenate([part['points'][:3] for part in parts], 2)
    seqs = [frame.frame_seq for frame in poses if frame.persons]
    np.testing.assert_allclose(
        points[:, :, seqs].transpose(2, 1, 0), laboratory_mm(poses), rtol=1e-6)
    assert [part['analogs'].shape[2] for part in parts] == [25, 15]


@pytest.mark.parametrize('kind', ['trc', 'c3d'])
def test_pixels_are_no_metres(kind: str, tmp_path: Path) -> None:
    if kind == 'c3d':
        pytest.importorskip('ezc3d', reason='needs ezc3d')
    write_session(tmp_path / 'walk', frames(rich=False))
    with pytest.raises(SessionError, match=r'nobody .* is known in 3D, and this format'):
        export_session(tmp_path / 'walk', kind, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_axes() -> None:
    point = np.array([[1.0, 2.0, 3.0]], np.float32)
    assert turned(point).tolist() == [[1, -2, -3]]
    np.testing.assert_array_equal(to_optical(turned(point), '+X', '+Y'), point)
    # z up, x right: y of the laboratory points away from the viewer
    assert to_optical(point, '+X', '+Z').tolist() == [[1, -3, 2]]
