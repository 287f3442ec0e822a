from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.errors import ImageError, SourceError
from neuropose_ros.core.pose import Frame
from neuropose_ros.sources.calibration import Calibration

pytest.importorskip('rclpy', reason='needs ROS 2')

from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from neuropose_ros.nodes import images

STAMP_NS = 1_700_000_000_123_456_789


def frame(height: int = 48, width: int = 64) -> Frame:
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([rows * 3, columns * 2, rows + columns], 2).astype(np.uint8)
    return Frame(image=image, stamp_ns=STAMP_NS, frame_seq=7, frame_id='left_optical')


def test_an_image_survives_the_wire_with_its_stamp_and_frame() -> None:
    sent = frame()
    received = deserialize_message(
        serialize_message(images.image_from_frame(sent)), Image)
    np.testing.assert_array_equal(images.image_to_bgr(received), sent.image)
    assert (received.header.stamp.sec, received.header.stamp.nanosec) == (
        1_700_000_000, 123_456_789)
    assert received.header.frame_id == 'left_optical'
    assert (received.height, received.width, received.step) == (48, 64, 192)
    assert received.encoding == 'bgr8'


def test_a_received_image_is_a_read_only_view_that_outlives_its_message() -> None:
    message = images.image_from_frame(frame())
    image = images.image_to_bgr(message)
    assert np.shares_memory(image, np.frombuffer(message.data, np.uint8))
    assert not image.flags.writeable
    del message
    np.testing.assert_array_equal(image, frame().image)


def test_the_message_does_not_change_with_the_frame() -> None:
    sent = frame()
    message = images.image_from_frame(sent)
    sent.image[:] = 0
    np.testing.assert_array_equal(images.image_to_bgr(message), frame().image)


def test_a_cut_out_of_a_larger_picture_is_packed() -> None:
    cut = frame(60, 80).image[5:25, 10:40]
    message = images.image_message(cut, Header())
    assert message.step == 90
    np.testing.assert_array_equal(images.image_to_bgr(message), cut)


def test_what_is_not_a_colour_picture_is_refused() -> None:
    for image in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)):
        with pytest.raises(ImageError, match='uint8'):
            images.image_message(image, Header())


def test_jpeg_survives_the_wire_almost() -> None:
    sent = frame()
    received = deserialize_message(
        serialize_message(images.compressed_from_frame(sent, 95)), CompressedImage)
    assert received.format == 'bgr8; jpeg compressed bgr8'
    assert len(received.data) < sent.image.nbytes
    difference = images.image_to_bgr(received).astype(int) - sent.image
    assert np.abs(difference).mean() < 2.0
    assert received.header.stamp.nanosec == 123_456_789


def test_a_truncated_jpeg_is_refused() -> None:
    message = images.compressed_from_frame(frame(), 90)
    message.data = message.data[: len(message.data) // 2]
    with pytest.raises(ImageError):
        images.image_to_bgr(message)


def test_uncalibrated_is_k_zero_with_the_size() -> None:
    info = images.camera_info(frame(), None)
    assert (info.height, info.width) == (48, 64)
    assert not np.any(info.k)
    assert not np.any(info.p)
    assert info.distortion_model == ''
    assert info.header.frame_id == 'left_optical'


def test_a_calibration_follows_the_size_of_the_picture() -> None:
    k = np.array([[800.0, 0, 64], [0, 820.0, 48], [0, 0, 1]])
    calibration = Calibration(
        128, 96, k, np.array([0.1, -0.2, 0.0, 0.0, 0.05]), np.eye(3),
        np.hstack([k, np.zeros((3, 1))]), 'plumb_bob')
    info = deserialize_message(
        serialize_message(images.camera_info(frame(), calibration)), CameraInfo)
    assert info.k[0] == pytest.approx(400.0)
    assert info.p[5] == pytest.approx(410.0)
    assert list(info.d) == pytest.approx([0.1, -0.2, 0.0, 0.0, 0.05])
    assert info.distortion_model == 'plumb_bob'
    with pytest.raises(SourceError):
        images.camera_info(frame(48, 48), calibration)
