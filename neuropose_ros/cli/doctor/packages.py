"""Python and its packages: not only installed, but loading, each in a process of its own."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from neuropose_ros.cli.doctor.findings import Ask, Finding, Status

OLDEST_PYTHON = (3, 10)
PIP = f'{sys.executable} -m pip install'

# Without the current folder, which may hold something of the same name.
_LOAD = """
import importlib, importlib.metadata, sys
sys.path[:] = filter(None, sys.path)
module = importlib.import_module(sys.argv[1])
version = getattr(module, '__version__', None)
try:
    version = version or importlib.metadata.version(sys.argv[1])
except importlib.metadata.PackageNotFoundError:
    pass
print(version or 'unknown version')
"""
_LOAD_MESSAGES = """
import sys
sys.path[:] = filter(None, sys.path)
from rclpy.type_support import check_for_type_support
from neuropose_ros.msg import PersonArray
check_for_type_support(PersonArray)
print('loaded')
"""
# What a module says that was compiled for the other numpy.
_NUMPY_ABI = re.compile(
    r'compiled using NumPy 1|numpy\.core\.multiarray failed|numpy\.dtype size changed|'
    r'_ARRAY_API not found|module compiled against (API|ABI) version'
)


@dataclass(frozen=True)
class Package:
    """A package that is imported, and what for.

    Attributes:
        module: name to import.
        requirement: what pip installs; empty for what comes with ROS 2.
        use: what does not work without; empty when nothing works without.
    """

    module: str
    requirement: str
    use: str = ''


PACKAGES = (
    Package('numpy', 'numpy'),
    Package('cv2', 'opencv-python-headless<5'),
    Package('onnxruntime', 'onnxruntime'),
    Package('yaml', 'pyyaml'),
    Package('av', 'av', 'videos and streams'),
    Package('onnx', 'onnx', 'converting a model on its first use'),
    Package('matplotlib', 'matplotlib', "the demo's plot"),
)
ROS_PACKAGES = ('cv_bridge', 'launch_ros', 'rosbag2_py')


@dataclass(frozen=True)
class Load:
    """What importing a module gave.

    Attributes:
        lines: what it printed: its version, then details.
        error: what was said when it could not be imported; empty when it could.
        is_absent: there is no such module (and not one of those that it needs).
    """

    lines: tuple[str, ...]
    error: str = ''
    is_absent: bool = False


def load_all(modules: Sequence[str], ask: Ask) -> dict[str, Load]:
    """Import each module in a process of its own: one that crashes is a finding too."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(modules, pool.map(lambda name: _load(name, ask), modules), strict=True))


def _load(module: str, ask: Ask) -> Load:
    script = _LOAD_MESSAGES if module == 'neuropose_ros.msg' else _LOAD
    answer = ask([sys.executable, '-c', script, module])
    if answer is None:
        return Load((), f'{sys.executable} cannot be started')
    if answer.code == 0 and not _NUMPY_ABI.search(answer.error):
        return Load(tuple(answer.output.split('\n')))
    last = (answer.error.strip() or f'it ended with {answer.code}').splitlines()[-1]
    is_absent = re.search(rf"No module named '{re.escape(module)}'", answer.error) is not None
    return Load((), answer.error if _NUMPY_ABI.search(answer.error) else last, is_absent)


def check_python(version: tuple[int, ...], executable: str) -> Finding:
    """Judge the interpreter."""
    text = f'{".".join(map(str, version[:3]))} ({executable})'
    if version[:2] < OLDEST_PYTHON:
        return Finding('python', Status.BROKEN, f'{text} is too old', 'install 3.10 to 3.13')
    return Finding('python', Status.OK, text)


def check_packages(loads: Mapping[str, Load]) -> Iterator[Finding]:
    """Judge the packages that pip installs."""
    for package in PACKAGES:
        load = loads[package.module]
        if load.error:
            yield _not_loading(package, load, loads['numpy'])
        elif package.module == 'cv2' and not load.lines[0].startswith('4.'):
            yield Finding(
                'cv2',
                Status.WARNING,
                f'{load.lines[0]}: keypoints were verified with OpenCV 4; 5 warps differently',
                f"{PIP} 'opencv-python-headless<5'",
            )
        else:
            yield Finding(package.module, Status.OK, load.lines[0])


def check_ros_packages(loads: Mapping[str, Load]) -> Iterator[Finding]:
    """Judge rclpy, the messages of this package, and what only a full ROS 2 has."""
    for module, fix in (
        ('rclpy', 'source the setup.bash of a ROS 2, or start ./neuropose, which installs one'),
        ('neuropose_ros.msg', 'colcon build, then source install/setup.bash (or ./neuropose)'),
    ):
        load = loads[module]
        if load.error:
            numpy_fix = _numpy_fix(load, loads['numpy'])
            yield Finding(module, Status.BROKEN, _sentence(load), numpy_fix or fix)
        else:
            yield Finding(module, Status.OK, load.lines[0])
    missing = [name for name in ROS_PACKAGES if loads[name].is_absent]
    if missing:
        detail = f'{", ".join(missing)}: not here, and not needed (a sourced ROS 2 has them)'
        yield Finding('optional', Status.NOTE, detail)
    for name in ROS_PACKAGES:
        load = loads[name]
        if load.error and not load.is_absent:
            yield Finding(
                name, Status.WARNING, _sentence(load), _numpy_fix(load, loads['numpy'])
            )


def _not_loading(package: Package, load: Load, numpy: Load) -> Finding:
    status = Status.WARNING if package.use else Status.BROKEN
    detail = _sentence(load) + (f'; without it, no {package.use}' if package.use else '')
    fix = _numpy_fix(load, numpy) or f"{PIP} '{package.requirement}'"
    return Finding(package.module, status, detail, fix)


def _sentence(load: Load) -> str:
    if load.is_absent:
        return 'not installed'
    if _NUMPY_ABI.search(load.error):
        return 'compiled for another numpy than the one installed'
    return f'does not load: {load.error}'


def _numpy_fix(load: Load, numpy: Load) -> str:
    if not load.error or not _NUMPY_ABI.search(load.error) or numpy.error:
        return ''
    if numpy.lines[0].startswith('1.'):
        return f"{PIP} --upgrade 'numpy>=2'"
    return f"{PIP} 'numpy<2' 'opencv-python-headless<4.12'"
