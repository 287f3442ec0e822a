"""Measured rate of events over the last seconds."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class RateMeter:
    """Events per second over a sliding window; cheap enough for every frame."""

    def __init__(self, window_s: float = 2.0, clock: Callable[[], float] = time.monotonic) -> None:
        """Start empty."""
        self._window_s = window_s
        self._clock = clock
        self._times: deque[float] = deque(maxlen=4096)
        self.count = 0

    def tick(self) -> None:
        """Note one event."""
        self._times.append(self._clock())
        self.count += 1

    def rate_hz(self) -> float:
        """Return the mean rate in the window; 0 with fewer than two events in it."""
        times = list(self._times)
        oldest = self._clock() - self._window_s
        recent = [t for t in times if t >= oldest]
        if len(recent) < 2 or recent[-1] == recent[0]:
            return 0.0
        return (len(recent) - 1) / (recent[-1] - recent[0])
