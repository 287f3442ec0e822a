"""The pose node and bad input: it says what is wrong and lives."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest

from neuropose_ros.core import wire
from neuropose_ros.core.pose import Frame, FramePolicy, FrameStatus

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from neuropose_ros.msg import PersonArray  # noqa: E402
from rcl_interfaces.srv import SetParameters  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402

from neuropose_ros.nodes import images, qos  # noqa: E402
from neuropose_ros.nodes.base import RCLError  # noqa: E402
from neuropose_ros.nodes.hub import Hub  # noqa: E402
from neuropose_ros.nodes.pose import PoseNode  # noqa: E402
from neuropose_ros.pose.arrivals import Arrival  # noqa: E402

POSE = 'pose'
SECOND = 1_000_000_000
_NUMBERS = itertools.count()


def image(stamp_ns: int) -> Image:
    message = images.image_message(np.zeros((120, 160, 3), np.uint8), Image().header)
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, SECOND)
    return message


def broken(stamp_ns: int, **fields: Any) -> Image:
    message = image(stamp_ns)
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def summaries(diagnostics: list[Any]) -> set[str]:
    return {status.message for array in diagnostics for status in array.status}


def test_broken_images_and_stamps_are_said_and_survived(graph: Any) -> None:
    process = graph.start(POSE)
    poses = graph.collect(PersonArray, 'poses')
    diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
    publisher = graph.node.create_publisher(Image, 'image_raw', qos.reliable(10))
    graph.until(lambda: publisher.get_subscription_count() == 1, 30)

    def send(message: Image, answers: int) -> None:
        before = len(poses)
        publisher.publish(message)
        if answers:
            graph.until(lambda: len(poses) == before + answers)
        else:
            graph.spin_for(0.3)
            assert len(poses) == before

    send(image(10 * SECOND), 1)
    assert poses[-1].status == FrameStatus.NO_PERSON
    assert poses[-1].seq_is_local
    for message in (
        broken(11 * SECOND, encoding='no_such_encoding'),
        broken(12 * SECOND, step=7),
        broken(13 * SECOND, width=0),
        broken(14 * SECOND, height=10_000),
    ):
        send(message, 1)
        assert poses[-1].status == FrameStatus.ERROR
        assert wire.stamp_ns(poses[-1].header.stamp) == wire.stamp_ns(message.header.stamp)
    send(image(0), 0)
    send(image(15 * SECOND), 1)
    send(image(15 * SECOND), 0)
    epoch = poses[-1].epoch
    send(image(2 * SECOND), 1)
    assert poses[-1].epoch == epoch + 1
    graph.until(lambda: any('zero stamp' in text for text in summaries(diagnostics)))
    assert not any('too slow' in text for text in summaries(diagnostics)), 'they were dealt with'
    output = process.output()
    assert 'no_such_encoding' in output
    assert 'zero stamp' in output
    assert process.end() == 0, output


def test_how_far_a_dark_picture_was_brightened_is_in_the_diagnostics(graph: Any) -> None:
    process = graph.start(POSE, '--ros-args', '-p', 'exposure:=always')
    poses = graph.collect(PersonArray, 'poses')
    diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
    publisher = graph.node.create_publisher(Image, 'image_raw', qos.reliable(10))
    graph.until(lambda: publisher.get_subscription_count() == 1, 30)
    assert 'it is dark' not in process.output()

    def told() -> set[str]:
        return {item.value for array in diagnostics for status in array.status
                for item in status.values if item.key == 'exposure_stops'}

    publisher.publish(image(10 * SECOND))  # black
    graph.until(lambda: len(poses) == 1)
    graph.until(lambda: '6.0' in told())
    assert 'it is dark: pictures are brightened before blazepose' in process.output()


def test_more_images_than_can_be_worked_on_are_said(graph: Any) -> None:
    graph.start(POSE)
    poses = graph.collect(PersonArray, 'poses')
    diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
    publisher = graph.node.create_publisher(Image, 'image_raw', qos.best_effort(5))
    graph.until(lambda: publisher.get_subscription_count() == 1, 30)
    stamps = itertools.count(SECOND, SECOND // 1000)

    def said() -> bool:
        for _ in range(20):
            publisher.publish(image(next(stamps)))
        return any('too slow' in text for text in summaries(diagnostics))
    graph.until(said, 30)
    graph.until(lambda: any(message.skipped_before for message in poses))


def test_truncated_and_8k_jpegs_are_errors_and_the_next_picture_is_fine(graph: Any) -> None:
    process = graph.start(POSE, '--ros-args', '-p', 'image_transport:=compressed')
    poses = graph.collect(PersonArray, 'poses')
    publisher = graph.node.create_publisher(
        CompressedImage, 'image_raw/compressed', qos.reliable(10))
    graph.until(lambda: publisher.get_subscription_count() == 1, 30)
    noise = np.random.default_rng(1).integers(0, 255, (120, 160, 3), np.uint8)
    jpeg = cv2.imencode('.jpg', noise)[1].tobytes()
    jpeg_8k = cv2.imencode('.jpg', np.zeros((4320, 7680, 3), np.uint8))[1].tobytes()
    for index, data in enumerate((jpeg[:len(jpeg) // 2], jpeg_8k, jpeg)):
        message = CompressedImage(format='jpeg', data=data)
        message.header.stamp.sec = index + 1
        publisher.publish(message)
        graph.until(lambda count=index + 1: len(poses) == count)
    assert [m.status for m in poses] == [
        FrameStatus.ERROR, FrameStatus.ERROR, FrameStatus.NO_PERSON]
    assert 'cut off' in process.output()
    assert '7680x4320' in process.output()


@pytest.mark.parametrize(('arguments', 'says'), [
    (('-p', 'layout:=coco99'), "must be one of ''"),
    (('-p', 'threads:=100'), 'Max: 64'),
    (('-p', 'threads:=many'), 'type int'),
    (('-p', 'model:=no_model'), 'blazepose'),
    (('-p', 'detector:=no_detector'), 'rtmdet-nano'),
    (('-p', 'reid_model:=no_model'), 'youtu-reid'),
    (('-p', 'scene_model:=no_model'), 'mobilenet-v2'),
])
def test_an_invalid_parameter_at_start_ends_with_one_sentence(
    graph: Any, arguments: tuple[str, ...], says: str,
) -> None:
    process = graph.start(POSE, '--ros-args', *arguments)
    assert process.wait(30) == 2, process.output()
    lines = [line for line in process.output().splitlines() if line.startswith('neuropose:')]
    assert len(lines) == 1, process.output()
    assert says in lines[0]
    assert 'Traceback' not in process.output()


def test_a_change_at_run_time_is_taken_or_refused_with_the_reason(graph: Any) -> None:
    graph.start(POSE)
    client = graph.node.create_client(SetParameters, '/pose/set_parameters')
    graph.until(client.service_is_ready, 30)

    def change(name: str, value: Any) -> Any:
        request = SetParameters.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg()])
        return graph.ask(client, request).results[0]

    assert change('expected_rate_hz', 25.0).successful
    for name, value, reason in (
        ('expected_rate_hz', -1.0, 'Max: 1000'),
        ('expected_rate_hz', 'fast', 'type'),
        ('layout', 'coco17', 'configured'),
        ('layout', 'nonsense', 'one of'),
    ):
        result = change(name, value)
        assert not result.successful
        assert reason in result.reason, result.reason


def test_two_nodes_of_one_name_are_reported(graph: Any) -> None:
    graph.start(POSE)
    graph.start(POSE)
    diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
    graph.until(lambda: any('are also called /pose' in text for text in summaries(diagnostics)))
    levels = {s.level for a in diagnostics for s in a.status if 'also called' in s.message}
    assert levels == {DiagnosticStatus.ERROR}


class Noting(PoseNode):
    """A pose node in this process that notes where problems are told."""

    def __init__(self, hub: Hub) -> None:
        # A name of its own: the graph remembers nodes for a moment after they went.
        super().__init__(
            hub=hub, cli_args=('--ros-args', '-r', f'__node:=pose_{next(_NUMBERS)}'))
        self.noted: list[tuple[str, str]] = []

    def _note_problem(self, problem: str) -> None:
        if problem:
            self.noted.append((threading.current_thread().name, problem))
        super()._note_problem(problem)


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def node(ros_domain: int, hub: Hub) -> Iterator[Noting]:
    rclpy.init(domain_id=ros_domain)
    made = Noting(hub)
    yield made
    made.destroy_node()
    rclpy.try_shutdown()


def fails_with(error: Exception) -> Callable[[Any], None]:
    def fail(_: Any) -> None:
        raise error
    return fail


def soon(condition: Callable[[], object]) -> None:
    end_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_an_error_beside_the_network_fails_the_node_though_no_other_frame_comes(
    node: Noting, hub: Hub,
) -> None:
    hub.listen('/poses', fails_with(RCLError('publisher is invalid')))
    node.start()
    node._poll()
    hub.deliver('/image_raw', 1, Frame(np.zeros((120, 160, 3), np.uint8), SECOND, 1))
    soon(lambda: node.failure)
    assert node.failure == 'pose worker ended: RCLError: publisher is invalid'


def test_frames_are_done_whatever_happens_and_all_is_told_in_one_thread(
    node: Noting, hub: Hub,
) -> None:
    done: list[wire.FrameInfo] = []
    hub.listen('/frame_done', done.append)
    hub.listen('/frame_done', fails_with(ValueError('the camera is gone')))
    node.start()
    for number in (1, 2):
        info = wire.FrameInfo(number * SECOND, number, policy=FramePolicy.EVERY_FRAME)
        node._images._take([Arrival(None, info, False)])
        soon(lambda count=number: len(node.noted) == 2 * count)
        assert len(done) == number
    assert {thread for thread, _ in node.noted} == {'behind'}
    assert 'AttributeError' in node.noted[0][1]
    assert 'the camera is gone' in node.noted[1][1]
    assert node.failure == ''
