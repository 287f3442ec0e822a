"""Where labelled pictures come from: sets on the disk, and the synthetic subject."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError, ParameterError, SourceError
from neuropose_ros.core.layouts import BLAZEPOSE33
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.pose_evaluation.data import open_pose_data, open_training_part

from .spot_set import annotation, write_spots

SCENE = 'synthetic:walk?seconds=0.5&rate=20&width=160&height=120'


def test_pictures_are_spread_evenly_where_not_all_are_wanted(tmp_path):
    root = write_spots(tmp_path / 'set', [annotation(n, n) for n in range(1, 8)], 7)
    data = open_pose_data(f'{root}', most=3)
    assert (data.count, data.layout.names) == (3, ('red', 'green', 'blue'))
    assert [truth.picture_id for truth, _ in data.load(Findings())] == [1, 4, 7]
    assert open_pose_data(f'{root}', most=30).count == 7


def test_the_synthetic_subject_is_annotated_exactly(tmp_path):
    data = open_pose_data(SCENE)
    assert (data.count, data.layout) == (10, BLAZEPOSE33)
    labelled = list(data.load(Findings()))
    assert len(labelled) == 10
    truth, image = labelled[3]
    assert image.shape == (120, 160, 3)
    assert truth.keypoints.shape == (1, 33, 2) and truth.keypoints_3d.shape == (1, 33, 3)
    assert truth.frame == 3 and truth.visible.any() and not truth.visible.all()
    assert np.isfinite(truth.keypoints[truth.visible]).all()
    again = list(data.load(Findings()))[3]
    assert np.array_equal(again[1], image)
    assert open_pose_data(SCENE, most=5).count == 5
    assert len(list(open_pose_data(SCENE, most=5).load(Findings()))) == 5


def test_joints_of_the_synthetic_subject_that_are_out_of_the_picture_are_not_labelled():
    near = open_pose_data(f'{SCENE}&distance=1.5')
    truth, image = next(iter(near.load(Findings())))
    known = np.isfinite(truth.keypoints[0]).all(-1)
    assert 0 < known.sum() < 33
    size = np.array(image.shape[1::-1])
    assert ((truth.keypoints[0][known] > -1) & (truth.keypoints[0][known] < size)).all()
    assert np.isfinite(truth.keypoints_3d).all()


@pytest.mark.parametrize(('data', 'error', 'said'), [
    ('synthetic:walk', ParameterError, 'has no end'),
    ('synthetic:nonesuch?seconds=1', SourceError, 'no scene nonesuch'),
    ('nowhere', DataError, 'no such file or folder'),
])
def test_what_cannot_be_opened_is_one_sentence(data, error, said):
    with pytest.raises(error, match=said):
        open_pose_data(data)


def test_the_synthetic_subject_has_no_training_part():
    with pytest.raises(DataError, match='offsets=false'):
        open_training_part(SCENE, '', 10)
