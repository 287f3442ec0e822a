"""Image messages at the border to ROS: made without a slow path, read without a copy."""

from __future__ import annotations

from array import array

from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from neuropose_ros.core import pose
from neuropose_ros.imaging import compressed, depth, raw
from neuropose_ros.nodes.types import ROS
from neuropose_ros.sources.calibration import Calibration


def image_to_bgr(message: Image | CompressedImage) -> pose.Image:
    """Return the picture as (H, W, 3) uint8 BGR.

    A ``bgr8`` image is a read-only view of the message's own memory, which it keeps alive.

    Raises:
        ImageError: the fields contradict each other, or the content cannot be decoded.
    """
    if isinstance(message, CompressedImage):
        return compressed.decode(message.data)
    return raw.decode(message)


def image_from_frame(frame: pose.Frame) -> Image:
    """Return the frame as a ``bgr8`` Image (0.2 ms at 720p)."""
    return image_message(frame.image, _header(frame))


def image_message(image: pose.Image, header: Header) -> Image:
    """Return a picture, (H, W, 3) uint8 BGR, as a ``bgr8`` Image.

    Raises:
        ImageError: the array is not (H, W, 3) uint8.
    """
    raw.check_image(image)
    height, width = image.shape[:2]
    message = Image(
        header=header, height=height, width=width, encoding='bgr8', step=3 * width)
    # The setter of `data` would copy once more.
    message._data = raw.pack(image)
    return message


def depth_from_frame(frame: pose.Frame) -> Image:
    """Return the frame's depth, which it must have, as a ``32FC1`` or ``16UC1`` Image."""
    assert frame.depth is not None
    height, width = frame.depth.shape
    message = Image(
        header=_header(frame), height=height, width=width,
        encoding=depth.encoding(frame.depth), step=frame.depth.itemsize * width)
    message._data = depth.pack(frame.depth)
    return message


def compressed_from_frame(frame: pose.Frame, quality: int) -> CompressedImage:
    """Return the frame as a JPEG of ``quality`` 1..100."""
    message = CompressedImage(header=_header(frame), format='bgr8; jpeg compressed bgr8')
    message._data = compressed.encode_jpeg(frame.image, quality)
    return message


def camera_info(frame: pose.Frame, calibration: Calibration | None) -> CameraInfo:
    """Return what REP-104 says of an image; K = 0 when uncalibrated.

    Raises:
        SourceError: the calibration is that of another view.
    """
    height, width = frame.image.shape[:2]
    if calibration is None:
        view = Calibration.unknown(width, height)
    else:
        view = calibration.scaled(width, height)
    return CameraInfo(
        header=_header(frame), height=height, width=width,
        distortion_model=view.distortion_model, d=array('d', view.d.ravel()),
        k=view.k.ravel(), r=view.r.ravel(), p=view.p.ravel())


def _header(frame: pose.Frame) -> Header:
    header: Header = ROS.header(frame.stamp_ns, frame.frame_id)
    return header
