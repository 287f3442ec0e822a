"""Replay takes the parameters of the live nodes, by the same names and with the same defaults."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from neuropose_ros.action.parameters import ActionParameters
from neuropose_ros.core.errors import ParameterError
from neuropose_ros.recording.about import About
from neuropose_ros.recording.writer import SessionWriter
from neuropose_ros.replay.settings import (
    LIVE_ONLY,
    Settings,
    read_assignment,
    read_parameters,
)


def test_defaults_are_those_of_the_nodes_but_for_one_thread() -> None:
    pytest.importorskip('rclpy', reason='needs ROS')
    from neuropose_ros.nodes.action_parameters import PARAMETERS as ACTION
    from neuropose_ros.nodes.pose_parameters import PARAMETERS as POSE
    from neuropose_ros.nodes.refinement import PARAMETERS as REFINEMENT

    ours = Settings().by_node()
    assert ours['pose'].pop('threads') == 1
    assert ours['refinement'].pop('refine') == 'causal'
    for node, specs in (('pose', POSE), ('refinement', REFINEMENT), ('action', ACTION)):
        theirs = {spec.name: spec.default for spec in specs}
        assert LIVE_ONLY[node] <= theirs.keys()
        kept = theirs.keys() - LIVE_ONLY[node] - ({'threads'} if node == 'pose' else set())
        assert ours[node] == {name: theirs[name] for name in kept}


def test_a_parameter_file_of_the_nodes_is_taken(tmp_path: Path) -> None:
    file = tmp_path / 'lab.yaml'
    file.write_text(
        '/lab/pose:\n  ros__parameters: {model: rtmpose-t, expected_rate_hz: 30.0}\n'
        'refinement:\n  ros__parameters: {max_bridge_s: 1}\n'
        'camera:\n  ros__parameters: {source: "0"}\n')
    settings = Settings().changed(read_parameters(file))
    assert settings.pose.model == 'rtmpose-t'
    assert settings.refinement.max_bridge_s == 1.0
    assert settings.pose.threads == 1
    file.write_text('/**:\n  ros__parameters: {threads: 2}\n')
    with pytest.raises(ParameterError, match='refinement has no parameter threads'):
        Settings().changed(read_parameters(file))


def test_what_a_session_recorded_is_taken(tmp_path: Path) -> None:
    recorded = {
        '/lab/pose': {'detect_every': 3, 'use_sim_time': False, 'autostart': True,
                      'qos_overrides./poses.publisher.depth': 10},
        '/camera': {'source': '0'}}
    SessionWriter(tmp_path / 'live', About(parameters=recorded)).close()
    settings = Settings().changed(read_parameters(tmp_path / 'live'))
    assert settings.pose.detect_every == 3
    assert settings.pose.exposure == 'never', 'as when it was recorded: there was none'
    recorded['/lab/pose']['exposure'] = 'auto'
    SessionWriter(tmp_path / 'newer', About(parameters=recorded)).close()
    assert read_parameters(tmp_path / 'newer')['pose']['exposure'] == 'auto'
    SessionWriter(tmp_path / 'bare').close()
    with pytest.raises(ParameterError, match='no parameters'):
        read_parameters(tmp_path / 'bare')


def test_one_parameter_may_be_set() -> None:
    settings = Settings().changed(read_assignment('action.least_coverage=0.5'))
    assert settings.judging == ActionParameters(least_coverage=0.5)
    assert Settings().changed(read_assignment('pose.exposure=never')).pose.exposure == 'never'
    assert {item.name for item in fields(settings.judging)} <= settings.by_node()['action'].keys()


@pytest.mark.parametrize(('text', 'words'), [
    ('camera.source=0', 'NODE'), ('pose.model', 'NODE'), ('pose.nothing=1', 'no parameter'),
    ('pose.threads=two', 'type int'), ('pose.smoothing=1', 'type bool'),
    ('pose.threads=true', 'type int'), ('refinement.max_bridge_s=99.0', '0.0 to 5.0'),
    ('pose.model=[', 'cannot be read'), ('refinement.refine=backwards', 'causal, offline')])
def test_nonsense_is_refused_in_one_sentence(text: str, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        Settings().changed(read_assignment(text))


def test_a_file_that_is_none_of_parameters_is_refused(tmp_path: Path) -> None:
    for content in ('pose: 3\n', '[1, 2]\n', 'pose: {model: x}\n', '{'):
        (tmp_path / 'bad.yaml').write_text(content)
        with pytest.raises(ParameterError, match=r'bad\.yaml'):
            read_parameters(tmp_path / 'bad.yaml')
    with pytest.raises(ParameterError, match='nowhere'):
        read_parameters(tmp_path / 'nowhere.yaml')
