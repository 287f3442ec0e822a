"""What may change about a recorded movement without changing what is done.

Pure functions on a batch of poses (N, T, K, D) with NaN where a joint is missing, 2D or 3D, and a
generator that the caller owns. `degrade` works on the recorded poses, before normalisation: what
an estimator would have got wrong. `transform` works on normalised poses: another viewpoint,
another body.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.pose import Floats
from neuropose_ros.core.skeleton import SkeletonLayout

_SHARES = ('mirror', 'swap', 'missing', 'outlier_share', 'flip', 'least_crop', 'erring')


@dataclass(frozen=True)
class AugmentationConfig:
    """How much training clips are changed; the zeros of a default mean not at all.

    Lengths are in units of the mean bone length of the clip, so that they hold for any data.

    Attributes:
        mirror: share of clips whose left and right are exchanged by reflection.
        flip: share of clips (3D) whose joints are named left for right and which are turned to
            face back: what a depth camera does that takes every back for a front.
        turn_deg: 3D: most rotation about the vertical axis.
        tilt_deg: most rotation about the other axes; in 2D, of the picture.
        scale: most change of size, as a share.
        shear: most affine change (off-diagonal in 2D and 3D, stretch of axes), as a share.
        limbs: most change of each bone's length, as a share.
        least_crop: the least share of a clip that is kept, in time; 1 = all.
        speed: most change of speed, as a share.
        warp: most change of speed within a clip, as a share.
        erring: share of clips that get the errors below; the others are seen as recorded, so
            that a network learns to stand errors without unlearning what clean poses tell.
        jitter: standard deviation of a joint's error from tick to tick.
        drift: standard deviation of a joint's error that lasts.
        drift_ticks: after how many ticks a lasting error has changed.
        outlier_share: of the joints that are elsewhere altogether.
        outlier_size: standard deviation of how far.
        swap: share of ticks, in bursts, in which one left/right pair is exchanged.
        missing: share of joints that go missing, in bursts.
        burst_ticks: mean length of a burst.
    """

    mirror: float = 0.0
    flip: float = 0.0
    turn_deg: float = 0.0
    tilt_deg: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    limbs: float = 0.0
    least_crop: float = 1.0
    speed: float = 0.0
    warp: float = 0.0
    erring: float = 1.0
    jitter: float = 0.0
    drift: float = 0.0
    drift_ticks: float = 10.0
    outlier_share: float = 0.0
    outlier_size: float = 1.0
    swap: float = 0.0
    missing: float = 0.0
    burst_ticks: float = 6.0

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ParameterError: a value is negative, or a share above 1.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            most = 1.0 if field.name in _SHARES else (
                0.9 if field.name in ('scale', 'shear', 'limbs', 'speed', 'warp') else np.inf)
            least = 1.0 if field.name.endswith('_ticks') else 0.0
            if not least <= value <= most:
                raise ParameterError(
                    f'{field.name} is {value:g}; {least:g} to {most:g} is allowed')


@dataclass(frozen=True)
class JointErrors:
    """How the errors of an estimator differ between joints, relative to their mean.

    Attributes:
        sizes: (K,) factors of jitter, drift and outliers.
        missing: (K,) factors of the share that goes missing.
    """

    sizes: Floats
    missing: Floats


def bursts(
    shape: tuple[int, ...], ticks: int, share: NDArray[np.floating] | float, mean_ticks: float,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Draw bursts: a two-state Markov chain whose on-time has the mean length `mean_ticks`.

    Args:
        shape: of independent chains, as (N, K).
        share: of the time that a chain is on; a number, or one for each chain.

    Returns:
        (*shape, ticks): on or off.
    """
    share = np.broadcast_to(np.clip(share, 0.0, 0.95), shape)
    stop = 1 / max(mean_ticks, 1.0)
    start = np.minimum(share * stop / (1 - share), 1.0)
    draws = rng.random((ticks, *shape))
    out = np.empty((*shape, ticks), bool)
    on = draws[0] < share
    for t in range(ticks):
        if t:
            on = np.where(on, draws[t] >= stop, draws[t] < start)
        out[..., t] = on
    return out


