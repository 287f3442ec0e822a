"""Write the golden bag: `python test/msg/make_golden_bag.py FOLDER`, from golden.json and msg/.

The bag in test/msg/golden was written once, when the messages were frozen. It is never written
anew: that is what it proves.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

HERE = Path(__file__).resolve().parent


def our_typestore() -> Typestore:
    """Return standard messages plus those in msg/."""
    store = get_typestore(Stores.ROS2_KILTED)
    for path in sorted((HERE.parents[1] / 'msg').glob('*.msg')):
        name = f'neuropose_ros/msg/{path.stem}'
        store.register(get_types_from_msg(path.read_text('utf-8'), name))
    return store


def make_message(store: Typestore, name: str, fields: dict[str, Any]) -> Any:
    """Build a rosbags message from plain values; every field has to be given."""
    definitions = store.fielddefs[name][1]
    assert {field for field, _ in definitions} == set(fields), f'{name}: fields differ'
    values = {field: _value(store, kind, fields[field]) for field, kind in definitions}
    return store.types[name](**values)


def _value(store: Typestore, kind: Any, value: Any) -> Any:
    nodetype, detail = kind
    if nodetype == Nodetype.NAME:
        return make_message(store, detail, value)
    if nodetype == Nodetype.BASE:
        return value
    (element, element_detail), _ = detail
    if element == Nodetype.NAME:
        return [make_message(store, element_detail, item) for item in value]
    if element_detail[0] == 'string':
        return list(value)
    return np.array(value, np.dtype(element_detail[0]))


def write(folder: Path) -> None:
    """Write the bag into a folder that does not exist yet."""
    store = our_typestore()
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        for entry in json.loads((HERE / 'golden.json').read_text('utf-8')):
            name = entry['type']
            connection = writer.add_connection(entry['topic'], name, typestore=store)
            message = make_message(store, name, entry['fields'])
            writer.write(connection, entry['time_ns'], store.serialize_cdr(message, name))


if __name__ == '__main__':
    write(Path(sys.argv[1]))
