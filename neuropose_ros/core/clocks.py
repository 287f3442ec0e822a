"""Time in nanoseconds as int; detection of time that runs backwards."""

from __future__ import annotations

import time
from dataclasses import dataclass

NS_PER_S = 1_000_000_000
FILE_EPOCH_NS = 946_684_800 * NS_PER_S
"""Stamp of the first frame of a file that says no date: 2000-01-01, so that runs are alike."""


def seconds(nanoseconds: int) -> float:
    """Return a duration in s."""
    return nanoseconds / NS_PER_S


def nanoseconds(duration_s: float) -> int:
    """Return a duration in ns, rounded to the nearest."""
    return round(duration_s * NS_PER_S)


class Stopwatch:
    """Steady-clock lap timer; laps are in ms."""

    def __init__(self) -> None:
        """Start now."""
        self._last_ns = time.perf_counter_ns()

    def lap_ms(self) -> float:
        """Return the ms since the start or the previous lap."""
        now_ns = time.perf_counter_ns()
        elapsed_ns, self._last_ns = now_ns - self._last_ns, now_ns
        return elapsed_ns / 1e6


@dataclass(slots=True)
class Timeline:
    """Says, frame by frame, whether time or epoch went on, repeated, or restarted.

    The one place that decides when a stage drops its state: a new epoch, a stamp before the
    newest one seen (bag loop, clock step), or a number below the newest one (a camera process
    that was restarted, whose clock went on).
    """

    epoch: int | None = None
    newest_ns: int | None = None
    frame_seq: int = 0

    def restarted(self, stamp_ns: int, epoch: int, frame_seq: int = 0) -> bool:
        """Take the next frame's time; True once for each restart (never for the first frame)."""
        first = self.newest_ns is None
        back = not first and (
            epoch != self.epoch or stamp_ns < (self.newest_ns or 0) or frame_seq < self.frame_seq)
        self.epoch, self.newest_ns, self.frame_seq = epoch, stamp_ns, frame_seq
        return back

    def repeated(self, stamp_ns: int, epoch: int) -> bool:
        """Whether this is the very instant last taken (a duplicate, not new evidence)."""
        return self.newest_ns == stamp_ns and self.epoch == epoch


@dataclass(slots=True)
class SteadyToRos:
    """Maps steady-clock times (V4L2, capture APIs) to ROS time by their measured offset.

    The offset is read once and again whenever the two clocks have parted by more than
    ``tolerance_ns``, so that jitter of the reading does not get into the stamps.
    """

    tolerance_ns: int = 5_000_000
    offset_ns: int | None = None

    def to_ros(self, steady_ns: int, *, steady_now_ns: int, ros_now_ns: int) -> int:
        """Return the ROS time of ``steady_ns``, given both clocks read at the same moment."""
        offset_ns = ros_now_ns - steady_now_ns
        if self.offset_ns is None or abs(offset_ns - self.offset_ns) > self.tolerance_ns:
            self.offset_ns = offset_ns
        return steady_ns + self.offset_ns
