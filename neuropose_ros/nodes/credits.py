"""Flow control of a camera that waits for its consumer."""

from __future__ import annotations

import threading
import time

# What may be under way in the shared-memory segment of our DDS profile (16 MiB): more than that
# is lost without a word.
_SEGMENT_BYTES = 14_000_000


class Credits:
    """Lets a sender run at most ``window`` frames ahead of the acknowledgements, fewer where
    frames are so large that shared memory would overflow.

    A frame or an acknowledgement can be lost: who waits longer than ``patience_s`` gives the
    oldest up, counts it, and goes on.
    """

    def __init__(self, window: int = 3, patience_s: float = 1.0) -> None:
        """Start with nothing under way."""
        self._window = self._widest = window
        self._patience_s = patience_s
        self._pending: dict[int, float] = {}
        self._changed = threading.Condition()
        self._stopped = False
        self.given_up = 0

    def sent(self, frame_seq: int, size_bytes: int = 0) -> None:
        """Note that a frame of ``size_bytes`` went out."""
        with self._changed:
            if size_bytes:
                self._window = max(1, min(self._widest, _SEGMENT_BYTES // size_bytes))
            self._pending[frame_seq] = time.monotonic()

    def done(self, frame_seq: int) -> None:
        """Note that a frame was worked on; all before it are over, too."""
        with self._changed:
            for seq in [seq for seq in self._pending if seq <= frame_seq]:
                del self._pending[seq]
            self._changed.notify_all()

    def wait(self) -> bool:
        """Wait until there is room for one more frame; False if it had to give one up."""
        with self._changed:
            if self._changed.wait_for(self._has_room, self._patience_s):
                return True
            oldest = next(iter(self._pending))
            del self._pending[oldest]
            self.given_up += 1
            return False

    def _has_room(self) -> bool:
        return self._stopped or len(self._pending) < self._window

    def stop(self) -> None:
        """Wake a waiting sender for good."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
