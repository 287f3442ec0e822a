"""The pictures of a bag by their number: what a camera's topic holds, from 0."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from neuropose_ros.core import wire
from neuropose_ros.core.errors import DataError, ImageError
from neuropose_ros.core.pose import Image
from neuropose_ros.imaging import compressed, raw
from neuropose_ros.recording.bag_reading import Bag, open_bag

_RAW, _COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'


def picture_stamps(path: Path) -> list[int]:
    """Return the time of acquisition of each picture of a bag, ns.

    Raises:
        DataError: the bag cannot be read, has no pictures, or those of several cameras.
    """
    bag, topic, _ = _opened(path)
    return [wire.stamp_ns(message.header.stamp) for _, _, message in bag.messages({topic})]


def bag_pictures(path: Path, numbers: set[int]) -> Iterator[tuple[int, Image | ImageError]]:
    """Give the number and (H, W, 3) uint8 BGR of some pictures, or why one cannot be read.

    Raises:
        DataError: as `picture_stamps`.
    """
    bag, topic, is_raw = _opened(path)
    for number, (_, _, message) in enumerate(bag.messages({topic})):
        if number not in numbers:
            continue
        try:
            yield number, raw.decode(message) if is_raw else compressed.decode(message.data)
        except ImageError as error:
            yield number, error


def _opened(path: Path) -> tuple[Bag, str, bool]:
    bag = open_bag(path)
    for kind in (_RAW, _COMPRESSED):
        # A camera's depth is an image, too, and shows nobody's joints.
        topics = [topic for topic in bag.of_type(kind) if '/depth/' not in topic]
        if len(topics) == 1:
            return bag, topics[0], kind == _RAW
        if topics:
            raise DataError(f'{path}: several cameras are in it: {", ".join(topics)}')
    raise DataError(f'{path}: it has no pictures')
