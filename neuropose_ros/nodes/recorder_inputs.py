"""What the recorder reads: every topic with its type, and how its messages become values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from sensor_msgs.msg import CompressedImage, Image

from neuropose_ros.core import action_wire, event_wire, pose, wire
from neuropose_ros.core.errors import ImageError, NeuroposeError
from neuropose_ros.core.pose import Frame, FramePolicy
from neuropose_ros.msg import (
    ActionArray,
    Correction,
    EventMarker,
    FrameInfo,
    LabelSet,
    MovementMetricArray,
    PersonArray,
    SceneEmbedding,
    SignalChunk,
    SignalInfo,
    SkeletonLayout,
)
from neuropose_ros.nodes import images, qos
from neuropose_ros.nodes.base import StageNode
from neuropose_ros.nodes.ports import Input
from neuropose_ros.nodes.types import ROS

# A recorder that is held up for a moment must not lose what others have long forgotten.
_DEPTH = 1000
_IMAGES = 50
_JPEG_QUALITY = 90


@dataclass(frozen=True)
class Kind:
    """One kind of topic.

    Attributes:
        values: makes the values of a message.
        message: makes the message of a value, where there may be a value and no message.
        by_reference: stages of the same process hand its values over.
        latched: it describes others; read also while nothing is recorded.
    """

    type: Any
    values: Callable[[Any], Iterable[Any]]
    message: Callable[[Any], Any] | None = None
    by_reference: bool = False
    latched: bool = False

    @property
    def name(self) -> str:
        """The type's ROS name."""
        return f'{self.type.__module__.partition(".")[0]}/msg/{self.type.__name__}'


def _one(convert: Callable[[Any], Any]) -> Callable[[Any], Iterable[Any]]:
    return lambda message: (convert(message),)


_PEOPLE = Kind(
    PersonArray, _one(wire.pose_frame_from_message),
    lambda frame: wire.pose_frame_to_message(frame, ROS), by_reference=True)

KINDS: dict[str, Kind] = {
    'frame_info': Kind(FrameInfo, _one(wire.frame_info_from_message)),
    'poses': _PEOPLE,
    'poses_refined': _PEOPLE,
    'actions': Kind(
        ActionArray, _one(action_wire.action_frame_from_message),
        lambda frame: action_wire.action_frame_to_message(frame, ROS), by_reference=True),
    'scene': Kind(
        SceneEmbedding, _one(wire.scene_from_message),
        lambda scene: wire.scene_to_message(scene, ROS), by_reference=True),
    'signals': Kind(SignalChunk, _one(event_wire.signal_chunk_from_message)),
    'metrics': Kind(MovementMetricArray, event_wire.metrics_from_message),
    'events': Kind(EventMarker, _one(event_wire.event_from_message)),
    'corrections': Kind(Correction, _one(event_wire.correction_from_message)),
    'layouts': Kind(
        SkeletonLayout, _one(wire.layout_from_message),
        lambda layout: wire.layout_to_message(layout, ROS), latched=True),
    'label_sets': Kind(
        LabelSet, _one(action_wire.label_set_from_message),
        lambda labels: action_wire.label_set_to_message(labels, ROS), latched=True),
    'signal_info': Kind(
        SignalInfo, _one(event_wire.signal_info_from_message),
        lambda info: event_wire.signal_info_to_message(info, ROS), latched=True),
}
LATCHED = tuple(name for name, kind in KINDS.items() if kind.latched)


class Sink(Protocol):
    """Whoever takes what is read, in any thread."""

    def take(self, topic: str, value: Any) -> None:
        """Take a value of a topic of `KINDS`."""

    def sees(self) -> bool:
        """Whether pictures are wanted for a video."""

    def see(self, stamp_ns: int, image: pose.Image, *, wait: bool = False) -> None:
        """Take a picture for the video."""

    def keeps_messages(self) -> bool:
        """Whether messages are wanted at present, too."""

    def keep(self, topic: str, kind: str, message: Any, *, wait: bool = False) -> None:
        """Take a message for the bag.

        Args:
            topic: its full name.
            kind: its type's ROS name.
            wait: nothing may be lost; whoever sends is held back.
        """


