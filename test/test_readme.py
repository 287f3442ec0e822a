"""What the README names exists, and its example works."""

from __future__ import annotations

import importlib.util
import re
import runpy
import sys
from pathlib import Path

import pytest

GIVEN_BY_LAUNCH = r'([a-z_]+):='


@pytest.fixture(scope='module')
def readme() -> str:
    return (Path(__file__).parents[1] / 'README.md').read_text(encoding='utf-8')


def test_links_lead_somewhere(readme: str, source_root: Path) -> None:
    for target in re.findall(r'\]\(([^)]+)\)', readme):
        assert (source_root / target).exists(), target


def test_files_exist(readme: str, source_root: Path) -> None:
    for name in re.findall(r'`((?:config|docs|docker|msg)/[^` ]*)`', readme):
        assert (source_root / name).exists(), name


def test_commands_exist(readme: str) -> None:
    for name in re.findall(r'(?:\./|`)neuropose ([a-z]+)', readme):
        assert importlib.util.find_spec(f'neuropose_ros.cli.{name}'), name


def test_no_row_of_a_table_stands_twice(readme: str) -> None:
    for table in re.findall(r'(?:^\|[^\n]*\n)+', readme, re.MULTILINE):
        first = [row.split('|')[1].strip() for row in table.splitlines()]
        assert len(first) == len(set(first)), first


def test_benches_exist(readme: str) -> None:
    listed = re.search(r'measures: ([^|]+)\|', readme)
    assert listed is not None
    for name in re.findall(r'`([a-z]+)`', listed.group(1)):
        assert importlib.util.find_spec(f'neuropose_ros.cli.bench.{name}'), name


def test_launch_lines_name_existing_files_and_arguments(readme: str, source_root: Path) -> None:
    joined = readme.replace('\\\n', ' ')
    lines = re.findall(r'ros2 launch neuropose_ros (\S+\.launch\.py)([^\n`]*)', joined)
    assert len(lines) > 5
    for file, rest in lines:
        text = (source_root / 'launch' / file).read_text(encoding='utf-8')
        for name in re.findall(GIVEN_BY_LAUNCH, rest):
            assert re.search(rf"DeclareLaunchArgument\(\s*'{name}'", text), (file, name)


def test_the_example_acts_on_people_that_are_seen_now(
    readme: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:
    rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')
    from neuropose_ros.msg import Person, PersonArray
    from rclpy.clock import Clock
    from rclpy.duration import Duration

    example = re.search(r'```python\n(.*?)```', readme, re.S)
    assert example is not None
    path = tmp_path / 'robot.py'
    path.write_text(example.group(1))
    monkeypatch.setattr(rclpy, 'spin', lambda node: None)
    robot = runpy.run_path(str(path))
    now = Clock(clock_type=rclpy.clock.ClockType.ROS_TIME).now()

    def people(age_s: float = 0.0, measured: int = 17, track: int = Person.TRACK_CONFIRMED,
               status: int = PersonArray.STATUS_OK) -> int:
        states = [Person.STATE_MEASURED] * measured + [Person.STATE_PREDICTED] * (17 - measured)
        message = PersonArray(status=status, persons=[
            Person(track_state=track, keypoint_states=states)])
        message.header.stamp = (now - Duration(seconds=age_s)).to_msg()
        return len(robot['evidence'](message))

    try:
        assert people() == 1
        assert people(age_s=5.0) == 0
        assert people(age_s=-60.0) == 0
        assert people(measured=5) == 0
        assert people(track=Person.TRACK_LOST) == 0
        assert people(status=PersonArray.STATUS_SKIPPED) == 0
    finally:
        robot['node'].destroy_node()
        rclpy.try_shutdown()
        sys.modules.pop('robot', None)
