"""The topic ``scene``: a user's own network, encoding only for who listens."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.core.pose import Frame

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from neuropose_ros.msg import PersonArray, SceneEmbedding  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402

from neuropose_ros.nodes import pose_parameters, scene  # noqa: E402
from neuropose_ros.nodes.base import OK, StageNode  # noqa: E402

SECOND = 1_000_000_000
_NUMBERS = itertools.count()
_NEEDED = ('runtime', 'precision', 'threads')


class Encoding(StageNode):
    """A node that has nothing but the topic."""

    PARAMETERS = (*scene.PARAMETERS, *(
        spec for spec in pose_parameters.PARAMETERS if spec.name in _NEEDED))

    def setup(self) -> None:
        self.scene = scene.SceneOutput(self)

    def teardown(self) -> None:
        self.scene.close()

    def demanded(self) -> bool:
        return self.scene.demanded

    def follow_demand(self, wanted: bool) -> None:
        pass

    def health(self) -> tuple[bytes, str, dict[str, str]]:
        return OK, '', self.scene.details()


@pytest.fixture
def make(ros_domain: int) -> Iterator[Callable[..., Encoding]]:
    made: list[Any] = []

    def with_parameters(**values: Any) -> Encoding:
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        made.append(Encoding(f'encoding_{next(_NUMBERS)}', overrides=overrides))
        return made[-1]

    rclpy.init(domain_id=ros_domain)
    yield with_parameters
    for node in made:
        node.destroy_node()
    rclpy.try_shutdown()


def picture(stamp_ns: int) -> Frame:
    return Frame(np.full((48, 64, 3), (30, 20, 10), np.uint8), stamp_ns, 4, 'eye', epoch=2)


def test_frames_are_encoded_for_who_listens(
    make: Callable[..., Encoding], own_network: None,
) -> None:
    node = make(scene_model='means', scene_rate_hz=1.0)
    node.start()
    assert not node.scene.demanded
    node.scene.process(picture(1 * SECOND))
    assert node.scene.details()['scenes'] == '0'

    observer = rclpy.create_node('observer')
    received: list[Any] = []
    observer.create_subscription(SceneEmbedding, 'scene', received.append, 10)
    executor = rclpy.executors.SingleThreadedExecutor()
    executor.add_node(observer)
    end = time.monotonic() + 20

    def until(condition: Callable[[], object]) -> None:
        while not condition():
            executor.spin_once(timeout_sec=0.05)
            assert time.monotonic() < end

    until(lambda: node.scene.demanded)
    for stamp_ns in (2 * SECOND, 2 * SECOND + 1, 3 * SECOND):
        node.scene.process(picture(stamp_ns))
    until(lambda: len(received) == 2)
    message = received[0]
    assert (message.model, message.frame_seq, message.epoch) == ('means', 4, 2)
    assert (message.header.stamp.sec, message.header.frame_id) == (2, 'eye')
    assert np.allclose(message.embedding, (10, 20, 30))
    assert received[1].header.stamp.sec == 3
    assert node.scene.details()['scenes'] == '2'
    executor.shutdown()
    observer.destroy_node()


def test_without_a_network_there_is_no_topic(make: Callable[..., Encoding]) -> None:
    node = make()
    node.start()
    assert not node.scene.demanded
    assert node.scene.details() == {}
    node.scene.process(picture(SECOND))
    assert 'scene' not in str(node.get_publisher_names_and_types_by_node(
        node.get_name(), node.get_namespace()))


def test_an_unknown_network_fails_the_transition(
    make: Callable[..., Encoding], own_network: None,
) -> None:
    node = make(scene_model='no_such_network')
    with pytest.raises(NeuroposeError, match='no_such_network'):
        node.start()
    assert 'known are' in node.failure
    assert 'means' in node.failure


@pytest.mark.parametrize('with_poses', [False, True])
def test_the_pose_node_encodes_what_the_camera_sees(
    graph: Any, own_network: None, with_poses: bool,
) -> None:
    graph.environment['NEUROPOSE_MODELS'] = os.environ['NEUROPOSE_MODELS']
    process = graph.start(
        'composed', '--source', 'synthetic:walk?rate=20', '--ros-args', '-p',
        'scene_model:=means', '-p', 'scene_rate_hz:=4.0')
    scenes = graph.collect(SceneEmbedding, 'scene')
    diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
    poses = graph.collect(PersonArray, 'poses') if with_poses else []
    graph.until(lambda: len(scenes) >= 9 and (poses or not with_poses), 40)
    stamps = [scene.header.stamp.sec + scene.header.stamp.nanosec * 1e-9 for scene in scenes]
    # A busy machine skips frames; it never encodes more of them.
    assert len(scenes) <= (stamps[-1] - stamps[0]) * 4.0 + 2
    assert all(100 < np.mean(scene.embedding) < 220 for scene in scenes)
    details = next(
        {item.key: item.value for item in status.values}
        for array in reversed(diagnostics) for status in array.status if status.name == '/pose')
    assert details['scene_model'] == 'means'
    assert (details['published'] != '0') is with_poses
    assert process.end() == 0, process.output()
