"""Every finding of the doctor, by checks that are handed what they would look at."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from neuropose_ros.cli.doctor import cameras, machine, memory, packages, ros
from neuropose_ros.cli.doctor.command import render
from neuropose_ros.cli.doctor.findings import Answer, Finding, Status, ask
from neuropose_ros.sources.cameras import CameraProbe, CameraState

NUMPY_2 = packages.Load(('2.1.0', ''))
WRONG_ABI = packages.Load(
    (), 'A module that was compiled using NumPy 1.x cannot be run in\nNumPy 2.1.0', False
)


def answering(**answers: Answer) -> Callable[[Sequence[str]], Answer | None]:
    """Stand in for a machine that has these programs and no others."""
    return lambda command: answers.get(command[0].replace('-', '_'))


def only(findings: object) -> Finding:
    (finding,) = findings  # type: ignore[misc]
    return finding


# --- packages


@pytest.fixture
def sound() -> dict[str, packages.Load]:
    """What a sound machine's imports give."""
    loads = {package.module: packages.Load(('9.9', '')) for package in packages.PACKAGES}
    loads.update(
        numpy=NUMPY_2,
        cv2=packages.Load(('4.11.0', '')),
        onnxruntime=packages.Load(('1.20', '')),
        rclpy=packages.Load(('9.1.2', '')),
    )
    loads['neuropose_ros.msg'] = packages.Load(('loaded', ''))
    for name in packages.ROS_PACKAGES:
        loads[name] = packages.Load((), '', is_absent=True)
    return loads


def test_a_sound_machine_has_nothing_to_fix(sound: dict[str, packages.Load]) -> None:
    found = [*packages.check_packages(sound), *packages.check_ros_packages(sound)]
    assert {finding.status for finding in found} == {Status.OK, Status.NOTE}
    assert not any(finding.fix for finding in found)


@pytest.mark.parametrize(
    ('module', 'load', 'status', 'detail', 'fix'),
    [
        ('yaml', packages.Load((), '-', True), Status.BROKEN, 'not installed',
         "install 'pyyaml'"),
        ('av', packages.Load((), '-', True), Status.WARNING, 'no videos and streams',
         "install 'av'"),
        ('matplotlib', packages.Load((), '-', True), Status.WARNING, 'plot', "'matplotlib'"),
        ('cv2', packages.Load(('5.0.0',)), Status.WARNING, 'warps', "headless<5'"),
        ('cv2', WRONG_ABI, Status.BROKEN, 'another numpy', "'numpy<2'"),
        ('cv2', packages.Load((), 'libGL.so.1: missing'), Status.BROKEN, 'libGL.so.1', 'opencv'),
    ],
)
def test_broken_packages_say_what_to_install(
    module: str,
    load: packages.Load,
    status: Status,
    detail: str,
    fix: str,
    sound: dict[str, packages.Load],
) -> None:
    found = [item for item in packages.check_packages({**sound, module: load}) if item.fix]
    finding = only(found)
    assert (finding.topic, finding.status) == (module, status)
    assert detail in finding.detail and fix in finding.fix


def test_messages_of_another_numpy_are_told_from_missing_ones(
    sound: dict[str, packages.Load],
) -> None:
    sound['neuropose_ros.msg'] = WRONG_ABI
    assert "'numpy<2'" in [*packages.check_ros_packages(sound)][1].fix
    sound['neuropose_ros.msg'] = packages.Load((), "No module named 'neuropose_ros.msg'")
    assert 'colcon build' in [*packages.check_ros_packages(sound)][1].fix


def test_imports_happen_for_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'crashing.py').write_text('import os; os.abort()')
    (tmp_path / 'needing.py').write_text('import nonesuch')
    (tmp_path / 'sound.py').write_text('__version__ = "3.1"')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path), prepend=os.pathsep)
    loads = packages.load_all(['crashing', 'needing', 'sound', 'nonesuch'], ask)
    assert loads['sound'].lines[0] == '3.1' and not loads['sound'].error
    assert loads['crashing'].error and not loads['crashing'].is_absent
    assert 'nonesuch' in loads['needing'].error and not loads['needing'].is_absent
    assert loads['nonesuch'].is_absent


