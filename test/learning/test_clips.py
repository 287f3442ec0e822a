"""Clips refuse what cannot be right, and sets of them survive their file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import COCO17, JHMDB15
from neuropose_ros.learning.clips import Clip, ClipSet, Split, read_clip_set, write_clip_set

LABELS = LabelSet('lab', ('sit', 'wave'))


def clip(name: str = 'a', frames: int = 3, label: int = 0, **extra) -> Clip:
    points = np.random.default_rng(frames).normal(size=(frames, 15, 2)).astype(np.float32)
    return Clip(name, points, np.arange(frames) / 10, label, **extra)


@pytest.mark.parametrize(('change', 'reason'), [
    ({'keypoints': np.zeros((0, 15, 2), np.float32), 'times_s': np.zeros(0)}, 'one frame'),
    ({'keypoints': np.zeros((3, 15, 4), np.float32)}, '2 or 3'),
    ({'keypoints': np.full((3, 15, 2), np.inf, np.float32)}, 'infinite'),
    ({'times_s': np.arange(4.0)}, '3 frames need as many'),
    ({'times_s': np.array([0, np.nan, 2])}, 'finite times'),
    ({'times_s': np.array([0, 2.0, 1.0])}, 'time goes back or stands still at frame 2'),
    ({'times_s': np.array([0, 0.0, 1.0])}, 'at frame 1'),
    ({'scores': np.zeros((3, 14), np.float32)}, 'scores'),
    ({'scene': np.zeros((2, 8), np.float32)}, 'scene'),
    ({'scene': np.zeros((2, 8), np.float32), 'scene_times_s': np.zeros(1)}, 'scene'),
    ({'scene': np.full((2, 8), np.nan, np.float32), 'scene_times_s': np.arange(2.0)},
     'not numbers'),
])
def test_a_clip_that_cannot_be_right_is_refused_by_name(change, reason):
    with pytest.raises(DataError, match=f'clip a: .*{reason}'):
        replace(clip(), **change)


def test_a_joint_that_is_not_known_is_not_measured():
    points = clip().keypoints.copy()
    points[1, 4, 0] = np.nan
    measured = replace(clip(), keypoints=points).measured
    assert not measured[1, 4]
    assert measured.sum() == measured.size - 1


def test_the_rate_is_the_usual_step_whatever_gaps_there_are():
    assert clip(frames=1).rate_hz == 0
    assert replace(clip(frames=4), times_s=np.array([0, 0.1, 0.2, 5.0])).rate_hz == (
        pytest.approx(10))


@pytest.mark.parametrize(('clips', 'reason'), [
    ((clip('a'), clip('b'), clip('a')), 'the clip name a occurs twice'),
    ((clip('a', label=2),), 'label 2 is outside the 2 labels'),
    ((clip('a', label=-2),), 'label -2'),
    ((clip('a'), Clip('b', np.zeros((1, 15, 3), np.float32), np.zeros(1))), '2D, some 3D'),
    ((Clip('b', np.zeros((1, 17, 2), np.float32), np.zeros(1)),), 'has 17 joints'),
])
def test_clips_that_do_not_fit_each_other_are_refused(clips, reason):
    with pytest.raises(DataError, match=reason):
        ClipSet('lab', JHMDB15, clips, LABELS)


def test_unlabelled_sets_take_unlabelled_clips_alone():
    assert ClipSet('lab', JHMDB15, (clip(label=-1),)).dimensions == 2
    with pytest.raises(DataError, match='label 0'):
        ClipSet('lab', JHMDB15, (clip(label=0),))


@pytest.mark.parametrize('labels', [LABELS, None])
def test_a_set_is_read_as_it_was_written(tmp_path, labels):
    of = 1 if labels else -1
    scored = clip('scored', 5, of, group='g', scores=np.full((5, 15), 0.5, np.float32))
    seen = clip('ü/seen', 2, -1, scene=np.arange(8, dtype=np.float32).reshape(2, 4),
                scene_times_s=np.array([0, 0.1]))
    unseen = replace(clip('nan', 1, of), keypoints=np.full((1, 15, 2), np.nan, np.float32))
    blind = clip('blind', 4, of, scene=np.zeros((0, 4), np.float32), scene_times_s=np.zeros(0))
    written = ClipSet('lab', JHMDB15, (scored, seen, unseen, blind), labels, 'made up')
    write_clip_set(written, tmp_path / 'deep' / 'clips.npz')
    read = read_clip_set(tmp_path / 'deep' / 'clips.npz')
    assert (read.name, read.layout, read.labels, read.source) == (
        written.name, written.layout, written.labels, written.source)
    for before, after in zip(written.clips, read.clips, strict=True):
        assert (before.name, before.label, before.group) == (after.name, after.label, after.group)
        for field in ('keypoints', 'times_s', 'scores', 'scene_times_s'):
            np.testing.assert_array_equal(getattr(before, field), getattr(after, field))
    np.testing.assert_array_equal(read.clips[1].scene, seen.scene)
    assert [item.scene is None for item in read.clips] == [True, False, True, False]
    assert list(tmp_path.glob('deep/*')) == [tmp_path / 'deep' / 'clips.npz']


def test_an_empty_set_is_a_set(tmp_path):
    write_clip_set(ClipSet('lab', COCO17, (), LABELS), tmp_path / 'none.npz')
    assert len(read_clip_set(tmp_path / 'none.npz')) == 0


def test_a_missing_cut_or_foreign_file_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match='no such file'):
        read_clip_set(tmp_path / 'none.npz')
    path = tmp_path / 'clips.npz'
    write_clip_set(ClipSet('lab', JHMDB15, (clip(),), LABELS), path)
    whole = path.read_bytes()
    np.save(tmp_path / 'array.npy', np.zeros(3))
    npy = (tmp_path / 'array.npy').read_bytes()
    for damaged in (whole[:-200], whole[:100], b'', b'text', npy):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r'clips\.npz'):
            read_clip_set(path)
    np.savez(path, other=np.zeros(3))
    with pytest.raises(DataError, match='not a file of clips'):
        read_clip_set(path)


@pytest.mark.parametrize('test', [
    ClipSet('lab', JHMDB15, (clip('b'),), LabelSet('lab', tuple(reversed(LABELS.labels)))),
    ClipSet('lab', COCO17, (Clip('b', np.zeros((1, 17, 2), np.float32), np.zeros(1)),), LABELS),
    ClipSet('lab', JHMDB15, (Clip('b', np.zeros((1, 15, 3), np.float32), np.zeros(1)),), LABELS),
    ClipSet('lab', JHMDB15, (clip('a'),), LABELS),
])
def test_parts_that_cannot_be_compared_or_share_a_clip_are_refused(test):
    with pytest.raises(DataError, match='the training and'):
        Split(ClipSet('lab', JHMDB15, (clip('a'),), LABELS), test, 'by hand')


@pytest.mark.parametrize(('array', 'change'), [
    ('names', lambda names: names[:1]), ('label', lambda label: label[:, None]),
    ('keypoints', lambda points: points[:-1]), ('frames', lambda frames: -frames)])
def test_a_file_whose_arrays_do_not_fit_each_other_is_refused(tmp_path, array, change):
    path = tmp_path / 'x.npz'
    write_clip_set(ClipSet('lab', JHMDB15, (clip('a'), clip('b')), LABELS), path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(path, **{**arrays, array: change(arrays[array])})
    with pytest.raises(DataError, match='or damaged'):
        read_clip_set(path)


def test_whatever_byte_is_wrong_it_is_one_sentence(tmp_path):
    path = tmp_path / 'x.npz'
    write_clip_set(ClipSet('lab', JHMDB15, (clip('a'),), LABELS), path)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            read_clip_set(path)
        except DataError as error:
            refused += str(path) in str(error)
    assert refused > 75
