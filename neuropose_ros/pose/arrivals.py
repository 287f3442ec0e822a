"""Pairs images with what FrameInfo says of them, and numbers those that have none."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from neuropose_ros.core.wire import FrameInfo

P = TypeVar('P')

_KEEP_INFOS = 64
_KEEP_WAITING = 2
_PATIENCE_S = 0.1


@dataclass(frozen=True, slots=True)
class Arrival(Generic[P]):
    """An image (in whatever form it came) with its number."""

    payload: P
    info: FrameInfo
    seq_is_local: bool


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[P]):
    payload: P
    frame_id: str
    since_s: float


class Arrivals(Generic[P]):
    """Pairs by header.stamp; the two topics have no order between them.

    An image whose camera publishes FrameInfo waits for it, but not for longer than two more
    images or 0.1 s; it then gets the number that follows, marked local. A foreign camera's
    images are numbered on arrival, and a stamp that runs back begins a new epoch.

    Attributes:
        zero_stamps: images refused because their stamp is zero (or before 1970).
        repeats: images refused because they repeat the stamp of the one before.
        unpaired: images whose FrameInfo did not come in time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing seen."""
        self._clock = clock
        self._infos: OrderedDict[int, FrameInfo] = OrderedDict()
        self._waiting: OrderedDict[int, _Waiting[P]] = OrderedDict()
        self._last: FrameInfo | None = None
        self.zero_stamps = 0
        self.repeats = 0
        self.unpaired = 0

    def image(
        self, payload: P, stamp_ns: int, frame_id: str, *, informed: bool,
    ) -> list[Arrival[P]]:
        """Take an image; return the images that are complete now, in order.

        Args:
            payload: the image, in any form.
            stamp_ns: its header.stamp.
            frame_id: its header.frame_id.
            informed: whether somebody publishes FrameInfo for this camera.
        """
        if stamp_ns <= 0:
            self.zero_stamps += 1
            return []
        if stamp_ns in self._waiting or (
                self._last is not None and stamp_ns == self._last.stamp_ns):
            self.repeats += 1
            return []
        info = self._infos.pop(stamp_ns, None)
        if info is not None:
            return [*self._overtaken(stamp_ns), self._emit(payload, info, local=False)]
        if not informed:
            return [self._emit_local(payload, stamp_ns, frame_id)]
        self._waiting[stamp_ns] = _Waiting(payload, frame_id, self._clock())
        if len(self._waiting) <= _KEEP_WAITING:
            return []
        return [self._give_up(next(iter(self._waiting)))]

    def overdue(self) -> list[Arrival[P]]:
        """Return the images that have waited too long; call it regularly."""
        oldest_s = self._clock() - _PATIENCE_S
        late = [stamp for stamp, held in self._waiting.items() if held.since_s < oldest_s]
        return [self._give_up(stamp) for stamp in late]

    def info(self, info: FrameInfo) -> list[Arrival[P]]:
        """Take a FrameInfo; return the images that are complete now."""
        waiting = self._waiting.pop(info.stamp_ns, None)
        if waiting is None:
            self._infos[info.stamp_ns] = info
            while len(self._infos) > _KEEP_INFOS:
                self._infos.popitem(last=False)
            return []
        return [*self._overtaken(info.stamp_ns), self._emit(waiting.payload, info, local=False)]

    def _overtaken(self, stamp_ns: int) -> list[Arrival[P]]:
        """Images before this one that still wait will not be paired any more."""
        older = [stamp for stamp in self._waiting if stamp < stamp_ns]
        return [self._give_up(stamp) for stamp in older]

    def _give_up(self, stamp_ns: int) -> Arrival[P]:
        held = self._waiting.pop(stamp_ns)
        self.unpaired += 1
        return self._emit_local(held.payload, stamp_ns, held.frame_id)

    def _emit(self, payload: P, info: FrameInfo, *, local: bool) -> Arrival[P]:
        self._last = info
        return Arrival(payload, info, local)

    def _emit_local(self, payload: P, stamp_ns: int, frame_id: str) -> Arrival[P]:
        last = self._last
        if last is None:
            info = FrameInfo(stamp_ns, 0, frame_id)
        else:
            back = stamp_ns < last.stamp_ns
            info = replace(
                last, stamp_ns=stamp_ns, frame_id=frame_id,
                frame_seq=last.frame_seq + 1, epoch=last.epoch + back)
        return self._emit(payload, info, local=True)