def test_old_python_is_refused() -> None:
    assert packages.check_python((3, 9, 2), '/usr/bin/python3').status is Status.BROKEN
    assert packages.check_python((3, 10, 0), '/usr/bin/python3').status is Status.OK


# --- ROS 2


@pytest.mark.parametrize(
    ('environment', 'version', 'status', 'detail'),
    [
        ({}, '9.1.2', Status.OK, 'kilted, from the Python package index'),
        ({'ROS_DISTRO': 'jazzy'}, '7.1.6', Status.OK, 'jazzy, sourced'),
        ({'ROS_DISTRO': 'humble'}, '3.3.1', Status.WARNING, 'not tested'),
        ({}, '77.0', Status.NOTE, 'unknown'),
    ],
)
def test_distribution(
    environment: dict[str, str], version: str, status: Status, detail: str
) -> None:
    finding = ros.check_distro(environment, version)
    assert finding.status is status and detail in finding.detail


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """An ament prefix with two middlewares."""
    index = tmp_path / 'share/ament_index/resource_index/rmw_typesupport'
    index.mkdir(parents=True)
    for name in ('rmw_fastrtps_cpp', 'rmw_zenoh_cpp'):
        (index / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ('chosen', 'status', 'fix'),
    [
        ('', Status.OK, ''),
        ('rmw_zenoh_cpp', Status.WARNING, 'export RMW_IMPLEMENTATION=rmw_fastrtps_cpp'),
        ('rmw_cyclonedds_cpp', Status.BROKEN, 'export RMW_IMPLEMENTATION=rmw_fastrtps_cpp'),
    ],
)
def test_middleware(chosen: str, status: Status, fix: str, prefix: Path) -> None:
    environment = {'AMENT_PREFIX_PATH': f'{prefix}:/nonexistent', 'RMW_IMPLEMENTATION': chosen}
    finding = ros.check_middleware(environment, ros.prefixes(environment, '/nonexistent'))
    assert (finding.status, finding.fix) == (status, fix)


def test_no_middleware_at_all() -> None:
    assert ros.check_middleware({}, []).status is Status.BROKEN


@pytest.mark.parametrize(
    ('environment', 'detail'),
    [
        ({}, 'domain 0, this network'),
        ({'ROS_DOMAIN_ID': '7', 'ROS_LOCALHOST_ONLY': '1'}, 'domain 7, this machine only'),
        ({'ROS_AUTOMATIC_DISCOVERY_RANGE': 'localhost'}, 'this machine only'),
        ({'ROS_AUTOMATIC_DISCOVERY_RANGE': 'OFF'}, 'nothing'),
    ],
)
def test_discovery(environment: dict[str, str], detail: str) -> None:
    assert detail in ros.check_discovery(environment).detail


def test_profiles(tmp_path: Path, source_root: Path) -> None:
    name = 'FASTDDS_DEFAULT_PROFILES_FILE'
    finding, size = ros.check_profile({})
    assert finding.status is Status.OK and size == 18 << 20
    ours = source_root / 'config/dds/fastdds_one_host.xml'
    finding, size = ros.check_profile({name: str(ours)})
    assert finding.status is Status.OK and size == 18 << 20
    bare = tmp_path / 'bare.xml'
    bare.write_text('<dds/>')
    finding, _ = ros.check_profile({'FASTRTPS_DEFAULT_PROFILES_FILE': str(bare)})
    assert finding.status is Status.WARNING
    assert finding.fix == 'unset FASTRTPS_DEFAULT_PROFILES_FILE'
    finding, _ = ros.check_profile({name: str(tmp_path / 'gone.xml')})
    assert finding.status is Status.WARNING and finding.fix == f'unset {name}'


# --- shared memory


