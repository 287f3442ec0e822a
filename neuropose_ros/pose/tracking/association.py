"""Which of the people seen is which track.

Two passes as in ByteTrack (Zhang et al. 2022): sure finds first, then unsure ones for the tracks
that are left. Within a pass the assignment with the greatest likelihood is taken. For a pair it
is the product of

* where the body is and how tall, against what the track's Kalman filter expects and how sure
  that is: a person who was hidden is re-found by motion, not by whoever is nearest;
* how alike the poses are once laid over one another (object keypoint similarity), and how much
  the boxes overlap;
* how likely the track can be seen at all: of two people who merge into one find, the nearer one
  is seen and the one behind coasts;
* whether the box ends where the track's boxes do, above and below (`levels`);
* optionally, how alike they look;

over the likelihood that it is somebody new.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.assignment import assign
from neuropose_ros.pose.tracking.levels import LevelModel, level_evidence
from neuropose_ros.pose.tracking.observations import Observations
from neuropose_ros.pose.tracking.similarity import box_cover, box_overlap, keypoint_similarity
from neuropose_ros.pose.tracking.track import Forecast

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_LEAST_JOINTS = 4
_LOG_2_PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True)
class AssociationModel:
    """How finds come about.

    Attributes:
        place_noise: standard deviation of the body's middle from its joints, body heights.
        box_noise: of the body's middle from its box.
        astray: how often the joints are those of somebody else in the box.
        far_aside: from the box's middle, in widths, where a trunk cannot be of the box's person.
        own_aside, own_height: within this, and this difference of the logarithms of heights,
            joints are certainly of the box's person.
        same_pose: mean distance of joints, in heights, within which two poses are one.
        same_place, same_height: distance of two trunks, in heights, and difference of the
            logarithms of their heights, within which two poses are one, too.
        same_box, same_cover: overlap of two boxes, or share of one in the other, from which they
            are of one person.
        height_noise: of the logarithm of the height.
        gate: squared Mahalanobis distance, 3 degrees of freedom, beyond which a find is not of
            the track, unless its joints are where they were just before: the filter of the
            height is slow, and whoever sits down is not.
        pose_weight: of the similarity of poses, in units of log-likelihood.
        box_weight: of the overlap of boxes.
        look_weight: of the cosine of looks.
        tolerance: of joints, as a multiple of COCO's.
        seen: probability that somebody in plain view is found.
        seen_hidden: the same of somebody behind somebody else.
        seen_lost: at most, the same of somebody who was not found in the frame before.
        newcomers: density of newcomers per body height^2 and unit of log-height.
        clutter: density of finds that are nobody, where other people cover all of the box.
        missed: that somebody who was not found just before is found, in units of log-likelihood.
        doubt: that somebody seen only once is there, in units of log-likelihood.
    """

    place_noise: float = 0.04
    box_noise: float = 0.1
    astray: float = 0.3
    far_aside: float = 0.4
    own_aside: float = 0.25
    own_height: float = 0.1
    same_pose: float = 0.08
    same_place: float = 0.08
    same_height: float = 0.12
    same_box: float = 0.5
    same_cover: float = 0.85
    height_noise: float = 0.05
    gate: float = 20.0
    pose_weight: float = 6.0
    box_weight: float = 0.5
    look_weight: float = 6.0
    tolerance: float = 2.0
    seen: float = 0.95
    seen_hidden: float = 0.6
    seen_lost: float = 0.5
    newcomers: float = 0.001
    clutter: float = 0.03
    missed: float = 1.0
    doubt: float = 2.0


@dataclass(frozen=True, slots=True)
class Pairs:
    """N finds against T tracks.

    Attributes:
        gain: (N, T) log-likelihood ratio of being that track to being somebody new; -inf = not
            that track.
        measured: (N, T, 3) where the body is and how tall, `Motion.position`, seen as that track.
        variance: (N, T, 3) of it.
        trusted: (N, T) whether the joints are the track's, else only the box is.
        crowd: (N, T) how much of the box somebody else than the track covers.
        twice: (N, N) who is found twice.
        astray: (N,) whose joints are likely somebody else's.
        own: (N,) whose joints are certainly those of whoever is in the box.
    """

    gain: Array
    measured: Array
    variance: Array
    trusted: Mask
    crowd: Array
    twice: Mask
    astray: Mask
    own: Mask


def compare(
    seen: Observations, tracks: Forecast, torso: NDArray[np.intp], sigmas: Array,
    model: AssociationModel, box_ratio: float, levels: LevelModel,
    alike: Array | None = None,
) -> Pairs:
    """Compare all finds with all tracks.

    Args:
        seen: N people.
        tracks: T tracks at the time of the frame.
        torso: indices of the joints whose mean is the body's middle.
        sigmas: (K,) of the joints, COCO's.
        model: how finds come about.
        box_ratio: logarithm of a box's height over that of the body in it.
        levels: how those of a box change.
        alike: (N, T) cosine of the looks, NaN where not known.
    """
    units = np.stack((tracks.heights, tracks.heights, np.ones(len(tracks))), -1)
    by_joints = _measured_by_joints(seen, tracks, torso, box_ratio)
    by_box = _measured_by_box(seen, tracks, box_ratio)
    place = _noise_share(seen, torso)[:, None, None] * (model.place_noise * units) ** 2
    place[..., 2] = model.height_noise**2
    loose = (np.array((model.box_noise, model.box_noise, model.height_noise)) * units) ** 2
    loose = np.broadcast_to(loose, place.shape)
    near_joints, squared = _likelihood(by_joints, place, tracks, units)
    near_box, squared_box = _likelihood(by_box, loose, tracks, units)
    shift = (by_joints - tracks.position)[..., :2]
    poses = _pose_similarity(seen, tracks, shift, sigmas * model.tolerance)
    near_joints = near_joints + model.pose_weight * (poses - 0.5) + np.log(1 - model.astray)
    near_box = near_box + np.log(model.astray)
    twice, astray = double_finds(seen, torso, model)
    beyond = np.maximum(squared - model.gate, 0.0)
    in_place = _in_place(seen, tracks, model) & ~tracks.missed
    near_joints = np.where(
        ((beyond == 0) | in_place) & ~astray[:, None],
        near_joints + 0.5 * np.where(in_place, beyond, 0.0), -np.inf)
    # A box that is drawn around joints says nothing that the joints do not say.
    alone = seen.is_boxed | ~np.any(np.isfinite(by_joints[..., 0]), axis=1)
    near_box = np.where((squared_box <= model.gate) & alone[:, None], near_box, -np.inf)
    trusted = near_joints >= near_box
    boxes = box_overlap(seen.bodies, tracks.bodies)
    crowd = _crowd(seen, tracks)
    gain = (np.maximum(near_joints, near_box) + _prior(tracks, crowd, model)
            + model.box_weight * (boxes - 0.5))
    level = level_evidence(seen.boxes, tracks.levels, tracks.level_variance, levels)
    gain = gain + np.where(seen.is_boxed[:, None], level, 0.0)
    if alike is not None:
        gain = gain + model.look_weight * np.nan_to_num(alike - 0.5)
    return Pairs(
        gain, np.where(trusted[..., None], by_joints, by_box),
        np.where(trusted[..., None], place, loose), trusted, crowd, twice,
        astray, own_joints(seen, torso, model, box_ratio) & ~astray)


def _in_place(seen: Observations, tracks: Forecast, model: AssociationModel) -> Mask:
    """Return (N, T) whether the joints are where those of the track were last seen."""
    away = np.linalg.norm(seen.keypoints[:, None] - tracks.last_keypoints[None], axis=-1)
    in_place: Mask = _nan_mean(away[..., None])[..., 0] < model.same_pose * tracks.heights
    return in_place


def _prior(tracks: Forecast, crowd: Array, model: AssociationModel) -> Array:
    """Return (N, T) how likely a find is of a track before one looks at it, over nobody known."""
    cover = hidden_share(tracks.bodies, tracks.sure & (tracks.gaps_s < _JUST_SEEN_S))
    visible = model.seen_hidden + (model.seen - model.seen_hidden) * (1 - cover)
    # Who should be in plain view and was not found is not where the track has them.
    visible = np.where(tracks.missed, np.minimum(visible, model.seen_lost), visible)
    others = np.log(model.newcomers + model.clutter * np.minimum(crowd, 1.0))
    less = model.doubt * (1 - tracks.credit) + np.where(tracks.missed, model.missed, 0.0)
    prior: Array = np.log(visible / (1 - visible)) - less - others
    return prior


def double_finds(
    seen: Observations, torso: NDArray[np.intp], model: AssociationModel,
) -> tuple[Mask, Mask]:
    """Return (N, N) who is found twice, and (N,) whose joints are likely somebody else's.

    Networks that look at one region take whoever stands in front: the middle of the trunk is
    then not in the middle of the box, or somebody whom the joints fit better has the same ones.
    Two finds with one pose in one box are one person.
    """
    count = len(seen)
    if not count:
        return np.zeros((0, 0), bool), np.zeros(0, bool)
    middles = _nan_mean(seen.keypoints[:, torso])
    aside = _aside(seen, middles)
    bodies = seen.bodies[:, 3] - seen.bodies[:, 1]
    larger = np.maximum(bodies[:, None], bodies[None])
    joints = np.linalg.norm(seen.keypoints[:, None] - seen.keypoints[None], axis=-1)
    between = np.linalg.norm(middles[:, None] - middles[None], axis=-1)
    alike = np.abs(np.log(bodies[:, None] / bodies[None])) < model.same_height
    one_pose = (_nan_mean(joints[..., None])[..., 0] < model.same_pose * larger) | (
        alike & (between < model.same_place * larger))
    np.fill_diagonal(one_pose, False)
    cover = box_cover(seen.boxes, seen.boxes)
    one_box = (box_overlap(seen.boxes, seen.boxes) > model.same_box) | (
        np.maximum(cover, cover.T) > model.same_cover)
    better: Mask = np.any(one_pose & ~one_box & (aside[None] < aside[:, None]), axis=1)
    far: Mask = aside > model.far_aside
    return one_pose & one_box, (far | better) & seen.is_boxed


def own_joints(
    seen: Observations, torso: NDArray[np.intp], model: AssociationModel, box_ratio: float,
) -> Mask:
    """Return (N,) whose joints fill their box as a body does: they are nobody else's."""
    boxes, bodies = seen.boxes, seen.bodies
    ratios = np.log((boxes[:, 3] - boxes[:, 1]) / (bodies[:, 3] - bodies[:, 1]))
    aside = _aside(seen, _nan_mean(seen.keypoints[:, torso]))
    fits: Mask = (aside < model.own_aside) & (np.abs(ratios - box_ratio) < model.own_height)
    return fits & seen.is_boxed


