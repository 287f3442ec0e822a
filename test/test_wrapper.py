"""./neuropose installs and builds what is missing or has changed, once, and says what it lacks.

The tools that it drives are replaced by one script, which notes what it was asked to do: real
installations take minutes and are the business of .ci/run.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

TOOLS = (
    *('bash', 'cat', 'chmod', 'cut', 'dirname', 'env', 'find', 'flock', 'head', 'mkdir', 'mv'),
    *('readlink', 'rm', 'sed', 'sha256sum', 'sleep', 'sort', 'tail'),
)
# Stands for python3, its venv, pip and colcon, and at last for the command itself.
PYTHON = """#!/bin/bash
case "$*" in
  -c*sysconfig*) echo "${FACTS:-3.11 True True}" ;;
  -c*numpy*) exit "${OLD_NUMPY:-0}" ;;
  '-m venv '*)
    folder=${!#}
    echo "venv $*" >>"$CALLS"
    mkdir -p "$folder/bin" "$folder/lib/python3.11/site-packages"
    cat "$0" >"$folder/bin/python"; chmod +x "$folder/bin/python" ;;
  '-m pip '*)
    echo "pip $*" >>"$CALLS"
    echo "${PIP_SAYS:-}"
    sleep "${PIP_SLEEPS:-0}"
    exit "${PIP_EXITS:-0}" ;;
  '-m colcon '*)
    echo "colcon $*" >>"$CALLS"
    if [[ -e $CALLS.broken ]]; then rm "$CALLS.broken"; exit 1; fi
    mkdir -p "$(dirname "$(dirname "$0")")/workspace/install/lib/python3.11/site-packages" ;;
  *) echo "command: ${*: -1}"; env ;;
