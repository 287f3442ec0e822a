"""The answers of a model beside the truth, one row for each annotated person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.layouts import conversion_matrix
from neuropose_ros.core.metrics import box_size_px
from neuropose_ros.core.pose import Floats
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture
from neuropose_ros.learning.pose_evaluation.models import Answer, person_boxes

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Asked = tuple[AnnotatedPicture, Answer]
Size = Literal['auto', 'larger_side', 'diagonal']
"""What distances are divided by: the larger side or the diagonal of the person's box; auto = the
size that the data set has of its own, where it has one, else the larger side."""


@dataclass(frozen=True)
class People:
    """N annotated people of K joints, and what was found of them.

    Attributes:
        layout: of the truth; what the model found is converted to it.
        comparable: (K,) joints that the model has, or that follow from those it has.
        pictures: (N,) index of the picture among those asked about.
        groups: N names of recordings: what is independent of each other.
        found: (N, K, 2) px, NaN = not found.
        scores: (N, K) 0..1, 0 = not found.
        truth: (N, K, 2) px, NaN = not labelled.
        visible: (N, K) labelled and not hidden.
        sizes_px: (N,) by which distances are divided.
        areas: (N,) px^2, by which OKS divides; NaN = not annotated.
        head_sizes: (N,) px, by which PCKh divides; NaN = not annotated.
        found_3d, truth_3d: (N, K, 3) m, NaN = not known; the origin is arbitrary.
    """

    layout: SkeletonLayout
    comparable: Flags
    pictures: NDArray[np.int64]
    groups: tuple[str, ...]
    found: Floats
    scores: Floats
    truth: Floats
    visible: Flags
    sizes_px: Array
    areas: Array
    head_sizes: Array
    found_3d: Floats
    truth_3d: Floats

    def __len__(self) -> int:
        """Return the number of people."""
        return len(self.pictures)

    @property
    def counted(self) -> Flags:
        """(N, K) joints that are labelled and that the model can find."""
        return np.asarray(np.isfinite(self.truth).all(-1) & self.comparable)

    @property
    def distances(self) -> Array:
        """(N, K) distance to the truth as a share of the size; inf where nothing was found."""
        px = np.linalg.norm(self.found.astype(np.float64) - self.truth, axis=-1)
        shares = px / self.sizes_px[:, np.newaxis]
        return np.asarray(np.where(np.isfinite(shares), shares, np.inf))

    def only(self, chosen: NDArray[np.int64] | Flags) -> People:
        """Return some of the people."""
        indices = np.arange(len(self))[chosen]
        arrays = {name: getattr(self, name)[indices] for name in (
            'pictures', 'found', 'scores', 'truth', 'visible', 'sizes_px', 'areas', 'head_sizes',
            'found_3d', 'truth_3d')}
        return replace(self, groups=tuple(self.groups[i] for i in indices), **arrays)


def gather(
    layout: SkeletonLayout, model_layout: SkeletonLayout, asked: Sequence[Asked],
    size: Size = 'auto',
) -> People:
    """Put answers beside the truth.

    Args:
        layout: of the truth.
        model_layout: of the model before its answers were converted.
        asked: annotated pictures and what was said of each.
        size: what distances are divided by.
    """
    count = len(layout)
    found, scores, found_3d, of_picture, groups = [], [], [], [], []
    for index, (truth, answer) in enumerate(asked):
        for match in answer.matches:
            person = None if match is None else answer.people[match]
            lifted = None if person is None else person.keypoints_3d
            found.append(_nothing(count, 2) if person is None else person.keypoints)
            scores.append(
                np.zeros(count, np.float32) if person is None else person.keypoint_scores)
            found_3d.append(_nothing(count, 3) if lifted is None else lifted)
            of_picture.append(index)
            groups.append(truth.group or f'{truth.path}')
    truths = [truth for truth, _ in asked if len(truth.keypoints)]
    number = len(of_picture)
    return People(
        layout, np.asarray(conversion_matrix(model_layout, layout).any(1)),
        np.array(of_picture, np.int64), tuple(groups),
        np.array(found, np.float32).reshape(number, count, 2),
        np.array(scores, np.float32).reshape(number, count),
        _joined([truth.keypoints for truth in truths], count, 2),
        _joined([truth.visible for truth in truths], count).astype(bool),
        _joined([_sizes_px(truth, size) for truth in truths]).astype(np.float64),
        _joined([truth.areas for truth in truths]).astype(np.float64),
        _joined([truth.head_sizes for truth in truths]).astype(np.float64),
        np.array(found_3d, np.float32).reshape(number, count, 3),
        _joined([_points_3d(truth) for truth in truths], count, 3))


def _nothing(count: int, axes: int) -> Floats:
    return np.full((count, axes), np.nan, np.float32)


def _joined(parts: Sequence[Floats], *shape: int) -> Floats:
    return np.concatenate(parts) if parts else np.zeros((0, *shape), np.float32)


def _sizes_px(truth: AnnotatedPicture, size: Size) -> Floats:
    if size == 'auto' and truth.sizes_px is not None:
        return truth.sizes_px
    sizes = box_size_px(person_boxes(truth), 'diagonal' if size == 'diagonal' else 'larger_side')
    return sizes.astype(np.float32)


def _points_3d(truth: AnnotatedPicture) -> Floats:
    if truth.keypoints_3d is not None:
        return truth.keypoints_3d
    return np.full((*truth.keypoints.shape[:2], 3), np.nan, np.float32)
