"""From keypoints in pixels or metres to what the recognising networks read.

Where a person is and how large they appear says nothing about what they do, how they move does.
Two forms give the same kind of numbers. Of a whole clip, the origin is the mean place of the
joints over the clip and the unit their mean bone length. Causally, both are means over the past
that forget exponentially, so that a person may walk far and come near; a track that moves away
from where it just was is seen as such. Live and training run the same recursion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.pose import Floats
from neuropose_ros.core.skeleton import SkeletonLayout

_SMALLEST = 1e-6


@dataclass(frozen=True)
class Normalisation:
    """How keypoints are normalised.

    Attributes:
        causal: from the past alone, tick by tick.
        memory_ticks: after how many ticks a causal mean has forgotten 63 % of the past.
    """

    causal: bool = False
    memory_ticks: float = 40.0

    def __post_init__(self) -> None:
        """Check the memory.

        Raises:
            DataError: it is less than one tick.
        """
        if not self.memory_ticks >= 1:
            raise DataError(f'normalisation: memory_ticks must be 1 or more, not '
                            f'{self.memory_ticks}')

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, for a recogniser's description."""
        return asdict(self)


def from_dict(fields: Mapping[str, Any]) -> Normalisation:
    """Read what `Normalisation.as_dict` gave.

    Raises:
        DataError: a field is unknown or impossible.
    """
    try:
        return Normalisation(**fields)
    except TypeError as error:
        raise DataError(f'normalisation of a recogniser: {error}; export it again') from error


@dataclass(frozen=True)
class NormaliserState:
    """What the causal form remembers of N tracks; forgetting sums and their weights.

    Attributes:
        places: (N, K, D) float64, sum of each joint's places.
        place_weights: (N, K).
        lengths: (N, B) sum of each bone's squared lengths.
        length_weights: (N, B).
    """

    places: NDArray[np.float64]
    place_weights: NDArray[np.float64]
    lengths: NDArray[np.float64]
    length_weights: NDArray[np.float64]


def initial_state(tracks: int, layout: SkeletonLayout, dimensions: int) -> NormaliserState:
    """Return the state of tracks that have not been seen yet."""
    joints, bones = len(layout), len(_bones(layout))
    return NormaliserState(
        np.zeros((tracks, joints, dimensions)), np.zeros((tracks, joints)),
        np.zeros((tracks, bones)), np.zeros((tracks, bones)))


def advance(
    state: NormaliserState, keypoints: Floats, layout: SkeletonLayout, settings: Normalisation,
) -> tuple[NormaliserState, Floats, Floats]:
    """Normalise one tick of N tracks.

    Args:
        keypoints: (N, K, D), NaN = missing.

    Returns:
        The next state, (N, K, D) float32 with 0 where missing, and the (N, K) float32 mask.
    """
    keep = float(np.exp(-1 / settings.memory_ticks))
    points, seen = _split(keypoints)
    lengths, known = _squared_lengths(points, seen, layout)
    state = NormaliserState(
        state.places * keep + points * seen[..., None], state.place_weights * keep + seen,
        state.lengths * keep + lengths * known, state.length_weights * keep + known)
    return state, *_normalised(points, seen, state)


def causal(
    keypoints: Floats, layout: SkeletonLayout, settings: Normalisation,
) -> tuple[Floats, Floats]:
    """Normalise a (T, K, D) clip tick by tick, exactly as `advance` does live.

    Returns:
        (T, K, D) float32 with 0 where missing, and the (T, K) float32 mask.
    """
    state = initial_state(1, layout, keypoints.shape[2])
    out, masks = [], []
    for tick in keypoints:
        state, points, mask = advance(state, tick[None], layout, settings)
        out.append(points[0])
        masks.append(mask[0])
    return np.stack(out), np.stack(masks)


def whole_clip(keypoints: Floats, layout: SkeletonLayout) -> tuple[Floats, Floats]:
    """Normalise a (T, K, D) clip by its own mean place and size.

    Returns:
        (T, K, D) float32 with 0 where missing, and the (T, K) float32 mask.
    """
    return apply(keypoints, summary(keypoints, layout))


