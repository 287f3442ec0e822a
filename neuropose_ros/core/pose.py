"""Value types of the flow: a frame, the people in it, and where each value came from.

Numeric values of the enums are those of the messages in ``msg/``; 0 is always UNKNOWN.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
States = NDArray[np.uint8]
Image = NDArray[np.uint8]
Depth = NDArray[np.float32] | NDArray[np.uint16]
"""(H, W) along the optical axis: float32 m or uint16 mm; 0, NaN and inf = unknown (REP-118)."""


class FrameStatus(IntEnum):
    """What is known of the people in a frame (``PersonArray.STATUS_*``)."""

    UNKNOWN = 0
    OK = 1
    NO_PERSON = 2
    SKIPPED = 3
    ERROR = 4


class TrackState(IntEnum):
    """How sure an identity is (``Person.TRACK_*``)."""

    UNKNOWN = 0
    TENTATIVE = 1
    CONFIRMED = 2
    LOST = 3


class JointState(IntEnum):
    """Where a joint's value came from (``Person.STATE_*``)."""

    UNKNOWN = 0
    MISSING = 1
    OUT_OF_FRAME = 2
    OCCLUDED = 3
    INTERPOLATED = 4
    PREDICTED = 5
    CORRECTED = 6
    MEASURED = 7


class Origin3D(IntEnum):
    """What 3D coordinates are relative to (``Person.ORIGIN_*``)."""

    UNKNOWN = 0
    CAMERA = 1
    ROOT_RELATIVE = 2


class FramePolicy(IntEnum):
    """How a source is read (``FrameInfo.POLICY_*``)."""

    UNKNOWN = 0
    NEWEST = 1
    EVERY_FRAME = 2


@dataclass(frozen=True, slots=True)
class PersonPose:
    """One person in one frame; K joints in the order of the frame's layout.

    Arrays of optional knowledge are None where nothing is known. A joint that is not known is
    NaN and its state says why.

    Attributes:
        keypoints: (K, 2) float32, px.
        keypoint_scores: (K,) float32, 0..1.
        keypoint_states: (K,) uint8, ``JointState``.
        box: (4,) float32, px: x_min y_min x_max y_max.
        keypoint_covariances: (K, 3) float32, px^2: xx xy yy.
        keypoint_velocities: (K, 2) float32, px/s.
        keypoint_innovations: (K, 2) float32, px: measured minus predicted.
        keypoints_3d: (K, 3) float32, m.
        keypoint_states_3d: (K,) uint8.
        keypoint_covariances_3d: (K, 6) float32, m^2.
    """

    keypoints: Floats
    keypoint_scores: Floats
    keypoint_states: States
    box: Floats
    score: float = 0.0
    track_id: int = -1
    track_state: TrackState = TrackState.UNKNOWN
    keypoint_covariances: Floats | None = None
    keypoint_velocities: Floats | None = None
    keypoint_innovations: Floats | None = None
    keypoints_3d: Floats | None = None
    keypoint_states_3d: States | None = None
    keypoint_covariances_3d: Floats | None = None
    origin_3d: Origin3D = Origin3D.UNKNOWN
    frame_3d: str = ''
    delay_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class PoseFrame:
    """All people in one frame, or the statement that nobody was found or nobody looked.

    Attributes:
        stamp_ns: acquisition time of the image, ROS time.
        layout: ``SkeletonLayout.id``.
        skipped_before: frames since the previous result that were not looked at.
        feedback_stamp_ns: stamp of the ``pose_feedback`` used, 0 = none.
    """

    stamp_ns: int
    frame_seq: int
    layout: str
    image_width: int
    image_height: int
    frame_id: str = ''
    epoch: int = 0
    seq_is_local: bool = False
    status: FrameStatus = FrameStatus.UNKNOWN
    skipped_before: int = 0
    feedback_stamp_ns: int = 0
    stage: str = ''
    model: str = ''
    receive_ms: float = 0.0
    preprocess_ms: float = 0.0
    inference_ms: float = 0.0
    postprocess_ms: float = 0.0
    persons: tuple[PersonPose, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """One image on its way through the stages; handed over by reference, never written to.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        stamp_ns: acquisition time, ROS time.
        truth: the true people, where the source knows them (synthetic subject).
        receive_ms: acquisition to arrival here; only as good as the clocks.
        depth: of the same instant and view, of any resolution, where the source has it.
    """

    image: Image
    stamp_ns: int
    frame_seq: int
    frame_id: str = 'camera'
    epoch: int = 0
    source: str = ''
    policy: FramePolicy = FramePolicy.UNKNOWN
    rectified: bool = False
    seq_is_local: bool = False
    receive_ms: float = 0.0
    truth: PoseFrame | None = field(default=None, repr=False)
    depth: Depth | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SceneEmbedding:
    """What a whole picture looks like.

    Attributes:
        model: id of the encoder; vectors of different models do not mix.
        embedding: (D,) float32, as the encoder gives it.
    """

    stamp_ns: int
    frame_seq: int
    model: str
    embedding: Floats
    frame_id: str = ''
    epoch: int = 0
