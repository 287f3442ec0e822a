"""What is true of the people in a frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.layouts import BLAZEPOSE33
from neuropose_ros.core.pose import (
    FrameStatus,
    JointState,
    Origin3D,
    PersonPose,
    PoseFrame,
    TrackState,
)
from neuropose_ros.sources.synthetic.anatomy import SITES
from neuropose_ros.sources.synthetic.camera import Camera

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

_DEPTHS = np.asarray([site.depth for site in SITES])


def true_person(
    camera: Camera, joints: Array, height_m: float, inverse_depth: Floats, track_id: int,
) -> PersonPose | None:
    """Return a person as seen, or None when no joint is inside the image.

    A joint is OCCLUDED when what the image shows at its place is nearer by more than the flesh
    round the joint itself.

    Args:
        camera: through which it is seen.
        joints: (33, 3) m, optical frame.
        height_m: of the person.
        inverse_depth: (H, W) 1/m of what is shown, 0 = nothing near.
        track_id: number of the person.
    """
    keypoints = camera.project(joints)
    inside = ((keypoints >= -0.5) & (keypoints < (camera.width - 0.5, camera.height - 0.5))
              ).all(1) & (joints[:, 2] > 0)
    if not inside.any():
        return None
    columns, rows = np.where(inside[:, np.newaxis], np.rint(keypoints), 0).astype(int).T
    shown = inverse_depth[rows, columns]
    near_limit = 1 / np.maximum(joints[:, 2] - _DEPTHS * height_m, 0.01)
    states = np.where(
        inside, np.where(shown > near_limit, JointState.OCCLUDED, JointState.MEASURED),
        JointState.OUT_OF_FRAME).astype(np.uint8)
    box = np.concatenate((keypoints.min(0), keypoints.max(0)))
    return PersonPose(
        keypoints=keypoints.astype(np.float32),
        keypoint_scores=np.ones(len(joints), np.float32),
        keypoint_states=states,
        box=box.astype(np.float32),
        score=1.0,
        track_id=track_id,
        track_state=TrackState.CONFIRMED,
        keypoints_3d=joints.astype(np.float32),
        keypoint_states_3d=states.copy(),
        origin_3d=Origin3D.CAMERA,
    )


def true_frame(camera: Camera, persons: Sequence[PersonPose]) -> PoseFrame:
    """Return the truth of a frame; stamp, number and epoch are the player's to fill in."""
    return PoseFrame(
        stamp_ns=0, frame_seq=0, layout=BLAZEPOSE33.id,
        image_width=camera.width, image_height=camera.height,
        status=FrameStatus.OK if persons else FrameStatus.NO_PERSON,
        stage='truth', model='synthetic', persons=tuple(persons),
    )
