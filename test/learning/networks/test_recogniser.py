"""Recognisers answer alike tick by tick and at once, whatever the layout, gaps or padding."""

from __future__ import annotations

import pytest

torch = pytest.importorskip('torch', reason='needs torch')

# ruff: noqa: E402
from neuropose_ros.core import layouts
from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.networks.config import NetworkConfig
from neuropose_ros.learning.networks.recogniser import Recogniser, build

SMALL = {'width': 16, 'blocks': 2, 'completion_width': 8, 'token_width': 8, 'window': 12}
NTU25 = SkeletonLayout('twenty_five', tuple(f'j{i}' for i in range(25)),
                       tuple((i, i + 1) for i in range(24)), ())
KINECT20 = SkeletonLayout('twenty', tuple(f'j{i}' for i in range(20)), (), ())


def _network(layout=layouts.JHMDB15, dimensions=2, classes=5, **options) -> Recogniser:
    """Untrained, but with every weight and statistic different from its start value."""
    torch.manual_seed(3)
    network = build(NetworkConfig(**{**SMALL, **options}), layout, dimensions, classes)
    with torch.no_grad():
        for values in network.parameters():
            values.add_(torch.randn_like(values) * 0.1)
        for name, values in network.named_buffers():
            if name.endswith(('running_mean', 'running_var')):
                values.add_(torch.rand_like(values) * 0.5)
    return network.eval()


def _clips(network, clips=3, ticks=20, missing=0.3):
    generator = torch.Generator().manual_seed(7)
    shape = (clips, ticks, len(network.layout))
    mask = (torch.rand(shape, generator=generator) >= missing).float()
    mask[:, 4:6] = 0  # whole ticks without a joint
    return torch.randn(*shape, network.dimensions, generator=generator) * mask[..., None], mask


@pytest.mark.parametrize(('layout', 'dimensions'), [
    (layouts.JHMDB15, 2), (layouts.COCO17, 2), (KINECT20, 3), (NTU25, 3),
    (layouts.BLAZEPOSE33, 3)])
@pytest.mark.parametrize('causal', [False, True])
def test_every_layout_gets_every_output(layout, dimensions, causal):
    network = _network(layout, dimensions, causal=causal)
    keypoints, mask = _clips(network)
    out = network(keypoints, mask, torch.tensor([20, 20, 9]))
    n, t, k = mask.shape
    assert out.logits.shape == (n, 5) and out.frame_logits.shape == (n, t, 5)
    assert out.unknown.shape == (n,) and ((out.unknown > 0) & (out.unknown < 1)).all()
    assert out.completed.shape == out.predicted.shape == (n, t, k, dimensions)
    assert out.error.shape == out.attention.shape == (n, t, k)
    torch.testing.assert_close(out.attention[0].sum(-1), torch.ones(t))
    assert not out.error[mask == 0].any() and (out.error[mask > 0][n * k:] > 0).any()
    assert torch.equal(out.completed[:2][mask[:2] > 0], keypoints[:2][mask[:2] > 0])
    assert all(torch.isfinite(part).all() for part in out)


@pytest.mark.parametrize('options', [
    {}, {'completion': False}, {'attention': False, 'distances': False},
    {'scene_size': 6}, {'streams': 3}, {'motion_lags': 1, 'window': 1, 'kernel': 3}])
def test_stepping_gives_the_answers_of_whole_clips(options):
    network = _network(causal=True, **options)
    keypoints, mask = _clips(network, ticks=30)
    scene = torch.randn(3, 1, 6) if options.get('scene_size') else None
    there = torch.tensor([[1.0], [0.0], [1.0]])
    with torch.no_grad():
        whole = network(keypoints, mask, torch.full((3,), 30), scene, there)
        state = network.initial_state(3)
        for tick in range(30):
            out, state = network.step(
                keypoints[:, tick], mask[:, tick], None if scene is None else scene[:, 0],
                there, state)
            for found, wanted in (
                    (out.logits, whole.frame_logits), (out.completed, whole.completed),
                    (out.error, whole.error), (out.attention, whole.attention)):
                torch.testing.assert_close(found, wanted[:, tick], atol=1e-4, rtol=0)
    torch.testing.assert_close(out.logits, whole.logits, atol=1e-4, rtol=0)
    torch.testing.assert_close(out.unknown[:, 0], whole.unknown, atol=1e-4, rtol=0)
    torch.testing.assert_close(out.features, whole.features, atol=1e-4, rtol=0)
    assert {name: tuple(part.shape[1:]) for name, part in state.items()} == network.states()


