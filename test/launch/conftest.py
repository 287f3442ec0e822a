"""Runs launch files for real; with a prefix that reports each process instead of running it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from neuropose_ros.action import store

from ..recognisers import write_arm_recogniser

FOLDER = Path(__file__).parents[2] / 'launch'

# Stands in front of every command, as a debugger would with the same option of ros2 launch.
_REPORT = """\
import json, os, pathlib, sys
kept = ('ROS_', 'FASTDDS_', 'CYCLONEDDS_', 'MALLOC_')
report = {'command': sys.argv[1:],
          'environment': {k: v for k, v in os.environ.items() if k.startswith(kept)}}
pathlib.Path(os.environ['REPORT_TO'], f'{os.getpid()}.json').write_text(json.dumps(report))
sys.exit(int(os.environ.get('REPORT_EXIT', '0')))
"""


@dataclass(frozen=True)
class Started:
    """One process that a launch file started."""

    command: list[str]
    environment: dict[str, str]

    @property
    def name(self) -> str:
        return Path(self.command[0]).name

    def after(self, flag: str) -> list[str]:
        """The words that follow each ``flag``."""
        return [self.command[i + 1] for i, word in enumerate(self.command) if word == flag]

    @property
    def remaps(self) -> dict[str, str]:
        return dict(rule.split(':=') for rule in self.after('-r'))

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters that hold for this process, the last one winning."""
        found: dict[str, Any] = {}
        for path in self.after('--params-file'):
            for section in yaml.safe_load(Path(path).read_text()).values():
                found.update(section['ros__parameters'])
        return found


@dataclass(frozen=True)
class Outcome:
    """What a launch did, and the launch configurations that it left behind."""

    code: int
    started: list[Started]
    log: str
    left_behind: dict[str, str]

    def __getitem__(self, name: str) -> Started:
        (only,) = [process for process in self.started if process.name == name]
        return only

    @property
    def names(self) -> list[str]:
        return [process.name for process in self.started]


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recogniser that is taken where none is chosen, whatever comes with the package."""
    monkeypatch.setattr(store, 'DEFAULT', 'arm')
    monkeypatch.setenv(store.VARIABLE, str(tmp_path / 'recognisers'))
    return write_arm_recogniser(tmp_path / 'recognisers' / 'arm')


@pytest.fixture
def launch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> Callable[..., Outcome]:
    """``launch('replay', bag='...')`` starts the launch file and returns what it did."""
    from launch import LaunchDescription, LaunchService
    from launch.actions import IncludeLaunchDescription
    from launch.launch_description_sources import PythonLaunchDescriptionSource
    from launch.logging import reset as reset_logging

    script = tmp_path / 'report.py'
    script.write_text(_REPORT)
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path / 'log'))

    def run(name: str, **given: str) -> Outcome:
        environment = dict(os.environ)
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        os.environ['REPORT_TO'] = str(folder)
        reset_logging()  # launch keeps the output stream of its first run
        service = LaunchService(argv=[], noninteractive=True)
        service.context.launch_configurations['launch-prefix'] = f'{sys.executable} {script}'
        service.include_launch_description(LaunchDescription([
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(FOLDER / f'{name}.launch.py')),
                launch_arguments=given.items()),
        ]))
        code = service.run()
        os.environ.clear()  # launch sets this process's own environment
        os.environ.update(environment)
        started = [Started(**json.loads(path.read_text())) for path in folder.iterdir()]
        captured = capfd.readouterr()
        return Outcome(code, started, captured.out + captured.err,
                       dict(service.context.launch_configurations))

    return run


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``installed('tf2_ros/static_transform_publisher')`` makes packages that ament can find."""
    def install(*executables: str) -> None:
        prefix = tmp_path / 'prefix'
        for entry in executables:
            package, _, executable = entry.partition('/')
            index = prefix / 'share/ament_index/resource_index/packages'
            index.mkdir(parents=True, exist_ok=True)
            (index / package).touch()
            if executable:
                path = prefix / 'lib' / package / executable
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text('#!/bin/sh\n')
                path.chmod(0o755)
        monkeypatch.setenv('AMENT_PREFIX_PATH', f'{prefix}:{os.environ["AMENT_PREFIX_PATH"]}')

    return install
