"""Streams on clips of one length."""

from __future__ import annotations

import pytest

torch = pytest.importorskip('torch', reason='needs torch')

# ruff: noqa: E402
from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.learning.networks.config import NetworkConfig
from neuropose_ros.learning.networks.recogniser import build
from neuropose_ros.learning.networks.stretching import TICKS, stretched

SMALL = {'width': 8, 'blocks': 1, 'token_width': 4, 'completion_width': 8}


def test_clips_of_any_length_are_stretched_and_padding_is_not_seen() -> None:
    points = torch.arange(10.0).reshape(1, 10, 1, 1).repeat(2, 1, 1, 2)
    mask = torch.ones(2, 10, 1)
    out, seen = stretched(points, mask, torch.tensor([10, 5]))
    torch.testing.assert_close(out[0, :, 0, 0], torch.linspace(0, 9, TICKS))
    torch.testing.assert_close(out[1, :, 0, 0], torch.linspace(0, 4, TICKS))
    assert seen.all()
    mask[1, 2] = 0
    _, seen = stretched(points, mask, torch.tensor([10, 5]))
    assert seen[0].all()
    assert not seen[1].all()


def test_stretched_streams_do_not_see_how_long_a_clip_took() -> None:
    torch.manual_seed(0)
    network = build(NetworkConfig(**SMALL, stretched=2, completion=False), COCO17, 2, 4).eval()
    slow = torch.linspace(0, 1, 25)[None, :, None, None] * torch.randn(1, 1, 17, 2)
    fast = slow[:, ::3]
    answers = [network(points, torch.ones(points.shape[:3]), torch.tensor([points.shape[1]]))
               for points in (slow, fast)]
    keeps, stretches = (
        (answers[0].stream_logits - answers[1].stream_logits)[0, part].abs().max()
        for part in (slice(0, 1), slice(1, 3)))
    assert stretches < 1e-5 < 1e-4 < keeps


def test_streams_that_keep_time_and_those_that_do_not_weigh_alike() -> None:
    network = build(NetworkConfig(**SMALL, stretched=2), COCO17, 2, 4).eval()
    points = torch.randn(3, 9, 17, 2)
    out = network(points, torch.ones(3, 9, 17), torch.tensor([9, 9, 4]))
    kept, first, second = out.stream_logits.unbind(1)
    torch.testing.assert_close(out.logits, (kept + (first + second) / 2) / 2)


def test_a_causal_network_cannot_stretch() -> None:
    with pytest.raises(ParameterError, match=r'network\.stretched needs whole clips'):
        NetworkConfig(causal=True, stretched=1)
