"""All joints of a body as one random walk: what is seen says where the rest must be.

Joints do not move alone. A Kalman filter (1960) whose noise has the full covariance between
joints, learnt from how people move, carries hidden joints with the visible ones and doubts a
joint that leaves its body. Axes share the covariance, so a body may be turned in the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

_NOTHING_SEEN = 1e4  # variance, in squared body sizes, of a measurement that is none
LEAST_SD, _MOST_SD = 0.004, 0.5  # body sizes; the least keeps systems of equations solvable
_SIZE_SMOOTHING_S = 0.5
_SPREAD_TO_SIZE = 2.5  # from the root mean square distance to the middle to about a height
JOINTS_FOR_SIZE = 3
_GROWTH = 2.0  # the most by which a frame may speak for another size
_LEAST_SIZE_PX = 4.0
_STRAY = 20.0  # median distances from the median joint: so far off is no joint of this body


@dataclass(frozen=True, eq=False)
class SkeletalModel:
    """How bodies look and move; C joints, units are body sizes.

    Attributes:
        mean: (C, 2) relative to the middle of the body.
        shape: (C, C) covariance of a joint's place before anything of the body is known.
        walk: (C, C) covariance of a joint's change, per s.
    """

    mean: Values
    shape: Values
    walk: Values

    def of(self, joints: NDArray[np.intp]) -> SkeletalModel:
        """Return the same of some joints alone."""
        square = np.ix_(joints, joints)
        return SkeletalModel(self.mean[joints], self.shape[square], self.walk[square])


class Prepared(NamedTuple):
    """What a frame and the past say of P people, before a network has a say.

    Attributes:
        measured: (P, C, 2) px, 0 where not seen.
        seen: (P, C) 1 or 0.
        sd: (P, C) of the measurement, body sizes.
        filtered: (P, C, 2) px.
        filtered_sd: (P, C) body sizes.
        age_s: (P, C) since a joint was seen; 1 = longer, or never.
        centre: (P, 2) px, of the body.
        size: (P,) px.
    """

    measured: Values
    seen: Values
    sd: Values
    filtered: Values
    filtered_sd: Values
    age_s: Values
    centre: Values
    size: Values


class Bodies(NamedTuple):
    """What is known of P people; size 0 = nothing yet.

    Attributes:
        mean: (P, C, 2) px.
        covariance: (P, C, C) squared body sizes.
        size: (P,) px.
        age_s: (P, C).
    """

    mean: Values
    covariance: Values
    size: Values
    age_s: Values


def unknown_bodies(people: int, joints: int) -> Bodies:
    """Return people of whom nothing is known."""
    return Bodies(np.zeros((people, joints, 2)), np.zeros((people, joints, joints)),
                  np.zeros(people), np.ones((people, joints)))


def follow(
    model: SkeletalModel, bodies: Bodies, dt_s: Values, points: Values, sd_px: Values,
) -> tuple[Bodies, Prepared]:
    """Go on by one frame.

    Args:
        model: how bodies move.
        bodies: what was known before.
        dt_s: (P,) since then.
        points: (P, C, 2) px, NaN = not seen.
        sd_px: (P, C) of the measurements.
    """
    seen: Mask = np.isfinite(points[..., 0])
    measured = np.where(seen[..., None], points, 0.0)
    enough: Mask = seen.sum(1) >= JOINTS_FOR_SIZE
    bodies = _begun(model, bodies, measured, seen, enough)
    unit = np.maximum(bodies.size, _LEAST_SIZE_PX)
    sd = np.where(
        seen, np.minimum(np.maximum(sd_px / unit[:, None], LEAST_SD), _MOST_SD), _MOST_SD)
    covariance = bodies.covariance + model.walk * dt_s[:, None, None]
    noise = np.where(seen, sd * sd, _NOTHING_SEEN)
    total = covariance.copy()
    _diagonals(total)[...] += noise
    gain = np.linalg.solve(total, covariance)
    change = np.where(seen[..., None], measured - bodies.mean, 0.0)
    mean = bodies.mean + gain.transpose(0, 2, 1) @ change
    covariance = covariance - covariance @ gain
    covariance = (covariance + covariance.transpose(0, 2, 1)) * 0.5
    filtered_sd = np.sqrt(np.maximum(_diagonals(covariance), LEAST_SD ** 2))
    weight = 1.0 / (filtered_sd + 0.05)
    centre, spread = _middle(mean, weight)
    # A stray joint makes no giant.
    spread = np.minimum(np.maximum(spread, unit / _GROWTH), unit * _GROWTH)
    share = np.where(enough, 1.0 - np.exp(-dt_s / _SIZE_SMOOTHING_S), 0.0)
    size = np.where(bodies.size > 0, unit + share * (spread - unit), 0.0)
    age_s = np.where(seen, 0.0, np.minimum(bodies.age_s + dt_s[:, None], 1.0))
    return Bodies(mean, covariance, size, age_s), Prepared(
        measured, seen.astype(np.float64), sd, mean, filtered_sd, age_s, centre,
        np.maximum(size, _LEAST_SIZE_PX))


def body_size(points: Values) -> Values:
    """Return (T,) px that the seen ones of joints (T, C, 2) speak for, NaN = not seen."""
    seen = np.isfinite(points[..., 0])
    return _middle(np.where(seen[..., None], points, 0.0), seen.astype(np.float64))[1]


def _together(measured: Values, seen: Mask) -> Mask:
    """Return the (P, C) joints that are seen, without a few that are of no body."""
    known = np.where(seen[..., None], measured, np.nan)
    known[~seen.any(1)] = 0.0
    distance = np.linalg.norm(known - np.nanmedian(known, axis=1, keepdims=True), axis=2)
    stray = seen & (distance > _STRAY * np.nanmedian(distance, axis=1, keepdims=True))
    few = stray.sum(1, keepdims=True) < seen.sum(1, keepdims=True) / 3
    together: Mask = seen & ~(stray & few)
    return together


def _diagonals(squares: Values) -> Values:
    """Return (P, C) of (P, C, C), to read and to write."""
    diagonals: Values = np.einsum('pcc->pc', squares)
    return diagonals


def _begun(
    model: SkeletalModel, bodies: Bodies, measured: Values, seen: Mask, enough: Mask,
) -> Bodies:
    """Place the mean body on people who are seen for the first time, and by ``enough`` joints."""
    new: Mask = (bodies.size <= 0) & enough
    if not new.any():
        return bodies
    seen = _together(measured, seen)
    centre, spread = _middle(measured, seen.astype(np.float64))
    size = np.where(new, spread, bodies.size)
    # The joints that are seen may be those of one side: their middle is not that of the body.
    missing = (seen[..., None] * model.mean).sum(1) / np.maximum(seen.sum(1), 1)[:, None]
    mean = (centre - missing * size[:, None])[:, None] + model.mean * size[:, None, None]
    return bodies._replace(
        mean=np.where(new[:, None, None], mean, bodies.mean), size=size,
        covariance=np.where(new[:, None, None], model.shape, bodies.covariance))


def _middle(points: Values, weight: Values) -> tuple[Values, Values]:
    """Return the weighted middle (P, 2) of points, and the body size (P,) they speak for."""
    total = np.maximum(weight.sum(1), 1e-9)
    centre = (weight[..., None] * points).sum(1) / total[:, None]
    away = ((points - centre[:, None]) ** 2).sum(-1)
    spread = _SPREAD_TO_SIZE * np.sqrt((weight * away).sum(1) / total)
    return centre, np.maximum(spread, _LEAST_SIZE_PX)
