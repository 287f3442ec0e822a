"""The packages of a small computer in a folder of their own, and a Python that sees no others."""

from __future__ import annotations

import importlib.metadata as metadata
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.core.resources import config_folder

REQUIREMENTS = 'requirements-edge.txt'
_OF_ROS = ('ros-', 'ament-', 'rosidl-')
_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]*')
# Runs before anything else in each Python that is started.
_GUARD = """import sys
from importlib.machinery import PathFinder


class Some(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition('.')[0] in {names!r}:
            return None
        return super().find_spec(name, path, target)


sys.meta_path[sys.meta_path.index(PathFinder)] = Some
"""


@dataclass(frozen=True)
class EdgeEnvironment:
    """Where the packages lie, and how a Python is started that imports these and ROS 2 alone.

    Attributes:
        packages: folder that pip filled from the requirements.
        scratch: for what has to be written on the way.
    """

    packages: Path
    scratch: Path

    def variables(self, extra: Sequence[str] = ()) -> dict[str, str]:
        """Return the environment of such a Python.

        Args:
            extra: further distributions that it may import, from the environment that runs.
        """
        guard = self.scratch / '-'.join(('guard', *extra))
        guard.mkdir(parents=True, exist_ok=True)
        (guard / 'sitecustomize.py').write_text(
            _GUARD.format(names=self.refused(extra)), 'utf-8')
        source = Path(__file__).parents[3]
        paths = (str(guard), str(self.packages), str(source), os.environ.get('PYTHONPATH', ''))
        return {**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, paths))}

    def refused(self, extra: Sequence[str] = ()) -> set[str]:
        """Return the names of all that can be imported here and is not wanted there."""
        wanted = {_key(each.metadata['Name'])
                  for each in metadata.distributions(path=[str(self.packages)])}
        owners = _owners()
        ros = {name for names in owners.values() for name in names if name.startswith(_OF_ROS)}
        wanted |= _with_what_they_need({*ros, *map(_key, extra), 'neuropose-ros'})
        return {name for name, names in owners.items() if wanted.isdisjoint(names)}


def install(folder: Path) -> Path:
    """Let pip install the requirements into ``folder/packages`` and return that.

    Raises:
        NeuroposeError: pip fails, or the requirements do not lie beside the package's config.
    """
    requirements = config_folder().parent / REQUIREMENTS
    if not requirements.is_file():
        raise NeuroposeError(f'{requirements} is not here: start this from the source tree, or '
                             'give the installed packages with --packages')
    target = folder / 'packages'
    done = subprocess.run(
        [sys.executable, '-m', 'pip', 'install', '--disable-pip-version-check', '--quiet',
         '--progress-bar', 'off', '--target', str(target), '-r', str(requirements)],
        env={**os.environ, 'PIP_USER': '0'}, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith('ERROR')]
        raise NeuroposeError(
            f'pip cannot install {requirements.name}: '
            f'{(said or done.stderr.splitlines() or ["it says nothing"])[-1]}')
    return target


def megabytes(paths: Iterable[Path]) -> float:
    """Return what files and folders take on the disk, MB of 10^6 bytes.

    Of compiled Python files only those of this Python count.
    """
    return sum(file.stat().st_blocks * 512 for path in paths for file in _files(path)) / 1e6


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for file in path.rglob('*'):
        is_other = file.parent.name == '__pycache__' and not file.name.endswith(
            f'.{sys.implementation.cache_tag}.pyc')
        if file.is_file() and not is_other:
            yield file


def _key(name: str) -> str:
    return re.sub(r'[-_.]+', '-', name).lower()


@cache
def _owners() -> dict[str, set[str]]:
    """Return the distributions that bring each importable name."""
    return {name: set(map(_key, owners))
            for name, owners in metadata.packages_distributions().items()}


def _with_what_they_need(names: set[str]) -> set[str]:
    """Return the distributions and, of those that are here, all that they require."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        waiting += [_key(match.group()) for need in needs
                    if 'extra ==' not in need and (match := _NAME.match(need))]
    return found
