"""A small network over time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')

from neuropose_ros.learning.baselines.smoothnet import SmoothNetSettings, train_smoothnet
from neuropose_ros.learning.baselines.tracks import side_by_side

from .test_smoothing import moving

SETTINGS = SmoothNetSettings(True, window=8, hidden=16, block=8, blocks=1, epochs=25, batch=8)


def clips(count, seed):
    drawn = [moving(3.0, speed_px=1.0 + index % 3, frames=30, seed=seed + index)
             for index in range(count)]
    return (side_by_side([found for _, found in drawn]),
            side_by_side([truth for truth, _ in drawn]))


@pytest.mark.parametrize('causal', [True, False])
def test_it_learns_to_take_noise_away(causal):
    network = train_smoothnet([clips(32, 0)[0]], clips(32, 0)[1], replace(SETTINGS, causal=causal))
    found, truth = clips(8, 100)
    before, after = (np.abs(points - truth.points).mean()
                     for points in (found.points, network(found)))
    assert after < 0.85 * before
    again = train_smoothnet([clips(32, 0)[0]], clips(32, 0)[1], replace(SETTINGS, causal=causal))
    np.testing.assert_array_equal(network(found), again(found))


@pytest.mark.parametrize('causal', [True, False])
def test_only_a_causal_one_leaves_the_past_alone(causal):
    found, truth = clips(8, 0)
    network = train_smoothnet([found], truth, replace(SETTINGS, causal=causal, epochs=1))
    one = moving(3.0)[1]
    other = one.copy()
    other[40:] += np.random.default_rng(1).normal(0, 5, other[40:].shape)
    tracks = [side_by_side([clip]) for clip in (one, other)]
    same = np.abs(network(tracks[0])[0, :40] - network(replace(
        tracks[1], sizes=tracks[0].sizes))[0, :40]).max(axis=(1, 2)) < 1e-4
    assert same.all() == causal
