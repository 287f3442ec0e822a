"""The fitted noise is that which was put in."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.learning.refiner.measures import joint_offsets
from neuropose_ros.learning.refiner.noise import body_sizes_px, fit_noise
from neuropose_ros.learning.refiner.pairs import FOUND_LAYOUT, MODEL, TRUTH_LAYOUT, Pair

LIMBS = [name for name in TRUTH_LAYOUT.names if name in FOUND_LAYOUT.names]


def clip(index: int, rng: np.random.Generator, frames: int = 40) -> Pair:
    """A person whose joints are found off by 6 px at confidence .9, by 30 at .35, for good."""
    truth = rng.uniform((60, 20), (160, 220), (15, 2)) + np.zeros((frames, 1, 1))
    truth[:, 3], truth[:, 13] = (100, 20), (100, 220)  # of one size, all of them
    found = rng.uniform((60, 20), (160, 220), (17, 2)) + np.zeros((frames, 1, 1))
    scores = np.where(rng.random(17) < 0.5, 0.9, 0.35) + np.zeros((frames, 1))
    stays = rng.normal(0.0, 1.0, (17, 2))
    for name in LIMBS:
        column = FOUND_LAYOUT.index(name)
        sure = scores[:, column, None] > 0.5
        found[:, column] = truth[:, TRUTH_LAYOUT.index(name)] + np.where(sure, 6.0, 30.0) * (
            stays[column]) + 2.0 * rng.normal(0.0, 1.0, (frames, 2))
    found[:, :5] = truth[:, 2, None]
    return Pair(f'walk/{index}', 'walk', str(index), True, found.astype(np.float32),
                scores.astype(np.float32), truth.astype(np.float32))


@pytest.fixture(scope='module')
def pairs():
    rng = np.random.default_rng(0)
    return [clip(index, rng) for index in range(60)]


def test_unsure_joints_err_more_and_curves_never_rise(pairs):
    model = fit_noise(pairs, np.zeros_like(joint_offsets(pairs)))
    noise = model.detectors[MODEL]
    assert set(noise.joints) == set(LIMBS)
    size = float(np.median(np.concatenate([body_sizes_px(pair) for pair in pairs])))
    for curve in (noise.curve, *noise.joints.values()):
        assert list(curve.slow) == sorted(curve.slow, reverse=True)
        assert list(curve.white) == sorted(curve.white, reverse=True)
    errors = {score: np.hypot(np.interp(score, noise.curve.scores, noise.curve.white),
                              np.interp(score, noise.curve.scores, noise.curve.slow)) * size
              for score in (0.35, 0.9)}
    assert errors[0.9] == pytest.approx(np.hypot(6.0, 2.0), rel=0.3)
    assert errors[0.35] == pytest.approx(np.hypot(30.0, 2.0), rel=0.3)


def test_the_body_size_is_that_of_the_joints_seen(pairs):
    pair = pairs[0]
    assert body_sizes_px(pair).shape == (40,)
    seen = pair.found[0][pair.scores[0] >= 0.3]
    assert body_sizes_px(pair)[0] == pytest.approx(np.ptp(seen, axis=0).max())
