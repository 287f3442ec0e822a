"""One identity: how it moves, and what it looked like when it was last seen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.clocks import seconds
from neuropose_ros.core.pose import Floats, JointState, PersonPose, TrackState
from neuropose_ros.pose.tracking.kalman import Motion, MotionModel
from neuropose_ros.pose.tracking.levels import LevelModel, Levels
from neuropose_ros.pose.tracking.observations import body_box

Array = NDArray[np.float64]

_FULL_CREDIT_FRAMES = 15


@dataclass(slots=True)
class Track:
    """One identity.

    Attributes:
        person: as last seen.
        seen_ns: when.
        frames: how often.
        state: TENTATIVE, CONFIRMED, or LOST while it is not seen.
        motion: at that time.
        joints: (K, 2) from the body's middle, in body heights, as last seen; NaN = never.
        weights: (K,) 0..1, how sure each joint was.
        corners: (4,) of the box, from the body's middle, in body heights.
        look: unit vector of the appearance, a running mean; None = not known.
        levels: of its boxes; None = no box was seen.
        named: whether the id is final; without, it is nobody's to know.
        is_clear: whether it was last seen apart from others, with joints of its own.
    """

    track_id: int
    person: PersonPose
    seen_ns: int
    motion: Motion
    joints: Array
    weights: Array
    corners: Array
    frames: int = 1
    state: TrackState = TrackState.TENTATIVE
    look: Floats | None = None
    levels: Levels | None = None
    named: bool = True
    is_clear: bool = False

    def place(
        self, measured: Array, keypoints: Array, weights: Array, box: Array, box_share: float,
    ) -> None:
        """Keep where joints and, by its share, box lie around the measured middle (3,)."""
        height = float(np.exp(self.motion.position[2]))
        known: NDArray[np.bool_] = np.all(np.isfinite(keypoints), axis=-1)
        offsets = (keypoints - measured[:2]) / height
        self.joints = np.where(known[:, None], offsets, self.joints)
        self.weights = np.where(known, weights, 0.5 * self.weights)
        corners = (box - np.tile(measured[:2], 2)) / height
        self.corners = self.corners + box_share * (corners - self.corners)

    def gap_s(self, stamp_ns: int) -> float:
        """Return how long ago it was last seen."""
        return max(seconds(stamp_ns - self.seen_ns), 0.0)

    def expected(self, motion: Motion) -> PersonPose:
        """Return the person where ``motion`` has it."""
        height = motion.height_px
        points = (motion.position[:2] + self.joints * height).astype(np.float32)
        # Joints move with the middle, and away from it as the body comes nearer.
        growth = motion.velocity[2] * height
        velocities = (motion.velocity[:2] + self.joints * growth).astype(np.float32)
        known = np.isfinite(points).all(-1)
        return replace(
            self.person, keypoints=points,
            keypoint_states=np.where(
                known, np.uint8(JointState.PREDICTED), np.uint8(JointState.MISSING)),
            box=(np.tile(motion.position[:2], 2) + self.corners * height).astype(np.float32),
            track_id=self.track_id, track_state=self.state, keypoint_velocities=velocities,
            keypoint_covariances=None, keypoint_innovations=None, keypoints_3d=None,
            keypoint_states_3d=None, keypoint_covariances_3d=None)


@dataclass(frozen=True, slots=True)
class Forecast:
    """T tracks at one time, as arrays.

    Attributes:
        motions: of each.
        position: (T, 3), as `Motion.position`.
        variance: (T, 3) of it.
        heights: (T,) px.
        keypoints: (T, K, 2) px.
        last_keypoints: (T, K, 2) px, as last seen.
        weights: (T, K).
        boxes: (T, 4) px, as `Observations.boxes`.
        bodies: (T, 4) px, as `Observations.bodies`.
        gaps_s: (T,) since each was seen.
        sure: (T,) bool, whether it was seen often enough.
        credit: (T,) 0..1, grows with the frames that it was seen in.
        missed: (T,) bool, whether it was not seen in the frame before.
        levels, level_variance: (T, 2) of the boxes, as `Levels`; NaN = not known.
    """

    motions: list[Motion]
    position: Array
    variance: Array
    heights: Array
    keypoints: Array
    last_keypoints: Array
    weights: Array
    boxes: Array
    bodies: Array
    gaps_s: Array
    sure: NDArray[np.bool_]
    credit: Array
    missed: NDArray[np.bool_]
    levels: Array
    level_variance: Array

    def __len__(self) -> int:
        """Return T."""
        return len(self.motions)


def forecast(
    tracks: list[Track], stamp_ns: int, joints: int, model: MotionModel, confirm_frames: int,
    level_model: LevelModel,
) -> Forecast:
    """Return where the tracks are expected."""
    count = len(tracks)
    gaps = np.array([track.gap_s(stamp_ns) for track in tracks])
    motions = [track.motion.predicted(float(gap), model)
               for track, gap in zip(tracks, gaps, strict=True)]
    position = np.array([motion.position for motion in motions]).reshape(count, 3)
    heights = np.exp(position[:, 2])
    middles = position[:, None, :2]
    offsets = np.array([track.joints for track in tracks]).reshape(count, joints, 2)
    corners = np.array([track.corners for track in tracks]).reshape(count, 4)
    keypoints = middles + offsets * heights[:, None, None]
    boxes = np.tile(middles[:, 0], 2) + corners * heights[:, None]
    bodies = [body_box(points, box) for points, box in zip(keypoints, boxes, strict=True)]
    levels, level_variance = _levels(tracks, gaps, level_model)
    return Forecast(
        motions=motions,
        position=position,
        variance=np.array([
            motion.pp + track.motion.doubt(float(gap), model)
            for motion, track, gap in zip(motions, tracks, gaps, strict=True)]).reshape(count, 3),
        heights=heights,
        keypoints=keypoints,
        last_keypoints=np.array(
            [track.person.keypoints for track in tracks], float).reshape(count, joints, 2),
        weights=np.array([track.weights for track in tracks]).reshape(count, joints),
        boxes=boxes,
        bodies=np.array(bodies).reshape(count, 4),
        gaps_s=gaps,
        sure=np.array([track.frames >= confirm_frames for track in tracks], bool),
        credit=np.array([min(track.frames / _FULL_CREDIT_FRAMES, 1.0) for track in tracks]),
        missed=np.array([track.state is TrackState.LOST for track in tracks], bool),
        levels=levels,
        level_variance=level_variance)


def _levels(tracks: list[Track], gaps_s: Array, model: LevelModel) -> tuple[Array, Array]:
    position, variance = np.full((2, len(tracks), 2), np.nan)
    for i, track in enumerate(tracks):
        if track.levels is not None:
            levels = track.levels.predicted(float(gaps_s[i]), model)
            position[i], variance[i] = levels.position, levels.variance
    return position, variance
