"""Northwestern-UCLA: views are divided, and performances stay whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.nw_ucla import read_nw_ucla

from .sequences import points, write_sequences

ROWS = [(1, 1), (1, 2), (1, 3), (12, 1), (12, 3)]  # action, view


def write(path: Path, rows=ROWS, spoil=lambda sequences: None) -> None:
    sequences = {f'a{a:02d}_s01_e00_v{v:02d}': points(4, 20, 3, i)
                 for i, (a, v) in enumerate(rows)}
    spoil(sequences)
    write_sequences(path, 'kp', sequences, label=np.array([a for a, _ in rows]),
                    view=np.array([v for _, v in rows]))


@pytest.mark.parametrize(('split', 'protocol', 'tested'), [
    (1, 'views 1-2 -> 3', ['a01_s01_e00_v03', 'a12_s01_e00_v03']),
    (2, 'views 1-3 -> 2', ['a01_s01_e00_v02']),
    (3, 'views 2-3 -> 1', ['a01_s01_e00_v01', 'a12_s01_e00_v01']),
])
def test_one_view_is_the_test(tmp_path, split, protocol, tested):
    write(tmp_path / 'nw_ucla' / 'nw_ucla.npz')
    parts = read_nw_ucla(tmp_path, split)
    assert [clip.name for clip in parts.test.clips] == tested
    assert (len(parts.train), parts.protocol) == (5 - len(tested), protocol)


def test_the_views_of_a_performance_are_one_group_and_labels_have_no_gaps(tmp_path):
    write(tmp_path / 'nw_ucla.npz')
    split = read_nw_ucla(tmp_path)
    assert {clip.group for clip in split.train.clips} == {'a01_s01_e00', 'a12_s01_e00'}
    assert [clip.label for clip in split.test.clips] == [0, 9]
    assert split.test.labels.labels[9] == 'carry'
    assert split.test.layout.names[3] == 'head_center'


def test_a_joint_at_the_camera_was_not_tracked(tmp_path):
    def spoil(sequences):
        sequences['a01_s01_e00_v01'][2, 5] = 0
    write(tmp_path / 'nw_ucla.npz', spoil=spoil)
    measured = read_nw_ucla(tmp_path).train.clips[0].measured
    assert not measured[2, 5]
    assert measured.sum() == measured.size - 1


def test_an_action_or_view_of_another_data_set_is_listed(tmp_path):
    write(tmp_path / 'nw_ucla.npz', [*ROWS, (7, 1), (1, 4)])
    findings = Findings()
    read_nw_ucla(tmp_path, 1, findings)
    assert [item.name for item in findings.items] == ['a07_s01_e00_v01', 'a01_s01_e00_v04']


def test_there_are_three_splits(tmp_path):
    write(tmp_path / 'nw_ucla.npz')
    with pytest.raises(DataError, match='not 4'):
        read_nw_ucla(tmp_path, 4)


def test_the_real_one_has_its_published_size(data_folder):
    findings = Findings()
    split = read_nw_ucla(data_folder, 1, findings)
    assert (len(split.train), len(split.test), len(findings)) == (1020, 464, 0)
    # People stand: the head is above the pelvis, the feet below, and the left side is the left
    # one, on which a person's forward direction turns counter-clockwise to it seen from above.
    points = np.concatenate([clip.keypoints for clip in split.train.clips])
    at = split.train.layout.index
    up = points[..., 1]
    assert np.nanmedian(up[:, at('head_center')] - up[:, at('pelvis')]) > 0.4
    assert np.nanmedian(up[:, at('left_foot')] - up[:, at('pelvis')]) < -0.5
    left = points[:, at('left_shoulder')] - points[:, at('right_shoulder')]
    toes = points[:, at('left_foot')] - points[:, at('left_ankle')]
    forward = np.cross(left, (0, 1, 0))
    assert np.nanmean((forward * toes).sum(-1) > 0) > 0.8
