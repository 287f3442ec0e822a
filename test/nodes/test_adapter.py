"""The adapter node in a process of its own: confirmed people, in the messages of others."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from neuropose_ros.core import wire
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import (
    FrameStatus,
    JointState,
    PersonPose,
    PoseFrame,
    TrackState,
)

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')

from neuropose_ros.msg import PersonArray  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from neuropose_ros.nodes import images, qos  # noqa: E402
from neuropose_ros.nodes.types import ROS  # noqa: E402

SECOND = 1_000_000_000


def person(track_id: int, state: TrackState = TrackState.CONFIRMED) -> PersonPose:
    count = len(COCO17)
    return PersonPose(
        np.full((count, 2), 30.0, np.float32), np.ones(count, np.float32),
        np.full(count, JointState.MEASURED, np.uint8), np.array((10, 20, 50, 60), np.float32),
        score=0.9, track_id=track_id, track_state=state)


class Source:
    """Publishes refined people."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._publisher = graph.node.create_publisher(
            PersonArray, 'poses_refined', qos.reliable(10))
        self.stamp_ns = 10 * SECOND
        self._template = PoseFrame(
            self.stamp_ns, 0, COCO17.id, 100, 80, frame_id='camera', epoch=1,
            status=FrameStatus.OK)
        self.wait = lambda: graph.until(
            lambda: self._publisher.get_subscription_count() > 0, 20)

    def send(self, *persons: PersonPose, **changes: Any) -> PoseFrame:
        self.stamp_ns += SECOND // 10
        frame = replace(self._template, stamp_ns=self.stamp_ns, persons=persons, **changes)
        self._publisher.publish(wire.pose_frame_to_message(frame, ROS))
        self._graph.spin_for(0.1)
        return frame


@pytest.mark.parametrize(('to', 'kind'), [
    ('vision_msgs', 'vision_msgs/msg/Detection2DArray'),
    ('yolo_msgs', 'yolo_msgs/msg/DetectionArray')])
def test_only_confirmed_people_become_detections(graph: Any, to: str, kind: str) -> None:
    pytest.importorskip(f'{to}.msg', reason=f'needs {to}')
    process = graph.start('adapter', '--ros-args', '-p', f'to:={to}')
    found = graph.collect(ROS.find(kind), '/adapter/detections')
    source = Source(graph)
    source.wait()
    sent = source.send(
        person(1), person(2, TrackState.TENTATIVE), person(3, TrackState.LOST), person(4))
    graph.until(lambda: found)
    assert [detection.id for detection in found[0].detections] == ['1', '4']
    assert wire.stamp_ns(found[0].header.stamp) == sent.stamp_ns
    source.send(status=FrameStatus.SKIPPED)
    source.send(status=FrameStatus.NO_PERSON)
    graph.until(lambda: len(found) == 2)
    assert found[1].detections == []
    assert process.end() == 0, process.output()


def test_bodies_have_topics_as_long_as_they_are_there(graph: Any) -> None:
    messages = pytest.importorskip('hri_msgs.msg', reason='needs hri_msgs')
    process = graph.start(
        'adapter', '--ros-args', '-p', 'cropped:=true', '-p', 'id_prefix:=left')
    tracked = graph.collect(messages.IdsList, '/humans/bodies/tracked')
    camera = graph.node.create_publisher(Image, 'image_raw', qos.reliable(10))
    source = Source(graph)
    source.wait()
    source.send(person(7), person(8, TrackState.TENTATIVE))
    graph.until(lambda: tracked)
    assert tracked[0].ids == ['left1_7']
    body = '/humans/bodies/left1_7'
    regions = graph.collect(messages.NormalizedRegionOfInterest2D, f'{body}/roi')
    skeletons = graph.collect(messages.Skeleton2D, f'{body}/skeleton2d')
    crops = graph.collect(Image, f'{body}/cropped')

    def look() -> bool:
        picture = np.arange(80 * 100 * 3, dtype=np.uint32).astype(np.uint8).reshape(80, 100, 3)
        message = images.image_message(picture, Image().header)
        stamp_ns = source.stamp_ns + SECOND // 10
        message.header.stamp = ROS.time(stamp_ns)
        camera.publish(message)
        graph.spin_for(0.05)
        source.send(person(7))
        if crops:
            crop = images.image_to_bgr(crops[-1])
            np.testing.assert_array_equal(crop, picture[20:61, 10:51])
        return bool(regions and skeletons and crops)

    graph.until(look, 20)
    assert regions[-1].xmin == pytest.approx(10.5 / 100)
    assert skeletons[-1].skeleton[0].x == pytest.approx(30.5 / 100)

    source.send(status=FrameStatus.NO_PERSON)
    graph.until(lambda: not tracked[-1].ids)
    graph.until(lambda: not graph.node.count_publishers(f'{body}/roi'))
    source.send(person(9), epoch=2)
    graph.until(lambda: tracked[-1].ids == ['left2_9'])
    assert process.end() == 0, process.output()


@pytest.mark.parametrize('to', ['humans', 'vision_msgs', 'yolo_msgs'])
def test_messages_that_are_not_installed_are_named(graph: Any, to: str) -> None:
    package = {'humans': 'hri_msgs'}.get(to, to)
    if find_spec(package) is not None:
        pytest.skip(f'{package} is installed')
    process = graph.start('adapter', '--ros-args', '-p', f'to:={to}')
    assert process.wait(30) == 2, process.output()
    line, = (line for line in process.output().splitlines() if line.startswith('neuropose:'))
    assert f'needs the ROS package {package}' in line
    assert f'-{package.replace("_", "-")}' in line


@pytest.mark.parametrize('prefix', ['7a', '_a'])
def test_an_id_that_no_topic_should_have_is_refused(graph: Any, prefix: str) -> None:
    process = graph.start('adapter', '--ros-args', '-p', f"id_prefix:='{prefix}'")
    assert process.wait(30) == 2, process.output()
    assert 'id_prefix' in process.output()