def degrade(
    points: Floats, layout: SkeletonLayout, config: AugmentationConfig,
    rng: np.random.Generator, errors: JointErrors | None = None,
) -> Floats:
    """Add an estimator's errors to (N, T, K, D) recorded poses, NaN = missing, any unit.

    Returns:
        A new array: jittering, drifting, misplaced, exchanged and missing joints.
    """
    clips, ticks, joints, axes = points.shape
    sizes = np.ones(joints, np.float32) if errors is None else errors.sizes
    unit = body_size(points, layout)[:, None, None, None] * sizes[:, None]
    out = points.astype(np.float32, copy=True)
    if config.swap:
        out = _swapped(out, layout, config, rng)
    if config.jitter:
        strength = rng.random((clips, 1, 1, 1), np.float32) * 2
        out += unit * (config.jitter * strength) * rng.standard_normal(
            points.shape, np.float32)
    if config.drift:
        out += unit * config.drift * _drifts(
            (clips, ticks, joints, axes), config.drift_ticks, rng)
    if config.outlier_share:
        away = bursts((clips, joints), ticks, config.outlier_share, 1.5, rng)
        out += unit * config.outlier_size * rng.standard_normal(
            points.shape, np.float32) * away.transpose(0, 2, 1)[..., None]
    if config.missing:
        factors = np.ones(joints) if errors is None else errors.missing
        share = config.missing * rng.random((clips, 1)) * 2 * factors
        gone = bursts((clips, joints), ticks, share, config.burst_ticks, rng)
        out[gone.transpose(0, 2, 1)] = np.nan
    if config.erring < 1:
        spared = rng.random(clips) >= config.erring
        out[spared] = points[spared]
    return out


def transform(
    points: Floats, layout: SkeletonLayout, config: AugmentationConfig,
    rng: np.random.Generator, vertical: int = 1,
) -> Floats:
    """Show (N, T, K, D) poses, centred, from another viewpoint, of another body, or mirrored.

    Args:
        points: NaN, or 0 in all axes, where missing: both stay what they are.
        vertical: 3D: the axis that points up or down.
    """
    clips, axes = len(points), points.shape[-1]
    out = points
    if config.limbs:
        out = _other_limbs(out, layout, config.limbs, rng)
    if config.flip and axes == 3:
        chosen = rng.random(clips) < config.flip
        out = np.where(chosen[:, None, None, None], flipped(out, layout, vertical), out)
    if config.mirror:
        chosen = rng.random(clips) < config.mirror
        out = np.where(chosen[:, None, None, None], mirrored(out, layout, vertical), out)
    matrices = _matrices(clips, axes, config, rng, vertical)
    turned: Floats = (out @ matrices[:, None].transpose(0, 1, 3, 2)).astype(np.float32)
    return turned


def mirrored(points: Floats, layout: SkeletonLayout, vertical: int = 1) -> Floats:
    """Reflect (..., K, D) poses, and exchange left and right: the same action, other-handed."""
    axis = 2 if points.shape[-1] == 3 and vertical == 0 else 0
    out: Floats = points[..., _mirror_order(layout), :].copy()
    out[..., axis] *= -1
    return out


def flipped(points: Floats, layout: SkeletonLayout, vertical: int = 1) -> Floats:
    """Name (..., K, 3) joints left for right, and turn them by half a turn about the vertical."""
    out: Floats = points[..., _mirror_order(layout), :].copy()
    for axis in range(points.shape[-1]):
        if axis != vertical:
            out[..., axis] *= -1
    return out


