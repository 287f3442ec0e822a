"""What decides a training: read strictly, and the files that come along."""

from __future__ import annotations

import pytest

pytest.importorskip('torch', reason='needs torch')

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.learning.pose_training.recipe import pose_recipe_names, read_pose_recipe


def test_what_comes_along_can_be_read():
    assert read_pose_recipe('train_pose').data.part == 'train'
    assert 'jhmdb_pose' in pose_recipe_names()
    for name in pose_recipe_names():
        assert read_pose_recipe(name).training.epochs > 0


@pytest.mark.parametrize(('change', 'said'), [
    ('data.form=cocoa', "form is 'cocoa'; coco, "),
    ('data.validation_share=0', 'needs a data.validation_share'),
    ('network.width_px=100', 'multiples of 32'),
    ('augmentation.dark=2', 'dark is 2'),
    ('training.spread=2', 'spread is not known; spread_px is'),
])
def test_mistakes_are_named(change, said):
    with pytest.raises(ParameterError, match=said):
        read_pose_recipe('train_pose', [change])


def test_unknown_recipes_are_listed():
    with pytest.raises(ParameterError, match='jhmdb_pose'):
        read_pose_recipe('nonesuch')
