"""launch/neuropose.launch.py: which processes, with which arguments and environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip('launch_ros', reason='launch comes with a sourced ROS 2, not with pip')

from neuropose_ros.action import store

from ..recognisers import SCENE_MODEL, write_arm_recogniser
from .conftest import Outcome

Launch = Callable[..., Outcome]
ALL = ['action', 'camera', 'pose', 'refinement']
PICTURES = {'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'}


def test_a_process_for_each_node_by_default(launch: Launch) -> None:
    outcome = launch('neuropose')
    assert sorted(outcome.names) == ALL
    assert outcome.code == 0
    for process in outcome.started:
        assert process.remaps['__node'] == process.name
        assert process.parameters == {'use_sim_time': False, 'autostart': True}


def test_the_source_reaches_the_camera_as_text(launch: Launch) -> None:
    assert launch('neuropose', source='0')['camera'].parameters['source'] == '0'


def test_model_and_detector_reach_the_pose_node(launch: Launch) -> None:
    pose = launch('neuropose', model='rtmpose-s', detector='yolox-nano')['pose']
    assert pose.parameters['model'] == 'rtmpose-s'
    assert pose.parameters['detector'] == 'yolox-nano'
    assert 'model' not in launch('neuropose')['pose'].parameters


def test_without_a_recogniser_there_is_no_action_node(
    launch: Launch, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, 'DEFAULT', 'not_shipped')
    outcome = launch('neuropose')
    assert sorted(outcome.names) == ALL[1:]
    assert "no actions: there is no recogniser 'not_shipped'" in outcome.log
    assert launch('neuropose', recogniser='mine')['action'].parameters['recogniser'] == 'mine'


def test_actions_can_be_left_out(launch: Launch) -> None:
    assert sorted(launch('neuropose', recogniser='none').names) == ALL[1:]
    assert sorted(launch('neuropose', nodes='camera pose').names) == ['camera', 'pose']
    process = launch('neuropose', recogniser='none', composed='true')['composed']
    assert process.parameters['recogniser'] == 'none'
    process = launch('neuropose', nodes='camera pose refinement', composed='true')['composed']
    assert process.parameters['recogniser'] == 'none'


def test_the_pose_node_encodes_the_scene_that_the_recogniser_reads(
    launch: Launch, tmp_path: Path,
) -> None:
    recogniser = write_arm_recogniser(tmp_path / 'scenic', scene=True)
    file = tmp_path / 'mine.yaml'
    file.write_text('/**/pose:\n  ros__parameters:\n    scene_model: own\n')
    pose = launch('neuropose', recogniser=str(recogniser))['pose']
    assert pose.parameters['scene_model'] == SCENE_MODEL
    pose = launch('neuropose', recogniser=str(recogniser), params_file=str(file))['pose']
    assert pose.parameters['scene_model'] == 'own'
    assert 'scene_model' not in launch('neuropose')['pose'].parameters


@pytest.mark.parametrize('composed', ['true', 'false'])
def test_an_adapter_is_a_process_beside_the_others(launch: Launch, composed: str) -> None:
    outcome = launch('neuropose', adapter='yolo_msgs', composed=composed)
    expected = ['composed'] if composed == 'true' else ALL
    assert sorted(outcome.names) == sorted([*expected, 'adapter'])
    assert outcome['adapter'].parameters['to'] == 'yolo_msgs'
    assert outcome['adapter'].remaps['__node'] == 'adapter'


def test_composed_is_one_process_with_every_node(launch: Launch) -> None:
    outcome = launch('neuropose', composed='true', source='synthetic:walk', frame_id='eye')
    process = outcome['composed']
    assert len(outcome.started) == 1
    assert '__node' not in process.remaps  # it would rename all of them
    assert process.parameters['source'] == 'synthetic:walk'
    assert process.parameters['frame_id'] == 'eye'


@pytest.mark.parametrize(('source', 'base', 'transport'), [
    ('topic:/cam/image_raw', '/cam/image_raw', 'raw'),
    ('topic:/cam/image_raw/compressed', '/cam/image_raw', 'compressed'),
])
def test_a_topic_needs_no_camera(
    launch: Launch, source: str, base: str, transport: str,
) -> None:
    outcome = launch('neuropose', source=source)
    assert sorted(outcome.names) == ['action', 'pose', 'refinement']
    pose = outcome['pose']
    assert pose.remaps['image_raw'] == base
    assert pose.remaps['frame_info'] == '/cam/frame_info'
    assert pose.remaps['frame_done'] == '/cam/frame_done'
    assert pose.parameters['image_transport'] == transport


def test_a_relative_topic_stays_in_the_namespace(launch: Launch) -> None:
    pose = launch('neuropose', source='topic:image_raw/compressed', namespace='robot1')['pose']
    assert pose.remaps['image_raw'] == 'image_raw'
    assert 'frame_info' not in pose.remaps
    assert pose.remaps['__ns'] == '/robot1'


def test_a_topic_in_one_process(launch: Launch) -> None:
    process = launch('neuropose', source='topic:/cam/image', composed='true')['composed']
    assert process.after('--source') == ['topic:/cam/image']


def test_nodes_chooses(launch: Launch) -> None:
    assert launch('neuropose', nodes='camera').names == ['camera']


def test_remaps_reach_every_node(launch: Launch) -> None:
    outcome = launch('neuropose', remap='poses:=people /tf:=/tf2')
    for process in outcome.started:
        assert process.remaps['poses'] == 'people'
        assert process.remaps['/tf'] == '/tf2'


def test_launch_arguments_win_over_the_parameter_file(launch: Launch, tmp_path: Path) -> None:
    file = tmp_path / 'mine.yaml'
    file.write_text('/**/camera:\n  ros__parameters:\n    source: a.mp4\n    loop: true\n')
    outcome = launch('neuropose', params_file=str(file), source='b.mp4')
    assert outcome['camera'].parameters['source'] == 'b.mp4'
    assert outcome['camera'].parameters['loop'] is True


def test_the_middleware_profile_reaches_every_child(
    launch: Launch, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv('FASTDDS_DEFAULT_PROFILES_FILE', raising=False)
    monkeypatch.delenv('ROS_AUTOMATIC_DISCOVERY_RANGE', raising=False)
    here = {process.environment['FASTDDS_DEFAULT_PROFILES_FILE']
            for process in launch('neuropose').started}
    assert len(here) == 1
    assert Path(here.pop()).is_file()


def test_discovery_stays_on_this_machine_unless_asked(
    launch: Launch, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv('ROS_AUTOMATIC_DISCOVERY_RANGE', raising=False)
    name = 'ROS_AUTOMATIC_DISCOVERY_RANGE'
    assert launch('neuropose')['camera'].environment[name] == 'LOCALHOST'
    assert launch('neuropose', lan='true')['camera'].environment[name] == 'SUBNET'


def test_what_the_user_has_set_stays(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('FASTDDS_DEFAULT_PROFILES_FILE', '/my/profile.xml')
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'SYSTEM_DEFAULT')
    environment = launch('neuropose')['camera'].environment
    assert environment['FASTDDS_DEFAULT_PROFILES_FILE'] == '/my/profile.xml'
    assert environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'SYSTEM_DEFAULT'


@pytest.mark.parametrize(('record', 'left_out'), [
    ('true', PICTURES),
    ('compressed', {'sensor_msgs/msg/Image'}),
    ('raw', {'sensor_msgs/msg/CompressedImage'}),
])
def test_recording_leaves_images_out_unless_asked(
    launch: Launch, installed: Callable[..., None], record: str, left_out: set[str],
) -> None:
    installed('ros2bag', 'rosbag2_storage_mcap')
    outcome = launch('neuropose', record=record, record_to='somewhere')
    command = outcome['ros2'].command
    assert command[1:3] == ['bag', 'record']
    assert '--all-topics' in command
    assert outcome['ros2'].after('--storage') == ['mcap']
    assert outcome['ros2'].after('--output') == ['somewhere']
    first = command.index('--exclude-topic-types') + 1
    kinds = {word for word in command[first:] if word.startswith('sensor_msgs/')}
    assert kinds == left_out


def test_a_folder_is_recorded_into_as_a_session(launch: Launch, tmp_path: Path) -> None:
    outcome = launch('neuropose', record=f'{tmp_path}/walk')
    assert sorted(outcome.names) == [*ALL, 'recorder']
    parameters = outcome['recorder'].parameters
    assert parameters['recording'] is True and parameters['session'] == 'walk'
    assert parameters['folder'] == str(tmp_path)
    composed = launch('neuropose', record=f'{tmp_path}/walk', composed='true')
    assert composed.names == ['composed']
    assert composed['composed'].after('--record') == [f'{tmp_path}/walk']


def test_a_recording_in_a_namespace_holds_that_one_alone(
    launch: Launch, installed: Callable[..., None],
) -> None:
    installed('ros2bag', 'rosbag2_storage_mcap')
    process = launch('neuropose', record='true', namespace='robot1')['ros2']
    assert '--all-topics' not in process.command
    assert process.after('--regex') == ['^(/robot1/.*|/tf|/tf_static|/diagnostics|/clock)$']
    assert process.after('--output')[0].startswith('neuropose_robot1_')


def test_static_transform(launch: Launch, installed: Callable[..., None]) -> None:
    installed('tf2_ros/static_transform_publisher')
    process = launch('neuropose', static_tf='0 0 1.5 0 0 0 1 map camera')[
        'static_transform_publisher']
    assert process.after('--z') == ['1.5']
    assert process.after('--frame-id') == ['map']
    assert process.after('--child-frame-id') == ['camera']


def test_rviz(launch: Launch, installed: Callable[..., None]) -> None:
    installed('rviz2/rviz2')
    process = launch('neuropose', rviz='true')['rviz2']
    assert Path(process.after('-d')[0]).is_file()


@pytest.mark.parametrize(('given', 'sentence'), [
    ({'source': 'topic:'}, "source:='topic:' names no topic"),
    ({'source': 'topic:/a b'}, "source:='topic:/a b' names no topic"),
    ({'nodes': 'camera eyes'}, "nodes:='camera eyes' must name"),
    ({'nodes': 'camera', 'composed': 'true'}, 'composed:=true runs all nodes'),
    ({'nodes': 'camera', 'source': 'topic:/image'}, 'leaves no node to run'),
    ({'nodes': 'pose action', 'recogniser': 'none'}, 'leaves the action node nothing to do'),
    ({'composed': 'yes'}, 'Argument "composed" provided value "yes" is not valid'),
    ({'params_file': '/no/such.yaml'}, "params_file:='/no/such.yaml' is not a file"),
    ({'remap': 'poses=people'}, "remap:='poses=people' must read"),
    ({'static_tf': '0 0 1'}, "static_tf:='0 0 1' must read"),
    ({'static_tf': '0 0 1 0 0 0 9 map camera'}, 'quaternion of length 1'),
    ({'static_tf': '0 0 1 0 0 0 1 map camera'}, 'apt install ros-'),
    ({'record': 'true'}, 'record:= needs the ROS package ros2bag'),
    ({'record': 'ture'}, "record:='ture' must be false, true, compressed, raw, or a folder"),
    ({'rviz': 'true'}, 'rviz:= needs the ROS package rviz2'),
])
def test_a_bad_argument_is_one_sentence_and_starts_nothing(
    launch: Launch, given: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    _hide_optional_packages(monkeypatch)
    outcome = launch('neuropose', **given)
    assert outcome.code == 1
    assert outcome.started == []
    assert sentence in outcome.log
    assert 'Traceback' not in outcome.log


def _hide_optional_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    from ament_index_python.packages import get_package_prefix

    monkeypatch.setenv('AMENT_PREFIX_PATH', get_package_prefix('neuropose_ros'))


def test_a_process_that_fails_ends_the_launch(
    launch: Launch, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv('REPORT_EXIT', '2')
    outcome = launch('neuropose')
    assert outcome.code == 1
    assert 'ended with exit code 2' in outcome.log


def test_every_argument_is_documented(launch: Launch) -> None:
    from launch.launch_description_sources import (
        get_launch_description_from_python_launch_file as load,
    )

    from .conftest import FOLDER

    for path in FOLDER.glob('*.launch.py'):
        for argument in load(str(path)).get_launch_arguments():
            assert argument.description not in ('', 'no description given'), argument.name
            default = ''.join(part.text for part in argument.default_value or ())
            if default in ('true', 'false'):
                assert argument.choices, argument.name