def _aside(seen: Observations, middles: Array) -> Array:
    """Return (N,) how far trunks are from the boxes' middles, in widths; inf = not known."""
    sizes = seen.boxes[:, 2:] - seen.boxes[:, :2]
    widths = np.maximum(sizes[:, 0], 0.25 * sizes[:, 1])
    aside = np.abs(middles[:, 0] - seen.boxes[:, [0, 2]].mean(1)) / widths
    return np.where(np.isfinite(aside), aside, np.inf)


def _nan_mean(values: Array) -> Array:
    """Return the means of (..., K, D) over K of what is known, NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(-2)
    total = np.where(known, values, 0.0).sum(-2)
    mean: Array = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean


def _likelihood(
    measured: Array, variance: Array, tracks: Forecast, units: Array,
) -> tuple[Array, Array]:
    """Return (N, T) log-likelihoods in body heights, and squared Mahalanobis distances."""
    spread = (tracks.variance + variance) / units**2
    squared: Array = (((measured - tracks.position) / units) ** 2 / spread).sum(-1)
    return -0.5 * (squared + np.log(spread).sum(-1) + 3 * _LOG_2_PI), squared


def choose(gain: Array, twice: Mask) -> list[tuple[int, int]]:
    """Return the pairs (find, track) that make the frame most likely.

    Args:
        gain: (N, T).
        twice: (N, N) finds of one person: only one of them is anybody's.
    """
    gain = gain.copy()
    while True:
        pairs = assign(-gain, limit=0.0)
        doubles = [(gain[i, t], i) for i, t in pairs for j, _ in pairs if twice[i, j]]
        if not doubles:
            return pairs
        gain[min(doubles)[1]] = -np.inf


def hidden_share(boxes: Array, opaque: Mask) -> Array:
    """Return (T,) how much of each box lies behind one that is ``opaque`` and stands nearer.

    Whose feet are lower in the picture stands nearer: people share a floor.
    """
    if len(boxes) < 2:
        return np.zeros(len(boxes))
    feet, heights = boxes[:, 3], np.maximum(boxes[:, 3] - boxes[:, 1], 1e-6)
    lower = (feet[None] - feet[:, None]) / (_FEET_NOISE * heights[:, None])
    nearer = opaque[None] / (1 + np.exp(-np.clip(lower, -20, 20)))
    np.fill_diagonal(nearer, 0.0)
    behind = nearer * box_cover(boxes, boxes)
    share: Array = np.minimum(behind.max(1), 1.0)
    return share


_JUST_SEEN_S = 1.0
_FEET_NOISE = 0.02  # of where a box ends, body heights


def _crowd(seen: Observations, tracks: Forecast) -> Array:
    """Return (N, T) the largest share of each box that a sure track other than t covers."""
    cover = cover_by_others(seen, tracks)
    crowd = np.zeros_like(cover)
    for t in range(len(tracks)):
        others = np.delete(cover, t, axis=1)
        crowd[:, t] = others.max(1) if others.size else 0.0
    return crowd


def cover_by_others(seen: Observations, tracks: Forecast) -> Array:
    """Return (N, T) the share of each box that each sure track covers."""
    sure = tracks.sure & (tracks.gaps_s < _JUST_SEEN_S)
    cover: Array = box_cover(seen.bodies, tracks.bodies) * sure
    return cover


def _measured_by_joints(
    seen: Observations, tracks: Forecast, torso: NDArray[np.intp], box_ratio: float,
) -> Array:
    """Return (N, T, 3) the bodies' places; joints not seen are where the track expects them."""
    points, expected = seen.keypoints[:, torso], tracks.keypoints[:, torso]
    known: Mask = np.all(np.isfinite(points), axis=-1)
    filled = np.where(known[:, None, :, None], np.nan_to_num(points)[:, None], expected[None])
    middle = filled.sum(2) / max(len(torso), 1)  # before the first person there are no joints
    # Without any joint of the trunk, joints say nothing.
    middle[~np.any(known, axis=-1)] = np.inf
    middle[~np.isfinite(middle)] = np.inf
    return np.concatenate((middle, _heights_by_joints(seen, tracks, box_ratio)), -1)


