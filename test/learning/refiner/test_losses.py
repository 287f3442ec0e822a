"""The loss of the refiner's network."""

import pytest
import torch

from neuropose_ros.learning.refiner.batches import collate
from neuropose_ros.learning.refiner.examples import Examples, Mixture
from neuropose_ros.learning.refiner.losses import refiner_loss
from neuropose_ros.learning.refiner.measures import joint_offsets
from neuropose_ros.learning.refiner.noise import fit_noise
from neuropose_ros.learning.refiner.skeletal import fit_skeletal

from .clips import make_pair


@pytest.fixture(scope='module')
def batch():
    pairs = [make_pair(f'walk/{seed}', seed=seed) for seed in range(4)]
    offsets = joint_offsets(pairs)
    examples = Examples(pairs, offsets, fit_noise(pairs, offsets), Mixture(), 0)
    return collate(fit_skeletal(pairs), [examples.found(pairs[0]), examples.true(pairs[1])])


def loss(batch, away_px=0.0, sd=0.02, smoothness=1.0):
    position = batch.target + away_px
    return float(refiner_loss(
        position, torch.full(position.shape[:3], 2.0).log() * 0 + 2 * torch.tensor(sd).log(),
        batch, smoothness))


def test_nearer_is_better(batch):
    assert loss(batch, 1.0) < loss(batch, 3.0) < loss(batch, 10.0)


def test_trembling_costs(batch):
    position = batch.target.clone()
    position[:, ::2] += 2.0
    steady = batch.target + 1.0
    variances = torch.full(position.shape[:3], -8.0)
    costs = [[float(refiner_loss(points, variances, batch, weight)) for weight in (0.0, 1.0)]
             for points in (position, steady)]
    assert costs[0][1] - costs[0][0] > 3 * (costs[1][1] - costs[1][0])


def test_an_honest_deviation_is_best(batch):
    away_px = 0.05 * 100
    stated = {sd: loss(batch, away_px, sd) for sd in (0.002, 0.04, 0.8)}
    assert min(stated, key=stated.__getitem__) == 0.04


def test_joints_without_truth_do_not_count(batch):
    position, variances = batch.target.clone(), torch.full(batch.target.shape[:3], -8.0)
    wild = position.clone()
    wild[:, :, 1:5] += 500.0  # eyes and ears
    assert torch.isclose(refiner_loss(position, variances, batch, 1.0),
                         refiner_loss(wild, variances, batch, 1.0))


def test_a_late_joint_costs_more_while_it_moves(batch):
    """Of true joints: as far off in a clip that stands still costs less."""
    batch = batch._replace(found=0 * batch.found)
    still = batch._replace(target=batch.target[:, :1].expand_as(batch.target))
    way = torch.arange(batch.target.shape[1]) * 3.0
    moving = batch._replace(target=batch.target + way[None, :, None, None])
    parts = []
    for clip in (still, moving):
        off = clip.target.clone()
        off[:, :, 10] += 8.0  # one wrist
        parts.append(float(refiner_loss(off, torch.full(off.shape[:3], -6.0), clip, 0.0)))
    assert parts[1] > parts[0]
