"""A node that ends gives its shared memory back: 16 MiB a start would fill /dev/shm in a day."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from diagnostic_msgs.msg import DiagnosticArray


def segments_of(pid: int | str) -> set[Path]:
    """The shared-memory segments of Fast DDS that a process has mapped."""
    maps = Path(f'/proc/{pid}/maps').read_text('utf-8')
    return {Path(path) for path in re.findall(r'/dev/shm/fast(?:dds|rtps)_[0-9a-f]{16}\b', maps)}


@pytest.mark.parametrize('ending', [signal.SIGINT, signal.SIGTERM])
def test_no_segment_is_left(graph: Any, ending: signal.Signals) -> None:
    diagnostics = graph.collect(DiagnosticArray, '/diagnostics')
    process = graph.start('camera', '--source', 'synthetic')
    graph.until(lambda: diagnostics)  # it runs: what is kept for good is kept by now
    own = segments_of(process.popen.pid) - segments_of('self')
    assert own
    assert process.end(ending) == 0
    assert [path for path in own if path.exists()] == []
