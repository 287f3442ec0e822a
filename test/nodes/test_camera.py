"""The camera node: what it publishes, and sources that end, loop, fail and come back."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from neuropose_ros.core import wire

rclpy = pytest.importorskip('rclpy', reason='needs ROS 2')

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from neuropose_ros.msg import FrameInfo, PersonArray  # noqa: E402
from rcl_interfaces.msg import Log  # noqa: E402
from sensor_msgs.msg import CameraInfo, CompressedImage, Image  # noqa: E402

from neuropose_ros.nodes import qos  # noqa: E402

CAMERA = 'camera'
# Longer than the time after which Fast DDS says once more what was lost: nobody misses a frame.
ALL_LISTEN = ('-p', 'settle_s:=4.0')

CALIBRATION = """\
image_width: 160
image_height: 120
camera_name: test
camera_matrix: {rows: 3, cols: 3, data: [100.0, 0, 80, 0, 101.0, 60, 0, 0, 1]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [0.1, 0, 0, 0, 0]}
rectification_matrix: {rows: 3, cols: 3, data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
projection_matrix: {rows: 3, cols: 4, data: [100.0, 0, 80, 0, 0, 101.0, 60, 0, 0, 0, 1, 0]}
"""


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of ten pictures, each of one grey."""
    folder = tmp_path / 'pictures'
    folder.mkdir()
    for index in range(10):
        picture = np.full((120, 160, 3), 20 * index, np.uint8)
        assert cv2.imwrite(str(folder / f'{index}.png'), picture)
    return folder


def test_every_picture_comes_with_its_number_stamp_and_calibration(
    graph: Any, pictures: Path, tmp_path: Path,
) -> None:
    calibration = tmp_path / 'calibration.yaml'
    calibration.write_text(CALIBRATION)
    images = graph.collect(Image, 'image_raw', qos.best_effort(20))
    jpegs = graph.collect(CompressedImage, 'image_raw/compressed', qos.best_effort(20))
    infos = graph.collect(FrameInfo, 'frame_info')
    calibrations = graph.collect(CameraInfo, 'camera_info')
    process = graph.start(
        CAMERA, '--source', str(pictures), '--ros-args', '-p', 'frame_id:=left_eye',
        '-p', f'calibration_file:={calibration}', '-p', 'rate_hz:=10.0', *ALL_LISTEN)
    graph.until(lambda: min(map(len, (images, jpegs, infos, calibrations))) == 10)

    assert [int(m.data[0]) for m in images] == [20 * index for index in range(10)]
    assert [m.frame_seq for m in infos] == list(range(10))
    stamps = [wire.stamp_ns(m.header.stamp) for m in infos]
    assert np.diff(stamps).tolist() == [100_000_000] * 9
    for others in (images, jpegs, calibrations):
        assert [wire.stamp_ns(m.header.stamp) for m in others] == stamps
    assert {m.header.frame_id for m in (*images, *infos, *jpegs)} == {'left_eye'}
    assert calibrations[0].k[0] == 100.0
    assert cv2.imdecode(np.frombuffer(jpegs[5].data, np.uint8), 1)[60, 80, 0] == pytest.approx(
        100, abs=2)
    assert process.end() == 0, process.output()


def test_what_a_source_has_to_say_is_on_rosout(graph: Any, pictures: Path) -> None:
    (pictures / '3.png').write_bytes(b'not a picture')
    log = graph.collect(Log, '/rosout')
    infos = graph.collect(FrameInfo, 'frame_info')
    graph.collect(Image, 'image_raw', qos.best_effort(5))
    graph.start(CAMERA, '--source', str(pictures), '--ros-args', *ALL_LISTEN)
    graph.until(lambda: len(infos) == 9 and any('3.png' in m.msg for m in log))


def test_the_synthetic_camera_is_calibrated_and_its_truth_metric(graph: Any) -> None:
    calibrations = graph.collect(CameraInfo, 'camera_info')
    truths = graph.collect(PersonArray, 'truth')
    graph.collect(Image, 'image_raw', qos.best_effort(5))
    graph.start(CAMERA, '--source', 'synthetic:walk', '--ros-args', '-p', 'width:=320',
                '-p', 'height:=240', '-p', 'frame_id:=left_eye')
    graph.until(lambda: calibrations and truths)
    person = wire.pose_frame_from_message(truths[0]).persons[0]
    assert person.frame_3d == 'left_eye'
    k = np.asarray(calibrations[0].k).reshape(3, 3)
    projected = person.keypoints_3d @ k.T
    assert projected[:, :2] / projected[:, 2:] == pytest.approx(person.keypoints, abs=0.05)


def test_a_calibration_of_another_shape_is_said_and_not_published(
    graph: Any, tmp_path: Path, pictures: Path,
) -> None:
    calibration = tmp_path / 'square.yaml'
    calibration.write_text(CALIBRATION.replace('image_width: 160', 'image_width: 120'))
    calibrations = graph.collect(CameraInfo, 'camera_info')
    images = graph.collect(Image, 'image_raw', qos.best_effort(20))
    process = graph.start(CAMERA, '--source', str(pictures), '--ros-args', '-p',
                          f'calibration_file:={calibration}')
    graph.until(lambda: images and calibrations)
    assert not any(calibrations[0].k)
    assert 'another shape' in process.output()


def test_looping_raises_the_epoch_and_never_turns_time_back(graph: Any, pictures: Path) -> None:
    infos = graph.collect(FrameInfo, 'frame_info')
    calibrations = graph.collect(CameraInfo, 'camera_info')
    graph.collect(Image, 'image_raw', qos.best_effort(5))
    graph.start(CAMERA, '--source', str(pictures), '--ros-args', '-p', 'loop:=true',
                '-p', 'rate_hz:=50.0', '-p', 'policy:=every_frame')
    graph.until(lambda: len(infos) >= 35)
    assert [m.epoch for m in infos[:35]] == [index // 10 for index in range(35)]
    assert [m.frame_seq for m in infos[:35]] == list(range(35))
    assert (np.diff([wire.stamp_ns(m.header.stamp) for m in infos]) > 0).all()
    assert not any(calibrations[0].k)


@pytest.mark.parametrize(('source', 'says'), [
    ('/no/such/file.mp4', 'no source'),
    ('synthetic:no_such_scene', 'no_such_scene'),
    ('topic:/image', 'without a camera node'),
    ('/dev/video99', '/dev/video99'),
])
def test_a_source_that_cannot_be_opened_ends_the_node_with_one_sentence(
    graph: Any, source: str, says: str,
) -> None:
    process = graph.start(CAMERA, '--source', source)
    assert process.wait(30) == 2, process.output()
    lines = [line for line in process.output().splitlines() if line.startswith('neuropose:')]
    assert len(lines) == 1, process.output()
    assert says in lines[0]
    assert 'Traceback' not in process.output()


class Stream(ThreadingHTTPServer):
    """An MJPEG camera on loopback that can be switched off."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(('127.0.0.1', port), _Pictures)
        self.over = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def off(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()


class _Pictures(BaseHTTPRequestHandler):
    server: Stream

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=frame')
        self.end_headers()
        jpeg = cv2.imencode('.jpg', np.full((120, 160, 3), 99, np.uint8))[1].tobytes()
        part = (b'--frame\r\nContent-Type: image/jpeg\r\nContent-Length: '
                + str(len(jpeg)).encode() + b'\r\n\r\n' + jpeg + b'\r\n')
        try:
            while not self.server.over.wait(0.04):
                self.wfile.write(part)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_a_camera_that_vanishes_is_reported_and_taken_up_again(graph: Any) -> None:
    server = Stream()
    port = server.server_address[1]
    infos = graph.collect(FrameInfo, 'frame_info')
    graph.collect(Image, 'image_raw', qos.best_effort(5))
    diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
    process = graph.start(CAMERA, '--source', f'http://user:secret@127.0.0.1:{port}/')
    graph.until(lambda: len(infos) > 5)
    server.off()
    graph.until(lambda: any(
        s.level == DiagnosticStatus.ERROR for a in diagnostics for s in a.status), 20)
    before, epoch = len(infos), infos[-1].epoch
    server = Stream(port)
    graph.until(lambda: len(infos) > before + 5, 30)
    server.off()
    assert infos[-1].epoch > epoch
    seqs = [m.frame_seq for m in infos]
    assert seqs == sorted(set(seqs))
    assert 'secret' not in process.output()
    assert not any('secret' in v.value or 'secret' in s.message
                   for a in diagnostics for s in a.status for v in s.values)
    assert not any('secret' in m.source for m in infos)
    assert process.end() == 0, process.output()
