"""The pose node with models of the user's own list: one that finds people, ones that cannot."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from onnx import TensorProto, helper, save

from neuropose_ros.core.pose import FrameStatus

pytest.importorskip('rclpy', reason='needs ROS 2')

from diagnostic_msgs.msg import DiagnosticArray
from neuropose_ros.msg import FrameInfo, Person, PersonArray, SceneEmbedding
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from neuropose_ros.nodes import images, qos

DETECTOR = """\
my-detector:
  path: {path}
  decoder: rtmdet
  input: {{width: 320, height: 320, mean: [103.53, 116.28, 123.675],
          std: [57.375, 57.12, 58.395], channels: bgr}}
"""


@pytest.fixture
def own_list(graph: Any, tmp_path: Path) -> Path:
    path = tmp_path / 'models.yaml'
    graph.environment['NEUROPOSE_MODELS'] = str(path)
    return path


@pytest.mark.parametrize('node', ['pose', 'composed'])
def test_a_model_that_cannot_be_loaded_fails_configure_with_the_reason(
    graph: Any, own_list: Path, tmp_path: Path, node: str,
) -> None:
    (tmp_path / 'broken.onnx').write_bytes(b'no network')
    own_list.write_text(DETECTOR.format(path=tmp_path / 'broken.onnx'))
    chosen = ('--detector', 'my-detector') if node == 'composed' else (
        '--ros-args', '-p', 'detector:=my-detector')
    process = graph.start(node, *chosen)
    assert process.wait(30) == 2, process.output()
    [line] = [line for line in process.output().splitlines() if line.startswith('neuropose:')]
    assert '/pose: ' in line
    assert 'broken.onnx' in line
    assert 'Traceback' not in process.output()


def test_a_detector_finds_everybody_in_a_picture(graph: Any, own_list: Path) -> None:
    data = os.environ.get('NEUROPOSE_DATA')
    if not data:
        pytest.skip('needs pictures and a detector: set NEUROPOSE_DATA')
    own_list.write_text(DETECTOR.format(
        path=Path(data) / 'models/rtmdet_nano/rtmdet_nano_person_320.onnx'))
    graph.start('pose', '--ros-args', '-p', 'detector:=my-detector', '-p', 'layout:=coco17')
    poses = graph.collect(PersonArray, 'poses')
    publisher = graph.node.create_publisher(Image, 'image_raw', qos.best_effort(5))
    graph.until(lambda: publisher.get_subscription_count() == 1, 120)
    picture = cv2.imread(str(Path(data) / 'images/coco/000000197388.jpg'))

    def answered(number: int) -> bool:
        header = Header()
        header.stamp.sec, header.stamp.nanosec = divmod(number * 33_000_000, 10**9)
        publisher.publish(images.image_message(picture, header))
        return len(poses) >= number

    # Each picture is sent until its answer is here (one that comes twice is refused): whoever is
    # away for a while, as where messages are lost, may get a new id, and that is another test's.
    for number in range(1, 13):
        graph.until(lambda number=number: answered(number), 60 if number == 1 else 20)
    assert [message.header.stamp.nanosec for message in poses] == [
        number * 33_000_000 for number in range(1, 13)]
    assert all(message.status == FrameStatus.OK for message in poses)
    ids = [{person.track_id for person in message.persons} for message in poses]
    assert len(ids[-1]) >= 4
    assert all(found == ids[-1] for found in ids[-5:])
    assert all(len(person.keypoints) == 34 for person in poses[-1].persons)


def test_malformed_feedback_is_refused_where_a_model_looks_where_people_are_expected(
    graph: Any, own_list: Path, tmp_path: Path,
) -> None:
    nobody = helper.make_tensor('nobody', TensorProto.FLOAT, (1, 1, 5), [0.0] * 5)
    network = helper.make_graph(
        [helper.make_node('Identity', ['nobody'], ['boxes'])], 'nobody',
        [helper.make_tensor_value_info('picture', TensorProto.FLOAT, (1, 3, 320, 320))],
        [helper.make_tensor_value_info('boxes', TensorProto.FLOAT, (1, 1, 5))], [nobody])
    save(helper.make_model(network, opset_imports=[helper.make_opsetid('', 13)], ir_version=8),
         tmp_path / 'nobody.onnx')
    own_list.write_text(DETECTOR.format(path=tmp_path / 'nobody.onnx'))
    process = graph.start('pose', '--ros-args', '-p', 'detector:=my-detector')
    graph.collect(PersonArray, 'poses')
    talker = graph.node.create_publisher(PersonArray, 'pose_feedback', 1)
    graph.until(lambda: talker.get_subscription_count() == 1, 30)
    talker.publish(PersonArray(persons=[Person(keypoints=[1.0, 2.0])]))
    graph.until(lambda: 'a message is refused' in process.output(), 20)
    assert process.end() == 0, process.output()


def test_who_listens_to_scenes_alone_gets_scenes_alone(
    graph: Any, own_list: Path, tmp_path: Path,
) -> None:
    network = helper.make_graph(
        [helper.make_node('ReduceMean', ['picture'], ['vector'], axes=[2, 3], keepdims=0)],
        'means', [helper.make_tensor_value_info('picture', TensorProto.FLOAT, (1, 3, 8, 8))],
        [helper.make_tensor_value_info('vector', TensorProto.FLOAT, (1, 3))])
    save(helper.make_model(network, opset_imports=[helper.make_opsetid('', 13)], ir_version=8),
         tmp_path / 'means.onnx')
    own_list.write_text('means: {path: means.onnx, decoder: embedding, '
                        'input: {width: 8, height: 8}}\n')
    process = graph.start('pose', '--ros-args', '-p', 'scene_model:=means', '-p',
                          'scene_rate_hz:=0.0')
    scenes = graph.collect(SceneEmbedding, 'scene')
    publisher = graph.node.create_publisher(Image, 'image_raw', qos.best_effort(5))
    graph.until(lambda: publisher.get_subscription_count() == 1, 120)
    for second in range(1, 4):
        message = images.image_message(np.full((48, 64, 3), (30, 20, 10), np.uint8),
                                       Image().header)
        message.header.stamp.sec = second
        publisher.publish(message)
        graph.until(lambda count=second: len(scenes) == count, 20)
    assert [scene.header.stamp.sec for scene in scenes] == [1, 2, 3]
    assert np.allclose(scenes[0].embedding, (10, 20, 30))
    # A listener to poses that comes later finds everything working.
    poses = graph.collect(PersonArray, 'poses')
    graph.spin_for(1.0)
    message.header.stamp.sec = 4
    publisher.publish(message)
    graph.until(lambda: len(poses) == 1, 20)
    assert 'Traceback' not in process.output()


def test_a_camera_that_waits_goes_on_where_a_network_fails(
    graph: Any, own_list: Path, tmp_path: Path,
) -> None:
    # Looks a row up by the mean grey level: there is none for a bright picture.
    network = helper.make_graph(
        [helper.make_node('ReduceMean', ['picture'], ['mean'], keepdims=0),
         helper.make_node('Cast', ['mean'], ['row'], to=TensorProto.INT64),
         helper.make_node('Gather', ['rows', 'row'], ['vector'], axis=0)],
        'rows', [helper.make_tensor_value_info('picture', TensorProto.FLOAT, (1, 3, 8, 8))],
        [helper.make_tensor_value_info('vector', TensorProto.FLOAT, (1, 3))],
        [helper.make_tensor('rows', TensorProto.FLOAT, (200, 1, 3), np.zeros(600))])
    save(helper.make_model(network, opset_imports=[helper.make_opsetid('', 13)], ir_version=8),
         tmp_path / 'rows.onnx')
    own_list.write_text('rows: {path: rows.onnx, decoder: embedding, '
                        'input: {width: 8, height: 8}}\n')
    process = graph.start('pose', '--ros-args', '-p', 'scene_model:=rows', '-p',
                          'scene_rate_hz:=0.0')
    scenes = graph.collect(SceneEmbedding, 'scene')
    done = graph.collect(FrameInfo, 'frame_done')
    diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
    infos = graph.node.create_publisher(FrameInfo, 'frame_info', qos.reliable(50))
    publisher = graph.node.create_publisher(Image, 'image_raw', qos.best_effort(5))
    graph.until(lambda: publisher.get_subscription_count() == 1
                and infos.get_subscription_count() == 1, 120)
    for second, level in enumerate((114, 255, 114), 1):
        message = images.image_message(np.full((48, 64, 3), level, np.uint8), Image().header)
        message.header.stamp.sec = second
        infos.publish(FrameInfo(
            header=message.header, frame_seq=second, policy=FrameInfo.POLICY_EVERY_FRAME))
        publisher.publish(message)
        graph.until(lambda count=second: len(done) == count, 20)
    assert [info.frame_seq for info in done] == [1, 2, 3]
    graph.until(lambda: len(scenes) == 2, 20)
    graph.until(lambda: any(
        'rows' in status.message for array in diagnostics for status in array.status), 5)
    assert 'Traceback' not in process.output()
