"""Replaces this process by a node's, so that signals reach the node's own clean exit."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn


def become_node(name: str, arguments: Sequence[str]) -> NoReturn:
    """Go on as ``python -m neuropose_ros.nodes name arguments``."""
    sys.stdout.flush()
    # A signal that comes during the change waits until the node's handlers are there.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    os.execv(sys.executable, [
        sys.executable, '-m', 'neuropose_ros.nodes', name, *arguments])
