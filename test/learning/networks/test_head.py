"""The calibrated head: as sure as the clips it was calibrated on allow."""

from __future__ import annotations

import pytest

pytest.importorskip('torch', reason='needs torch')

import torch

from neuropose_ros.learning.networks.head import Head


def calibrated(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the (N, C) probabilities that the same logits give after calibration."""
    head = Head(8, 1, logits.shape[1], 4, False, 0.0)
    head.calibrate(logits, labels, torch.zeros(len(logits)))
    return (logits / head.temperature).softmax(1)


@pytest.mark.parametrize(('clips', 'classes'), [(6, 2), (20, 3), (200, 14)])
def test_few_clips_that_are_all_right_make_it_no_surer_than_they_allow(clips, classes):
    labels = torch.arange(clips) % classes
    found = calibrated(3.0 * torch.nn.functional.one_hot(labels, classes), labels)
    sure = found[torch.arange(clips), labels]
    torch.testing.assert_close(
        sure, torch.full((clips,), 1 - 1 / (clips + 2)), atol=0.003, rtol=0)


def test_many_clips_are_calibrated_by_how_often_they_are_right():
    labels = (torch.arange(1000) % 10 < 2).long()  # 20 % are wrong
    logits = torch.tensor([[9.0, 0.0]]).repeat(1000, 1)
    assert calibrated(logits, labels)[0, 0] == pytest.approx(0.8, abs=0.01)


def test_half_of_the_unknown_scale_is_exceeded_by_a_twentieth_of_the_known():
    torch.manual_seed(0)
    logits = 4 * torch.randn(400, 5)
    head = Head(8, 1, 5, 4, False, 0.0)
    head.calibrate(logits, logits.argmax(1), head.strangeness(logits))
    unknown = head.unknown(head.strangeness(logits / head.temperature))
    assert (unknown > 0.5).float().mean() == pytest.approx(0.05, abs=0.005)


def test_kinds_of_streams_that_disagree_are_strange_however_sure_each_is():
    head = Head(8, 1, 3, 4, False, 0.0)
    sure, unsure = torch.tensor([9.0, 0.0, 0.0]), torch.tensor([0.1, 0.0, 0.0])
    agree, doubt = torch.stack((sure, sure)), torch.stack((unsure, unsure))
    disagree = torch.stack((sure, sure.roll(1)))
    kinds = torch.stack((agree, doubt, disagree))
    found = head.strangeness(kinds.mean(1), kinds)
    assert torch.isfinite(found).all()
    assert found[2] > found[:2].max() + 5
    head.temperature.fill_(3.0)  # what is calibrated later does not move it
    torch.testing.assert_close(head.strangeness(kinds.mean(1) / 3, kinds / 3), found)
