from __future__ import annotations

import sys
from pathlib import Path

import pytest

from neuropose_ros.action import store
from neuropose_ros.cli.bench.exits import NODES, WAYS, end_all, end_once
from neuropose_ros.core.errors import NeuroposeError

from ...recognisers import write_arm_recogniser

pytest.importorskip('rclpy', reason='needs ROS 2')

STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: sys.exit(3))
print('[INFO] [1.0]: up', flush=True)
time.sleep(20)
"""


def test_every_node_ends_with_0_four_times_in_every_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:
    monkeypatch.setenv(store.VARIABLE, str(tmp_path))
    write_arm_recogniser(tmp_path / store.DEFAULT)
    exits = list(end_all(NODES, 4, jobs=4, spread_s=0.5))
    assert len(exits) == 4 * len(NODES) * len(WAYS)
    dirty = [one for one in exits if not one.clean]
    assert not dirty, '\n'.join(map(str, dirty))


@pytest.mark.parametrize(('way', 'code'), [('SIGINT', 3), ('SIGTERM', -15)])
def test_another_exit_code_is_not_clean(way: str, code: int) -> None:
    one = end_once('stubborn', way, 0.0, [sys.executable, '-c', STUBBORN])
    assert one.code == code
    assert not one.clean


def test_a_node_that_does_not_start_is_bad_input() -> None:
    with pytest.raises(NeuroposeError, match='does not start'):
        end_once('missing', 'SIGINT', 0.0, [sys.executable, '-c', 'raise SystemExit(1)'])