esac
"""


class Checkout:
    """A copy of the wrapper and what it reads, on a machine with few tools."""

    def __init__(self, folder: Path, source_root: Path) -> None:
        self.root = folder / 'checkout'
        self.bin = folder / 'bin'
        self.calls_file = folder / 'calls'
        self.root.mkdir()
        self.bin.mkdir()
        for name in ('neuropose', 'CMakeLists.txt', 'package.xml', 'setup.cfg'):
            shutil.copy2(source_root / name, self.root)
        for path in source_root.glob('requirements*.txt'):
            shutil.copy2(path, self.root)
        for name in ('cmake', 'msg', 'launch', 'config'):
            shutil.copytree(source_root / name, self.root / name)
        (self.root / 'neuropose_ros').mkdir()
        for name in TOOLS:
            (self.bin / name).symlink_to(str(shutil.which(name)))
        self.add_tool('uname', '#!/bin/sh\necho x86_64\n')
        self.add_tool('cmake', '#!/bin/sh\necho cmake version 3.25.1\n')
        self.add_tool('python3', PYTHON)
        for name in ('cc', 'c++', 'make'):
            self.add_tool(name, '#!/bin/sh\n')

    def add_tool(self, name: str, script: str) -> None:
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(script)
        path.chmod(0o755)

    def popen(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start the wrapper with nothing else in the environment."""
        return subprocess.Popen(
            [str(self.root / 'neuropose'), *arguments],
            env={'PATH': str(self.bin), 'CALLS': str(self.calls_file), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        process = self.popen(*arguments, **environment)
        output, error = process.communicate(timeout=30)
        return process.returncode, output, error

    def calls(self) -> list[str]:
        """What was asked of the tools since the last time, by their names."""
        lines = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        self.calls_file.unlink(missing_ok=True)
        return lines

    def called(self) -> list[str]:
        return [line.split()[0] for line in self.calls()]


@pytest.fixture
def checkout(tmp_path: Path, source_root: Path) -> Checkout:
    return Checkout(tmp_path, source_root)


def test_first_start_installs_and_builds_and_the_second_only_starts(checkout: Checkout) -> None:
    code, output, _ = checkout.run('demo')
    assert code == 0 and 'command: demo' in output
    calls = checkout.calls()
    assert [call.split()[0] for call in calls] == ['venv', 'pip', 'colcon']
    assert 'requirements-kilted.txt' in calls[1]
    assert '--symlink-install' in calls[2] and '-DBUILD_TESTING=OFF' in calls[2]
    begin = time.monotonic()
    assert checkout.run('demo')[0] == 0
    assert time.monotonic() - begin < 0.3
    assert checkout.calls() == []


@pytest.mark.parametrize(
    ('changed', 'again'),
    [
        ('msg/Person.msg', ['colcon']),
        ('CMakeLists.txt', ['colcon']),
        ('config/new.yaml', ['colcon']),
        ('neuropose_ros/new.py', ['colcon']),
        ('requirements.txt', ['pip']),
        ('requirements-kilted.txt', ['venv', 'pip', 'colcon']),
        ('requirements-jazzy.txt', []),
        ('requirements-dev.txt', []),
        ('requirements-learning.txt', []),
        ('requirements-recording.txt', []),
        ('README.md', []),
    ],
)
def test_only_what_has_changed_is_made_again(
    changed: str, again: list[str], checkout: Checkout
) -> None:
    checkout.run('demo')
    checkout.calls()
    with (checkout.root / changed).open('a') as file:
        file.write('# changed\n')
    assert checkout.run('demo')[0] == 0
    assert checkout.called() == again


def test_an_edited_python_file_is_a_link_and_needs_nothing(checkout: Checkout) -> None:
    module = checkout.root / 'neuropose_ros' / 'module.py'
    module.touch()
    checkout.run('demo')
    checkout.calls()
    module.write_text('changed = True\n')
    checkout.run('demo')
    assert checkout.calls() == []


def test_tests_get_their_own_packages_once(checkout: Checkout) -> None:
    checkout.run('demo')
    checkout.calls()
    checkout.run('test')
    assert 'requirements-dev.txt' in checkout.calls()[0]
    checkout.run('test')
    assert checkout.calls() == []


@pytest.mark.parametrize('command', [
    ('preprocess',), ('train', '--data', 'x'), ('pretrain',), ('tune',), ('export',),
    ('evaluate', 'runs/train'),
    ('reproduce', 'jhmdb14'), ('bench', 'action'), ('bench', 'pretraining', '--json'),
    ('bench', 'refinement', '--data', 'x'), ('bench', 'refinement-tremor')])
def test_learning_gets_its_own_packages_once_when_first_used(
    command: tuple[str, ...], checkout: Checkout,
) -> None:
    checkout.run('demo')
    checkout.run('test')
    assert 'requirements-learning.txt' not in ' '.join(checkout.calls())
    code, output, error = checkout.run(*command)
    assert code == 0 and 'installing what training needs' in error
    assert f'command: {command[-1]}' in output
    (pip,) = checkout.calls()
    assert pip.startswith('pip') and 'requirements-learning.txt' in pip
    code, _, error = checkout.run(*command)
    assert code == 0 and checkout.calls() == [] and 'installing' not in error
    with (checkout.root / 'requirements-learning.txt').open('a') as file:
        file.write('# changed\n')
    checkout.run(*command)
    assert checkout.called() == ['pip']


@pytest.mark.parametrize('command', [
    ('replay', 'walk'), ('compare', 'a', 'b'), ('export', 'walk', '--to', 'nwb'),
    ('export', '--to=c3d', 'walk'), ('import', 'x'), ('report', 'walk'), ('session', 'walk'),
    ('subject', 'list'), ('up', '--record', 'walk'), ('up', '--source', '0', '--record=walk'),
    ('node', 'recorder'), ('bench', 'replay'), ('bench', 'recording', '--json')])
def test_recorded_sessions_get_their_own_packages_once_when_first_used(
    command: tuple[str, ...], checkout: Checkout,
) -> None:
    checkout.run('demo')
    checkout.calls()
    code, output, error = checkout.run(*command)
    assert code == 0 and 'installing what recorded sessions need' in error
    assert f'command: {command[-1]}' in output
    (pip,) = checkout.calls()
    assert pip.startswith('pip') and 'requirements-recording.txt' in pip
    assert checkout.run(*command)[0] == 0
    assert checkout.calls() == []


@pytest.mark.parametrize('command', [
    ('replay', '--help'), ('up',), ('up', '--source', 'record'), ('node', 'pose'),
    ('export', 'x', '--to', 'nwb', '--help'),
    ('train', '--help'), ('bench', 'pretraining', '-h'), ('bench', 'pose'), ('deploy', 'x'),
    ('train', '--data', 'x', '--help')])
def test_what_learns_nothing_installs_nothing(
    command: tuple[str, ...], checkout: Checkout,
) -> None:
    checkout.run('demo')
    checkout.calls()
    checkout.run(*command)
    assert checkout.calls() == []


def test_failed_installation_of_an_extra_is_tried_again(checkout: Checkout) -> None:
    checkout.run('demo')
    checkout.calls()
    code, _, error = checkout.run('train', PIP_EXITS='1', PIP_SAYS='No space left on device')
    assert code == 1 and 'the disk is full' in error
    assert checkout.run('train')[0] == 0
    assert checkout.called() == ['pip', 'pip']


def test_interrupted_installation_is_made_anew(checkout: Checkout) -> None:
    process = checkout.popen('demo', PIP_SLEEPS='20')
    while not checkout.calls_file.exists() or 'pip' not in checkout.calls_file.read_text():
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=10)
    assert process.returncode == 130 and 'the next start puts it right' in error
    checkout.calls()
    assert checkout.run('demo')[0] == 0
    assert checkout.called() == ['venv', 'pip', 'colcon']


def test_broken_build_is_tried_from_scratch_once(checkout: Checkout) -> None:
    checkout.run('demo')
    checkout.calls()
    (checkout.root / 'msg' / 'New.msg').touch()
    Path(f'{checkout.calls_file}.broken').touch()
    code, _, error = checkout.run('demo')
    assert code == 0 and 'from scratch' in error
    assert checkout.called() == ['colcon', 'colcon']


def test_two_at_once_install_once(checkout: Checkout) -> None:
    processes = [checkout.popen('demo', PIP_SLEEPS='0.5') for _ in range(2)]
    errors = [process.communicate(timeout=30)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted('waiting' in error for error in errors) == [False, True]
    assert checkout.called() == ['venv', 'pip', 'colcon']


def test_moved_checkout_is_installed_anew(checkout: Checkout, tmp_path: Path) -> None:
    checkout.run('demo')
    checkout.calls()
    checkout.root = checkout.root.rename(tmp_path / 'a place with spaces')
    code, output, _ = checkout.run('demo')
    assert code == 0 and 'command: demo' in output
    assert checkout.called() == ['venv', 'pip', 'colcon']


@pytest.mark.parametrize(
    ('facts', 'said'),
    [
        ('3.9 True True', 'python3 is 3.9'),
        ('3.14 True True', 'python3 is 3.14'),
        ('3.11 False True', 'sudo apt install python3.11-venv'),
        ('3.11 True False', 'sudo apt install python3.11-dev'),
    ],
)
def test_unusable_python_is_named(facts: str, said: str, checkout: Checkout) -> None:
    code, _, error = checkout.run('demo', FACTS=facts)
    assert code == 1 and said in error
    assert checkout.calls() == []


def test_another_python_on_the_path_will_do(checkout: Checkout) -> None:
    checkout.add_tool('python3.12', PYTHON.replace('3.11 True', '3.12 True'))
    checkout.add_tool('python3', '#!/bin/sh\necho 3.14 True True\n')
    assert checkout.run('demo')[0] == 0


def test_everything_that_is_missing_is_named_at_once(checkout: Checkout) -> None:
    (checkout.bin / 'python3').unlink()
    (checkout.bin / 'c++').unlink()
    code, _, error = checkout.run('demo')
    assert code == 1
    assert 'sudo apt install python3 python3-venv' in error
    assert 'sudo apt install build-essential' in error


def test_cmake_and_make_come_from_pip_where_there_are_none(checkout: Checkout) -> None:
    (checkout.bin / 'make').unlink()
    checkout.add_tool('cmake', '#!/bin/sh\necho cmake version 3.16.3\n')
    checkout.run('demo')
    _, pip, colcon = checkout.calls()
    assert 'cmake>=3.20' in pip and 'ninja' in pip
    assert '-G Ninja' in colcon


@pytest.mark.parametrize(
    ('output', 'said'),
    [
        ('Temporary failure in name resolution', 'no network'),
        ('[Errno 28] No space left on device', 'the disk is full'),
        ('something else', '  | something else'),
    ],
)
def test_failed_installation_says_why(output: str, said: str, checkout: Checkout) -> None:
    code, _, error = checkout.run('demo', PIP_EXITS='1', PIP_SAYS=output)
    assert code == 1 and said in error


def test_arm_needs_a_sourced_ros(checkout: Checkout) -> None:
    checkout.add_tool('uname', '#!/bin/sh\necho aarch64\n')
    code, _, error = checkout.run('demo')
    assert code == 1 and 'no ROS 2 wheels for aarch64' in error
    assert len(error.splitlines()) == 1


@pytest.fixture
def sourced(tmp_path: Path) -> dict[str, str]:
    """The environment of a shell with a sourced ROS 2."""
    prefix = tmp_path / 'opt ros'
    (prefix / 'share/rclpy').mkdir(parents=True)
    (prefix / 'lib/python3.11/site-packages/rclpy').mkdir(parents=True)
    return {
        'ROS_DISTRO': 'lyrical',
        'AMENT_PREFIX_PATH': str(prefix),
        'PYTHONPATH': f'{prefix}/lib/python3.11/site-packages:/own/python',
        'LD_LIBRARY_PATH': f'{prefix}/lib:/own/lib',
    }


def variables(output: str) -> dict[str, str]:
    return dict(line.split('=', 1) for line in output.splitlines() if '=' in line)


def test_sourced_ros_is_used_with_its_own_python(
    checkout: Checkout, sourced: dict[str, str]
) -> None:
    checkout.add_tool('uname', '#!/bin/sh\necho aarch64\n')
    checkout.add_tool('python3.11', PYTHON)
    python = checkout.bin / 'python3.11'
    code, output, error = checkout.run('demo', **sourced, NEUROPOSE_PYTHON=str(python))
    assert code == 0, error
    venv, pip, _ = checkout.calls()
    assert '--system-site-packages' in venv
    assert 'requirements-' not in pip and 'numpy<2' not in pip
    environment = variables(output)
    prefixes = environment['AMENT_PREFIX_PATH'].split(':')
    assert prefixes[0].startswith(str(checkout.root / '.venv-sourced-lyrical'))
    assert prefixes[1:] == [sourced['AMENT_PREFIX_PATH']]
    assert environment['PYTHONPATH'].endswith(sourced['PYTHONPATH'])


def test_distribution_built_on_numpy_1_keeps_it(
    checkout: Checkout, sourced: dict[str, str]
) -> None:
    python = str(checkout.bin / 'python3')
    checkout.run('demo', **sourced, NEUROPOSE_PYTHON=python, OLD_NUMPY='1')
    assert 'numpy<2 opencv-python-headless<4.12' in checkout.calls()[1]
    checkout.run('train', **sourced, NEUROPOSE_PYTHON=python, OLD_NUMPY='1')
    (pip,) = checkout.calls()
    assert 'requirements-learning.txt numpy<2 opencv-python-headless<4.12' in pip


def test_asking_for_a_distribution_leaves_the_sourced_one_out(
    checkout: Checkout, sourced: dict[str, str]
) -> None:
    code, output, _ = checkout.run('demo', **sourced, NEUROPOSE_DISTRO='jazzy')
    assert code == 0
    assert 'requirements-jazzy.txt' in checkout.calls()[1]
    environment = variables(output)
    venv = str(checkout.root / '.venv-jazzy')
    assert environment['AMENT_PREFIX_PATH'] == f'{venv}/workspace/install:{venv}'
    for name in ('PYTHONPATH', 'LD_LIBRARY_PATH'):
        assert sourced['AMENT_PREFIX_PATH'] not in environment[name]
        assert environment[name].startswith(venv)
    assert environment['PYTHONPATH'].endswith(':/own/python')


def test_unknown_distribution_is_named(checkout: Checkout) -> None:
    code, _, error = checkout.run('demo', NEUROPOSE_DISTRO='foxy')
    assert code == 1 and 'kilted' in error and 'jazzy' in error


def test_allocator_is_set_unless_the_user_has(checkout: Checkout) -> None:
    environment = variables(checkout.run('demo')[1])
    assert environment['MALLOC_MMAP_THRESHOLD_'] == str(1 << 28)
    environment = variables(checkout.run('demo', MALLOC_ARENA_MAX='2')[1])
    assert 'MALLOC_MMAP_THRESHOLD_' not in environment


def test_middleware_that_the_wheels_lack_is_replaced_aloud(checkout: Checkout) -> None:
    _, output, error = checkout.run('demo', RMW_IMPLEMENTATION='rmw_zenoh_cpp')
    assert variables(output)['RMW_IMPLEMENTATION'] == 'rmw_fastrtps_cpp'
    assert 'rmw_zenoh_cpp is not among the wheels' in error


def test_exit_code_and_arguments_are_the_commands(checkout: Checkout) -> None:
    checkout.add_tool('python3', PYTHON.replace('echo "command', 'exit 7; echo "command'))
    assert checkout.run('demo', '--out', 'a b')[0] == 7


def test_read_only_checkout_says_so(checkout: Checkout) -> None:
    if os.geteuid() == 0:
        pytest.skip('root may write anywhere')
    checkout.root.chmod(0o555)
    code, _, error = checkout.run('demo')
    checkout.root.chmod(0o755)
    assert code == 1 and 'cannot write' in error
