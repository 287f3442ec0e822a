"""How alike poses and boxes are: all people of one frame against all tracks at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def keypoint_similarity(
    keypoints: Array, weights: Array, expected: Array, expected_weights: Array,
    heights_px: Array, sigmas: Array,
) -> Array:
    """Return (N, T) object keypoint similarity of N people with T expected ones.

    A joint counts by the lesser of its two weights: one that is measured in both fully, one that
    either only guesses less, one that either does not know not at all. 0 without such joints.

    Args:
        keypoints: (N, K, 2) px, NaN where not known.
        weights: (N, K) 0..1.
        expected: (T, K, 2) px.
        expected_weights: (T, K).
        heights_px: (T,) body heights.
        sigmas: (K,) tolerance of each joint as a share of the height.
    """
    squared = ((keypoints[:, None] - expected[None]) ** 2).sum(-1)
    known = np.isfinite(squared)
    shared = np.where(known, np.minimum(weights[:, None], expected_weights[None]), 0.0)
    variance = (heights_px[:, None] * sigmas[None]) ** 2
    similarity = np.exp(-np.where(known, squared, 0.0) / (2 * variance[None]))
    total = shared.sum(-1)
    alike: Array = (shared * similarity).sum(-1) / np.maximum(total, 1e-9)
    return alike


def box_overlap(a: Array, b: Array) -> Array:
    """Return (N, T) intersection over union of boxes (N, 4) and (T, 4)."""
    common, areas_a, areas_b = _areas(a, b)
    union = areas_a[:, None] + areas_b[None] - common
    overlap: Array = np.where(union > 0, common / np.maximum(union, 1e-9), 0.0)
    return overlap


def box_cover(a: Array, b: Array) -> Array:
    """Return (N, T) shares of boxes (N, 4) that lie within boxes (T, 4)."""
    common, areas_a, _ = _areas(a, b)
    cover: Array = common / np.maximum(areas_a, 1e-9)[:, None]
    return cover


def _areas(a: Array, b: Array) -> tuple[Array, Array, Array]:
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(-1)
    return (common, np.clip(a[:, 2:] - a[:, :2], 0, None).prod(-1),
            np.clip(b[:, 2:] - b[:, :2], 0, None).prod(-1))
