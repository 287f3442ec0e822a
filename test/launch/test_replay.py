"""launch/replay.launch.py: what is played and what is made anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

pytest.importorskip('launch_ros', reason='launch comes with a sourced ROS 2, not with pip')

from .conftest import Outcome

Launch = Callable[..., Outcome]

PEOPLE = 'neuropose_ros/msg/PersonArray'
RECORDED = {
    '/image_raw/compressed': 'sensor_msgs/msg/CompressedImage',
    '/frame_info': 'neuropose_ros/msg/FrameInfo',
    '/poses': PEOPLE,
    '/poses_refined': PEOPLE,
    '/layouts': 'neuropose_ros/msg/SkeletonLayout',
    '/scene': 'neuropose_ros/msg/SceneEmbedding',
    '/actions': 'neuropose_ros/msg/ActionArray',
    '/tf_static': 'tf2_msgs/msg/TFMessage',
}


@pytest.fixture
def bag(tmp_path: Path) -> Callable[..., str]:
    def make(topics: dict[str, str], empty: tuple[str, ...] = ()) -> str:
        folder = tmp_path / 'bag'
        folder.mkdir()
        entries = [
            {'topic_metadata': {'name': name, 'type': kind},
             'message_count': 0 if name in empty else 9} for name, kind in topics.items()]
        (folder / 'metadata.yaml').write_text(yaml.safe_dump(
            {'rosbag2_bagfile_information': {'topics_with_message_count': entries}}))
        return str(folder)

    return make


def _without(*names: str, space: str = '') -> dict[str, str]:
    return {space + name: kind for name, kind in RECORDED.items() if name not in names}


def _left_out(outcome: Outcome) -> set[str]:
    command = outcome['ros2'].command
    return set(command[command.index('--exclude-topics') + 1:])


def test_images_are_estimated_anew(launch: Launch, bag: Callable[..., str]) -> None:
    outcome = launch('replay', wait='false', bag=bag(RECORDED))
    assert sorted(outcome.names) == ['action', 'pose', 'refinement', 'ros2']
    assert outcome['pose'].parameters['image_transport'] == 'compressed'
    assert _left_out(outcome) == {
        '/poses', '/poses_refined', '/layouts', '/scene', '/actions'}


def test_depth_is_no_camera_of_its_own(launch: Launch, bag: Callable[..., str]) -> None:
    depth = {'/depth/image_raw': 'sensor_msgs/msg/Image'}
    outcome = launch('replay', wait='false', bag=bag(RECORDED | depth))
    assert outcome['pose'].parameters['image_transport'] == 'compressed'


def test_poses_alone_are_refined_anew(launch: Launch, bag: Callable[..., str]) -> None:
    outcome = launch('replay', wait='false', bag=bag(_without('/image_raw/compressed')))
    assert sorted(outcome.names) == ['action', 'refinement', 'ros2']
    assert _left_out(outcome) == {'/poses_refined', '/actions'}


def test_recorded_actions_are_played_where_none_are_told_anew(
    launch: Launch, bag: Callable[..., str],
) -> None:
    outcome = launch('replay', wait='false', bag=bag(RECORDED), recogniser='none')
    assert sorted(outcome.names) == ['pose', 'refinement', 'ros2']
    assert '/actions' not in _left_out(outcome)


def test_images_can_be_left_alone(launch: Launch, bag: Callable[..., str]) -> None:
    outcome = launch('replay', wait='false', bag=bag(RECORDED), images='none')
    assert sorted(outcome.names) == ['action', 'refinement', 'ros2']


def test_a_topic_without_messages_is_not_there(launch: Launch, bag: Callable[..., str]) -> None:
    outcome = launch('replay', wait='false', bag=bag(RECORDED, empty=('/image_raw/compressed',)))
    assert sorted(outcome.names) == ['action', 'refinement', 'ros2']


def test_the_namespace_of_the_recording_is_taken(launch: Launch, bag: Callable[..., str]) -> None:
    outcome = launch('replay', wait='false', bag=bag(_without(space='/robot1')))
    assert outcome['pose'].remaps['__ns'] == '/robot1'
    assert outcome['pose'].remaps['image_raw'] == '/robot1/image_raw'
    assert '/robot1/poses' in _left_out(outcome)


def test_time_is_the_recordings(launch: Launch, bag: Callable[..., str]) -> None:
    outcome = launch('replay', wait='false', bag=bag(RECORDED), loop='true', rate='0.5', start='3')
    player = outcome['ros2']
    assert player.command[1:3] == ['bag', 'play']
    assert player.after('--clock') == ['100']
    assert player.after('--rate') == ['0.5']
    assert player.after('--start-offset') == ['3']
    assert '--loop' in player.command
    for name in ('pose', 'refinement', 'action'):
        assert outcome[name].parameters['use_sim_time'] is True


def test_the_middleware_profile_reaches_the_player(
    launch: Launch, bag: Callable[..., str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv('FASTDDS_DEFAULT_PROFILES_FILE', raising=False)
    outcome = launch('replay', wait='false', bag=bag(RECORDED))
    assert Path(outcome['ros2'].environment['FASTDDS_DEFAULT_PROFILES_FILE']).is_file()


@pytest.mark.parametrize(('topics', 'given', 'sentence'), [
    ({'/odom': 'nav_msgs/msg/Odometry'}, {}, 'has no image_raw, image_raw/compressed, poses; it '
     'has /odom'),
    ({}, {}, 'it has no messages at all'),
    (_without('/image_raw/compressed'), {'images': 'compressed'}, 'has no image_raw/compressed'),
    ({**_without(space='/a'), **_without(space='/b')}, {}, 'choose one: namespace:=/a, '
     'namespace:=/b'),
    (_without(space='/a'), {'namespace': 'b'}, 'has no image_raw, image_raw/compressed, poses in '
     'b'),
    (RECORDED, {'rate': '0'}, "rate:='0' must be a number > 0"),
    (RECORDED, {'start': 'soon'}, "start:='soon' must be a number >= 0"),
])
def test_bad_input_is_one_sentence(
    launch: Launch, bag: Callable[..., str], topics: dict[str, str], given: dict[str, str],
    sentence: str,
) -> None:
    outcome = launch('replay', wait='false', bag=bag(topics), **given)
    assert (outcome.code, outcome.started) == (1, [])
    assert sentence in outcome.log
    assert 'Traceback' not in outcome.log


def test_no_recording(launch: Launch, tmp_path: Path) -> None:
    outcome = launch('replay', wait='false', bag=str(tmp_path))
    assert (outcome.code, outcome.started) == (1, [])
    assert 'has no metadata.yaml' in outcome.log


def test_broken_metadata(launch: Launch, tmp_path: Path) -> None:
    (tmp_path / 'metadata.yaml').write_text('a: [')
    outcome = launch('replay', wait='false', bag=str(tmp_path))
    assert (outcome.code, outcome.started) == (1, [])
    assert 'is not the metadata of a rosbag2 recording' in outcome.log
