"""Detections and truth of the same clips."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.refiner.pairs import hold_out, read_pairs, sure

from .clips import make_pair, write_folder


def test_parts_are_those_of_the_lists(tmp_path):
    names = write_folder(tmp_path)
    pairs = read_pairs(tmp_path)
    assert [pair.name for pair in pairs.train] == names[::2]
    assert [pair.name for pair in pairs.test] == names[1::2]
    assert len(sure(pairs.train)) == 8
    assert len(sure(pairs.test)) == 4  # every other one of the test part is not sure


def test_a_group_is_a_source_video_in_all_actions(tmp_path):
    write_folder(tmp_path)
    assert {pair.group for pair in read_pairs(tmp_path).train} == {
        'film0', 'film2', 'film4', 'film6'}


def test_detections_of_other_length_are_refused(tmp_path):
    names = write_folder(tmp_path)
    file = tmp_path / 'jhmdb928_movenet_coco17.npz'
    arrays = dict(np.load(file))
    arrays[names[3]] = arrays[names[3]][:-1]
    np.savez(file, **arrays)
    with pytest.raises(DataError, match=names[3]):
        read_pairs(tmp_path)


def test_a_missing_detection_is_named(tmp_path):
    names = write_folder(tmp_path)
    file = tmp_path / 'jhmdb928_movenet_coco17.npz'
    arrays = dict(np.load(file))
    del arrays[names[5]]
    np.savez(file, **arrays)
    with pytest.raises(DataError, match=names[5]):
        read_pairs(tmp_path)


def test_the_box_is_the_mean_diagonal():
    pair = make_pair(frames=5)
    diagonals = [np.hypot(*np.ptp(joints, axis=0)) for joints in pair.truth]
    assert pair.box_px == pytest.approx(np.mean(diagonals))


def test_a_hold_out_never_splits_a_video(tmp_path):
    write_folder(tmp_path, per_part=10)
    everything = read_pairs(tmp_path).train
    fit, held = hold_out(everything, share=0.3, seed=4)
    assert len(held) >= 0.3 * len(everything)
    assert sorted(pair.name for pair in fit + held) == sorted(pair.name for pair in everything)
    assert not {pair.group for pair in fit} & {pair.group for pair in held}
    assert hold_out(everything, share=0.3, seed=4) == (fit, held)


def test_the_clips_of_j_hmdb(data_folder):
    pairs = read_pairs(data_folder)
    assert (len(pairs.train), len(pairs.test)) == (433, 176)
    assert (len(sure(pairs.train)), len(sure(pairs.test))) == (328, 143)
