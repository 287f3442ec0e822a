"""An environment of its own for a program that this package is measured against."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.inference.cache import cache_folder, locked, writing

_LIMIT_S = 1800


def mediapipe_python() -> Path:
    """Return the Python of an environment with MediaPipe 0.10.21, made on first use.

    Raises:
        NeuroposeError: no Python that it is published for, no network, or no room.
    """
    return _environment('mediapipe==0.10.21', 'mediapipe', ((3, 12), (3, 11), (3, 10)))


def trackers_python() -> Path:
    """Return the Python of an environment with roboflow's trackers, made on first use.

    Raises:
        NeuroposeError: no Python that it is published for, no network, or no room.
    """
    return _environment('trackers==2.6.1', 'trackers', ((3, 13), (3, 12), (3, 11), (3, 10)))


def _environment(
    requirement: str, module: str, versions: tuple[tuple[int, int], ...],
) -> Path:
    python = base_python(requirement, versions)
    cache = cache_folder()
    name = f'{requirement.replace("==", "-")}-{python.name}'
    folder = cache / 'bench' / name
    inside = folder / 'bin' / 'python'
    with locked(cache):
        if (folder / 'complete').is_file():
            return inside
        print(f'installing {requirement} into {folder} (about 1 GB, once)', file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        with writing(cache, name):
            folder.mkdir(parents=True)
        step([str(python), '-m', 'venv', str(folder)], requirement)
        pip = [str(inside), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
        step([*pip, '--no-input', requirement], requirement)
        step([str(inside), '-c', f'import {module}'], requirement)
        with writing(cache, name):
            (folder / 'complete').touch()
    return inside


def base_python(requirement: str, versions: tuple[tuple[int, int], ...]) -> Path:
    """Return this Python where it fits, else the first of ``versions`` on PATH.

    Raises:
        NeuroposeError: there is none.
    """
    if sys.version_info[:2] in versions:
        return Path(sys.base_prefix) / 'bin' / f'python{sys.version_info[0]}.{sys.version_info[1]}'
    for major, minor in versions:
        found = shutil.which(f'python{major}.{minor}')
        # A version manager's stand-in may be on PATH without the version behind it.
        if found and not subprocess.run(
                [found, '--version'], check=False, capture_output=True).returncode:
            return Path(found)
    wanted = ', '.join(f'{major}.{minor}' for major, minor in versions)
    raise NeuroposeError(
        f'{requirement} is published for Python {wanted}, this is '
        f'{sys.version_info[0]}.{sys.version_info[1]}: install one of them beside it')


def step(command: list[str], requirement: str) -> None:
    """Run one step of an installation, its output on stderr.

    Raises:
        NeuroposeError: it fails or does not end.
    """
    try:
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=2, stderr=subprocess.PIPE, text=True,
            errors='replace', timeout=_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise NeuroposeError(
            f'installing {requirement} took longer than {_LIMIT_S // 60} minutes') from None
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith('ERROR:')] or lines or ['no reason']
        raise NeuroposeError(f'{requirement} cannot be installed: {errors[-1]}')
