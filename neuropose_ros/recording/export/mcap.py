"""MCAP: a rosbag2 folder with the messages of the session, for `ros2 bag play` and Foxglove.

Headers have the times of acquisition; a message is logged at that time, or at that of the message
before where time went back. The definitions of the messages are in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from neuropose_ros.core import action_wire, event_wire, wire
from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.wire import MessageTypes
from neuropose_ros.recording.bag_types import PACKAGE, message_types, own_types
from neuropose_ros.recording.export.material import Material


class _Logged(NamedTuple):
    stamp_ns: int
    topic: str
    kind: str
    message: Any


def write(material: Material, folder: Path) -> list[Path]:
    """Write a folder ``NAME`` with the bag and its ``metadata.yaml``.

    Raises:
        DataError: the package rosbags is not installed.
        SessionError: there is not one frame.
    """
    store = own_types()
    from rosbags.rosbag2 import StoragePlugin, Writer

    first_ns = next((frame.stamp_ns for frame in material.frames()), None)
    if first_ns is None:
        raise SessionError(f'{material.name}: there is no frame to export')
    path = folder / material.stem
    types = message_types(store)
    connections: dict[str, Any] = {}
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        logged_ns = first_ns
        for item in _latched(material, types, first_ns):
            _log(writer, store, connections, item, logged_ns, latched=True)
        for item in merge(*_streams(material, types), key=lambda item: item.stamp_ns):
            logged_ns = max(logged_ns, item.stamp_ns)
            _log(writer, store, connections, item, logged_ns)
    return sorted(path.iterdir())


def _log(
    writer: Any, store: Any, connections: dict[str, Any], item: _Logged, logged_ns: int, *,
    latched: bool = False,
) -> None:
    kind = f'{PACKAGE}{item.kind}'
    if item.topic not in connections:
        connections[item.topic] = writer.add_connection(
            f'/{item.topic}', kind, typestore=store,
            offered_qos_profiles=[_latched_qos()] if latched else [])
    writer.write(connections[item.topic], logged_ns, store.serialize_cdr(item.message, kind))


def _latched_qos() -> Any:
    from rosbags.interfaces import (
        Qos,
        QosDurability,
        QosHistory,
        QosLiveliness,
        QosReliability,
        QosTime,
    )

    never = QosTime(0, 0)
    return Qos(QosHistory.KEEP_LAST, 32, QosReliability.RELIABLE, QosDurability.TRANSIENT_LOCAL,
               never, never, QosLiveliness.AUTOMATIC, never, False)


def _latched(material: Material, types: MessageTypes, stamp_ns: int) -> Iterator[_Logged]:
    yield _Logged(stamp_ns, 'layouts', 'SkeletonLayout',
                  wire.layout_to_message(material.layout, types))
    for labels in material.label_sets.values():
        yield _Logged(stamp_ns, 'label_sets', 'LabelSet',
                      action_wire.label_set_to_message(labels, types))
    for info in material.signal_infos.values():
        yield _Logged(stamp_ns, 'signal_info', 'SignalInfo',
                      event_wire.signal_info_to_message(info, types))


def _streams(material: Material, types: MessageTypes) -> Iterator[Iterator[_Logged]]:
    def stream(
        topic: str, kind: str, values: Iterable[Any],
        convert: Callable[[Any, MessageTypes], Any],
    ) -> Iterator[_Logged]:
        return (_Logged(value.stamp_ns, topic, kind, convert(value, types)) for value in values)

    yield stream('frame_info', 'FrameInfo', material.infos(), wire.frame_info_to_message)
    yield stream(material.topic, 'PersonArray', material.frames(), wire.pose_frame_to_message)
    yield stream('actions', 'ActionArray', material.actions(),
                 action_wire.action_frame_to_message)
    yield stream('signals', 'SignalChunk', material.signals(''),
                 event_wire.signal_chunk_to_message)
    yield stream('events', 'EventMarker', material.events, event_wire.event_to_message)
    yield stream('corrections', 'Correction', material.corrections,
                 event_wire.correction_to_message)
    yield (_Logged(stamp_ns, 'metrics', 'MovementMetricArray',
                   event_wire.metrics_to_message(tuple(metrics), stamp_ns, types))
           for stamp_ns, metrics in groupby(material.metrics(), lambda metric: metric.stamp_ns))
