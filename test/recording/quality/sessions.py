"""A session with known faults: lost and late frames, a broken identity, a clock that drifts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import FramePolicy, FrameStatus, JointState, PersonPose, TrackState
from neuropose_ros.core.signals import SignalChunk
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.recording.about import About
from neuropose_ros.recording.privacy.subjects import Subject
from neuropose_ros.recording.writer import SessionWriter

from ..people import START_NS, pose_frame

SUBJECT = Subject('s-' + 'a' * 16, 'k' * 8)
LOST = range(40, 44)
FRAMES = 120
LATE = range(60, 67)
"""Of the frames that came, which were 0.8 s old."""


def walker(index: int, track_id: int) -> PersonPose:
    """Somebody who walks, in every fourth frame without wrists; innovations are 3 and 4 px."""
    points = np.linspace((80, 40), (120, 440), 17).astype(np.float32)
    points[:, 0] += 2 * index + 15 * np.sin(np.arange(17) + index / 5)
    states = np.full(17, JointState.MEASURED, np.uint8)
    if index % 4 == 0:
        states[[COCO17.index('left_wrist'), COCO17.index('right_wrist')]] = JointState.OCCLUDED
    box = np.concatenate([points.min(0), points.min(0) + np.float32((60, 400))]).astype(np.float32)
    return PersonPose(
        points, np.full(17, 0.9, np.float32), states, box, 0.9, track_id, TrackState.CONFIRMED,
        keypoint_innovations=np.tile(np.array([3, 4], np.float32), (17, 1)))


def write_faulty(path: Path) -> Path:
    """Write the session."""
    with SessionWriter(path, About((SUBJECT,), task='walk <10 m>'), flush_s=60) as writer:
        for index in (i for i in range(FRAMES) if i not in LOST):
            # Frames 80 to 89 show nobody; who comes back has another number.
            gone = 80 <= index < 90
            persons = () if gone else (walker(index, 1 if index < 80 else 2),)
            frame = pose_frame(
                index, *persons, skipped_before=int(index % 10 == 5), preprocess_ms=2.0,
                inference_ms=20.0 + index % 10, postprocess_ms=1.0, receive_ms=5.0)
            arrival_ns = frame.stamp_ns + (800_000_000 if index in LATE else 30_000_000)
            writer.put_frame(FrameInfo(frame.stamp_ns, index, 'camera', 0, 'webcam',
                                       FramePolicy.EVERY_FRAME, False), arrival_ns=arrival_ns)
            writer.put_poses(frame, 'poses', arrival_ns=arrival_ns)
            if gone:
                assert frame.status == FrameStatus.NO_PERSON
            if index % 10 == 0:
                writer.put_signal(SignalChunk(
                    frame.stamp_ns, 'eeg', 2 * index, np.zeros((20 - index % 20, 2), np.float32),
                    clock_offset_s=0.5 + 1e-5 * index, clock_uncertainty_s=1e-3))
        writer.describe(missing={'frame_info': 4})
        writer.log('the disk was slow')
    return path


def write_empty(path: Path) -> Path:
    """Write a session in which nothing happened."""
    SessionWriter(path, About()).close()
    return path


def write_replay(path: Path) -> Path:
    """Write a session that was never live, of a topic of its own, over two epochs."""
    with SessionWriter(path, About(kind='replay'), flush_s=60) as writer:
        for index in range(20):
            person = replace(walker(index, 1), keypoint_innovations=None)
            writer.put_poses(pose_frame(
                index % 10, person, epoch=index // 10, inference_ms=0.0, stamp_ns=START_NS
                + index * 40_000_000), 'truth')
    return path
