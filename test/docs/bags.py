"""A small recording as a bag, written without ROS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from neuropose_ros.core import wire
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import FrameStatus, JointState, PersonPose, PoseFrame

START_NS = 1_700_000_000_000_000_000


def write_walk(folder: Path, messages: Path) -> Path:
    """Write 90 frames of one person on `poses_refined`; frames 40 to 49 were left out."""
    store = get_typestore(Stores.ROS2_JAZZY)
    for path in messages.glob('*.msg'):
        store.register(get_types_from_msg(path.read_text(), f'neuropose_ros/msg/{path.stem}'))
    types = wire.MessageTypes(store.types.__getitem__, numpy_sequences=True)
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection(
            '/poses_refined', 'neuropose_ros/msg/PersonArray', typestore=store)
        for number in (*range(40), *range(50, 100)):
            message = wire.pose_frame_to_message(_frame(number), types)
            raw = store.serialize_cdr(message, message.__msgtype__)
            writer.write(connection, START_NS + number, raw)
    return folder


def _frame(number: int) -> PoseFrame:
    swing = np.sin(2 * np.pi * number / 30)
    points = np.stack([np.linspace(100, 200, 17) + 20 * swing, np.linspace(50, 400, 17)], -1)
    person = PersonPose(
        points.astype(np.float32), np.full(17, 0.9, np.float32),
        np.full(17, JointState.MEASURED, np.uint8), np.array([90, 40, 230, 410], np.float32),
        0.9, track_id=3)
    return PoseFrame(START_NS + round(number * 1e9 / 30), number, COCO17.id, 640, 480,
                     status=FrameStatus.OK, persons=(person,))
