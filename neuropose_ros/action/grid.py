"""From frames at any times to the even ticks that a recogniser was trained on.

A tick between two frames reads what lies between their poses; where one of the two did not
measure a joint, the nearer frame speaks alone. Between frames too far apart nothing is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuropose_ros.core.clocks import NS_PER_S, nanoseconds
from neuropose_ros.core.pose import Floats

BRIDGE_S = 0.25
"""Frames further apart than this say nothing about the time between them."""
_EARLY = 0.25  # of a period: a camera's jitter must not put a tick off until the next frame


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick that is due.

    Attributes:
        stamp_ns: its time.
        share: where it lies between the previous frame (0) and the newest (1); NaN = too far
            from both to be known.
    """

    stamp_ns: int
    share: float

    @property
    def newest_is_near(self) -> bool:
        """Whether the newest frame is the nearer one."""
        return self.share >= 0.5


class TimeGrid:
    """Even ticks from the first frame on; says which of them a frame makes due."""

    def __init__(self, rate_hz: float) -> None:
        """Begin with the next frame."""
        self._period_ns = NS_PER_S / rate_hz
        self._bridge_ns = nanoseconds(BRIDGE_S)
        self._origin_ns = 0
        self._newest_ns: int | None = None
        self._count = 0

    @property
    def newest_ns(self) -> int | None:
        """Time of the last frame; None before the first."""
        return self._newest_ns

    def due(self, stamp_ns: int) -> list[Tick]:
        """Take a frame, later than the last; return the ticks up to it, in order.

        None for a frame that comes before the next tick; several for one that comes late.
        """
        previous_ns, self._newest_ns = self._newest_ns, stamp_ns
        if previous_ns is None:
            self._origin_ns, self._count = stamp_ns, 1
            return [Tick(stamp_ns, 1.0)]
        ticks = []
        while (tick_ns := self._next_ns()) <= stamp_ns + _EARLY * self._period_ns:
            ticks.append(Tick(tick_ns, self._share(tick_ns, previous_ns, stamp_ns)))
            self._count += 1
        return ticks

    def reset(self) -> None:
        """Begin anew with the next frame."""
        self._newest_ns = None

    def _next_ns(self) -> int:
        return self._origin_ns + round(self._count * self._period_ns)

    def _share(self, tick_ns: int, previous_ns: int, newest_ns: int) -> float:
        gap_ns = newest_ns - previous_ns
        if gap_ns <= self._bridge_ns:
            return min(1.0, max(0.0, (tick_ns - previous_ns) / gap_ns))
        if newest_ns - tick_ns <= self._period_ns / 2:
            return 1.0
        return 0.0 if tick_ns - previous_ns <= self._period_ns / 2 else float('nan')


def between(previous: Floats, newest: Floats, tick: Tick) -> Floats:
    """Return the (..., K, D) keypoints at a tick; NaN = not measured, in and out."""
    if np.isnan(tick.share):
        return np.full_like(newest, np.nan)
    near = newest if tick.newest_is_near else previous
    mixed = previous * np.float32(1 - tick.share) + newest * np.float32(tick.share)
    return np.where(np.isnan(mixed), near, mixed)
