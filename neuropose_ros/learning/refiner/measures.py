"""How good poses over time are: agreement with the truth, smoothness, and bridged gaps.

All lengths are shares of the clip's box (`pairs.clip_box_px`); PCK is that of Yang and Ramanan
(2013), over all joints and frames; the acceleration error is that of Kanazawa et al. (2019), in
the image. What is estimated is in the layout of the truth.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.layouts import convert_points
from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.refiner.pairs import FOUND_LAYOUT, TRUTH_LAYOUT, Pair

Mask = NDArray[np.bool_]
THRESHOLDS = (0.05, 0.1, 0.2)
BURST_FRAMES = (5, 15)
"""Least and most frames for which a joint is hidden."""
MASKED_SHARES = (0.2, 0.4)


def to_truth_layout(points: Floats) -> Floats:
    """Convert (..., 17, 2) detected joints to (..., 15, 2) of the truth's layout."""
    return convert_points(points, FOUND_LAYOUT, TRUTH_LAYOUT)


def joint_offsets(pairs: Sequence[Pair]) -> Floats:
    """Return (15, 2): mean of truth minus detection, in boxes: two definitions of a joint differ.

    To be fitted on clips for training, and added to every method alike.
    """
    return np.asarray(np.concatenate([
        (pair.truth - to_truth_layout(pair.found)) / pair.box_px for pair in pairs]).mean(0),
        np.float32)


def in_truth_definition(points: Floats, pair: Pair, offsets: Floats) -> Floats:
    """Return (T, 15, 2) of (T, 17, 2) joints that are detected, in the truth's definition."""
    placed: Floats = to_truth_layout(points) + offsets * np.float32(pair.box_px)
    return placed


def in_detector_definition(pair: Pair, offsets: Floats) -> Floats:
    """Return (T, 15, 2): where a detector without errors would find the true joints."""
    target: Floats = pair.truth - offsets * np.float32(pair.box_px)
    return target


def errors(estimates: Sequence[Floats], pairs: Sequence[Pair]) -> list[Floats]:
    """Return (T, 15) distances in boxes of each clip; an estimate that is not there is NaN."""
    return [np.asarray(np.linalg.norm(points - pair.truth, axis=-1) / pair.box_px, np.float32)
            for points, pair in zip(estimates, pairs, strict=True)]


def accuracy(estimates: Sequence[Floats], pairs: Sequence[Pair]) -> dict[str, float]:
    """Return PCK (``pck@0.05`` ...) and ``accel`` of (T, 15, 2) estimates of each clip.

    A joint without an estimate is not correct, and has no acceleration; ``answered`` is the share
    of those with one. ``accel`` is the mean length of the second difference of the error.
    """
    found = np.concatenate([error.ravel() for error in errors(estimates, pairs)])
    second = np.concatenate([
        (np.linalg.norm(np.diff(points - pair.truth, 2, axis=0), axis=-1) / pair.box_px).ravel()
        for points, pair in zip(estimates, pairs, strict=True)])
    figures = {f'pck@{limit:g}': float((found < limit).mean()) for limit in THRESHOLDS}
    return figures | {'accel': float(np.nanmean(second)),
                      'answered': float(np.isfinite(found).mean())}


def burst_mask(frames: int, joints: int, share: float, rng: np.random.Generator) -> Mask:
    """Return (frames, joints): True where hidden, for `BURST_FRAMES` at a time.

    Bursts of random joints from random frames on, cut at the end, until the share is reached.
    """
    mask = np.zeros((frames, joints), bool)
    while mask.mean() < share:
        length = rng.integers(BURST_FRAMES[0], BURST_FRAMES[1] + 1)
        joint, begin = rng.integers(joints), rng.integers(frames)
        mask[begin:begin + length, joint] = True
    return mask


def burst_masks(pairs: Sequence[Pair], share: float, seed: int = 0) -> list[Mask]:
    """Return the mask of each clip; the same for the same clips."""
    rng = np.random.default_rng(seed)
    return [burst_mask(pair.truth.shape[0], pair.truth.shape[1], share, rng) for pair in pairs]


def hidden(pair: Pair, mask: Mask) -> Floats:
    """Return the true joints, NaN where hidden."""
    return np.where(mask[..., None], np.float32(np.nan), pair.truth)


def masked_error(
    estimates: Sequence[Floats], pairs: Sequence[Pair], masks: Sequence[Mask],
) -> float:
    """Return the mean error of the hidden joints, in boxes.

    A hidden joint without an estimate counts as one in the middle of the joints that are seen.
    """
    found = []
    for points, pair, mask in zip(estimates, pairs, masks, strict=True):
        answers = np.where(np.isfinite(points), points, middles(hidden(pair, mask))[:, None])
        distances = np.linalg.norm(answers - pair.truth, axis=-1) / pair.box_px
        found.append(distances[mask])
    return float(np.concatenate(found).mean())


def middles(points: Floats) -> Floats:
    """Return (T, 2) means of the known joints of (T, K, 2); of a frame without, the last one's."""
    known = np.asarray(np.isfinite(points).all(-1))
    count = known.sum(1)
    sums = np.where(known[..., None], points, 0).sum(1)
    if not count.any():
        return np.zeros((len(points), 2), np.float32)
    frames = np.arange(len(points))
    last = np.maximum.accumulate(np.where(count > 0, frames, -1))
    last = np.where(last < 0, np.argmax(count > 0), last)
    return np.asarray((sums / np.maximum(count, 1)[:, None])[last], np.float32)