def summary(keypoints: Floats, layout: SkeletonLayout) -> NormaliserState:
    """Return the sums over whole (..., T, K, D) clips, as of tracks that forget nothing.

    Gaps of a joint are bridged. T becomes 1, so that `apply` takes the clips and their sums
    together.
    """
    points, seen = _split(keypoints)
    lengths, known = _squared_lengths(points, seen, layout)
    places, weights = _bridged(points, seen)
    return NormaliserState(
        (places * weights[..., None]).sum(-3, keepdims=True), weights.sum(-2, keepdims=True),
        (lengths * known).sum(-2, keepdims=True), known.sum(-2, keepdims=True))


def _bridged(
    points: NDArray[np.float64], seen: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Put places on the line between its neighbours in time where a joint is missing.

    Else the mean place of somebody who walks would depend on when which joint was seen. Ticks
    at which nothing is seen stay out.
    """
    ticks = np.arange(seen.shape[-2])[:, None]
    last = np.maximum.accumulate(np.where(seen > 0, ticks, -1), -2)
    following = np.flip(np.minimum.accumulate(
        np.flip(np.where(seen > 0, ticks, len(ticks)), -2), -2), -2)
    before = np.where(last < 0, following, last).clip(max=len(ticks) - 1)
    after = np.where(following < len(ticks), following, last).clip(min=0)
    share = ((ticks - before) / np.maximum(after - before, 1))[..., None]
    ends = [np.take_along_axis(points, at[..., None], -3) for at in (before, after)]
    known = (seen.any(-2, keepdims=True) & seen.any(-1, keepdims=True)).astype(np.float64)
    return np.asarray(ends[0] * (1 - share) + ends[1] * share), np.asarray(known)


def apply(keypoints: Floats, sums: NormaliserState) -> tuple[Floats, Floats]:
    """Normalise (..., K, D) keypoints by the place and size that sums stand for.

    Returns:
        The same shape in float32 with 0 where missing, and the mask without its last axis.
    """
    return _normalised(*_split(keypoints), sums)


def normalise(
    keypoints: Floats, layout: SkeletonLayout, settings: Normalisation,
) -> tuple[Floats, Floats]:
    """Normalise a (T, K, D) clip in the form that the settings name."""
    if settings.causal:
        return causal(keypoints, layout, settings)
    return whole_clip(keypoints, layout)


def _split(keypoints: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A joint is missing as a whole: a half-known one would be a guess."""
    seen = np.asarray(np.isfinite(keypoints).all(-1))
    return np.where(seen[..., None], keypoints, 0.0).astype(np.float64), seen.astype(np.float64)


def _bones(layout: SkeletonLayout) -> tuple[tuple[int, int], ...]:
    """Without bones the extent of the body serves: every joint against the first."""
    return layout.edges or tuple((0, k) for k in range(1, len(layout)))


def _squared_lengths(
    points: NDArray[np.float64], seen: NDArray[np.float64], layout: SkeletonLayout,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    start, end = np.asarray(_bones(layout), np.int64).reshape(-1, 2).T
    squares = ((points[..., start, :] - points[..., end, :]) ** 2).sum(-1)
    return np.asarray(squares), np.asarray(seen[..., start] * seen[..., end])


def _normalised(
    points: NDArray[np.float64], seen: NDArray[np.float64], sums: NormaliserState,
) -> tuple[Floats, Floats]:
    """Means are taken joint by joint first: one that comes and goes must not move the origin."""
    ever = sums.place_weights > 0
    places = sums.places / np.where(ever, sums.place_weights, 1.0)[..., None]
    centre = places.sum(-2) / np.maximum(ever.sum(-1), 1)[..., None]
    some = sums.length_weights > 0
    squares = sums.lengths / np.where(some, sums.length_weights, 1.0)
    unit = np.sqrt(squares.sum(-1) / np.maximum(some.sum(-1), 1))
    unit = np.where(unit > _SMALLEST, unit, 1.0)
    out = (points - centre[..., None, :]) / unit[..., None, None] * seen[..., None]
    return out.astype(np.float32), seen.astype(np.float32)
