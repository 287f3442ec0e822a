"""A session with everything that an export can carry."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.events import Correction, CorrectionKind, EventMarker, MovementMetric
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.core.signals import SignalChunk, SignalInfo
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.recording.about import About
from neuropose_ros.recording.privacy.subjects import Subject
from neuropose_ros.recording.writer import SessionWriter

from ..people import SECOND_NS, START_NS, action_frame, floats, person, pose_frame

LABELS = LabelSet('two', ('sit', 'walk'))
SUBJECT = Subject('s-abcdefghijklmnop', '01234567', tracks=((0, 3),))
LOST = (7, 8)
EMPTY = 30


def frames(count: int = 40, *, rich: bool = True) -> list[PoseFrame]:
    """Track 3 from the start, track 5 from frame 21; frames 7 and 8 lost; nobody in frame 30.

    Stamps are a few hundred microseconds off a constant rate, to the nanosecond.
    """
    made = []
    for index in range(count):
        if index in LOST:
            continue
        people = [person(3, seed=index, rich=rich)]
        if index > 20:
            people.append(person(5, seed=100 + index))
        stamp_ns = START_NS + round(index * SECOND_NS / 30) + index * 7919 % 400_001
        made.append(pose_frame(index, *(people if index != EMPTY else ()), stamp_ns=stamp_ns))
    return made


def write_session(path: Path, poses: list[PoseFrame] | None = None) -> list[PoseFrame]:
    """Write a session and return its frames."""
    poses = frames() if poses is None else poses
    about = About(subjects=(SUBJECT,), task='walk 6 m', software={'neuropose_ros': '9.9'},
                  notes='a private note')
    with SessionWriter(path, about) as writer:
        for note in (COCO17, LABELS, SignalInfo('eeg', 'EEG', ('Cz', 'Pz'), ('uV', 'uV'), 500.0),
                     EventMarker(START_NS + SECOND_NS, 'stimulus', 'on'),
                     Correction(START_NS, 'c1', CorrectionKind.LABEL, label='walk')):
            writer.put_note(note)
        for number, frame in enumerate(poses):
            writer.put_frame(FrameInfo(frame.stamp_ns, frame.frame_seq, 'camera',
                                       source='/home/anna/visit.mp4'))
            writer.put_poses(frame)
            writer.put_signal(SignalChunk(
                frame.stamp_ns, 'eeg', number * 16, floats(number, 16, 2)))
        writer.put_actions(action_frame(3, 3))
        writer.put_metric(MovementMetric(START_NS + 5, 3, 'cadence', 1.9, 'Hz', valid=True))
        writer.put_metric(MovementMetric(START_NS + 6, 3, 'cadence', np.nan, 'Hz'))
    return poses
