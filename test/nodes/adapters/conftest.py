"""People to translate."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17
from neuropose_ros.core.pose import (
    FrameStatus,
    JointState,
    Origin3D,
    PersonPose,
    PoseFrame,
    TrackState,
)

WIDTH, HEIGHT = 640, 480


def person(track_id: int = 3) -> PersonPose:
    """Return a person in blazepose33 with every joint known but the left wrist."""
    count = len(BLAZEPOSE33)
    keypoints = np.stack((np.linspace(100, 420, count), np.linspace(50, 370, count)), 1)
    places = np.stack((np.linspace(-1, 1, count), np.zeros(count), np.full(count, 2.5)), 1)
    states = np.full(count, JointState.MEASURED, np.uint8)
    wrist = BLAZEPOSE33.index('left_wrist')
    keypoints[wrist] = places[wrist] = np.nan
    states[wrist] = JointState.MISSING
    return PersonPose(
        keypoints=keypoints.astype(np.float32),
        keypoint_scores=np.linspace(0.5, 1.0, count, dtype=np.float32),
        keypoint_states=states, box=np.array((80, 40, 440, 380), np.float32), score=0.75,
        track_id=track_id, track_state=TrackState.CONFIRMED,
        keypoints_3d=places.astype(np.float32), keypoint_states_3d=states,
        keypoint_covariances_3d=np.tile(
            np.float32((0.01, -0.002, 0.003, 0.02, 0.004, 0.09)), (count, 1)),
        origin_3d=Origin3D.CAMERA, frame_3d='optical')


def pose_frame(*persons: PersonPose) -> PoseFrame:
    """Return a frame of people in blazepose33."""
    return PoseFrame(
        stamp_ns=5_000_000_007, frame_seq=4, layout=BLAZEPOSE33.id, image_width=WIDTH,
        image_height=HEIGHT, frame_id='optical', epoch=2,
        status=FrameStatus.OK if persons else FrameStatus.NO_PERSON, persons=persons)


@pytest.fixture
def frame() -> PoseFrame:
    """One person."""
    return pose_frame(person())


@pytest.fixture
def coco_of() -> list[int]:
    """Index in blazepose33 of each joint of coco17."""
    return [BLAZEPOSE33.index(joint) for joint in COCO17.names]
