"""`pip install .`: CMakeLists.txt says what is installed; this only carries it into the wheel.

Needs ROS 2 in the environment: its wheels, or a sourced installation.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
NAME = 'neuropose_ros'
MANIFEST = ElementTree.parse(ROOT / 'package.xml').getroot()


class BuildWithCMake(build_ext):
    """Builds and installs into a scratch folder, then sorts the result into wheel and data."""

    def run(self) -> None:
        """Replace the compilation of extensions by CMake's."""
        if self.inplace or getattr(self, 'editable_mode', False):
            raise SystemExit(
                'An editable installation has no place for the messages: '
                'use `colcon build --symlink-install` or ./neuropose.'
            )
        with tempfile.TemporaryDirectory() as scratch:
            staged = Path(scratch) / 'staged'
            _build_and_stage(Path(scratch) / 'build', staged)
            self._sort(Path(f'{staged}{sys.prefix}'), Path(self.build_lib))

    def _sort(self, staged: Path, build_lib: Path) -> None:
        packages = next(staged.glob(f'lib/python*/*-packages/{NAME}'), None)
        if packages is None:
            raise SystemExit(f'CMake installed no {NAME} Python package below {staged}')
        shutil.copytree(packages, build_lib / NAME, dirs_exist_ok=True)
        keep = Path(self.build_temp).resolve() / 'data'
        shutil.rmtree(keep, ignore_errors=True)
        shutil.copytree(
            staged, keep, symlinks=True, ignore=shutil.ignore_patterns(packages.parent.name)
        )
        files = (path for path in sorted(keep.rglob('*')) if path.is_file())
        data_files: dict[str, list[str]] = {}
        for path in files:
            data_files.setdefault(str(path.parent.relative_to(keep)), []).append(str(path))
        self.distribution.data_files = list(data_files.items())


def _build_and_stage(build: Path, staged: Path) -> None:
    # pip hides the environment's packages from this process by PYTHONPATH and sitecustomize;
    # the generators that CMake runs need them. A sourced ROS 2 is there by PYTHONPATH: keep that.
    environment = dict(os.environ)
    ros_paths = [
        path
        for path in environment.pop('PYTHONPATH', '').split(os.pathsep)
        if path and (Path(path) / 'ament_package').is_dir()
    ]
    environment['PYTHONPATH'] = os.pathsep.join(ros_paths)
    environment['PATH'] = os.pathsep.join([sysconfig.get_path('scripts'), environment['PATH']])
    if (Path(sys.prefix) / 'share' / 'ament_index').is_dir():
        prefixes = [sys.prefix, environment.get('AMENT_PREFIX_PATH', '')]
        environment['AMENT_PREFIX_PATH'] = os.pathsep.join(filter(None, prefixes))
    jobs = os.environ.get('CMAKE_BUILD_PARALLEL_LEVEL', str(os.cpu_count() or 1))
    for command in (
        [
            *('cmake', '-S', str(ROOT), '-B', str(build), '-DBUILD_TESTING=OFF'),
            *('-DCMAKE_BUILD_TYPE=Release', f'-DCMAKE_INSTALL_PREFIX={sys.prefix}'),
            f'-DPython3_EXECUTABLE={sys.executable}',
            f'-DCMAKE_PREFIX_PATH={environment.get("AMENT_PREFIX_PATH", "").replace(":", ";")}',
        ],
        ['cmake', '--build', str(build), '--parallel', jobs],
    ):
        subprocess.run(command, env=environment, check=True)
    environment['DESTDIR'] = str(staged)
    subprocess.run(['cmake', '--install', str(build)], env=environment, check=True)


def _requirements(name: str) -> list[str]:
    lines = (ROOT / name).read_text('utf-8').splitlines()
    return [line for line in (line.partition('#')[0].strip() for line in lines) if line]


setup(
    name=NAME,
    version=MANIFEST.findtext('version'),
    description=' '.join((MANIFEST.findtext('description') or '').split()),
    license='MIT',
    python_requires='>=3.10',
    install_requires=_requirements('requirements.txt'),
    extras_require={
        name: _requirements(f'requirements-{name}.txt')
        for name in ('learning', 'optional', 'recording')
    },
    setup_requires=[] if shutil.which('cmake') else ['cmake>=3.20'],
    packages=[],
    py_modules=[],
    # Never compiled: makes the wheel one of this platform and Python, and `build_ext` run.
    ext_modules=[Extension(f'{NAME}.msg', sources=[])],
    cmdclass={'build_ext': BuildWithCMake},
)