def _measured_by_box(seen: Observations, tracks: Forecast, box_ratio: float) -> Array:
    """Return (N, T, 3) the bodies' places if each box is as around the track's body."""
    offset = tracks.position[:, :2] - (tracks.boxes[:, :2] + tracks.boxes[:, 2:]) / 2
    middle = ((seen.boxes[:, :2] + seen.boxes[:, 2:]) / 2)[:, None] + offset[None]
    heights = np.broadcast_to(_heights_by_box(seen, box_ratio)[:, None], middle.shape[:2])
    return np.concatenate((middle, heights[..., None]), -1)


def _heights_by_box(seen: Observations, box_ratio: float) -> Array:
    """Return (N,) logarithms of the bodies' heights."""
    ratios = np.where(seen.is_boxed, box_ratio, 0.0)
    heights: Array = np.log(seen.boxes[:, 3] - seen.boxes[:, 1]) - ratios
    return heights


def _heights_by_joints(seen: Observations, tracks: Forecast, box_ratio: float) -> Array:
    """Return (N, T, 1) logarithms of the heights around all joints.

    Where joints of the track are missing: from how far those up and down spread that both know.
    """
    ours, theirs = seen.keypoints[:, None, :, 1], tracks.keypoints[None, :, :, 1]
    known: Mask = np.isfinite(ours) & np.isfinite(theirs)
    count = known.sum(-1)
    whole: Mask = count >= np.maximum(np.isfinite(theirs).sum(-1), _LEAST_JOINTS)
    around = np.log(seen.bodies[:, 3] - seen.bodies[:, 1])[:, None]
    if whole.all():
        return np.broadcast_to(around, whole.shape)[..., None]
    spreads = [np.maximum(_spread(np.nan_to_num(y), known), 1e-3) for y in (ours, theirs)]
    partly = np.log(tracks.heights)[None] + np.log(spreads[0] / spreads[1])
    heights = np.where(whole, around, partly)
    enough: Mask = count >= _LEAST_JOINTS
    return np.where(enough, heights, _heights_by_box(seen, box_ratio)[:, None])[..., None]


