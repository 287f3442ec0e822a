"""The place between a receiver and the one thread that works."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar('T')


class Mailbox(Generic[T]):
    """Newest item wins, or every item waits its turn; the putter never blocks without limit."""

    def __init__(self, queue_length: int = 4) -> None:
        """Start empty and open."""
        self._items: deque[T] = deque()
        self._queue_length = queue_length
        self._changed = threading.Condition()
        self._closed = False
        self.replaced = 0

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def put_newest(self, item: T) -> None:
        """Replace whatever waits; what it replaced is counted."""
        with self._changed:
            if self._closed:
                return
            self.replaced += len(self._items)
            self._items.clear()
            self._items.append(item)
            self._changed.notify_all()

    def put_waiting(self, item: T, timeout_s: float) -> bool:
        """Queue an item, waiting for room; False if there was none in time or it was closed."""
        with self._changed:
            room = self._changed.wait_for(
                lambda: self._closed or len(self._items) < self._queue_length, timeout_s)
            if not room or self._closed:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def get(self, timeout_s: float) -> T | None:
        """Take the oldest item; None if none came in time or it was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._items, timeout_s)
            if self._closed or not self._items:
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def clear(self) -> None:
        """Forget what waits."""
        with self._changed:
            self._items.clear()
            self._changed.notify_all()

    def close(self) -> None:
        """Wake everybody; nothing goes in or out again."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()
