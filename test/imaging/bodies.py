"""People of known size and place, in the joints of COCO."""

from __future__ import annotations

import numpy as np

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import (
    FrameStatus,
    JointState,
    PersonPose,
    PoseFrame,
    TrackState,
)

SIZE = (640, 480)
STEP_NS = 33_333_333
# Standing, seen from the front: (x, y) in heads (chin to crown) from the middle of the head.
_BODY = {
    'nose': (0, 0.05), 'left_eye': (0.15, -0.1), 'right_eye': (-0.15, -0.1),
    'left_ear': (0.32, 0), 'right_ear': (-0.32, 0),
    'left_shoulder': (0.9, 1.1), 'right_shoulder': (-0.9, 1.1),
    'left_elbow': (1.1, 2.4), 'right_elbow': (-1.1, 2.4),
    'left_wrist': (1.2, 3.5), 'right_wrist': (-1.2, 3.5),
    'left_hip': (0.6, 3.3), 'right_hip': (-0.6, 3.3), 'left_knee': (0.6, 5.2),
    'right_knee': (-0.6, 5.2), 'left_ankle': (0.6, 7), 'right_ankle': (-0.6, 7),
}
HEAD_PX = 40.0


def person(x: float, y: float = 100, *, head_px: float = HEAD_PX, track_id: int = -1,
           unsure: tuple[str, ...] = (), **changes) -> PersonPose:
    """Somebody whose head has its middle at a place; joints named in ``unsure`` are occluded."""
    points = np.array([_BODY[name] for name in COCO17.names], np.float32) * head_px + (x, y)
    states = np.full(17, JointState.MEASURED, np.uint8)
    states[[COCO17.index(name) for name in unsure]] = JointState.OCCLUDED
    box = np.concatenate([points.min(0), points.max(0)]).astype(np.float32)
    fields = {
        'keypoints': points.astype(np.float32), 'keypoint_scores': np.full(17, 0.9, np.float32),
        'keypoint_states': states, 'box': box, 'score': 0.9, 'track_id': track_id,
        'track_state': TrackState.CONFIRMED if track_id >= 0 else TrackState.UNKNOWN}
    return PersonPose(**(fields | changes))


def frame(index: int, *persons: PersonPose, **changes) -> PoseFrame:
    """What was found in a frame of a camera with 30 frames a second."""
    fields = {
        'stamp_ns': 10**18 + index * STEP_NS, 'frame_seq': index, 'layout': COCO17.id,
        'image_width': SIZE[0], 'image_height': SIZE[1], 'model': 'detector>joints',
        'status': FrameStatus.OK if persons else FrameStatus.NO_PERSON, 'persons': persons}
    return PoseFrame(**(fields | changes))


def noise(seed: int = 0) -> np.ndarray:
    """A picture in which every pixel differs from its neighbours."""
    return np.random.default_rng(seed).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
