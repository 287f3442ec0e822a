from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest

from neuropose_ros.cli.bench.small_shm import UnavailableError, small_shm
from neuropose_ros.cli.bench.transport import (
    Run,
    evaluate,
    run_pair,
    shortfalls,
    summarise,
)

SENT = {'first': 2, 'stamps_ns': [1000, 2000, 3000, 4000], 'usage': [(10.0, 1.0), (12.0, 1.5)]}


def received(*arrivals: tuple[int, int, int, bool]) -> dict[str, Any]:
    return {'arrivals': arrivals, 'usage': [(9.0, 0.0), (10.0, 0.2), (12.0, 0.4), (13.0, 9.0)]}


def test_only_whole_images_with_their_own_stamp_count() -> None:
    run = evaluate(SENT, received(
        (1, 500, 600, True),  # warm-up
        (2, 1000, 2_001_000, True),
        (3, 2000, 9_000_000, False),  # damaged
        (4, 2000, 9_000_000, True),  # the stamp of another
        (5, 4000, 4_004_000, True),
        (5, 4000, 8_004_000, True),  # once more
    ))
    assert (run.sent, run.received, run.damaged) == (4, 2, 2)
    assert run.p50_ms == pytest.approx(3.0)
    assert run.p99_ms == pytest.approx(4.0, abs=0.1)


def test_cpu_is_that_of_both_while_the_sender_counted() -> None:
    assert evaluate(SENT, received()).cpu_pct == pytest.approx(100 * (0.5 + 0.2) / 2.0)


def test_nothing_received_has_no_latency() -> None:
    run = evaluate(SENT, received())
    assert (run.received, run.p50_ms, run.p99_ms) == (0, None, None)


def test_summary_is_the_median_and_every_damaged_image() -> None:
    runs = [Run(100, 100, 0, 2.0, 5.0, 10.0), Run(100, 40, 1, 9.0, 50.0, 30.0),
            Run(100, 99, 0, 3.0, 6.0, 20.0)]
    assert summarise(runs) == {
        'sent': 100, 'received': 99, 'delivered': 0.99, 'p50_ms': 3.0, 'p99_ms': 6.0,
        'cpu_pct': 20.0, 'damaged': 1}


def test_each_missed_target_is_named() -> None:
    good = {'delivered': 1.0, 'damaged': 0, 'p50_ms': 8.9, 'p99_ms': 19.0}
    assert shortfalls('1920x1080@30', good) == []
    assert len(shortfalls('1920x1080@30', {**good, 'p50_ms': 9.1, 'p99_ms': 20.1})) == 2
    assert len(shortfalls('1920x1080@30', {**good, 'p50_ms': None, 'p99_ms': None})) == 2
    assert shortfalls('640x480@60', {**good, 'p50_ms': 50.0}) == []
    assert len(shortfalls('640x480@60', {**good, 'delivered': 0.997, 'damaged': 1})) == 2


def test_images_cross_unharmed_between_two_processes() -> None:
    pytest.importorskip('rclpy', reason='needs ROS 2')
    run = run_pair('1280x720@30', 1.0, stock=False)
    assert run.sent == 30
    assert run.received == 30
    assert run.damaged == 0
    assert run.p50_ms is not None
    assert 0.1 < run.p50_ms < 100.0
    assert run.cpu_pct > 0.0


def test_a_small_dev_shm_is_seen_inside_only() -> None:
    before = os.statvfs('/dev/shm').f_blocks
    try:
        with small_shm(5) as prefix:
            assert _shm_kib([*prefix]) == 5 * 1024
            assert _shm_kib([]) != 5 * 1024
    except UnavailableError as reason:
        pytest.skip(str(reason))
    assert os.statvfs('/dev/shm').f_blocks == before


def _shm_kib(prefix: list[str]) -> int:
    done = subprocess.run(
        [*prefix, 'df', '--output=size', '-k', '/dev/shm'], check=True, capture_output=True,
        text=True)
    return int(done.stdout.split()[-1])