def rotation(angle_rad: NDArray[np.floating], axes: int, about: int = 1) -> Floats:
    """Return (N, D, D) rotations by (N,) angles: in the plane (D = 2), or about an axis."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    out = np.tile(np.eye(axes, dtype=np.float32), (len(angle_rad), 1, 1))
    first, second = (0, 1) if axes == 2 else ((about + 1) % 3, (about + 2) % 3)
    out[:, first, first] = out[:, second, second] = cos
    out[:, first, second], out[:, second, first] = -sin, sin
    return out


def body_size(points: Floats, layout: SkeletonLayout) -> Floats:
    """Return (N,) the mean length of the known bones of (N, T, K, D) poses; 0 if none is."""
    start, end = np.asarray(layout.edges, np.int64).reshape(-1, 2).T
    lengths = np.linalg.norm(points[:, :, start] - points[:, :, end], axis=-1)
    known = np.isfinite(lengths)
    total = np.where(known, lengths, 0.0).sum((1, 2))
    return np.asarray(total / np.maximum(known.sum((1, 2)), 1), np.float32)


def _mirror_order(layout: SkeletonLayout) -> NDArray[np.int64]:
    order: NDArray[np.int64] = np.arange(len(layout))
    for left, right in layout.mirror_pairs:
        order[left], order[right] = right, left
    return order


def _matrices(
    clips: int, axes: int, config: AugmentationConfig, rng: np.random.Generator, vertical: int,
) -> Floats:
    """(N, D, D): turns about the vertical first, tilts after it, then size and shear."""
    def angles(most_deg: float) -> NDArray[np.float64]:
        return np.deg2rad(rng.uniform(-most_deg, most_deg, clips))

    if axes == 2:
        out = rotation(angles(config.tilt_deg), 2)
    else:
        out = rotation(angles(config.turn_deg), 3, vertical)
        for axis in range(3):
            if axis != vertical:
                out = rotation(angles(config.tilt_deg), 3, axis) @ out
    affine = np.eye(axes) + rng.uniform(-config.shear, config.shear, (clips, axes, axes))
    sizes = 1 + rng.uniform(-config.scale, config.scale, (clips, 1, 1))
    return np.asarray(sizes * affine @ out, np.float32)


def _drifts(
    shape: tuple[int, int, int, int], memory_ticks: float, rng: np.random.Generator,
) -> Floats:
    """First-order autoregressive errors of unit variance."""
    keep = float(np.exp(-1 / memory_ticks))
    noise = rng.standard_normal(shape, np.float32)
    for t in range(1, shape[1]):
        noise[:, t] = keep * noise[:, t - 1] + np.sqrt(1 - keep ** 2) * noise[:, t]
    return noise


def _swapped(
    points: Floats, layout: SkeletonLayout, config: AugmentationConfig, rng: np.random.Generator,
) -> Floats:
    out: Floats = points.copy()
    if not layout.mirror_pairs:
        return out
    clips, ticks = points.shape[:2]
    on = bursts((clips, len(layout.mirror_pairs)), ticks, config.swap, config.burst_ticks, rng)
    for pair, (left, right) in enumerate(layout.mirror_pairs):
        now = on[:, pair, :, None]
        out[:, :, left] = np.where(now, points[:, :, right], points[:, :, left])
        out[:, :, right] = np.where(now, points[:, :, left], points[:, :, right])
    return out


def _other_limbs(
    points: Floats, layout: SkeletonLayout, most: float, rng: np.random.Generator,
) -> Floats:
    """Lengthen each bone by a factor of its own, both sides alike; the root stays.

    A bone with a missing end hands its parent's shift on.
    """
    partner = _mirror_order(layout)
    factors = rng.uniform(-most, most, (len(points), len(layout))).astype(np.float32)
    factors = np.where(partner > np.arange(len(layout)), factors[:, partner], factors)
    seen = np.isfinite(points).all(-1) & (points != 0).any(-1)
    clean = np.where(seen[..., None], points, 0.0)
    shift = np.zeros_like(clean)
    for parent, child in bone_tree(layout):
        known = (seen[:, :, parent] & seen[:, :, child])[..., None]
        bone = np.where(known, clean[:, :, child] - clean[:, :, parent], 0.0)
        shift[:, :, child] = shift[:, :, parent] + bone * factors[:, None, child, None]
    return np.asarray(np.where(seen[..., None], clean + shift, points), np.float32)


def bone_tree(layout: SkeletonLayout) -> tuple[tuple[int, int], ...]:
    """Return (parent, child) of a tree over the bones, parents first.

    It starts at the joint from which the farthest is nearest: the middle of the body. Joints
    without a bone are in no pair.
    """
    near: dict[int, list[int]] = {k: [] for k in range(len(layout))}
    for a, b in layout.edges:
        near[a].append(b)
        near[b].append(a)

    def walk(root: int) -> tuple[list[tuple[int, int]], int]:
        depth, order, pairs = {root: 0}, [root], []
        for joint in order:
            for other in near[joint]:
                if other not in depth:
                    depth[other] = depth[joint] + 1
                    order.append(other)
                    pairs.append((joint, other))
        return pairs, max(depth.values())

    out: list[tuple[int, int]] = []
    reached: set[int] = set()
    walks = {k: walk(k) for k in range(len(layout)) if near[k]}
    for root in sorted(walks, key=lambda k: (-len(walks[k][0]), walks[k][1], k)):
        if root not in reached:
            out += walks[root][0]
            reached |= {root, *(child for _, child in walks[root][0])}
    return tuple(out)
