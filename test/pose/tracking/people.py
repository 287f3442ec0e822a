"""People made of COCO's joints, for tests of tracking."""

from __future__ import annotations

import numpy as np

from neuropose_ros.core.pose import JointState, PersonPose

S = 1_000_000_000
# A standing body, in heights from the middle of the trunk: nose, eyes, ears, shoulders, elbows,
# wrists, hips, knees, ankles.
_BODY = np.array([
    (0, -.34), (.02, -.36), (-.02, -.36), (.04, -.35), (-.04, -.35), (.10, -.22), (-.10, -.22),
    (.13, -.05), (-.13, -.05), (.14, .10), (-.14, .10), (.07, .12), (-.07, .12), (.07, .36),
    (-.07, .36), (.07, .60), (-.07, .60)])


def standing(
    x: float, y: float = 200.0, height_px: float = 200.0, *, score: float = 1.0,
    noise_px: float = 0.0, random: np.random.Generator | None = None, boxed: bool = True,
) -> PersonPose:
    """Return somebody whose trunk's middle is at (x, y), with a detector's box."""
    points = _BODY * height_px + (x, y)
    if noise_px and random is not None:
        points = points + random.normal(scale=noise_px, size=points.shape)
    low, high = points.min(0), points.max(0)
    beyond = 0.05 * height_px if boxed else 0.0
    return PersonPose(
        keypoints=points.astype(np.float32), keypoint_scores=np.ones(17, np.float32),
        keypoint_states=np.full(17, JointState.MEASURED, np.uint8),
        box=np.concatenate((low - beyond, high + beyond)).astype(np.float32), score=score)


def stamp(frame: float, rate_hz: float = 30.0) -> int:
    """Return the time of a frame."""
    return S + round(frame / rate_hz * S)


def ids(people: tuple[PersonPose, ...]) -> list[int]:
    """Return the track ids, in order."""
    return [one.track_id for one in people]
