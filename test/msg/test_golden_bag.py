"""A bag recorded when the messages were frozen can still be read, with this package and without.

make_golden_bag.py says how it was written, golden.json what is in it.
"""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

HERE = Path(__file__).parent
GOLDEN = json.loads((HERE / 'golden.json').read_text('utf-8'))
TYPES = [entry['type'] for entry in GOLDEN]


def read_raw(folder: Path) -> list[tuple[str, str, int, bytes, str]]:
    """Topic, type, time, serialised message and the definition that the bag carries."""
    with Reader(folder) as reader:
        return [
            (connection.topic, connection.msgtype, time_ns, bytes(raw), connection.msgdef.data)
            for connection, time_ns, raw in reader.messages()
        ]


def differences(message: Any, fields: dict[str, Any], where: str) -> list[str]:
    """Every field in which a message (of rclpy or rosbags) is not what the fields say."""
    found = []
    for name, wanted in fields.items():
        got, path = getattr(message, name), f'{where}.{name}'
        if isinstance(wanted, dict):
            found += differences(got, wanted, path)
        elif isinstance(wanted, list) and wanted and isinstance(wanted[0], dict):
            assert len(got) == len(wanted), path
            for index, (item, item_wanted) in enumerate(zip(got, wanted, strict=True)):
                found += differences(item, item_wanted, f'{path}[{index}]')
        elif not _is_same(got, wanted):
            found.append(f'{path}: {got!r}, not {wanted!r}')
    return found


def _is_same(got: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        items: Sequence[Any] = np.asarray(got).tolist()
        return len(items) == len(wanted) and all(map(_is_same, items, wanted))
    if isinstance(wanted, float) and math.isnan(wanted):
        return math.isnan(got)
    return bool(got == wanted)


def test_bag_holds_what_it_held() -> None:
    entries = [(topic, name, time_ns) for topic, name, time_ns, _, _ in read_raw(HERE / 'golden')]
    assert entries == [(entry['topic'], entry['type'], entry['time_ns']) for entry in GOLDEN]


@pytest.mark.parametrize('index', range(len(GOLDEN)), ids=TYPES)
def test_rosbags_reads_it_by_the_definitions_inside(index: int) -> None:
    _, name, _, raw, definition = read_raw(HERE / 'golden')[index]
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(definition, name))
    assert differences(store.deserialize_cdr(raw, name), GOLDEN[index]['fields'], name) == []


@pytest.mark.parametrize('index', range(len(GOLDEN)), ids=TYPES)
def test_rclpy_reads_it_by_the_messages_of_today(index: int) -> None:
    serialization = pytest.importorskip('rclpy.serialization', reason='needs ROS 2')
    messages = importlib.import_module('neuropose_ros.msg')
    _, name, _, raw, _ = read_raw(HERE / 'golden')[index]
    message_type = getattr(messages, name.rpartition('/')[2])
    message = serialization.deserialize_message(raw, message_type)
    fields = GOLDEN[index]['fields']
    assert differences(message, fields, name) == []
    assert set(message.get_fields_and_field_types()) == set(fields)
    again = serialization.deserialize_message(
        serialization.serialize_message(message), message_type
    )
    assert differences(again, fields, name) == []


def test_script_writes_the_same_bag(tmp_path: Path) -> None:
    script = [sys.executable, str(HERE / 'make_golden_bag.py'), str(tmp_path / 'golden')]
    subprocess.run(script, check=True, timeout=60)
    assert read_raw(tmp_path / 'golden') == read_raw(HERE / 'golden')


def test_a_difference_is_seen() -> None:
    _, name, _, raw, definition = read_raw(HERE / 'golden')[3]
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(definition, name))
    wrong = json.loads(json.dumps(GOLDEN[3]['fields']))
    wrong['persons'][0]['keypoint_states'][1] = 3
    wrong['model'] = 'another'
    found = differences(store.deserialize_cdr(raw, name), wrong, name)
    assert [line.partition(':')[0] for line in found] == [
        f'{name}.model',
        f'{name}.persons[0].keypoint_states',
    ]
