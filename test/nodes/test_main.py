"""One way to start each node, and a clean end from the first moment on."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest


def handles(pid: int, number: int) -> bool:
    """Whether a process has a handler of its own for a signal (Linux: proc(5), SigCgt)."""
    status = Path(f'/proc/{pid}/status').read_text()
    caught = re.search(r'SigCgt:\s*([0-9a-f]+)', status)
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


@pytest.mark.parametrize('node', [
    'camera', 'pose', 'refinement', 'action', 'recorder', 'composed', 'example_robot'])
@pytest.mark.parametrize('after_s', [0.0, 0.2])
def test_a_signal_during_the_imports_ends_with_0(graph: Any, node: str, after_s: float) -> None:
    process = graph.start(node)
    while not handles(process.popen.pid, signal.SIGTERM):
        time.sleep(0.001)
    time.sleep(after_s)
    assert process.end(signal.SIGINT) == 0, process.output()
    assert 'Traceback' not in process.output()


def test_an_unknown_node_is_named(graph: Any) -> None:
    process = graph.start('kamera')
    assert process.wait() == 2
    assert "no node 'kamera'" in process.output()
