import os
from pathlib import Path

import pytest

from neuropose_ros.inference import threads


def _cores(root: Path, siblings: dict[int, str]) -> Path:
    for processor, listed in siblings.items():
        folder = root / f'cpu{processor}' / 'topology'
        folder.mkdir(parents=True)
        (folder / 'thread_siblings_list').write_text(f'{listed}\n')
    return root


def test_hyper_threads_share_a_core(tmp_path: Path) -> None:
    root = _cores(tmp_path, {0: '0,2', 1: '1,3', 2: '0,2', 3: '1,3'})
    assert threads.physical_cores({0, 1, 2, 3}, root) == 2
    assert threads.physical_cores({0, 2}, root) == 1
    assert threads.physical_cores({0, 7}, root) == 2, 'an unknown one counts as its own'


def test_quota_of_control_groups_version_2(tmp_path: Path) -> None:
    membership, mount = tmp_path / 'cgroup', tmp_path / 'fs'
    membership.write_text('0::/outer/inner\n')
    inner = mount / 'outer' / 'inner'
    inner.mkdir(parents=True)
    (inner / 'cpu.max').write_text('max 100000\n')
    assert threads._control_group_processors(membership, mount) is None
    (inner.parent / 'cpu.max').write_text('150000 100000\n')
    assert threads._control_group_processors(membership, mount) == 1.5


def test_quota_of_control_groups_version_1_in_a_container(tmp_path: Path) -> None:
    membership, mount = tmp_path / 'cgroup', tmp_path / 'fs'
    membership.write_text('4:memory:/x\n3:cpu,cpuacct:/docker/of/the/host\n')
    group = mount / 'cpu,cpuacct'
    group.mkdir(parents=True)
    (group / 'cpu.cfs_quota_us').write_text('300000\n')
    (group / 'cpu.cfs_period_us').write_text('100000\n')
    assert threads._control_group_processors(membership, mount) == 3.0
    (group / 'cpu.cfs_quota_us').write_text('-1\n')
    assert threads._control_group_processors(membership, mount) is None


def test_affinity_bounds_the_processors() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert threads.available_processors() == 1
        assert threads.thread_budget(8) == 1
        assert threads.thread_budget() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(('spare', 'expected'), [(1, 1), (2, 1), (3, 1), (4, 2), (64, 2)])
def test_default_leaves_half_of_the_cores(
    monkeypatch: pytest.MonkeyPatch, spare: int, expected: int,
) -> None:
    monkeypatch.setattr(threads, 'available_processors', lambda: spare)
    monkeypatch.setattr(threads, 'physical_cores', lambda: spare)
    assert threads.thread_budget() == expected