class RecorderInputs:
    """The subscriptions of the recorder.

    Attributes:
        malformed: messages that were refused.
    """

    def __init__(
        self, node: StageNode, topics: Iterable[str], sink: Sink, bag: str = '',
        video: bool = False,
    ) -> None:
        """Prepare to read; nothing is subscribed before `want`.

        Args:
            topics: names of `KINDS`; what is latched is read as well.
            bag: raw or compressed: images are for the bag; else none are.
            video: images are for a video.
        """
        self._node, self._sink = node, sink
        self.malformed = 0
        chosen = {*topics, *LATCHED, 'events'}
        self._inputs = {name: self._input(name, kind)
                        for name, kind in KINDS.items() if name in chosen}
        in_bag = bag in {'raw', 'compressed'}
        if in_bag or video:
            self._inputs['image_raw'] = self._image(bag if in_bag else 'raw', in_bag)

    def _input(self, name: str, kind: Kind) -> Input[Any]:
        def read(message: Any) -> None:
            try:
                values = kind.values(message)
            except (ValueError, NeuroposeError) as error:
                self.malformed += 1
                self._node.say_problem_once(str(error), f'{name}: a message is refused: {error}')
                return
            for value in values:
                self._sink.take(name, value)
            if self._sink.keeps_messages():
                self._sink.keep(found.topic, kind.name, message)

        def take(value: Any) -> None:
            self._sink.take(name, value)
            self.keep_value(name, value)

        def key(message: Any) -> tuple[int, int]:
            return wire.stamp_ns(message.header.stamp), message.frame_seq

        profile = qos.latched() if kind.latched else qos.reliable(_DEPTH)
        by_reference: dict[str, Any] = {
            'hub': self._node.hub, 'message_key': key, 'on_value': take}
        found: Input[Any] = Input(
            self._node, name, kind.type, profile, read,
            **(by_reference if kind.by_reference else {}))
        return found

    def _image(self, transport: str, in_bag: bool) -> Input[Frame]:
        base = self._node.resolve_topic_name('image_raw')
        compressed = transport == 'compressed'
        kind = Kind(CompressedImage if compressed else Image, lambda _: ())

        def keep(make: Callable[[], Any], *, wait: bool = False) -> None:
            if in_bag and self._sink.keeps_messages():
                self._sink.keep(found.topic, kind.name, make(), wait=wait)

        def read(message: Any) -> None:
            keep(lambda: message)
            if not self._sink.sees():
                return
            try:
                image = images.image_to_bgr(message)
            except ImageError as error:
                self.malformed += 1
                self._node.say_problem_once(str(error), f'{found.topic}: {error}')
                return
            self._sink.see(wire.stamp_ns(message.header.stamp), image)

        def take(frame: Frame) -> None:
            wait = frame.policy is FramePolicy.EVERY_FRAME
            keep(lambda: images.compressed_from_frame(frame, _JPEG_QUALITY) if compressed
                 else images.image_from_frame(frame), wait=wait)
            if self._sink.sees():
                self._sink.see(frame.stamp_ns, frame.image, wait=wait)

        found: Input[Frame] = Input(
            self._node, f'{base}/compressed' if compressed else base, kind.type,
            qos.best_effort(_IMAGES), read, on_value=take, hub=self._node.hub, local_topic=base,
            message_key=lambda message: wire.stamp_ns(message.header.stamp))
        return found

    def keep_value(self, name: str, value: Any) -> None:
        """Keep the message of a value that came without one."""
        kind = KINDS[name]
        if self._sink.keeps_messages() and kind.message is not None:
            self._sink.keep(self._inputs[name].topic, kind.name, kind.message(value))

    def want(self, recording: bool, listening: bool) -> None:
        """Open or close; call it regularly.

        Args:
            recording: read what is recorded.
            listening: read events, which may begin a recording, and what describes others.
        """
        for name, found in self._inputs.items():
            found.want(listening if name in {*LATCHED, 'events'} else recording)

    def latched(self) -> list[str]:
        """Return the latched topics by the names that they have in the graph."""
        return [self._inputs[topic].topic for topic in LATCHED]

    def publishers(self) -> set[str]:
        """Return the full names of the nodes whose messages are read."""
        found: set[str] = set()
        for one in self._inputs.values():
            for info in self._node.get_publishers_info_by_topic(one.topic):
                found.add(f'{info.node_namespace.rstrip("/")}/{info.node_name}')
        return found
