"""UTD-MHAD: MATLAB files of the authors and the arrays in one file give the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.utd_mhad import (
    ACTIONS,
    read_utd_mhad,
    read_utd_mhad_inertial,
)

from .sequences import points, write_sequences

NAMES = ['a1_s1_t1', 'a27_s2_t4', 'a10_s3_t2']
SKELETONS = {name: points(5 + i, 20, 3, i) for i, name in enumerate(NAMES)}
INERTIAL = {name: points(9 + i, 6, 1, i)[..., 0] for i, name in enumerate(NAMES)}


@pytest.fixture(params=['matlab', 'arrays'])
def root(request, tmp_path) -> Path:
    if request.param == 'arrays':
        write_sequences(tmp_path / 'utd_mhad' / 'utd_skel.npz', 'kp', SKELETONS)
        write_sequences(tmp_path / 'utd_mhad' / 'utd_iner.npz', 'kp', INERTIAL)
        return tmp_path
    write_matlab(tmp_path)
    return tmp_path


def write_matlab(root: Path) -> None:
    savemat = pytest.importorskip('scipy.io', reason='needs scipy').savemat
    for folder in ('Skeleton', 'Inertial'):
        (root / folder).mkdir()
    for name in NAMES:
        savemat(root / 'Skeleton' / f'{name}_skeleton.mat',
                {'d_skel': SKELETONS[name].transpose(1, 2, 0).astype(np.float64)})
        savemat(root / 'Inertial' / f'{name}_inertial.mat',
                {'d_iner': INERTIAL[name].astype(np.float64)})


def test_odd_subjects_train_and_even_ones_test(root):
    findings = Findings()
    split = read_utd_mhad(root, findings)
    assert {(c.name, c.label, c.group) for c in split.train.clips} == {
        ('a1_s1_t1', 0, 's1'), ('a10_s3_t2', 9, 's3')}
    assert [(c.name, c.label) for c in split.test.clips] == [('a27_s2_t4', 26)]
    assert (len(ACTIONS), len(findings)) == (27, 0)
    for clip in (*split.train.clips, *split.test.clips):
        np.testing.assert_array_equal(clip.keypoints, SKELETONS[clip.name])
        assert clip.rate_hz == pytest.approx(30)


def test_the_sensor_goes_with_the_clips(root):
    recordings = read_utd_mhad_inertial(root)
    assert set(recordings) == set(NAMES)
    np.testing.assert_array_equal(recordings['a27_s2_t4'].values, INERTIAL['a27_s2_t4'])
    assert recordings['a1_s1_t1'].times_s[-1] == pytest.approx(8 / 50)


def test_matlab_files_that_cannot_be_used_are_listed(tmp_path):
    write_matlab(tmp_path)
    savemat = pytest.importorskip('scipy.io', reason='needs scipy').savemat
    folder = tmp_path / 'Skeleton'
    whole = (folder / 'a1_s1_t1_skeleton.mat').read_bytes()
    (folder / 'a2_s1_t1_skeleton.mat').write_bytes(whole[:len(whole) // 2])
    (folder / 'a3_s1_t1_skeleton.mat').write_bytes(b'')
    (folder / 'a4_s1_t1_skeleton.mat').write_bytes(b'\x89HDF\r\n' + bytes(200))
    savemat(folder / 'a5_s1_t1_skeleton.mat', {'other': np.zeros(3)})
    savemat(folder / 'a6_s1_t1_skeleton.mat', {'d_skel': np.ones((25, 3, 4))})
    savemat(folder / 'a99_s1_t1_skeleton.mat', {'d_skel': np.ones((20, 3, 4))})
    savemat(folder / 'notes.mat', {'d_skel': np.ones((20, 3, 4))})
    findings = Findings()
    split = read_utd_mhad(tmp_path, findings)
    assert len(split.train) + len(split.test) == 3
    assert {item.name for item in findings.items} == {
        'a2_s1_t1', 'a3_s1_t1', 'a4_s1_t1', 'a5_s1_t1', 'a6_s1_t1', 'a99_s1_t1', 'notes'}


def test_a_sensor_without_finite_values_is_listed(tmp_path):
    broken = {**INERTIAL, 'a2_s1_t1': np.full((4, 6), np.nan, np.float32)}
    write_sequences(tmp_path / 'utd_iner.npz', 'kp', broken)
    findings = Findings()
    assert set(read_utd_mhad_inertial(tmp_path, findings)) == set(NAMES)
    assert [item.name for item in findings.items] == ['a2_s1_t1']


def test_a_folder_without_either_is_refused(tmp_path):
    with pytest.raises(DataError, match='Skeleton'):
        read_utd_mhad(tmp_path)
    (tmp_path / 'Skeleton').mkdir()
    with pytest.raises(DataError, match=r'no \.mat file'):
        read_utd_mhad(tmp_path)


def test_the_real_one_has_its_published_size(data_folder):
    findings = Findings()
    split = read_utd_mhad(data_folder, findings)
    assert (len(split.train), len(split.test), len(findings)) == (431, 430, 0)
    names = {clip.name for part in (split.train, split.test) for clip in part.clips}
    assert set(read_utd_mhad_inertial(data_folder)) == names
    stands = np.concatenate([clip.keypoints for clip in split.train.clips])[..., 1]
    at = split.train.layout.index
    assert np.nanmedian(stands[:, at('head_center')] - stands[:, at('left_foot')]) > 1.2
