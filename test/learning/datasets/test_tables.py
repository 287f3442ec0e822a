"""Files are found, arrays and lists read, and clips made or left out."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.tables import (
    locate,
    make_clip,
    read_arrays,
    read_lines,
    read_sequences,
    slices,
    without_zeros,
)


def test_the_first_that_exists_is_found(tmp_path):
    (tmp_path / 'b').mkdir()
    assert locate(tmp_path, 'a', 'b') == tmp_path / 'b'
    with pytest.raises(DataError, match='there is no a or c'):
        locate(tmp_path, 'a', 'c')


def test_arrays_are_read_and_a_missing_one_is_named(tmp_path):
    path = tmp_path / 'x.npz'
    np.savez(path, kp=np.arange(3))
    assert read_arrays(path, ('kp',))['kp'].tolist() == [0, 1, 2]
    with pytest.raises(DataError, match='offset'):
        read_arrays(path, ('kp', 'offset'))


def test_a_damaged_foreign_or_pickled_file_is_one_sentence(tmp_path):
    path = tmp_path / 'x.npz'
    np.savez_compressed(path, kp=np.random.default_rng(0).normal(size=1000))
    whole = path.read_bytes()
    cut = bytearray(whole)
    cut[len(cut) // 2:len(cut) // 2 + 40] = bytes(40)
    np.save(tmp_path / 'x.npy', np.zeros(2))
    for content in (whole[:-50], bytes(cut), b'', b'text', (tmp_path / 'x.npy').read_bytes()):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r'x\.npz'):
            read_arrays(path, ('kp',))
    np.savez(path, kp=np.array([{'a': 1}], dtype=object))
    with pytest.raises(DataError, match='cannot be read as arrays'):
        read_arrays(path, ('kp',))
    with pytest.raises(DataError, match=r'none\.npz'):
        read_arrays(tmp_path / 'none.npz', ('kp',))


def test_lines_come_without_blanks_and_marks(tmp_path):
    path = tmp_path / 'list.txt'
    path.write_bytes('\ufeffa 1\r\n\r\n  b 2 \n'.encode())
    assert read_lines(path) == ['a 1', 'b 2']
    path.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(DataError, match=r'list\.txt'):
        read_lines(path)


@pytest.mark.parametrize('offset', [[0, 2], [0, 2, 6], [1, 2, 5], [0, 4, 3, 5], [0, 5, 4, 5]])
def test_offsets_have_to_divide_the_frames(tmp_path, offset):
    with pytest.raises(DataError, match='do not divide its 5 frames'):
        slices(tmp_path, np.array(offset), 5, 2 if len(offset) < 4 else 3)
    assert slices(tmp_path, np.array([0, 2, 5]), 5, 2) == [slice(0, 2), slice(2, 5)]


def test_only_a_joint_whose_coordinates_are_all_zero_was_not_tracked():
    points = np.array([[0, 0, 0], [0, 1, 0]], np.float32)
    known = np.isfinite(without_zeros(points))
    assert known.tolist() == [[False] * 3, [True] * 3]


@pytest.mark.parametrize(('points', 'times', 'reason'), [
    (np.full((2, 3, 2), np.inf), [0, 1], 'infinite'),
    (np.full((2, 3, 2), np.nan), [0, 1], 'no joint is known'),
    (np.zeros((0, 3, 2)), [], 'at least one frame'),
    (np.ones((2, 3, 2)), [1, 0], 'time goes back'),
])
def test_a_clip_that_cannot_be_right_is_listed_and_left_out(points, times, reason):
    findings = Findings()
    assert make_clip(findings, 'a', points, np.array(times, float)) is None
    assert [item.name for item in findings.items] == ['a']
    assert reason in findings.items[0].problem


def test_a_clip_may_lack_some_joints():
    points = np.ones((2, 3, 2), np.float32)
    points[0, 1] = np.nan
    findings = Findings()
    clip = make_clip(findings, 'a', points, np.arange(2.0), 3, 'g')
    assert (clip.label, clip.group, len(findings)) == (3, 'g', 0)


@pytest.mark.parametrize(('array', 'value', 'reason'), [
    ('kp', np.float32(1), r'not numbers of \(frames, 3, 2\)'),
    ('kp', np.zeros((5, 2, 3)), r'of \(5, 2, 3\)'),
    ('kp', np.zeros((5, 3, 2), complex), 'complex128'),
    ('kp', np.full((5, 3, 2), 'x'), 'not numbers'),
    ('name', np.array('a'), 'one text'),
    ('name', np.array(['a', 'a']), 'occurs twice'),
    ('name', np.array(['a', 'b', 'c']), 'one text'),
    ('label', np.array([1]), 'for each sequence'),
    ('label', np.array([1.0, 2.5]), 'integers'),
    ('label', np.array(['1', '2']), 'integers'),
    ('offset', np.array([0.0, np.nan, 5.0]), 'offsets do not divide'),
    ('offset', np.array([0, 6, 5]), 'offsets do not divide'),
])
def test_sequences_of_another_form_are_one_sentence(tmp_path, array, value, reason):
    arrays = {'kp': np.arange(30.0).reshape(5, 3, 2), 'offset': np.array([0, 2, 5]),
              'name': np.array(['a', 'b']), 'label': np.array([7, 8])}
    path = tmp_path / 'x.npz'
    np.savez(path, **arrays)
    sequences, columns = read_sequences(path, 'kp', (3, 2), ('label',))
    assert {name: part.shape for name, part in sequences.items()} == {
        'a': (2, 3, 2), 'b': (3, 3, 2)}
    assert sequences['b'][0, 0, 0] == 12
    assert columns['label'].tolist() == [7, 8]
    np.savez(path, **{**arrays, array: value})
    with pytest.raises(DataError, match=reason):
        read_sequences(path, 'kp', (3, 2), ('label',))
