"""Poses and scenes find each other, whoever comes first."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.action.scene_arrivals import SceneArrivals
from neuropose_ros.core.pose import SceneEmbedding


def scene(stamp_ns: int, epoch: int = 0) -> SceneEmbedding:
    return SceneEmbedding(stamp_ns, stamp_ns, 'eye', np.zeros(3, np.float32), epoch=epoch)


def stamp(memory: SceneArrivals, stamp_ns: int, epoch: int = 0) -> int | None:
    found = memory.before(stamp_ns, epoch)
    return None if found is None else found.stamp_ns


def test_poses_get_the_newest_scene_of_an_earlier_frame() -> None:
    memory = SceneArrivals()
    assert stamp(memory, 10) is None
    for stamp_ns in (10, 30, 20):
        memory.put(scene(stamp_ns))
    assert [stamp(memory, at) for at in (10, 11, 20, 21, 30, 99)] == [None, 10, 10, 20, 20, 30]


@pytest.mark.parametrize('scene_first', [False, True])
def test_it_does_not_matter_whether_scene_or_poses_of_a_frame_come_first(
    scene_first: bool,
) -> None:
    memory = SceneArrivals()
    used = []
    for at in range(10, 60, 10):
        if scene_first:
            memory.put(scene(at))
        used.append(stamp(memory, at))
        if not scene_first:
            memory.put(scene(at))
    assert used == [None, 10, 20, 30, 40]
    assert memory.late == 0


def test_a_scene_that_later_poses_went_without_is_counted() -> None:
    memory = SceneArrivals()
    memory.before(20, 0)
    memory.put(scene(10))
    memory.put(scene(20))
    assert memory.late == 1
    assert stamp(memory, 21) == 20


def test_epochs_do_not_mix() -> None:
    memory = SceneArrivals()
    memory.put(scene(10, epoch=0))
    assert stamp(memory, 20, epoch=1) is None
    memory.put(scene(5, epoch=1))
    assert stamp(memory, 20, epoch=1) == 5
    assert memory.late == 1
    memory.reset()
    assert stamp(memory, 20, epoch=1) is None


def test_old_scenes_do_not_pile_up() -> None:
    memory = SceneArrivals()
    for stamp_ns in range(1, 1000):
        memory.put(scene(stamp_ns))
    assert stamp(memory, 900) is None
    assert stamp(memory, 1000) == 999
