"""Scores become chances of being right, and the answers stay what they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')

import torch

from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.pose_training.calibration import fit_scores
from neuropose_ros.learning.pose_training.network import Logits, PoseNetwork
from neuropose_ros.learning.pose_training.samples import Samples

from .small_sets import JOINTS, TINY

_PEOPLE, _SIZE_PX = 120, 40.0


class _Told(PoseNetwork):
    """Answers what it is told, whatever the pictures are."""

    def __init__(self, spread_px):
        super().__init__(TINY, SkeletonLayout('dots', JOINTS, (), ()))
        self.spread_px = spread_px
        self.given = 0

    def forward(self, pictures):
        spread = self.spread_px[self.given:self.given + len(pictures), :, None]
        self.given += len(pictures)
        bins = torch.arange(64.0)
        bell = -(bins - 32).square() / (2 * (2 * spread).square())
        return Logits(bell, bell)


def _told(seed=0):
    """Joints whose answers are wrong the more often the more they are spread."""
    rng = np.random.default_rng(seed)
    spread = rng.uniform(0.5, 6, (_PEOPLE, len(JOINTS)))
    away = np.where(rng.random(spread.shape) < spread / 20, 9.0, 0.0)  # px; right within 4
    points = np.stack([16 + away, np.full_like(away, 16)], -1).astype(np.float32)
    points[:, 0] = np.nan  # one joint is not known
    samples = Samples(np.zeros((_PEOPLE, 32, 32, 3), np.uint8), points,
                      np.full(_PEOPLE, 1 / _SIZE_PX, np.float32), True)
    return _Told(torch.from_numpy(spread).float()), samples


def test_scores_become_chances():
    network, samples = _told()
    curve = fit_scores(network, samples)
    assert curve.joints == _PEOPLE * 4 and curve.slope > 0
    assert curve.ece_before > 0.1 and curve.ece < 0.06
    network.given = 0
    answers = network.nearness(network(torch.zeros(_PEOPLE, 3, 32, 32)), curve.temperature).x
    chances = curve.chances(answers)
    assert torch.equal(chances.argmax(-1), answers.argmax(-1))
    assert float(chances.max()) < 1
    right = samples.points[:, 1:, 0] == 16
    assert float(chances.amax(-1)[:, 1:].mean()) == pytest.approx(right.mean(), abs=0.02)


@pytest.mark.parametrize('unfit', ['trained on', 'too few', 'surer and wronger'])
def test_who_cannot_tell_changes_nothing(unfit):
    network, samples = _told()
    points = samples.points.copy()
    if unfit == 'too few':
        points[20:] = np.nan
    if unfit == 'surer and wronger':
        points[..., 0] = np.where(network.spread_px.numpy() < 3, 25, 16)
    curve = fit_scores(
        network, replace(samples, points=points, held_back=unfit != 'trained on'))
    assert curve.joints == 0
    answers = torch.rand(2, 5, 64)
    assert torch.equal(curve.chances(answers), answers)
