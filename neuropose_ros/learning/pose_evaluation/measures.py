"""Figures of people found beside the true ones. Every share is 0..1.

* PCK: share of the labelled joints that are nearer to the truth than a share of the person's size
  (Yang and Ramanan 2013); a joint that was not found is wrong.
* PCKh: the same with 0.6 of the diagonal of the head's box as the size; pelvis and thorax are
  left out, as MPII's own evaluation does (Andriluka et al. 2014).
* OKS: see `core.metrics`.
* MPJPE: mean distance of 3D joints after both roots are moved to the origin (Ionescu et al. 2014);
  N-MPJPE after scaling, too (Rhodin et al. 2018); PA-MPJPE after the similarity transform that
  fits best (Gower 1975; Umeyama 1991).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from neuropose_ros.core.metrics import object_keypoint_similarity, oks_sigmas
from neuropose_ros.learning.metrics import Estimate, Indices, bootstrap_interval
from neuropose_ros.learning.pose_evaluation.people import Array, Flags, People

PCKH_SHARE = 0.5
_NOT_IN_PCKH = ('pelvis', 'thorax')
_ROOT = 'pelvis'
_HIPS = ('left_hip', 'right_hip')

Alignment = Literal['none', 'scale', 'procrustes']


@dataclass(frozen=True)
class JointFigures:
    """What is known of one joint.

    Attributes:
        count: labelled ones.
        pck: for each threshold asked for.
        median: distance as a share of the size, of all labelled ones; inf = not found mostly.
        bias: (2,) mean of found - true as shares of the size, of those found within half a size:
            what stays the same in all pictures is another idea of where the joint is.
    """

    name: str
    count: int
    pck: tuple[float, ...]
    median: float
    bias: tuple[float, float]


def pck_by_joint(distances: ArrayLike, threshold: float, counted: ArrayLike) -> Array:
    """Return (K,) share of the counted joints within the threshold; NaN where none is counted.

    Args:
        distances: (N, K) shares of the size; NaN and inf are wrong.
        counted: (N, K) bool.
    """
    chosen = np.asarray(counted, bool)
    right = (np.asarray(distances, np.float64) <= threshold) & chosen
    total = chosen.sum(0)
    shares: Array = np.where(total > 0, right.sum(0) / np.maximum(total, 1), np.nan)
    return shares


def pck_of(people: People, threshold: float, seed: int = 0) -> Estimate:
    """Return the PCK over all joints, its interval from recordings drawn anew."""
    return share_by_group(people, people.distances <= threshold, people.counted, seed)


def pckh_of(people: People, threshold: float = PCKH_SHARE, seed: int = 0) -> Estimate:
    """Return the PCKh; NaN where no head size is annotated."""
    px = people.distances * people.sizes_px[:, np.newaxis]
    with np.errstate(invalid='ignore'):
        right = px <= threshold * people.head_sizes[:, np.newaxis]
    counted = people.counted & np.isfinite(people.head_sizes)[:, np.newaxis]
    counted[:, [name in _NOT_IN_PCKH for name in people.layout.names]] = False
    return share_by_group(people, right, counted, seed)


def share_by_group(people: People, right: Flags, counted: Flags, seed: int = 0) -> Estimate:
    """Return the share of the counted joints that are right; its count is that of the people.

    The interval is the bootstrap's over recordings: frames of one video are not independent.
    """
    hits = (right & counted).sum(1).astype(np.float64)
    total = counted.sum(1).astype(np.float64)
    return _ratio(people, hits, total, seed)


def mean_by_group(people: People, values: Array, seed: int = 0) -> Estimate:
    """Return the mean of (N,) values that are known, with the interval over recordings."""
    known = np.isfinite(values)
    return _ratio(people, np.where(known, values, 0.0), known.astype(np.float64), seed)


def _ratio(people: People, part: Array, whole: Array, seed: int) -> Estimate:
    names, group_of = np.unique(people.groups, return_inverse=True)
    parts = np.bincount(group_of, part, len(names)) if len(people) else np.zeros(0)
    wholes = np.bincount(group_of, whole, len(names)) if len(people) else np.zeros(0)

    def ratio(chosen: Indices) -> float:
        total = wholes[chosen].sum()
        return float(parts[chosen].sum() / total) if total else float('nan')

    value = ratio(np.arange(len(names)))
    low, high = bootstrap_interval(ratio, len(names), seed=seed) if len(names) > 1 else (
        float('nan'), float('nan'))
    return Estimate(value, low, high, int((whole > 0).sum()))


def joint_figures(people: People, thresholds: tuple[float, ...]) -> tuple[JointFigures, ...]:
    """Return the figures of each joint that is labelled and comparable."""
    distances, counted = people.distances, people.counted
    shares = [pck_by_joint(distances, threshold, counted) for threshold in thresholds]
    offsets = (people.found.astype(np.float64) - people.truth) / (
        people.sizes_px[:, np.newaxis, np.newaxis])
    result = []
    for joint, name in enumerate(people.layout.names):
        chosen = counted[:, joint]
        if chosen.any():
            near = chosen & (distances[:, joint] <= 0.5)
            bias = offsets[near, joint].mean(0) if near.any() else np.full(2, np.nan)
            result.append(JointFigures(
                name, int(chosen.sum()), tuple(float(share[joint]) for share in shares),
                float(np.median(distances[chosen, joint])), (float(bias[0]), float(bias[1]))))
    return tuple(result)


def oks_by_person(people: People) -> Array:
    """Return (N,) OKS over the joints that the model has.

    NaN where none of them is labelled, or no area is annotated.
    """
    known = np.isfinite(people.areas)
    similarity = object_keypoint_similarity(
        people.found, people.truth, np.where(known, people.areas, 1.0),
        oks_sigmas(people.layout), people.counted)
    return np.asarray(np.where(known, similarity, np.nan))


def joint_offsets(people: People) -> Array:
    """Return (K, 2) mean of true - found as shares of the size, 0 where nothing was found.

    A detector that was trained on another data set has another idea of where a hip is; measured
    on a training part and added to what is found on the test part, this takes the constant part
    of that out of the comparison.
    """
    shares = (people.truth.astype(np.float64) - people.found) / (
        people.sizes_px[:, np.newaxis, np.newaxis])
    known = np.isfinite(shares).all(-1) & people.counted
    total = known.sum(0)[:, np.newaxis]
    summed = np.where(known[..., np.newaxis], shares, 0.0).sum(0)
    offsets: Array = np.where(total > 0, summed / np.maximum(total, 1), 0.0)
    return offsets


def joint_error_m(
    found: ArrayLike, truth: ArrayLike, counted: ArrayLike, alignment: Alignment = 'none',
) -> Array:
    """Return (N,) mean distance of the counted joints; NaN where none is counted.

    Args:
        found: (N, K, 3).
        truth: (N, K, 3).
        counted: (N, K) bool; joints that are NaN on either side are left out.
        alignment: ``none``, ``scale`` of what was found, or ``procrustes`` (rotation, scale and
            translation); over all joints that are known on both sides.
    """
    a, b = np.asarray(found, np.float64), np.asarray(truth, np.float64)
    known: Flags = np.asarray(np.isfinite(a).all(-1) & np.isfinite(b).all(-1))
    chosen = known & np.asarray(counted, bool)
    fit = _FITS[alignment]
    errors = np.full(len(a), np.nan)
    for row in np.flatnonzero(chosen.any(1)):
        fitted = a[row].copy()
        fitted[known[row]] = fit(a[row, known[row]], b[row, known[row]])
        errors[row] = np.linalg.norm(fitted - b[row], axis=-1)[chosen[row]].mean()
    return errors


def rooted(people: People) -> tuple[Array, Array]:
    """Return found and true (N, K, 3) m relative to the pelvis, or the middle of the hips."""
    names = people.layout.names
    root = [names.index(_ROOT)] if _ROOT in names else [
        names.index(name) for name in _HIPS if name in names]

    def centred(points: Array) -> Array:
        middle = points[:, root].mean(1, keepdims=True) if root else np.nan
        return np.asarray(points - middle)

    return centred(people.found_3d.astype(np.float64)), centred(
        people.truth_3d.astype(np.float64))


def _scaled(found: Array, truth: Array) -> Array:
    square = float((found * found).sum())
    return found * (float((found * truth).sum()) / square) if square else found


def _procrustes(found: Array, truth: Array) -> Array:
    a, b = found - found.mean(0), truth - truth.mean(0)
    square = float((a * a).sum())
    if not square:
        return np.asarray(truth.mean(0) + a)
    u, values, vt = np.linalg.svd(a.T @ b)
    signs = np.ones(len(values))
    signs[-1] = np.sign(np.linalg.det(u @ vt)) or 1.0  # a mirror image is no rotation
    rotation = (u * signs) @ vt
    return np.asarray((values * signs).sum() / square * a @ rotation + truth.mean(0))


_FITS: dict[Alignment, Callable[[Array, Array], Array]] = {
    'none': lambda found, _truth: found, 'scale': _scaled, 'procrustes': _procrustes,
}
