"""Pictures and clips of one labelled person each, and what happens to their places."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import ArrayLike

from neuropose_ros.core.metrics import box_size_px
from neuropose_ros.core.pose import Image
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture
from neuropose_ros.learning.pose_evaluation.models import person_boxes


@dataclass(frozen=True)
class Shot:
    """A picture with one labelled person.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        truth: one person, whose size by which PCK divides is known.
    """

    image: Image
    truth: AnnotatedPicture

    @property
    def size_px(self) -> float:
        """By which PCK divides."""
        assert self.truth.sizes_px is not None
        return float(self.truth.sizes_px[0])


@dataclass(frozen=True)
class Take:
    """Pictures in a row, or one alone.

    Attributes:
        source: which of the kinds of data it is of.
        rate_hz: of a clip; None = a picture that stands for itself.
    """

    source: str
    shots: tuple[Shot, ...]
    rate_hz: float | None = None


def one_person(truth: AnnotatedPicture, person: int) -> AnnotatedPicture:
    """Return the annotations of one of the people, with box and size."""
    boxes = person_boxes(truth)[[person]]
    sizes = truth.sizes_px
    kept = slice(person, person + 1)
    return replace(
        truth, keypoints=truth.keypoints[kept], visible=truth.visible[kept], boxes=boxes,
        areas=truth.areas[kept], head_sizes=truth.head_sizes[kept],
        sizes_px=box_size_px(boxes, 'larger_side').astype(np.float32) if sizes is None
        else sizes[kept],
        keypoints_3d=None, ignored=np.zeros((0, 6), np.float32), size_px=None,
        is_beyond_meant=True)


def warped(shot: Shot, matrix: ArrayLike, width: int, height: int) -> Shot:
    """Move everything in a picture.

    Args:
        matrix: (2, 3), px of the picture to px of the new one; turns, moves and scales alike.
        width, height: of the new one, px; the border goes on where the picture ends.
    """
    move = np.asarray(matrix, np.float64)
    scale = float(np.sqrt(abs(np.linalg.det(move[:, :2]))))
    small = cv2.GaussianBlur(shot.image, (0, 0), 0.4 / scale) if scale < 0.75 else shot.image
    image = cv2.warpAffine(small, move, (width, height), flags=cv2.INTER_LINEAR,
                           borderMode=cv2.BORDER_REPLICATE)
    truth = shot.truth
    assert truth.sizes_px is not None
    points = (truth.keypoints @ move[:, :2].T + move[:, 2]).astype(np.float32)
    left, top, right, bottom = truth.boxes[0]
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    corners = corners @ move[:, :2].T + move[:, 2]
    box = np.concatenate((corners.min(0), corners.max(0))).astype(np.float32)
    return Shot(np.asarray(image, np.uint8), replace(
        truth, keypoints=points, boxes=box[np.newaxis], areas=truth.areas * scale**2,
        sizes_px=(truth.sizes_px * scale).astype(np.float32)))