@pytest.mark.parametrize(
    ('total_mib', 'free_mib', 'status'),
    [
        (8192, 8000, Status.OK),
        (64, 64, Status.OK),
        (40, 40, Status.WARNING),
        (8192, 17, Status.BROKEN),
    ],
)
def test_size_of_shared_memory(
    total_mib: int, free_mib: int, status: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = SimpleNamespace(f_frsize=1 << 20, f_blocks=total_mib, f_bavail=free_mib)
    monkeypatch.setattr(memory.os, 'statvfs', lambda _: state)
    finding = memory.check_size(Path('/dev/shm'), 18 << 20)
    assert finding.status is status
    assert bool('--shm-size' in finding.fix) == (status is not Status.OK)


def test_no_shared_memory_at_all(tmp_path: Path) -> None:
    assert memory.check_size(tmp_path / 'none', 1 << 10).status is Status.WARNING


def test_leftovers_are_told_from_files_in_use(tmp_path: Path) -> None:
    for stem in ('fastdds_aa11', 'fastrtps_port7411'):
        (tmp_path / stem).write_bytes(b'\1' * (1 << 20))
        (tmp_path / f'{stem}_el').touch()
    (tmp_path / 'sem.fastrtps_port7411_mutex').touch()
    (tmp_path / 'pulse-shm-1').touch()
    (tmp_path / 'fastdds_cc33').symlink_to('gone')  # as one that ends while it is looked at
    with (tmp_path / 'fastdds_aa11_el').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        files = memory.shared_files(tmp_path, Path('/proc/locks').read_text())
    assert {item.stem: item.is_held for item in files} == {
        'fastdds_aa11': True,
        'fastrtps_port7411': False,
    }
    assert all(item.owner == os.getuid() and item.size_bytes >= 1 << 20 for item in files)


def test_leftovers_of_another_user_stand_in_the_way(tmp_path: Path) -> None:
    files = [
        memory.SharedFiles('fastdds_port7411', 4242, 1 << 20, is_held=False),
        memory.SharedFiles('fastdds_bb', 4243, 1 << 20, is_held=True),
        memory.SharedFiles('fastdds_cc', 1000, 9 << 20, is_held=False),
        memory.SharedFiles('fastdds_dd', 1000, 9 << 20, is_held=True),
    ]
    stale, own, running = memory.check_leftovers(tmp_path, files, user=1000)
    assert stale.status is Status.WARNING and 'user 4242' in stale.detail
    assert stale.fix == f'sudo rm -f {tmp_path}/*fastdds_port7411*'
    assert own.status is Status.NOTE and '9 MiB' in own.detail
    assert own.fix.endswith('fastdds shm clean')
    assert 'user 4243' in running.detail and 'ROS_DOMAIN_ID' in running.detail
    assert not list(memory.check_leftovers(tmp_path, files[3:], user=1000))


def test_the_fastdds_tool_is_called_where_it_lies(tmp_path: Path) -> None:
    assert memory._fastdds(tmp_path) == 'fastdds'
    (tmp_path / 'fastdds').touch()
    assert memory._fastdds(tmp_path) == f'PATH={tmp_path}:$PATH fastdds'


# --- the machine


def test_cameras_are_told_apart() -> None:
    probes = [
        CameraProbe('/dev/video0', CameraState.READY, '/dev/video0 (Cam: HD) is ready.'),
        CameraProbe('/dev/video1', CameraState.NOT_A_CAMERA, ''),
        CameraProbe('/dev/video2', CameraState.BUSY, 'The camera at /dev/video2 is busy'),
        CameraProbe(
            '/dev/video4', CameraState.NO_PERMISSION, 'add: "sudo usermod -aG video $USER" and'
        ),
    ]
    ready, busy, forbidden = cameras.check_cameras(probes)
    assert (ready.status, ready.fix) == (Status.OK, '')
    assert busy.detail.startswith('busy') and 'fuser -v /dev/video2' in busy.fix
    assert forbidden.detail.startswith('no permission')
    assert forbidden.fix == 'sudo usermod -aG video $USER'
    assert only(cameras.check_cameras(probes[1:2])).detail.startswith('absent')


@pytest.mark.parametrize(
    ('programs', 'usable', 'status', 'detail'),
    [
        ({}, {'cpu'}, Status.NOTE, 'none found'),
        ({'nvidia_smi': Answer(0, 'H100, 550.1, 80 GB\n', '')}, {'cuda'}, Status.OK, 'H100'),
        ({'nvidia_smi': Answer(0, 'H100, 550.1, 80 GB\n', '')}, {'cpu'}, Status.NOTE, 'not used'),
        ({'nvidia_smi': Answer(9, 'Driver mismatch\n', '')}, {'cpu'}, Status.WARNING, 'mismatch'),
    ],
)
def test_gpu(
    programs: dict[str, Answer], usable: set[str], status: Status, detail: str
) -> None:
    finding = machine.check_gpu(answering(**programs), usable)
    assert finding.status is status and detail in finding.detail


CHRONY = '29FC87B,10.0.0.1,4,1700000000.1,{offset},0,0,1.5,0,0.1,0.02,0.001,64.5,{leap}\n'
PTP = 'sending: GET\n\tmaster_offset   {offset}\n\tgmPresent   {present}\n'


@pytest.mark.parametrize(
    ('programs', 'status', 'detail'),
    [
        ({}, Status.NOTE, 'not known'),
        ({'timedatectl': Answer(0, 'yes\n', '')}, Status.OK, 'NTP'),
        ({'timedatectl': Answer(0, 'no\n', '')}, Status.NOTE, 'not synchronised'),
        ({'timedatectl': Answer(1, '', 'no bus')}, Status.NOTE, 'not known'),
        (
            {'chronyc': Answer(0, CHRONY.format(offset='-0.00002', leap='Normal'), '')},
            Status.OK,
            'chrony, 0.020 ms',
        ),
        (
            {'chronyc': Answer(0, CHRONY.format(offset='0.5', leap='Normal'), '')},
            Status.WARNING,
            '500.000 ms',
        ),
        (
            {'chronyc': Answer(0, CHRONY.format(offset='0', leap='Not synchronised'), '')},
            Status.WARNING,
            'time server',
        ),
        (
            {
                'pmc': Answer(0, PTP.format(offset=-1200, present='true'), ''),
                'timedatectl': Answer(0, 'no\n', ''),
            },
            Status.OK,
            'PTP, 0.001 ms',
        ),
        ({'pmc': Answer(0, PTP.format(offset=0, present='false'), '')}, Status.WARNING, 'master'),
        ({'chronyc': Answer(1, '506 Cannot talk to daemon\n', '')}, Status.NOTE, 'not known'),
    ],
)
def test_clock(programs: dict[str, Answer], status: Status, detail: str) -> None:
    finding = machine.check_clock(answering(**programs))
    assert finding.status is status and detail in finding.detail


def test_model_cache(tmp_path: Path) -> None:
    assert machine.check_models(tmp_path, []).status is Status.OK
    assert machine.check_models(tmp_path / 'new' / 'deep', ['blazepose']).status is Status.NOTE
    (tmp_path / 'file').touch()
    inside_a_file = machine.check_models(tmp_path / 'file' / 'cache', ['blazepose'])
    assert inside_a_file.status is Status.BROKEN and 'NEUROPOSE_CACHE' in inside_a_file.fix


# --- the whole


def doctor(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, '-m', 'neuropose_ros', 'doctor', *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_here_it_is_usable() -> None:
    done = doctor('--json')
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report['usable'] is True
    topics = {finding['topic'] for finding in report['findings']}
    assert {'python', 'numpy', 'backends', 'GPU', 'rclpy', 'camera', 'clock', 'models'} <= topics


def test_survives_what_it_diagnoses(tmp_path: Path) -> None:
    """A numpy that does not load, on which half of the package stands."""
    (tmp_path / 'numpy.py').write_text('raise ImportError("numpy is broken for this test")')
    search = os.pathsep.join([str(tmp_path), os.environ.get('PYTHONPATH', '')])
    done = doctor(PYTHONPATH=search)
    assert done.returncode == 1, done.stderr
    assert 'numpy is broken for this test' in done.stdout
    assert 'Not usable' in done.stdout.splitlines()[-1]


def test_lines_that_put_it_right_stand_below() -> None:
    text = render(
        [Finding('one', Status.OK, 'fine'), Finding('camera', Status.BROKEN, 'gone', 'plug it in')]
    )
    assert text.splitlines() == [
        'ok       one     fine',
        'broken   camera  gone',
        '                 -> plug it in',
        'Not usable: 1 broken.',
    ]
