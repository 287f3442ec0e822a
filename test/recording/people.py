"""Values as they go into a session, with everything that can be told of people."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from neuropose_ros.core.action import Action, ActionFrame, ActionPhase
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import (
    FrameStatus,
    JointState,
    Origin3D,
    PersonPose,
    PoseFrame,
    TrackState,
)

SECOND_NS = 10**9
START_NS = 1_700_000_000 * SECOND_NS


def floats(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).random(shape, np.float32)


def person(track_id: int, *, seed: int = 0, rich: bool = False) -> PersonPose:
    """Someone at a place that the seed decides; rich = with all optional knowledge."""
    extra: dict[str, Any] = {}
    if rich:
        extra = {
            'keypoint_covariances': floats(seed, 17, 3),
            'keypoint_velocities': floats(seed, 17, 2),
            'keypoint_innovations': floats(seed + 1, 17, 2), 'keypoints_3d': floats(seed, 17, 3),
            'keypoint_states_3d': np.full(17, JointState.PREDICTED, np.uint8),
            'keypoint_covariances_3d': floats(seed, 17, 6), 'origin_3d': Origin3D.CAMERA,
            'frame_3d': 'camera_optical', 'delay_ms': 33.25}
    points = floats(seed, 17, 2) * 640
    points[3] = np.nan
    states = np.full(17, JointState.MEASURED, np.uint8)
    states[3] = JointState.MISSING
    return PersonPose(
        points, floats(seed + 2, 17), states, floats(seed, 4) * 640, 0.5 + track_id / 64,
        track_id, TrackState.CONFIRMED, **extra)


def pose_frame(index: int, *people: PersonPose, rate_hz: float = 30.0, **fields: Any) -> PoseFrame:
    """Frame number ``index`` of a recording that begins at `START_NS`."""
    given: dict[str, Any] = {
        'stamp_ns': START_NS + round(index * SECOND_NS / rate_hz), 'frame_seq': index,
        'layout': COCO17.id, 'image_width': 640, 'image_height': 480, 'frame_id': 'camera',
        'status': FrameStatus.OK if people else FrameStatus.NO_PERSON, 'stage': 'pose',
        'model': 'blazepose', 'inference_ms': 12.25, 'persons': people}
    return PoseFrame(**(given | fields))


def action_frame(index: int, *tracks: int) -> ActionFrame:
    def action(track_id: int) -> Action:
        return Action(
            track_id, START_NS, START_NS + index, 12, 0.75, np.array([0.25, 0.75], np.float32),
            1, 'walk', 0.2, '', ActionPhase.ONGOING, 0.5, 0.25)

    return ActionFrame(
        START_NS + index, index, 'two@1a2b', 'network', 'camera', 0, START_NS,
        tuple(action(track_id) for track_id in tracks))


def assert_same(one: Any, other: Any, where: str = '') -> None:
    """Two values are equal to the last bit, with the same types; NaN equals NaN."""
    assert type(one) is type(other), f'{where}: {type(one)} {type(other)}'
    if is_dataclass(one):
        for item in fields(one):
            assert_same(
                getattr(one, item.name), getattr(other, item.name), f'{where}.{item.name}')
    elif isinstance(one, tuple):
        assert len(one) == len(other), where
        for index, pair in enumerate(zip(one, other, strict=True)):
            assert_same(*pair, where=f'{where}[{index}]')
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype and one.shape == other.shape, where
        assert one.tobytes() == other.tobytes(), where
    else:
        assert one == other or (one != one and other != other), f'{where}: {one} {other}'
