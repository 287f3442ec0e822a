"""Where hidden joints were, from what was seen before and after, of the joint and of the body.

The random walk of `skeletal`, smoothed (Rauch, Tung and Striebel 1965), with two things that only
a recording can tell: how the joints of this very person move together, by expectation maximisation
from what is usual (Shumway and Stoffer 1982), and when they moved, as a scale of each step: steps
are Student-t, many small ones and a few large ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuropose_ros.refinement.skeletal import (
    JOINTS_FOR_SIZE,
    LEAST_SD,
    SkeletalModel,
    Values,
    body_size,
)

# What is usual counts as much as so many steps of the person.
_USUAL_STEPS = 15.0
_FREEDOM = 10.0  # degrees of freedom of the steps
_ROUNDS = 3
# Frames that are taken together, with some of both sides around them.
_BLOCK, _AROUND = 240, 60
_LEAST_STEP_S = 1e-3
_OWN_WALK = 1e-5  # squared body sizes per s: however rigid a body looks, joints move alone, too


class _Smoothed(NamedTuple):
    """Of T frames.

    Attributes:
        mean: (T, C, 2).
        unsure: (T - 1, C, C) covariance of the steps between them.
    """

    mean: Values
    unsure: Values


def between(model: SkeletalModel, dt_s: Values, points: Values, sd: Values) -> Values:
    """Return (T, C, 2) px where the joints of one person were; NaN where too little was seen.

    Args:
        model: how bodies move, of these C joints.
        dt_s: (T,) since the frame before; the first is not used.
        points: (T, C, 2) px, NaN = hidden.
        sd: (T, C) px of the measurements.
    """
    answer = np.full(points.shape, np.nan)
    for begin in range(0, len(points), _BLOCK):
        around = slice(max(begin - _AROUND, 0), begin + _BLOCK + _AROUND)
        seen = np.isfinite(points[around, :, 0]).sum(axis=1)
        if seen.max() >= JOINTS_FOR_SIZE and len(seen) > 1:
            block = _of_block(model, dt_s[around], points[around], sd[around])
            answer[begin:begin + _BLOCK] = block[begin - around.start:][:_BLOCK]
    return answer


def _of_block(model: SkeletalModel, dt_s: Values, points: Values, sd: Values) -> Values:
    seen = np.isfinite(points[..., 0])
    count = seen.sum(axis=1)
    well = count >= max(JOINTS_FOR_SIZE, 0.5 * count.max())
    size = float(np.median(body_size(points[well])))
    first = int(np.argmax(well))
    there = seen[first]
    origin = (points[first, there] - model.mean[there] * size).mean(axis=0)
    found = (points - origin) / size  # in body sizes from here on
    noise = np.maximum(sd / size, LEAST_SD) ** 2
    steps_s = np.maximum(dt_s[1:], _LEAST_STEP_S)[:, None, None]
    joints = points.shape[1]
    own = _OWN_WALK * np.eye(joints)
    usual = model.walk + own
    walk, scale = usual, np.ones(len(steps_s))
    for _ in range(_ROUNDS):
        known = _smoothed(model, walk * steps_s * scale[:, None, None], found, noise)
        step = np.diff(known.mean, axis=0)
        spread = (np.einsum('tka,tja->tkj', step, step) + 2.0 * known.unsure) / steps_s
        far = np.einsum('tkj,jk->t', spread, np.linalg.inv(walk))
        scale = (_FREEDOM + far) / (_FREEDOM + 2 * joints)
        scale /= scale.mean()
        total = (spread / scale[:, None, None]).sum(axis=0)
        # Only how joints move together is usual; how much they move is the person's.
        lively = np.trace(np.linalg.solve(usual, total)) / (2 * len(step) * joints)
        walk = own + (
            _USUAL_STEPS * lively * usual + 0.5 * total) / (_USUAL_STEPS + len(step))
    mean = _smoothed(model, walk * steps_s * scale[:, None, None], found, noise).mean
    placed: Values = mean * size + origin
    return placed


def _smoothed(model: SkeletalModel, walks: Values, found: Values, noise: Values) -> _Smoothed:
    """Go through (T, C, 2) points forwards and back; ``walks`` (T - 1, C, C) lie between them."""
    frames, joints, _ = found.shape
    seen = np.isfinite(found[..., 0])
    mean, covariance = model.mean, model.shape + LEAST_SD ** 2 * np.eye(joints)
    means, before = np.empty((2, *found.shape))
    covariances = np.empty((frames, joints, joints))
    predicted = np.empty_like(covariances)
    for tick in range(frames):
        if tick:
            covariance = covariance + walks[tick - 1]
        before[tick], predicted[tick] = mean, covariance
        rows = np.flatnonzero(seen[tick])
        total = covariance[np.ix_(rows, rows)] + np.diag(noise[tick, rows])
        gain = np.linalg.solve(total, covariance[rows]).T
        mean = mean + gain @ (found[tick, rows] - mean[rows])
        covariance = covariance - gain @ covariance[rows]
        covariance = (covariance + covariance.T) * 0.5
        means[tick], covariances[tick] = mean, covariance
    gains = np.linalg.solve(predicted[1:], covariances[:-1]).transpose(0, 2, 1)
    unsure = np.empty_like(walks)
    for tick in range(frames - 2, -1, -1):
        gain, later = gains[tick], covariances[tick + 1]
        means[tick] += gain @ (means[tick + 1] - before[tick + 1])
        covariances[tick] += gain @ (later - predicted[tick + 1]) @ gain.T
        both = later @ gain.T
        unsure[tick] = covariances[tick] + later - both - both.T
    return _Smoothed(means, unsure)
