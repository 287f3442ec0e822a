"""Human3.6M as pictures: the form of mmpose's converter, in miniature."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import H36M17
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.h36m_pictures import read_h36m_pictures
from neuropose_ros.learning.datasets.picture_sets import read_picture_set

NAMES = ('S9/S9_Walking.54138969/S9_Walking.54138969_000001.png',
         'S11/S11_Eating.54138969/S11_Eating.54138969_000006.png')


def write(root: Path, part: str = 'test', **change) -> Path:
    rng = np.random.default_rng(2)
    arrays = {
        'imgname': np.array(NAMES), 'center': np.full((2, 2), 50.0), 'scale': np.ones(2),
        'part': np.concatenate((rng.uniform(10, 90, (2, 17, 2)), np.ones((2, 17, 1))), 2),
        'S': np.concatenate((rng.normal(size=(2, 17, 3)), np.ones((2, 17, 1))), 2), **change}
    folder = root / 'annotation_body3d' / 'fps10'
    folder.mkdir(parents=True)
    np.savez(folder / f'h36m_{part}.npz', **arrays)
    for name in NAMES:
        path = root / 'images' / name
        path.parent.mkdir(parents=True)
        cv2.imwrite(str(path), np.zeros((100, 100, 3), np.uint8))
    return root


def test_joints_are_known_in_the_picture_and_in_metres(tmp_path):
    root = write(tmp_path)
    found = read_picture_set('', root)
    assert (found.name, found.layout, len(found)) == ('h36m', H36M17, 2)
    with np.load(root / 'annotation_body3d' / 'fps10' / 'h36m_test.npz') as file:
        part, metres = file['part'], file['S']
    first = found.pictures[0]
    assert first.keypoints[0] == pytest.approx(part[0, :, :2], abs=1e-4)
    assert first.keypoints_3d[0] == pytest.approx(metres[0, :, :3], abs=1e-6)
    assert first.path == root / 'images' / NAMES[0]
    assert [picture.group for picture in found.pictures] == ['S9', 'S11']
    assert 'agreement' in found.source


def test_annotations_that_cannot_be_used_are_listed(tmp_path):
    root = write(tmp_path, S=np.full((2, 17, 4), np.nan))
    (root / 'images' / NAMES[0]).unlink()
    findings = Findings()
    assert read_h36m_pictures(root, 'test', findings)[0] == ()
    assert [item.name for item in findings.items] == list(NAMES)


@pytest.mark.parametrize(('change', 'part', 'said'), [
    ({'S': np.zeros((2, 16, 4))}, 'test', r'S is float64 of \(2, 16, 4\)'),
    ({}, 'train', r'there is no annotation_body3d/fps\*/h36m_train\.npz'),
])
def test_a_file_of_another_form_is_refused(tmp_path, change, part, said):
    with pytest.raises(DataError, match=said):
        read_h36m_pictures(write(tmp_path, **change), part)
