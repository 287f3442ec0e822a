"""Human3.6M as it is commonly distributed: objects in an archive, 32 joints."""

from __future__ import annotations

import os

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.h36m import read_h36m

from .sequences import points


def write(root, positions) -> None:
    np.savez_compressed(root / 'data_3d_h36m.npz', positions_3d=np.array(positions, object))


def test_subjects_are_divided_and_32_joints_become_17(tmp_path):
    take = points(4, 32, 3)
    write(tmp_path, {
        'S1': {'Walking': take, 'Walking 1': take}, 'S9': {'Sitting 2': take[:, :17]},
        'S11': {'Walking': take}, 'S2': {'Walking': take}, 'S5': {'Posing': take[:, :20]}})
    findings = Findings()
    split = read_h36m(tmp_path, findings)
    assert {(c.name, c.group) for c in split.train.clips} == {
        ('S1/Walking', 'S1'), ('S1/Walking 1', 'S1')}
    assert {c.name for c in split.test.clips} == {'S9/Sitting 2', 'S11/Walking'}
    assert split.train.labels.labels == ('Posing', 'Sitting', 'Walking')
    assert {item.name for item in findings.items} == {'S2/Walking', 'S5/Posing'}
    clip = split.train.clips[0]
    layout = split.train.layout
    for joint, number in (('pelvis', 0), ('left_hip', 6), ('head_top', 15), ('left_wrist', 19),
                          ('right_shoulder', 25), ('right_wrist', 27)):
        np.testing.assert_array_equal(clip.keypoints[:, layout.index(joint)], take[:, number])
    assert clip.rate_hz == pytest.approx(50)
    assert clip.label == 2


class Attack:
    """Runs a command on unpickling."""

    def __reduce__(self):
        return os.system, ('true',)


def test_what_is_not_of_the_form_is_refused(tmp_path):
    with pytest.raises(DataError, match='data_3d_h36m'):
        read_h36m(tmp_path)
    for positions, reason in (({}, 'no sequence'), ([1, 2], 'no dict'), ({'S1': 3}, 'no dict'),
                              ({'S1': Attack()}, 'system')):
        write(tmp_path, positions)
        with pytest.raises(DataError, match=reason):
            read_h36m(tmp_path)
    np.savez(tmp_path / 'data_3d_h36m.npz', other=np.zeros(2))
    with pytest.raises(DataError, match='no array positions_3d'):
        read_h36m(tmp_path)
