"""launch/cameras.launch.py and launch/two_robots.launch.py: namespaces keep graphs apart."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip('launch_ros', reason='launch comes with a sourced ROS 2, not with pip')

from .conftest import Outcome

Launch = Callable[..., Outcome]


def test_each_camera_has_a_namespace_and_a_frame(launch: Launch) -> None:
    outcome = launch('cameras', sources='0 /dev/video2 synthetic:wave')
    found = {process.remaps['__ns']: process.parameters for process in outcome.started}
    assert {space: (got['source'], got['frame_id']) for space, got in found.items()} == {
        '/camera1': ('0', 'camera1_optical_frame'),
        '/camera2': ('/dev/video2', 'camera2_optical_frame'),
        '/camera3': ('synthetic:wave', 'camera3_optical_frame'),
    }


def test_cameras_by_name(launch: Launch) -> None:
    outcome = launch('cameras', sources='0 2', names='left right', composed='false')
    spaces = [process.remaps['__ns'] for process in outcome.started]
    assert sorted(spaces) == ['/left'] * 4 + ['/right'] * 4


@pytest.mark.parametrize('name', ['cameras', 'two_robots'])
def test_the_recogniser_is_that_of_all(launch: Launch, name: str) -> None:
    outcome = launch(name, recogniser='mine')
    told = [process.parameters['recogniser'] for process in outcome.started]
    assert told == ['mine'] * len(told)
    assert 'action' not in launch(name, recogniser='none').names


@pytest.mark.parametrize('name', ['cameras', 'two_robots'])
def test_nothing_of_one_reaches_what_is_included_later(launch: Launch, name: str) -> None:
    assert not {'source', 'namespace', 'frame_id'} & set(launch(name).left_behind)


@pytest.mark.parametrize('names', ['left', 'left left'])
def test_names_that_do_not_fit(launch: Launch, names: str) -> None:
    outcome = launch('cameras', sources='0 2', names=names)
    assert (outcome.code, outcome.started) == (1, [])
    assert 'must list as many different names as sources' in outcome.log


def test_the_workstation_reads_compressed_images_of_both_robots(
    launch: Launch, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv('ROS_AUTOMATIC_DISCOVERY_RANGE', raising=False)
    outcome = launch('two_robots')
    assert sorted(outcome.names) == [
        'action', 'action', 'pose', 'pose', 'refinement', 'refinement']
    poses = [process for process in outcome.started if process.name == 'pose']
    assert {process.remaps['__ns'] for process in poses} == {'/robot1', '/robot2'}
    for process in poses:
        assert process.parameters['image_transport'] == 'compressed'
        assert process.environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'SUBNET'


def test_both_robots_on_one_machine(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('ROS_AUTOMATIC_DISCOVERY_RANGE', raising=False)
    outcome = launch('two_robots', simulate='true', robots='anna ben')
    cameras = {process.remaps['__ns']: process.parameters['source']
               for process in outcome.started if process.name == 'camera'}
    assert cameras == {'/anna': 'synthetic:walk', '/ben': 'synthetic:wave'}
    assert len(outcome.started) == 8
    for process in outcome.started:
        assert process.environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'


def test_two_robots_need_two_names(launch: Launch) -> None:
    outcome = launch('two_robots', robots='anna anna')
    assert (outcome.code, outcome.started) == (1, [])
    assert 'must be two different namespaces' in outcome.log
