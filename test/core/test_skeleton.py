"""Layouts refuse nonsense and change their id with their content."""

from __future__ import annotations

from dataclasses import replace

import pytest

from neuropose_ros.core.errors import LayoutError
from neuropose_ros.core.skeleton import SkeletonLayout

ARM = SkeletonLayout('arm', ('left_hand', 'right_hand', 'neck'), ((0, 2), (1, 2)), ((0, 1),))


def test_a_layout_knows_its_joints():
    assert len(ARM) == 3
    assert ARM.index('neck') == 2


def test_an_unknown_joint_is_named_with_those_there_are():
    with pytest.raises(LayoutError, match=r'no joint foot; it has left_hand, right_hand, neck'):
        ARM.index('foot')


@pytest.mark.parametrize('change', [
    {'names': ('left_hand', 'right_hand', 'head')},
    {'names': ('right_hand', 'left_hand', 'neck')},
    {'edges': ((0, 2),)},
    {'edges': ((2, 0), (1, 2))},
    {'mirror_pairs': ()},
])
def test_the_id_changes_with_the_content(change):
    assert replace(ARM, **change).id != ARM.id


def test_the_id_is_the_name_and_the_hash_of_the_content_alone():
    name, _, digest = ARM.id.partition('@')
    assert name == 'arm'
    assert len(digest) == 4
    assert replace(ARM, name='limb').id == f'limb@{digest}'


@pytest.mark.parametrize('change', [
    {'edges': ((0, 3),)},
    {'edges': ((-1, 0),)},
    {'edges': ((0, 1, 2),)},
    {'mirror_pairs': ((0, 9),)},
    {'names': ('neck', 'neck', 'hand')},
])
def test_indices_and_names_that_cannot_be_are_refused(change):
    with pytest.raises(LayoutError, match='layout arm'):
        replace(ARM, **change)
