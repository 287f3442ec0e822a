"""Bags as a recorder writes them: by rosbags, from the message definitions of this package."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from neuropose_ros.core import wire
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import JointState, PersonPose, PoseFrame, SceneEmbedding
from neuropose_ros.core.skeleton import SkeletonLayout

MSG = Path(__file__).resolve().parents[3] / 'msg'
EPOCH_NS = 1_700_000_000_000_000_000


@cache
def typestore() -> Typestore:
    """Return standard messages and those of this package."""
    store = get_typestore(Stores.ROS2_JAZZY)
    for path in MSG.glob('*.msg'):
        store.register(get_types_from_msg(path.read_text(), f'neuropose_ros/msg/{path.stem}'))
    return store


def at(time_s: float) -> int:
    """Return a stamp in ns, `time_s` after the begin of the recording."""
    return EPOCH_NS + round(time_s * 1e9)


def person(track_id: int, value: float, layout: SkeletonLayout = COCO17, *,
           hidden: int | None = None) -> PersonPose:
    """Return a person with all joints at (value, value + 1); `hidden` is only predicted."""
    count = len(layout)
    states = np.full(count, JointState.MEASURED, np.uint8)
    if hidden is not None:
        states[hidden] = JointState.PREDICTED
    return PersonPose(
        np.tile(np.array((value, value + 1), np.float32), (count, 1)),
        np.full(count, 0.75, np.float32), states, np.zeros(4, np.float32), 0.5, track_id)


def frame(time_s: float, *people: PersonPose, layout: SkeletonLayout = COCO17) -> PoseFrame:
    """Return a frame of people."""
    return PoseFrame(at(time_s), round(time_s * 30), layout.id, 640, 480, persons=people)


class Bag:
    """Messages to be written, as (topic, type, time of recording, message)."""

    def __init__(self) -> None:
        self.store = typestore()
        self.types = wire.MessageTypes(self.store.types.__getitem__, numpy_sequences=True)
        self._messages: list[tuple[str, object]] = []

    def frames(self, frames: Iterable[PoseFrame], topic: str = '/poses_refined') -> None:
        """Add frames, in the order of recording."""
        self._messages += [(topic, wire.pose_frame_to_message(f, self.types)) for f in frames]

    def marker(self, time_s: float, name: str, value: str) -> None:
        """Add a marker."""
        kind = self.types.find('neuropose_ros/msg/EventMarker')
        self._messages.append(
            ('/events', kind(header=self.types.header(at(time_s), ''), name=name, value=value)))

    def scene(self, time_s: float, embedding: np.ndarray) -> None:
        """Add a scene vector."""
        self._messages.append(('/scene', wire.scene_to_message(
            SceneEmbedding(at(time_s), 0, 'tiny', embedding), self.types)))

    def layout(self, layout: SkeletonLayout) -> None:
        """Add a latched layout."""
        self._messages.append(('/layouts', wire.layout_to_message(layout, self.types)))

    def write(self, folder: Path, plugin: StoragePlugin = StoragePlugin.MCAP) -> Path:
        """Write the bag into a folder that does not exist yet."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        connections = {}
        with Writer(folder, version=9, storage_plugin=plugin) as writer:
            for i, (topic, message) in enumerate(self._messages):
                kind = message.__msgtype__
                if topic not in connections:
                    connections[topic] = writer.add_connection(topic, kind, typestore=self.store)
                writer.write(connections[topic], EPOCH_NS + i,
                             self.store.serialize_cdr(message, kind))
        return folder