def _spread(values: Array, known: Mask) -> Array:
    """Return (N, T) standard deviations over what is known of (N, T, K)."""
    count = np.maximum(known.sum(-1), 1)
    mean = np.where(known, values, 0.0).sum(-1) / count
    square = np.where(known, (values - mean[..., None]) ** 2, 0.0).sum(-1) / count
    spread: Array = np.sqrt(square)
    return spread


def _noise_share(seen: Observations, torso: NDArray[np.intp]) -> Array:
    """Return (N,) how many times the usual variance a find has: guessed joints say less."""
    if not torso.size:
        return np.ones(len(seen))
    sure = seen.weights[:, torso].mean(1)
    share: Array = 1.0 / np.clip(sure, 0.2, 1.0) ** 2
    return share


def _pose_similarity(seen: Observations, tracks: Forecast, shift: Array, sigmas: Array) -> Array:
    """Return (N, T) similarity of the poses when the bodies' middles are laid on one another."""
    count = len(tracks)
    alike = np.empty((len(seen), count))
    for t in range(count):
        moved = seen.keypoints - shift[:, t, None]
        alike[:, t] = keypoint_similarity(
            moved, seen.weights, tracks.keypoints[t:t + 1], tracks.weights[t:t + 1],
            tracks.heights[t:t + 1], sigmas)[:, 0]
    return alike
