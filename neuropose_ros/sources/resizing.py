"""Pictures and their truth at another size; pixel centres stay where the scene puts them."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import cv2
import numpy as np

from neuropose_ros.core.pose import Depth, Floats, Image, PersonPose, PoseFrame


def resize_image(image: Image, size: tuple[int, int]) -> Image:
    """Return the picture at ``size`` (width, height): averaged down, interpolated up."""
    height, width = image.shape[:2]
    if (width, height) == size:
        return image
    shrinks = size[0] < width or size[1] < height
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast(Image, cv2.resize(image, size, interpolation=method))


def resize_depth(depth: Depth, size: tuple[int, int]) -> Depth:
    """Return a depth picture at ``size`` (width, height): never a mean of two surfaces."""
    return cast(Depth, cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST))


def resize_poses(poses: PoseFrame, size: tuple[int, int]) -> PoseFrame:
    """Return the same people as a picture of ``size`` (width, height) shows them."""
    scale = np.array(size, np.float64) / (poses.image_width, poses.image_height)
    persons = tuple(_resize_person(person, scale) for person in poses.persons)
    return replace(poses, image_width=size[0], image_height=size[1], persons=persons)


def _resize_person(person: PersonPose, scale: np.ndarray) -> PersonPose:
    sx, sy = scale
    return replace(
        person,
        keypoints=_move(person.keypoints, scale),
        box=_move(person.box.reshape(2, 2), scale).reshape(4),
        keypoint_covariances=_times(person.keypoint_covariances, [sx * sx, sx * sy, sy * sy]),
        keypoint_velocities=_times(person.keypoint_velocities, scale),
        keypoint_innovations=_times(person.keypoint_innovations, scale),
    )


def _move(points: Floats, scale: np.ndarray) -> Floats:
    # The centre of the top-left pixel is (0, 0), so the picture begins at -0.5.
    return np.asarray((points + 0.5) * scale - 0.5, np.float32)


def _times(values: Floats | None, factors: np.ndarray | list[float]) -> Floats | None:
    return None if values is None else np.asarray(values * np.asarray(factors), np.float32)
