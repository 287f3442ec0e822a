"""What the recorder reads: every topic with its type, and how its messages become values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from neuropose_ros.core import action_wire, event_wire, wire
from neuropose_ros.core.errors import NeuroposeError
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
from neuropose_ros.nodes import qos
from neuropose_ros.nodes.base import StageNode
from neuropose_ros.nodes.ports import Input

# A recorder that is held up for a moment must not lose what others have long forgotten.
_DEPTH = 1000


@dataclass(frozen=True)
class Kind:
    """One kind of topic.

    Attributes:
        values: makes the values of a message.
        numbered: whether stages of the same process hand its values over by reference.
        latched: it describes others; read also while nothing is recorded.
    """

    type: Any
    values: Callable[[Any], Iterable[Any]]
    numbered: bool = False
    latched: bool = False


def _one(convert: Callable[[Any], Any]) -> Callable[[Any], Iterable[Any]]:
    return lambda message: (convert(message),)


KINDS: dict[str, Kind] = {
    'frame_info': Kind(FrameInfo, _one(wire.frame_info_from_message)),
    'poses': Kind(PersonArray, _one(wire.pose_frame_from_message), numbered=True),
    'poses_refined': Kind(PersonArray, _one(wire.pose_frame_from_message), numbered=True),
    'actions': Kind(ActionArray, _one(action_wire.action_frame_from_message), numbered=True),
    'scene': Kind(SceneEmbedding, _one(wire.scene_from_message), numbered=True),
    'signals': Kind(SignalChunk, _one(event_wire.signal_chunk_from_message)),
    'metrics': Kind(MovementMetricArray, event_wire.metrics_from_message),
    'events': Kind(EventMarker, _one(event_wire.event_from_message)),
    'corrections': Kind(Correction, _one(event_wire.correction_from_message)),
    'layouts': Kind(SkeletonLayout, _one(wire.layout_from_message), latched=True),
    'label_sets': Kind(LabelSet, _one(action_wire.label_set_from_message), latched=True),
    'signal_info': Kind(SignalInfo, _one(event_wire.signal_info_from_message), latched=True),
}


class RecorderInputs:
    """The subscriptions of the recorder.

    Attributes:
        malformed: messages that were refused.
    """

    def __init__(
        self, node: StageNode, topics: Iterable[str], take: Callable[[str, Any], None],
    ) -> None:
        """Prepare to read; nothing is subscribed before `want`.

        Args:
            take: gets the topic's own name and each value, in any thread.
        """
        self._node, self._take = node, take
        self.malformed = 0
        chosen = set(topics) | {name for name, kind in KINDS.items() if kind.latched}
        self._inputs = {name: self._input(name, kind)
                        for name, kind in KINDS.items() if name in chosen | {'events'}}

    def _input(self, name: str, kind: Kind) -> Input[Any]:
        def read(message: Any) -> None:
            try:
                values = kind.values(message)
            except (ValueError, NeuroposeError) as error:
                self.malformed += 1
                self._node.say_problem_once(str(error), f'{name}: a message is refused: {error}')
                return
            for value in values:
                self._take(name, value)

        def key(message: Any) -> tuple[int, int]:
            return wire.stamp_ns(message.header.stamp), message.frame_seq

        profile = qos.latched() if kind.latched else qos.reliable(_DEPTH)
        if not kind.numbered:
            return Input(self._node, name, kind.type, profile, read)
        return Input(
            self._node, name, kind.type, profile, read, hub=self._node.hub, message_key=key,
            on_value=lambda value: self._take(name, value))

    def want(self, recording: bool, listening: bool) -> None:
        """Open or close; call it regularly.

        Args:
            recording: read what is recorded.
            listening: read events, which may begin a recording, and what describes others.
        """
        for name, found in self._inputs.items():
            always = name == 'events' or KINDS[name].latched
            found.want(listening if always else recording)

    def publishers(self) -> set[str]:
        """Return the full names of the nodes whose messages are read."""
        found: set[str] = set()
        for one in self._inputs.values():
            for info in self._node.get_publishers_info_by_topic(one.topic):
                found.add(f'{info.node_namespace.rstrip("/")}/{info.node_name}')
        return found
