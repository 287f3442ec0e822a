"""Depth on its way: from the camera node, to poses, and when it is late, missing or strange."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuropose_ros.core import wire
from neuropose_ros.core.pose import JointState, Origin3D, PoseFrame
from neuropose_ros.sources.synthetic.source import open_synthetic

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from neuropose_ros.msg import PersonArray  # noqa: E402
from sensor_msgs.msg import CameraInfo, Image  # noqa: E402

from neuropose_ros.core.errors import DepthError  # noqa: E402
from neuropose_ros.core.pose import Frame  # noqa: E402
from neuropose_ros.nodes import images, qos  # noqa: E402
from neuropose_ros.nodes.depth import intrinsics  # noqa: E402
from neuropose_ros.nodes.types import ROS  # noqa: E402

from .conftest import Process  # noqa: E402

SCENE = 'synthetic:walk?depth=1&width=320&height=240&rate=10'
SECOND = 1_000_000_000
NODE = Path(__file__).with_name('lifting_node.py')


def start_lifting(graph: Any, *arguments: str) -> Any:
    process = Process(
        [sys.executable, str(NODE), *arguments], graph.environment, graph.folder / 'lifting.log')
    graph.processes.append(process)
    return process


def errors_m(found: PoseFrame, truth: PoseFrame) -> np.ndarray:
    person, true = found.persons[0], truth.persons[0]
    measured = person.keypoint_states_3d == JointState.MEASURED
    return np.linalg.norm((person.keypoints_3d - true.keypoints_3d)[measured], axis=1)


def with_truth(frames: list[PoseFrame], truth: list[Any]) -> list[tuple[PoseFrame, PoseFrame]]:
    """Pair by stamp; the first truths may be out before the observer listens."""
    known = {wire.stamp_ns(message.header.stamp): message for message in truth}
    return [(frame, wire.pose_frame_from_message(known[frame.stamp_ns]))
            for frame in frames if frame.stamp_ns in known]


def test_people_of_a_camera_with_depth_get_their_place(graph: Any) -> None:
    lifting = start_lifting(graph)
    graph.start('camera', '--source', SCENE, '--ros-args', '-p', 'frame_id:=optical')
    depth = graph.collect(Image, 'depth/image_raw', qos.best_effort(5))
    truth = graph.collect(PersonArray, 'truth')
    poses = graph.collect(PersonArray, 'poses')

    def placed() -> list[PoseFrame]:
        frames = [wire.pose_frame_from_message(message) for message in poses]
        return [frame for frame in frames
                if frame.persons and frame.persons[0].frame_3d == 'optical'
                and frame.persons[0].keypoint_covariances_3d is not None]

    graph.until(lambda: len(with_truth(placed(), truth)) >= 5 and depth)
    assert (depth[0].encoding, depth[0].width, depth[0].height) == ('32FC1', 320, 240)
    for frame, true in with_truth(placed(), truth):
        assert frame.persons[0].origin_3d is Origin3D.CAMERA
        assert np.median(errors_m(frame, true)) < 0.015
    assert lifting.end() == 0, lifting.output()


def details_of(diagnostics: list[Any], node: str) -> dict[str, str]:
    """Return the newest sentence and details of a node."""
    return next((
        {'message': status.message, **{item.key: item.value for item in status.values}}
        for array in reversed(diagnostics) for status in array.status if status.name == node), {})


class Rig:
    """A camera with depth, played by the observer."""

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        node = graph.node
        self._picture = open_synthetic(SCENE).read()
        self._calibration = open_synthetic(SCENE).calibration
        self._truth = node.create_publisher(PersonArray, 'truth', qos.reliable(10))
        self._depth = node.create_publisher(Image, 'depth/image_raw', qos.best_effort(5))
        self._info = node.create_publisher(CameraInfo, 'camera_info', qos.best_effort(5))
        self.poses = graph.collect(PersonArray, 'poses')
        self.diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
        self.stamp_ns = 100 * SECOND
        graph.until(lambda: self._truth.get_subscription_count()
                    and self._depth.get_subscription_count()
                    and self._info.get_subscription_count())

    def calibrate(self, calibrated: bool) -> None:
        frame = Frame(self._picture.image, self.stamp_ns, 0)
        self._info.publish(images.camera_info(frame, self._calibration if calibrated else None))
        self.graph.spin_for(0.3)

    def send(self, *, late_ns: int | None = 0, frame_id: str = 'camera') -> PoseFrame:
        """Publish one instant, with depth so much later or none, and return the answer."""
        self.stamp_ns += SECOND // 10
        frame = Frame(self._picture.image, self.stamp_ns, 0, depth=self._picture.depth)
        if late_ns is not None:
            self._depth.publish(images.depth_from_frame(
                replace(frame, stamp_ns=self.stamp_ns + late_ns, frame_id=frame_id)))
        truth = replace(
            self._picture.truth, stamp_ns=self.stamp_ns, frame_id='camera',
            persons=tuple(replace(person, keypoint_covariances_3d=None, frame_3d='',
                                  origin_3d=Origin3D.ROOT_RELATIVE)
                          for person in self._picture.truth.persons))
        before = len(self.poses)
        self._truth.publish(wire.pose_frame_to_message(truth, ROS))
        self.graph.until(lambda: len(self.poses) > before)
        return wire.pose_frame_from_message(self.poses[-1])


def test_without_calibration_pairs_or_one_frame_there_are_no_places(graph: Any) -> None:
    lifting = start_lifting(graph, '--ros-args', '-p', 'depth_patience_ms:=100.0')
    rig = Rig(graph)
    rig.calibrate(False)
    assert rig.send().persons[0].origin_3d is Origin3D.ROOT_RELATIVE
    assert 'K = 0' in lifting.output()

    rig.calibrate(True)
    placed = rig.send().persons[0]
    assert placed.origin_3d is Origin3D.CAMERA
    assert rig.send(late_ns=10_000_000).persons[0].origin_3d is Origin3D.CAMERA

    for late_ns in (None, 40_000_000):
        begin = time.monotonic()
        assert rig.send(late_ns=late_ns).persons[0].keypoints_3d is None
        assert time.monotonic() - begin < 2.0
    rig.send(frame_id='elsewhere')
    assert "'elsewhere'" in lifting.output()
    graph.until(lambda: details_of(rig.diagnostics, '/lifting').get('depth_missing') == '2')
    assert details_of(rig.diagnostics, '/lifting')['lifted'] == '2'
    assert details_of(rig.diagnostics, '/lifting')['depth_refused'] == '2'
    assert 'no metres' in details_of(rig.diagnostics, '/lifting')['message']
    assert lifting.output().count('K = 0') == 1
    assert lifting.end() == 0, lifting.output()


def info(width: int = 640, height: int = 480, **fields: Any) -> CameraInfo:
    message = CameraInfo(width=width, height=height, distortion_model='plumb_bob')
    message.k = np.array([500.0, 0, 320, 0, 510, 240, 0, 0, 1])
    message.p = np.array([450.0, 0, 310, 0, 0, 460, 230, 0, 0, 0, 1, 0])
    message.d = [0.1, 0.0, 0.0, 0.0, 0.0]
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def test_camera_info_is_that_of_the_pictures_size_and_rectification() -> None:
    lens = intrinsics(info(), 640, 480)
    assert (lens.k[0, 0], lens.model, lens.d[0]) == (500.0, 'plumb_bob', 0.1)
    half = intrinsics(info(), 320, 240)
    assert (half.k[0, 0], half.k[0, 2]) == (250.0, 320 / 2 - 0.25)
    rectified = intrinsics(info(), 640, 480, rectified=True)
    assert (rectified.k[0, 0], rectified.k[1, 2], rectified.model) == (450.0, 230.0, '')
    assert not rectified.d.any()


def test_a_region_of_the_sensor_moves_the_principal_point() -> None:
    message = info()
    message.roi.x_offset, message.roi.y_offset = 100, 40
    message.roi.width, message.roi.height = 400, 300
    lens = intrinsics(message, 400, 300)
    assert (lens.k[0, 0], lens.k[0, 2], lens.k[1, 2]) == (500.0, 220.0, 200.0)


def test_an_unknown_model_matters_only_where_it_bends() -> None:
    assert intrinsics(info(distortion_model='none', d=[0.0] * 5), 640, 480).model == ''
    with pytest.raises(DepthError, match="'none'"):
        intrinsics(info(distortion_model='none'), 640, 480)


@pytest.mark.parametrize(('fields', 'says'), [
    ({'width': 0}, 'picture of 0x480'),
    ({'width': 0, 'height': 0}, 'picture of 0x0'),
    ({'d': [0.1, 0.1, 0.1]}, 'D of camera_info'),
    ({'d': [0.1] * 7}, 'D of camera_info'),
    ({'d': [0.1, float('nan'), 0.0, 0.0, 0.0]}, 'D of camera_info'),
    ({'d': [0.1, 0.1], 'distortion_model': 'equidistant'}, 'equidistant'),
    ({'d': [0.1] * 7, 'distortion_model': ''}, 'plumb_bob'),
])
def test_a_lens_that_is_none_is_refused_in_a_sentence(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(DepthError, match=says):
        intrinsics(info(**fields), 640, 480)


def test_detected_people_are_where_they_walk(graph: Any) -> None:
    """By reference in one process: pixels and depth in, metres out, against the truth."""
    graph.start(
        'composed', '--source', 'synthetic:walk?depth=1&rate=10', '--ros-args', '-p',
        'policy:=every_frame')
    truth = graph.collect(PersonArray, 'truth')
    poses = graph.collect(PersonArray, 'poses')
    diagnostics = graph.collect(DiagnosticArray, '/diagnostics')

    def placed() -> list[PoseFrame]:
        frames = [wire.pose_frame_from_message(message) for message in poses]
        return [frame for frame in frames
                if frame.persons and frame.persons[0].origin_3d is Origin3D.CAMERA]

    graph.until(lambda: len(with_truth(placed()[2:], truth)) >= 5, 40)
    for frame, true in with_truth(placed()[2:], truth):
        errors = errors_m(frame, true)
        assert len(errors) > 20
        assert np.median(errors) < 0.05
    graph.until(lambda: details_of(diagnostics, '/pose').get('lifted', '0') != '0')
    pose = details_of(diagnostics, '/pose')
    # The lens is there before the first frame.
    assert (pose['depth_missing'], pose['depth_refused']) == ('0', '0')


def test_a_range_that_holds_nothing_is_refused(graph: Any) -> None:
    process = start_lifting(graph, '--ros-args', '-p', 'depth_nearest_m:=12.0')
    assert process.wait(30) == 2, process.output()
    assert 'depth_nearest_m 12 must be less than depth_farthest_m 10' in process.output()


def test_a_dead_depth_camera_holds_nobody_up(graph: Any) -> None:
    lifting = start_lifting(graph, '--ros-args', '-p', 'depth_patience_ms:=800.0')
    rig = Rig(graph)
    rig.calibrate(True)
    rig.send()
    graph.spin_for(2.5)
    begin = time.monotonic()
    for _ in range(3):
        assert rig.send(late_ns=None).persons[0].origin_3d is Origin3D.ROOT_RELATIVE
    assert time.monotonic() - begin < 1.5
    assert lifting.end() == 0, lifting.output()
