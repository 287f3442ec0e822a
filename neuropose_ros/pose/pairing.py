"""Finds, in another stream, what belongs to the same instant."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar('T')

# A stamp so far before the newest one is not late: time began anew.
_ANEW_NS = 1_000_000_000


class StampBuffer(Generic[T]):
    """The last few items of a stream, by stamp. Thread-safe: one puts, another looks."""

    def __init__(self, length: int = 8) -> None:
        """Hold at most ``length`` items."""
        self._items: deque[tuple[int, T]] = deque(maxlen=length)
        self._changed = threading.Condition()
        self._closed = False

    def put(self, stamp_ns: int, item: T) -> None:
        """Add an item; one from long before the newest makes all others forgotten."""
        with self._changed:
            if self._items and stamp_ns < max(stamp for stamp, _ in self._items) - _ANEW_NS:
                self._items.clear()
            self._items.append((stamp_ns, item))
            self._changed.notify_all()

    def nearest(self, stamp_ns: int, tolerance_ns: int, patience_s: float = 0.0) -> T | None:
        """Return the item nearest to a stamp; None if none is near enough, or came in time.

        It waits for a nearer one only as long as the stream has not come to the stamp yet.

        Args:
            stamp_ns: the instant.
            tolerance_ns: the largest difference.
            patience_s: the longest wait.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._arrived(stamp_ns), patience_s)
            if not self._items:
                return None
            stamp, item = min(self._items, key=lambda held: abs(held[0] - stamp_ns))
            return item if abs(stamp - stamp_ns) <= tolerance_ns else None

    def _arrived(self, stamp_ns: int) -> bool:
        return any(stamp >= stamp_ns for stamp, _ in self._items)

    def clear(self) -> None:
        """Forget all items."""
        with self._changed:
            self._items.clear()

    def close(self) -> None:
        """Wake whoever waits, for good."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
