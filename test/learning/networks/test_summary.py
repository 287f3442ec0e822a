"""Clips as a whole: what counts, what does not, and that a few clips are enough."""

from __future__ import annotations

import pytest

torch = pytest.importorskip('torch', reason='needs torch')

# ruff: noqa: E402
from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.layouts import COCO17, KINECT20
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.networks.config import NetworkConfig
from neuropose_ros.learning.networks.recogniser import build
from neuropose_ros.learning.networks.stretching import TICKS
from neuropose_ros.learning.networks.summary import Summary, SummaryFeatures, filled

SMALL = {'width': 8, 'blocks': 1, 'completion': False, 'attention': False, 'summary': 32}


def movement(clips: int, ticks: int = TICKS, joints: int = 17, dimensions: int = 2, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(clips, ticks, joints, dimensions, generator=generator).cumsum(1) * 0.1


def test_gaps_are_filled_from_the_nearest_known_places() -> None:
    points = torch.arange(8.0).reshape(1, 8, 1, 1).expand(-1, -1, 2, 2).clone()
    mask = torch.ones(1, 8, 2)
    mask[0, 3, 0] = 0
    mask[0, :, 1] = 0
    out = filled(points * mask[..., None], mask)
    assert out[0, 3, 0, 0] == pytest.approx(3, abs=0.2)
    torch.testing.assert_close(out[0, [0, 7], 0], points[0, [0, 7], 0])
    assert (out[0, :, 1] == 0).all()


@pytest.mark.parametrize(
    'layout', [COCO17, KINECT20, SkeletonLayout('dots', ('a', 'b', 'c'), (), ())])
def test_features_are_finite_for_any_layout_even_of_nothing(layout) -> None:
    features = SummaryFeatures(layout)
    points = torch.zeros(2, TICKS, len(layout), 3, requires_grad=True)
    parts = features(points, torch.zeros(2, TICKS, len(layout)))
    assert all(torch.isfinite(part).all() for part in parts)
    sum(part.sum() for part in parts).backward()
    assert torch.isfinite(points.grad).all()


def test_how_fast_a_joint_swings_is_in_the_features() -> None:
    features = SummaryFeatures(COCO17)
    time = torch.arange(TICKS) / TICKS
    points = torch.zeros(2, TICKS, 17, 2)
    points[0, :, 9, 0] = (2 * torch.pi * 2 * time).sin()
    points[1, :, 9, 0] = (2 * torch.pi * 5 * time).sin()
    swing = features(points, torch.ones(2, TICKS, 17))[8].reshape(2, 8, 17, 2)
    assert swing[0, :, 9, 0].argmax() == 1
    assert swing[1, :, 9, 0].argmax() == 4
    assert swing[0, 1, 9, 0] == pytest.approx(TICKS / 2, rel=1e-3)


def test_a_scene_that_is_not_there_says_nothing() -> None:
    config = NetworkConfig(**SMALL, scene_size=6, context_width=8)
    network = Summary(config, COCO17, 2, 4).eval()
    points, mask = movement(3), torch.ones(3, TICKS, 17)
    lengths, scene = torch.full((3,), TICKS), torch.randn(3, 2, 6)
    there = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    with torch.no_grad():
        logits = network(points, mask, lengths, scene, there)
        assert logits.shape == (3, 2, 4)
        assert (logits[2, 1] == 0).all()
        assert (logits[1, 1] != 0).any()
        scene[1, 1] = 100  # of a time that is not known
        torch.testing.assert_close(network(points, mask, lengths, scene, there), logits)
        assert network(points, mask, lengths, None, None).shape == (3, 1, 4)


def test_it_is_a_stream_of_the_recogniser_and_of_whole_clips_alone() -> None:
    network = build(
        NetworkConfig(**SMALL, scene_size=6, streams=2, summary_share=0.75), COCO17, 2, 4).eval()
    points, mask = movement(3), torch.ones(3, TICKS, 17)
    with torch.no_grad():
        output = network(points, mask, torch.full((3,), TICKS), torch.randn(3, 2, 6))
    assert output.stream_logits.shape == (3, 4, 4)
    encoder, summary = output.stream_logits.split(2, 1)
    whole = (summary[:, 0] + 0.6 * summary[:, 1]) / 1.6
    torch.testing.assert_close(output.logits, 0.25 * encoder.mean(1) + 0.75 * whole)
    with pytest.raises(ParameterError, match='summary needs whole clips'):
        NetworkConfig(**SMALL, causal=True)


def test_a_few_clips_teach_it() -> None:
    torch.manual_seed(0)
    network = Summary(NetworkConfig(**SMALL, dropout=0.1), COCO17, 2, 2)
    labels = torch.arange(24) % 2
    time = torch.arange(TICKS) / TICKS
    wave = torch.stack([(2 * torch.pi * f * time).sin() for f in (2, 4)])

    def clips(seed: int):
        points = movement(24, seed=seed)
        points[:, :, 9, 1] += 4 * wave[labels]
        return points, torch.ones(24, TICKS, 17), torch.full((24,), TICKS), None, None

    optimiser = torch.optim.AdamW(network.parameters(), 5e-3)
    for step in range(60):
        loss = torch.nn.functional.cross_entropy(network(*clips(step % 6))[:, 0], labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    network.eval()
    with torch.no_grad():
        right = (network(*clips(9))[:, 0].argmax(-1) == labels).float().mean()
    assert right > 0.9
