"""Messages over both wires: rosbags, that needs no ROS, and rclpy where it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from neuropose_ros.core.wire import MessageTypes

MSG = Path(__file__).resolve().parents[2] / 'msg'


class RosbagsWire:
    """Message classes without ROS, and their bytes."""

    def __init__(self) -> None:
        self._store = get_typestore(Stores.ROS2_JAZZY)
        for path in MSG.glob('*.msg'):
            self._store.register(
                get_types_from_msg(path.read_text(), f'neuropose_ros/msg/{path.stem}'))
        self.types = MessageTypes(self._store.types.__getitem__, numpy_sequences=True)

    def over_the_wire(self, message):
        kind = message.__msgtype__
        return self._store.deserialize_cdr(self._store.serialize_cdr(message, kind), kind)


class RclpyWire:
    """The message classes of the ROS installation, and their bytes."""

    def __init__(self) -> None:
        self._serialization = pytest.importorskip('rclpy.serialization', reason='needs ROS 2')
        pytest.importorskip('neuropose_ros.msg', reason='needs the built messages')
        from neuropose_ros.nodes.types import ROS
        self.types = ROS

    def over_the_wire(self, message):
        data = self._serialization.serialize_message(message)
        return self._serialization.deserialize_message(data, type(message))


@pytest.fixture(scope='module', params=[RosbagsWire, RclpyWire], ids=['rosbags', 'rclpy'])
def wire(request):
    return request.param()
