"""Taking somebody out of a picture, so that whoever stands behind can be seen for themselves."""

from __future__ import annotations

import cv2
import numpy as np

from neuropose_ros.core.pose import Image, JointState, PersonPose
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.pose.gating import outline
from neuropose_ros.pose.geometry import finite_points

_TRUNK = ('left_shoulder', 'right_shoulder', 'right_hip', 'left_hip')
# Of the larger side of the body's box: an upper arm with its sleeve, about.
_LIMB_WIDTH = 0.12
_GREY = 128
# OpenCV's drawing counts px in 16 bits behind a shift.
_FARTHEST_PX = 30000


def without_person(image: Image, person: PersonPose, layout: SkeletonLayout) -> Image:
    """Return a copy of a picture with the limbs and the trunk of a person painted over in grey.

    Args:
        image: (H, W, 3) uint8 BGR.
        person: in ``layout``; joints that are not known hide nothing.
        layout: of the person.
    """
    hidden: Image = image.copy()
    box = outline(person)
    if not np.isfinite(box).all():
        return hidden
    width = max(1, round(_LIMB_WIDTH * float((box[2:] - box[:2]).max())))
    known = finite_points(person.keypoints)
    points = np.clip(
        np.where(known[:, np.newaxis], person.keypoints, 0), -_FARTHEST_PX, _FARTHEST_PX)
    places = points.round().astype(np.int32)
    grey = (_GREY, _GREY, _GREY)
    for a, b in layout.edges:
        if known[a] and known[b]:
            cv2.line(hidden, places[a].tolist(), places[b].tolist(), grey, width)
    trunk = [layout.index(name) for name in _TRUNK if name in layout.names]
    if len(trunk) == len(_TRUNK) and known[trunk].all():
        cv2.fillConvexPoly(hidden, cv2.convexHull(places[trunk]), grey)
    return hidden


def share_on(person: PersonPose, image: Image, hidden: Image) -> float:
    """Return the share of a person's seen joints that lie where somebody was painted over.

    Args:
        person: found in ``hidden``.
        image: the picture as it was.
        hidden: from `without_person`.
    """
    height, width = image.shape[:2]
    points = person.keypoints[person.keypoint_states == JointState.MEASURED]
    if not len(points):
        return 1.0
    x, y = np.clip(points.round().astype(int), 0, (width - 1, height - 1)).T
    return float((image[y, x] != hidden[y, x]).any(-1).mean())