@pytest.mark.parametrize('causal', [False, True])
def test_padding_changes_no_answer(causal):
    network = _network(causal=causal)
    keypoints, mask = _clips(network, ticks=30)
    lengths = torch.tensor([14, 14, 14])
    alone = network(keypoints[:, :14], mask[:, :14], lengths)
    padded = network(keypoints, mask, lengths)
    for short, long in zip(alone, padded, strict=True):
        same = long[:, :14] if short.ndim > 2 else long
        torch.testing.assert_close(short, same, atol=1e-5, rtol=0)


@pytest.mark.parametrize('causal', [False, True])
def test_what_lies_under_the_mask_changes_no_answer(causal):
    network = _network(causal=causal)
    keypoints, mask = _clips(network)
    lengths = torch.full((3,), 20)
    garbage = keypoints + 50 * (1 - mask[..., None])
    for a, b in zip(network(keypoints, mask, lengths), network(garbage, mask, lengths),
                    strict=True):
        torch.testing.assert_close(a, b)


def test_a_causal_network_does_not_see_the_future():
    network = _network(causal=True)
    keypoints, mask = _clips(network)
    later = keypoints.clone()
    later[:, 12:] += 1
    lengths = torch.full((3,), 20)
    a, b = network(keypoints, mask, lengths), network(later, mask, lengths)
    torch.testing.assert_close(a.frame_logits[:, :12], b.frame_logits[:, :12])
    torch.testing.assert_close(a.completed[:, :12], b.completed[:, :12])
    assert not torch.allclose(a.logits, b.logits)


def test_answers_forget_what_left_the_window():
    network = _network(causal=True, completion=False, window=5)
    keypoints, mask = _clips(network, ticks=80)
    other = keypoints.clone()
    other[:, :5] += 3
    lengths = torch.full((3,), 80)
    torch.testing.assert_close(
        network(keypoints, mask, lengths).logits, network(other, mask, lengths).logits)


def test_context_counts_and_its_absence_does_not():
    network = _network(scene_size=6, signal_size=4)
    keypoints, mask = _clips(network)
    lengths, scene = torch.full((3,), 20), torch.randn(3, 2, 6)
    signal = torch.randn(3, 5, 4)
    bare = network(keypoints, mask, lengths)
    seen = network(keypoints, mask, lengths, scene, torch.ones(3, 2), signal)
    gone = network(keypoints, mask, lengths, scene, torch.zeros(3, 2))
    assert (bare.logits - seen.logits).abs().max() > 1e-3
    torch.testing.assert_close(bare.logits, gone.logits)
    assert seen.context_attention.shape == (3, 20, 1 + 2 + 5)
    torch.testing.assert_close(seen.context_attention.sum(-1), torch.ones(3, 20))
    assert not gone.context_attention[..., 1:].any()


def test_training_drops_the_context_of_some_clips():
    network = _network(scene_size=6, modality_dropout=0.5).train()
    clips = 40
    keypoints, mask = _clips(network, clips)
    torch.manual_seed(0)
    out = network(keypoints, mask, torch.full((clips,), 20), torch.randn(clips, 1, 6))
    absent = int((out.context_attention[:, 0, 1] == 0).sum())
    assert 8 < absent < 32


def test_calibration_fits_the_temperature_and_places_the_unknown():
    network = _network(classes=3)
    generator = torch.Generator().manual_seed(0)
    truth = torch.randn(4000, 3, generator=generator) * 2
    labels = torch.multinomial(truth.softmax(-1), 1, generator=generator)[:, 0]
    head = network.head
    network.calibrate(truth * 5, labels, head.strangeness(truth * 5))
    assert float(network.head.temperature) == pytest.approx(5, rel=0.1)
    known = head.unknown(head.strangeness(truth))
    assert float((known > 0.5).float().mean()) == pytest.approx(0.05, abs=0.005)
    assert (head.unknown(head.strangeness(torch.zeros(1, 3))) > known.median()).all()
    # Logits as they come out now: it is fitted already.
    network.calibrate(truth, labels, head.strangeness(truth))
    assert float(network.head.temperature) == pytest.approx(5, rel=0.1)


def test_only_causal_networks_step():
    network = _network()
    with pytest.raises(ParameterError, match='causal'):
        network.initial_state(1)


def test_impossible_networks_are_refused():
    with pytest.raises(ParameterError, match='classes'):
        _network(classes=0)
    with pytest.raises(ParameterError, match='dimensions'):
        _network(dimensions=4)
    with pytest.raises(ParameterError, match='width'):
        NetworkConfig(width=30)
    with pytest.raises(ParameterError, match='kernel'):
        NetworkConfig(kernel=4)
    with pytest.raises(ParameterError, match='dropout'):
        NetworkConfig(dropout=1.0)
