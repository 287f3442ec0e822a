"""What a recorded bag holds of poses, scenes and markers, read without ROS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuropose_ros.core import wire
from neuropose_ros.core.errors import DataError
from neuropose_ros.core.pose import PoseFrame, SceneEmbedding
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.recording.bag_types import PACKAGE as _PACKAGE
from neuropose_ros.recording.bag_types import own_types

POSE_TOPICS = ('poses_refined', 'poses')


@dataclass(frozen=True)
class Marker:
    """Something that happened at a known time."""

    stamp_ns: int
    name: str
    value: str


@dataclass(frozen=True)
class BagContent:
    """All messages of a bag that clips are made of, in the order of their stamps.

    Attributes:
        frames: of one topic, in the order of recording: only there does time going back show.
        layouts: by id, as the bag has them.
    """

    frames: tuple[PoseFrame, ...]
    scenes: tuple[SceneEmbedding, ...]
    markers: tuple[Marker, ...]
    layouts: dict[str, SkeletonLayout]


def bags_in(root: Path) -> list[Path]:
    """Return the bags at `root` or up to two folders deep, in order of name."""
    if (root / 'metadata.yaml').is_file() or root.suffix == '.mcap':
        return [root]
    folders = {path.parent for pattern in ('*/metadata.yaml', '*/*/metadata.yaml')
               for path in root.glob(pattern)}
    files = {path for pattern in ('*.mcap', '*/*.mcap') for path in root.glob(pattern)
             if path.parent not in folders}
    return sorted(folders | files)


def read_bag(path: Path) -> BagContent:
    """Read a bag; definitions inside it are used, else those of this version.

    Raises:
        DataError: it cannot be read, is cut off, or has no poses or no markers.
    """
    try:
        from rosbags.highlevel import AnyReader, AnyReaderError
        from rosbags.rosbag2 import ReaderError
    except ImportError as error:
        raise DataError(f'{path}: reading bags needs the package rosbags: install it') from error
    try:
        with AnyReader([path], default_typestore=own_types()) as reader:
            topic = _pose_topic(path, [
                c.topic for c in reader.connections if c.msgtype == f'{_PACKAGE}PersonArray'])
            return _collect(path, topic, reader)
    except (AnyReaderError, ReaderError) as error:
        raise DataError(f'{path}: this bag cannot be read ({error})') from error
    except DataError:
        raise
    except Exception as error:  # what reads storage, compression and messages has no common base
        raise DataError(f'{path}: this bag is damaged or of another version ({error})') from error


def _pose_topic(path: Path, topics: list[str]) -> str:
    for wanted in POSE_TOPICS:
        found = sorted({topic for topic in topics if topic.rpartition('/')[2] == wanted})
        if len(found) > 1:
            raise DataError(f'{path}: poses come on several topics ({", ".join(found)}); keep '
                            'one of them in the bag')
        if found:
            return found[0]
    raise DataError(f'{path}: it has no topic poses_refined or poses of PersonArray')


def _collect(path: Path, pose_topic: str, reader: Any) -> BagContent:
    found: dict[str, list[Any]] = {
        name: [] for name in ('PersonArray', 'SceneEmbedding', 'EventMarker', 'SkeletonLayout')}
    convert: dict[str, Callable[[Any], Any]] = {
        'PersonArray': wire.pose_frame_from_message, 'SceneEmbedding': wire.scene_from_message,
        'EventMarker': _marker, 'SkeletonLayout': lambda message: (
            message.id, wire.layout_from_message(message))}
    wanted = [c for c in reader.connections
              if c.msgtype.startswith(_PACKAGE) and c.msgtype.removeprefix(_PACKAGE) in found
              and (c.msgtype != f'{_PACKAGE}PersonArray' or c.topic == pose_topic)]
    if not any(c.msgtype == f'{_PACKAGE}EventMarker' for c in wanted):
        raise DataError(f'{path}: it has no EventMarker messages, so nothing in it is labelled')
    for connection, _, raw in reader.messages(connections=wanted):
        kind = connection.msgtype.removeprefix(_PACKAGE)
        found[kind].append(convert[kind](reader.deserialize(raw, connection.msgtype)))
    return BagContent(
        tuple(found['PersonArray']),
        tuple(sorted(found['SceneEmbedding'], key=lambda scene: scene.stamp_ns)),
        tuple(found['EventMarker']), dict(found['SkeletonLayout']))


def _marker(message: Any) -> Marker:
    return Marker(wire.stamp_ns(message.header.stamp), str(message.name), str(message.value))
