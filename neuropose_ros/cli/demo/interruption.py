"""Lets a Ctrl-C wait until code that must not be torn apart has ended."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def held_signals(*numbers: signal.Signals) -> Iterator[None]:
    """Hold signals back for the block; raise what came when it ends, each once.

    Python raises KeyboardInterrupt between any two steps of the main thread: inside a queue
    or an executor that leaves a lock or a list half changed, and later use of it fails or hangs.
    """
    came: dict[int, None] = {}

    def hold(number: int, _frame: FrameType | None) -> None:
        came[number] = None

    before = [(number, signal.signal(number, hold)) for number in numbers]
    try:
        yield
    finally:
        for signal_number, handler in before:
            signal.signal(signal_number, handler)
        for number in came:
            signal.raise_signal(number)
