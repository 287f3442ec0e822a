"""Core joints are found by name in any layout."""

import numpy as np

from neuropose_ros.core.layouts import BUILT_IN, COCO17, JHMDB15
from neuropose_ros.refinement.canonical import CORE_JOINTS, core_columns, mirrored_core


def test_a_layout_with_all_joints_of_coco_has_them_in_its_order() -> None:
    assert core_columns(COCO17.names)[:17].tolist() == list(range(17))
    assert core_columns(COCO17.names)[17:].tolist() == [-1, -1]


def test_other_names_stand_for_the_same_place() -> None:
    columns = core_columns(JHMDB15.names)
    assert columns[CORE_JOINTS.index('nose')] == JHMDB15.index('face')
    assert columns[CORE_JOINTS.index('left_ear')] == -1


def test_every_built_in_layout_has_the_limbs() -> None:
    for layout in BUILT_IN.values():
        assert (core_columns(layout.names)[5:17] >= 0).all(), layout.name


def test_mirroring_twice_changes_nothing() -> None:
    mirror = mirrored_core()
    assert np.array_equal(mirror[mirror], np.arange(len(CORE_JOINTS)))
    assert CORE_JOINTS[mirror[CORE_JOINTS.index('left_knee')]] == 'right_knee'
