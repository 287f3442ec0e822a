"""Which settings are chosen, and that Fast DDS takes ours without a word."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.dom import minidom

import pytest

from neuropose_ros.nodes import dds

ONE_HOST = str(dds.profile('fastdds_one_host.xml'))
SEVERAL_HOSTS = str(dds.profile('fastdds_several_hosts.xml'))
CYCLONE = dds.profile('cyclonedds.xml').as_uri()
FAST_DDS_PROFILES = ('one_host', 'several_hosts', 'loopback')
PROFILE = 'FASTDDS_DEFAULT_PROFILES_FILE'
RANGE = 'ROS_AUTOMATIC_DISCOVERY_RANGE'


def test_children_get_profile_and_allocator_and_stay_on_this_host() -> None:
    added = dds.environment(lan=False, present={})
    assert added == {
        RANGE: 'LOCALHOST',
        PROFILE: ONE_HOST,
        'CYCLONEDDS_URI': CYCLONE,
        'MALLOC_MMAP_THRESHOLD_': '268435456',
        'MALLOC_TRIM_THRESHOLD_': '2147483647',
        'MALLOC_TOP_PAD_': '16777216',
    }


def test_lan_opens_discovery_whatever_was_set() -> None:
    present = {RANGE: 'LOCALHOST', 'ROS_LOCALHOST_ONLY': '1'}
    added = dds.environment(lan=True, present=present)
    assert (added[RANGE], added['ROS_LOCALHOST_ONLY']) == ('SUBNET', '')
    assert added[PROFILE] == SEVERAL_HOSTS


@pytest.mark.parametrize(('present', 'expected'), [
    ({RANGE: 'SUBNET'}, SEVERAL_HOSTS),
    ({RANGE: 'SYSTEM_DEFAULT'}, SEVERAL_HOSTS),
    ({RANGE: 'LOCALHOST'}, ONE_HOST),
    ({RANGE: 'OFF'}, ONE_HOST),
    ({'ROS_LOCALHOST_ONLY': '1'}, ONE_HOST),
])
def test_the_profile_follows_the_users_discovery_range(
    present: dict[str, str], expected: str,
) -> None:
    added = dds.environment(lan=False, present=present)
    assert added[PROFILE] == expected
    assert RANGE not in added


@pytest.mark.parametrize('present', [
    {PROFILE: '/home/me/fast.xml'},
    {'FASTRTPS_DEFAULT_PROFILES_FILE': '/home/me/fast.xml'},
    {'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4'},
])
def test_what_the_user_chose_for_fast_dds_stays(present: dict[str, str]) -> None:
    assert PROFILE not in dds.environment(lan=False, present=present)


def test_what_the_user_chose_for_cyclone_and_the_allocator_stays() -> None:
    added = dds.environment(
        lan=False, present={'CYCLONEDDS_URI': '<x/>', 'MALLOC_TOP_PAD_': '1'})
    assert 'CYCLONEDDS_URI' not in added
    assert not [name for name in added if name.startswith('MALLOC')]
    assert 'MALLOC_TOP_PAD_' not in dds.environment(
        lan=False, present={'GLIBC_TUNABLES': 'glibc.malloc.top_pad=1'})


def test_fast_dds_2_gets_the_old_name_too(tmp_path: Path) -> None:
    (tmp_path / 'share' / 'fastrtps').mkdir(parents=True)
    present = {'AMENT_PREFIX_PATH': f'/elsewhere:{tmp_path}', RANGE: 'LOCALHOST'}
    assert dds.environment(lan=False, present=present)['FASTRTPS_DEFAULT_PROFILES_FILE'] == (
        ONE_HOST)
    # Also where a parent process knew only the new one.
    present[PROFILE] = ONE_HOST
    assert dds.environment(lan=False, present=present)['FASTRTPS_DEFAULT_PROFILES_FILE'] == (
        ONE_HOST)


def test_a_child_of_ours_knows_that_the_choice_was_ours(tmp_path: Path) -> None:
    first = dds.environment(lan=False, present={})
    setup = dds.describe(first)
    assert (setup.by_user, setup.allocator_by_user) == (False, False)
    assert dds.environment(lan=False, present=first).keys() <= first.keys()
    # The same file of another installation is ours as well.
    installed = shutil.copy(ONE_HOST, tmp_path)
    assert not dds.describe({**first, PROFILE: str(installed)}).by_user
    Path(installed).write_text('<dds/>')
    assert dds.describe({**first, PROFILE: str(installed)}).by_user


def test_another_middleware_is_named() -> None:
    setup = dds.describe({'RMW_IMPLEMENTATION': 'rmw_zenoh_cpp'})
    assert setup.by_user
    assert 'rmw_zenoh_cpp' in setup.warnings[0]
    dynamic = dds.describe({'RMW_IMPLEMENTATION': 'rmw_fastrtps_dynamic_cpp', PROFILE: ONE_HOST})
    assert (dynamic.profile, dynamic.by_user) == (ONE_HOST, False)
    cyclone = dds.describe({'RMW_IMPLEMENTATION': dds.CYCLONE_DDS, 'CYCLONEDDS_URI': CYCLONE})
    assert (cyclone.profile, cyclone.by_user, cyclone.warnings) == (CYCLONE, False, ())


MIB = 1 << 20


@pytest.mark.parametrize(('total', 'free', 'expected'), [
    (64 * MIB, 64 * MIB, ''),
    (1024 * MIB, 900 * MIB, ''),
    (32 * MIB, 32 * MIB, '32 MiB and each process takes 18'),
    (64 * MIB, 11 * MIB, '11 MiB free of 64'),
    (8 * MIB, 8 * MIB, '8 MiB free of 8'),
    (None, None, 'no /dev/shm'),
])
def test_a_small_dev_shm_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, total: int | None, free: int | None, expected: str,
) -> None:
    monkeypatch.setattr(dds, '_shm_bytes', lambda folder: (total, free))
    warnings = dds.describe({PROFILE: ONE_HOST}).warnings
    assert len(warnings) == bool(expected)
    assert all(expected in warning for warning in warnings)


def test_the_allocator_keeps_large_buffers() -> None:
    """8 MiB come from the heap that stays, instead of from a mapping of their own."""
    if not hasattr(ctypes.CDLL(None), 'mallopt'):
        pytest.skip('needs glibc')
    script = (
        'import ctypes, os\n'
        'from neuropose_ros.nodes import dds\n'
        'dds.apply_defaults()\n'
        'c = ctypes.CDLL(None); c.malloc.restype = ctypes.c_void_p\n'
        'faults = lambda: __import__("resource").getrusage(0).ru_minflt\n'
        'def touch():\n'
        '    p = c.malloc(8 << 20); ctypes.memset(p, 1, 8 << 20)\n'
        '    c.free(ctypes.c_void_p(p))\n'
        'touch(); before = faults()\n'
        'for _ in range(10): touch()\n'
        'print(faults() - before)\n')
    clean = {k: v for k, v in os.environ.items() if not k.startswith(('MALLOC_', 'GLIBC_'))}
    done = subprocess.run(
        [sys.executable, '-c', script], env=clean, check=True, capture_output=True, text=True)
    assert int(done.stdout) < 500  # 20480 pages otherwise


def test_every_profile_is_well_formed_and_says_what_it_is_for() -> None:
    files = sorted(dds.profile('cyclonedds.xml').parent.glob('*.xml'))
    assert len(files) == 4
    for file in files:
        comment = minidom.parse(str(file)).childNodes[0]
        assert comment.nodeType == comment.COMMENT_NODE, file
        assert 'host' in comment.data or 'loopback' in comment.data


@pytest.mark.parametrize('name', FAST_DDS_PROFILES)
def test_fast_dds_takes_the_profile_without_a_word(name: str, tmp_path: Path) -> None:
    """The segment of the size that the profile says is there, and nothing is on stderr."""
    pytest.importorskip('rclpy', reason='needs ROS 2')
    script = (
        'import os, pathlib, rclpy\n'
        'shm = pathlib.Path("/dev/shm")\n'
        'before = set(shm.iterdir())\n'
        'rclpy.init(); node = rclpy.create_node("probe")\n'
        'print(max(f.stat().st_size for f in set(shm.iterdir()) - before))\n'
        'node.destroy_node(); rclpy.shutdown()\n')
    clean = {k: v for k, v in os.environ.items() if not k.startswith(('FAST', 'RMW_'))}
    names = [k for k in dds.environment(lan=False, present=clean) if k.startswith('FAST')]
    environment = {
        **clean, **dict.fromkeys(names, str(dds.profile(f'fastdds_{name}.xml'))),
        RANGE: 'SYSTEM_DEFAULT' if name == 'loopback' else 'LOCALHOST',
        'ROS_LOG_DIR': str(tmp_path)}
    done = subprocess.run(
        [sys.executable, '-c', script], env=environment, check=True, capture_output=True,
        text=True)
    assert done.stderr == ''
    assert 16 * MIB < int(done.stdout) < dds.SHM_PER_PROCESS_BYTES
