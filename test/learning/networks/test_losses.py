"""Losses count what they say they count."""

from __future__ import annotations

import pytest

torch = pytest.importorskip('torch', reason='needs torch')

# ruff: noqa: E402
from neuropose_ros.core import layouts
from neuropose_ros.learning.networks import losses
from neuropose_ros.learning.networks.config import NetworkConfig
from neuropose_ros.learning.networks.recogniser import build


def _setting():
    torch.manual_seed(0)
    network = build(NetworkConfig(width=16, blocks=1), layouts.JHMDB15, 2, 4)
    truth = torch.randn(4, 12, 15, 2)
    mask = (torch.rand(4, 12, 15) > 0.3).float()
    return network, truth, mask, torch.full((4,), 12)


def test_completion_counts_hidden_joints_alone():
    network, truth, mask, lengths = _setting()
    out = network(truth, mask, lengths)
    known = torch.ones_like(mask)
    assert losses.completion(out, truth, known, mask) > 0
    assert losses.completion(out, truth, known, known) == 0
    assert losses.completion(out, truth, mask, mask) == 0  # the hidden are not known either
    exact = out._replace(completed=truth)
    assert losses.completion(exact, truth, known, mask) == 0


def test_ticks_after_the_end_and_at_the_begin_do_not_count():
    labels, lengths = torch.tensor([0, 1]), torch.tensor([10, 5])
    logits = torch.zeros(2, 10, 3)
    logits[0, :, 0] = logits[1, :, 1] = 20
    assert losses.frame_classification(logits, labels, lengths) < 1e-3
    wrong = logits.clone()
    wrong[1, 5:], wrong[:, :1] = -logits[1, 5:], -logits[:, :1]
    assert losses.frame_classification(wrong, labels, lengths) < 1e-3
    shares = torch.nn.functional.one_hot(labels, 3).float()
    torch.testing.assert_close(
        losses.frame_classification(wrong, shares, lengths),
        losses.frame_classification(wrong, labels, lengths))


def test_each_stream_is_judged_on_its_own():
    torch.manual_seed(0)
    streams, labels = torch.randn(4, 3, 5), torch.tensor([0, 4, 2, 1])
    alone = [losses.classification(streams[:, i], labels, 0.1) for i in range(3)]
    torch.testing.assert_close(
        losses.classification(streams, labels, 0.1), torch.stack(alone).mean())
    shares = torch.nn.functional.one_hot(labels, 5).float()
    torch.testing.assert_close(
        losses.classification(streams, shares, 0.1), losses.classification(streams, labels, 0.1))


def test_evidence_wants_no_label_to_fit_what_is_none_of_them():
    none, first = torch.zeros(1, 3), torch.tensor([[1.0, 0.0, 0.0]])
    quiet, loud = torch.full((1, 2, 3), -8.0), torch.full((1, 2, 3), 8.0)
    assert losses.evidence(quiet, none) < 0.01 < 10 < losses.evidence(loud, none)
    right = torch.tensor([[[8.0, -8.0, -8.0]]])
    assert losses.evidence(right, first) < 0.01 < losses.evidence(right + 8, first)
    torch.testing.assert_close(
        losses.evidence(right.expand(1, 2, 3), first), losses.evidence(right[:, 0], first))


def test_completion_learns_to_see_through_gaps():
    """A swinging body: what is hidden follows from its past and from the other joints."""
    torch.manual_seed(1)
    network = build(NetworkConfig(width=16, blocks=1, causal=True), layouts.JHMDB15, 2, 4)
    body, swing = torch.randn(15, 2), torch.randn(15, 2)
    phase = torch.arange(30)[None] * 0.4 + torch.rand(16, 1) * 6
    truth = body + torch.sin(phase)[..., None, None] * swing
    known, lengths = torch.ones(16, 30, 15), torch.full((16,), 30)
    mask = known.clone()
    mask[:, 10:25, 9:] = 0
    optimizer = torch.optim.Adam(network.completion.parameters(), 5e-3)
    found = []
    for _ in range(80):
        out = network(truth, mask, lengths)
        loss = losses.completion(out, truth, known, mask)
        optimizer.zero_grad()
        (loss + losses.motion_prediction(out, truth, known)).backward()
        optimizer.step()
        found.append(loss.item())
    assert found[-1] < 0.1 * found[0]
