"""Measured rates."""

import pytest

from neuropose_ros.nodes.rates import RateMeter


def test_rate_is_of_the_recent_window_only() -> None:
    now = [0.0]
    meter = RateMeter(window_s=1.0, clock=lambda: now[0])
    assert meter.rate_hz() == 0.0
    for _ in range(100):
        now[0] += 0.1
        meter.tick()
    assert meter.rate_hz() == pytest.approx(10.0)
    for _ in range(100):
        now[0] += 0.02
        meter.tick()
    assert meter.rate_hz() == pytest.approx(50.0)
    now[0] += 5.0
    assert meter.rate_hz() == 0.0
    assert meter.count == 200
