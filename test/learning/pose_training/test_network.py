"""The pose network: sizes, scores, and weights taken over by the names of joints."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip('torch', reason='needs torch')

import torch

from neuropose_ros.core.errors import ParameterError, TrainingError
from neuropose_ros.core.layouts import COCO17, JHMDB15
from neuropose_ros.learning.pose_training.network import (
    Logits,
    PoseNetworkConfig,
    adopt,
    build,
    parameters,
)

from .small_sets import TINY


def test_the_default_has_about_three_million_weights():
    network = build(PoseNetworkConfig(), COCO17)
    assert 2.5e6 < parameters(network) < 3.5e6
    found = network.eval()(torch.zeros(2, 3, 160, 128))
    assert found.x.shape == (2, 17, 256) and found.y.shape == (2, 17, 320)


def test_scores_say_how_much_probability_is_near():
    network = build(TINY, JHMDB15).eval()
    with torch.no_grad():
        logits = torch.full((1, 15, 64), -20.0)
        x, y = logits.clone(), logits.clone()
        x[..., 30] = 20  # sure
        y[..., 10] = y[..., 50] = 20  # either
        network.forward = lambda _: Logits(x, y)
        found = network.closeness(torch.zeros(1, 3, 32, 32))
    assert int(found.x[0, 0].argmax()) == 30
    assert float(found.x.max()) == pytest.approx(1, abs=0.01)
    assert int(found.y[0, 0].argmax()) in (10, 50)
    assert float(found.y.max()) == pytest.approx(0.5, abs=0.01)
    assert float(found.x[0, 0, 32]) == pytest.approx(1 - 2 / 9, abs=0.05)
    assert float(found.x[0, 0, 42]) == pytest.approx(0, abs=1e-3)


def test_joints_are_taken_over_by_name():
    torch.manual_seed(0)
    old, new = build(TINY, COCO17), build(TINY, JHMDB15)
    before = new.x.weight.detach().clone().unflatten(0, (15, 16))
    known = adopt(new, old.state_dict(), COCO17)
    assert 'left_wrist' in known and 'belly' not in known and len(known) == 12
    mine, theirs = JHMDB15.index('left_wrist'), COCO17.index('left_wrist')
    mixed, source = (net.x.weight.unflatten(0, (-1, 16)) for net in (new, old))
    assert torch.equal(mixed[mine], source[theirs])
    assert torch.equal(mixed[JHMDB15.index('belly')], before[JHMDB15.index('belly')])
    assert torch.equal(new.smooth[0].weight, old.smooth[0].weight)
    assert torch.equal(new.backbone.stem[0].weight, old.backbone.stem[0].weight)


def test_a_cell_speaks_for_the_bins_that_it_covers():
    network = build(TINY, JHMDB15)
    cells = torch.full((1, 15 * 16, 4, 4), -50.0)
    cells[0, 2 * 16 + 5, 1, 3] = 10  # joint 2, bin 5 of a cell, second row, last column
    along_x, along_y = network._along(cells, -1), network._along(cells, -2)
    assert int(along_x[0, 2].argmax()) == 3 * 16 + 5
    assert int(along_y[0, 2].argmax()) == 1 * 16 + 5
    assert float(along_x[0, 1].max()) < 0


def test_a_backbone_alone_can_be_taken_over():
    old, new = build(TINY, COCO17), build(TINY, COCO17)
    weights = {name: value for name, value in old.state_dict().items()
               if name.startswith('backbone.')}
    assert adopt(new, weights, None) == ()
    assert torch.equal(new.backbone.stem[0].weight, old.backbone.stem[0].weight)
    assert not torch.equal(new.x.weight, old.x.weight)


def test_weights_of_another_size_are_refused():
    with pytest.raises(TrainingError, match='another size'):
        adopt(build(TINY, COCO17), build(replace(TINY, neck=8), COCO17).state_dict(), COCO17)


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ParameterError, match='width_px is 100; multiples of 32'):
        PoseNetworkConfig(width_px=100)
