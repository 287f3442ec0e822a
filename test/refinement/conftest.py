"""Builders of people and frames for tests of the refinement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import FrameStatus, JointState, PersonPose, PoseFrame, TrackState

RATE_HZ = 30.0
_STANDING = np.random.default_rng(0).uniform((200, 100), (320, 420), (17, 2))


def make_person(
    shift: tuple[float, float] = (0.0, 0.0), *, points: object = None, score: float = 0.95,
    track_id: int = 1, state: JointState = JointState.MEASURED, **extra: object,
) -> PersonPose:
    """A person 400 px tall who stands at ``shift``, or with the given joints."""
    joints = np.asarray(_STANDING + shift if points is None else points, np.float32)
    count = len(joints)
    values = {
        'keypoints': joints, 'keypoint_scores': np.full(count, score, np.float32),
        'keypoint_states': np.full(count, state, np.uint8),
        'box': np.array((180, 60, 340, 460), np.float32) + np.tile(shift, 2).astype(np.float32),
        'score': 0.9, 'track_id': track_id, 'track_state': TrackState.CONFIRMED, **extra}
    return PersonPose(**values)


def make_frame(index: int, *people: PersonPose, **extra: object) -> PoseFrame:
    """The frame number ``index`` of a camera of `RATE_HZ`."""
    frame = PoseFrame(
        stamp_ns=10 ** 9 + round(index * 1e9 / RATE_HZ), frame_seq=index, layout=COCO17.id,
        image_width=640, image_height=480, stage='pose', model='test',
        status=FrameStatus.OK if people else FrameStatus.NO_PERSON, persons=people)
    return replace(frame, **extra)


@pytest.fixture(scope='session')
def person() -> Callable[..., PersonPose]:
    return make_person


@pytest.fixture(scope='session')
def frame() -> Callable[..., PoseFrame]:
    return make_frame
