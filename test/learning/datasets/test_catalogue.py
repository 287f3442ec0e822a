"""Data sets by name: splits, what is left out, and what commands get."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.learning.clips import Clip, ClipSet, Split, write_clip_set
from neuropose_ros.learning.datasets.catalogue import (
    DATA_SETS,
    data_set,
    read_data_set,
    read_split,
)
from neuropose_ros.learning.datasets.videos import VideoListing

from .sequences import points, touch, write_sequences


def clips(count: int = 20, label: int = 0) -> ClipSet:
    return ClipSet('lab', JHMDB15, tuple(
        Clip(f'{i}', points(2, 15, 2, i), np.arange(2.0), label, f'g{i // 2}')
        for i in range(count)), LabelSet('lab', ('sit', 'wave')) if label >= 0 else None)


def write_ucla(root, spoilt: int = 0, count: int = 12) -> None:
    sequences = {f'a01_s01_e{i:02d}_v{1 + i % 3:02d}': points(3, 20, 3, i) for i in range(count)}
    for name in list(sequences)[:spoilt]:
        sequences[name][0, 0, 0] = np.inf
    write_sequences(root / 'nw_ucla.npz', 'kp', sequences, label=np.ones(count, int),
                    view=np.array([1 + i % 3 for i in range(count)]))


def test_every_data_set_of_the_table_and_no_other_is_known():
    assert set(DATA_SETS) == {
        'jhmdb14', 'jhmdb14_video', 'nw_ucla', 'utd_mhad', 'ucf101', 'hmdb51', 'kinetics',
        'ntu60', 'pyskl', 'folder', 'recordings', 'clips', 'cmu_mocap', 'h36m', 'coco', 'mpii'}
    assert all(name == item.name for name, item in DATA_SETS.items())
    with pytest.raises(DataError, match="unknown data set 'jhmdb'; known are clips, cmu_mocap"):
        data_set('jhmdb')


@pytest.mark.parametrize(('name', 'wanted', 'split'), [
    ('jhmdb14', '', '1'), ('jhmdb14', 2, '2'), ('jhmdb14', '3', '3'), ('ntu60', '', 'xsub'),
    ('ntu60', 2, 'xview'), ('ntu60', 'xview', 'xview'), ('utd_mhad', 1, ''), ('utd_mhad', '', ''),
    ('pyskl', 'xset', 'xset'), ('pyskl', '', ''),
])
def test_a_split_is_meant_by_name_or_number(name, wanted, split):
    assert data_set(name).split(wanted) == split


@pytest.mark.parametrize(('name', 'wanted'), [
    ('jhmdb14', 4), ('jhmdb14', 'xsub'), ('ntu60', 3), ('utd_mhad', 2), ('nw_ucla', 0)])
def test_a_split_that_is_not_there_is_refused(name, wanted):
    with pytest.raises(DataError, match=f'{name} has no split {wanted}; it '):
        data_set(name).split(wanted)


def test_poses_come_divided_with_what_was_left_out(tmp_path):
    write_ucla(tmp_path, spoilt=1)
    split, findings = read_split('nw_ucla', tmp_path, 2, skipped_share=0.1)
    assert (split.protocol, len(split.test), len(findings)) == ('views 1-3 -> 2', 4, 1)


def test_too_much_that_cannot_be_used_stops(tmp_path):
    write_ucla(tmp_path, spoilt=2)
    with pytest.raises(DataError, match='2 of 12 clips cannot be used') as error:
        read_split('nw_ucla', tmp_path)
    assert 'a01_s01_e00_v01: a keypoint is infinite' in str(error.value)


def test_an_empty_part_is_refused(tmp_path):
    write_ucla(tmp_path, count=2)
    with pytest.raises(DataError, match='the test part of nw_ucla, views 1-2 -> 3, is empty'):
        read_split('nw_ucla', tmp_path)


def test_clips_of_one_file_are_divided_and_of_two_are_not(tmp_path):
    write_clip_set(clips(), tmp_path / 'all.npz')
    split, _ = read_split('clips', tmp_path / 'all.npz', test_share=0.3, seed=5)
    assert len(split.train) + len(split.test) == 20
    assert 'seed 5' in split.protocol
    write_clip_set(clips(3), tmp_path / 'test.npz')
    everything = clips(7)
    write_clip_set(everything.only(everything.clips[2:6]), tmp_path / 'train.npz')
    with pytest.raises(DataError, match='1 clips are in the training and in the test part'):
        read_data_set('clips', tmp_path)
    write_clip_set(everything.only(everything.clips[3:]), tmp_path / 'train.npz')
    content, _ = read_data_set('clips', tmp_path)
    assert isinstance(content, Split)
    assert (len(content.train), len(content.test)) == (4, 3)
    with pytest.raises(DataError, match=r'no train\.npz'):
        (tmp_path / 'train.npz').unlink()
        read_data_set('clips', tmp_path)


def test_unlabelled_poses_and_videos_are_no_split(tmp_path):
    write_clip_set(clips(label=-1), tmp_path / 'all.npz')
    with pytest.raises(DataError, match='clips gives no labelled poses'):
        read_split('clips', tmp_path / 'all.npz')
    touch(tmp_path, 'lab/sit/a.mp4')
    with pytest.raises(DataError, match='neuropose preprocess'):
        read_split('folder', tmp_path / 'lab')
    listing, findings = read_data_set('folder', tmp_path / 'lab')
    assert isinstance(listing, VideoListing)
    assert (len(listing), len(findings)) == (1, 0)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match='no such file or folder'):
        read_data_set('jhmdb14', tmp_path / 'none')


@pytest.mark.parametrize('name', sorted(set(DATA_SETS)))
def test_whatever_is_no_data_set_is_refused_in_one_sentence(tmp_path, name):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'file').write_bytes(b'text')
    for root in (tmp_path / 'empty', tmp_path / 'file'):
        with pytest.raises(DataError):
            read_data_set(name, root)
