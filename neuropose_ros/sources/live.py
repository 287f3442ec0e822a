"""What cameras and streams share: a reader thread that keeps the newest picture and reconnects."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from neuropose_ros.core.errors import SourceError
from neuropose_ros.core.pose import Image
from neuropose_ros.sources.base import Picture

_CLOSE_WITHIN_S = 2.0


class Capture(Protocol):
    """A camera or stream that is open."""

    @property
    def rate_hz(self) -> float | None:
        """Nominal rate; None = unknown."""
        ...

    def read(self) -> tuple[Image, int]:
        """Wait for the next picture; return it and its ROS time in ns.

        Raises:
            SourceError: it is lost and has to be opened anew.
        """
        ...

    def close(self) -> None:
        """Give it back."""
        ...


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits between attempts to reconnect, doubled after each."""

    first_s: float = 0.5
    longest_s: float = 10.0

    def after(self, delay_s: float) -> float:
        """Return the wait that follows ``delay_s``."""
        return min(2 * delay_s, self.longest_s)


class LiveSource:
    """A source whose pictures do not wait: who reads too late gets the newest and the count.

    The device is open from the first ``read`` on until ``pause`` or ``close``. The first picture
    after each opening has ``restart`` set.
    """

    live = True

    def __init__(
        self,
        name: str,
        connect: Callable[[], Capture],
        *,
        rate_hz: float | None = None,
        stall_s: float = 5.0,
        backoff: Backoff | None = None,
        keep: int = 1,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            connect: opens the device or stream, or raises SourceError.
            stall_s: silence after which ``read`` gives up.
            keep: pictures that may wait to be read; the oldest makes room.
        """
        self._name = name
        self._connect = connect
        self._rate_hz = rate_hz
        self._stall_s = stall_s
        self._backoff = backoff or Backoff()
        self._keep = keep
        self._changed = threading.Condition()
        self._waiting: deque[Picture] = deque()
        self._failure = ''
        self._delay_s = self._backoff.first_s
        self._thread: threading.Thread | None = None
        self._end = threading.Event()  # of the thread that runs now
        self._paused = self._closed = False

    @property
    def name(self) -> str:
        """Device or address, without credentials."""
        return self._name

    @property
    def rate_hz(self) -> float | None:
        """Rate that the device or stream states; None = unknown."""
        return self._rate_hz

    def read(self) -> Picture | None:
        """Wait for a picture that was not read yet; None once paused or closed.

        Raises:
            SourceError: lost for now, or silent for too long; reconnecting goes on meanwhile.
        """
        deadline = time.monotonic() + self._stall_s
        with self._changed:
            while not (self._paused or self._closed):
                self._start()
                if self._waiting:
                    return self._waiting.popleft()
                if self._failure:
                    failure, self._failure = self._failure, ''
                    raise SourceError(failure)
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    raise SourceError(f'{self.name} has sent no picture for {self._stall_s:g} s.')
                self._changed.wait(left_s)
        return None

    def rewind(self) -> None:
        """Refuse.

        Raises:
            SourceError: always.
        """
        raise SourceError(f'{self.name} is live and has no start to go back to.')

    def pause(self) -> None:
        """Free the device and wake ``read``."""
        with self._changed:
            self._paused = True
            self._halt()

    def resume(self) -> None:
        """Let ``read`` open the device again."""
        with self._changed:
            self._paused = False

    def close(self) -> None:
        """Free the device for good; when this returns it is free, unless it hangs."""
        with self._changed:
            self._closed = True
            self._halt()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_CLOSE_WITHIN_S)

    def _halt(self) -> None:
        self._end.set()
        self._waiting.clear()
        self._failure = ''
        self._changed.notify_all()

    def _start(self) -> None:
        previous = self._thread
        if previous is not None and previous.is_alive() and not self._end.is_set():
            return
        self._end = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._end, previous), name=f'reader {self.name}', daemon=True)
        self._thread.start()

    def _run(self, end: threading.Event, previous: threading.Thread | None) -> None:
        if previous is not None:
            previous.join()  # it may still hold the device
        self._delay_s = self._backoff.first_s
        while not end.is_set():
            try:
                self._capture(end)
            except SourceError as error:
                delay_s, self._delay_s = self._delay_s, self._backoff.after(self._delay_s)
                self._fail(end, f'{error} The next attempt is in {delay_s:g} s.')
                end.wait(delay_s)

    def _capture(self, end: threading.Event) -> None:
        capture = self._connect()
        try:
            self._rate_hz = capture.rate_hz or self._rate_hz
            restart = True
            while not end.is_set():
                image, time_ns = capture.read()
                self._delay_s = self._backoff.first_s
                self._put(end, Picture(image, time_ns, restart=restart))
                restart = False
        finally:
            capture.close()

    def _put(self, end: threading.Event, picture: Picture) -> None:
        with self._changed:
            if end.is_set():
                return
            self._waiting.append(picture)
            if len(self._waiting) > self._keep:
                lost, oldest = self._waiting.popleft(), self._waiting.popleft()
                self._waiting.appendleft(replace(
                    oldest,
                    restart=oldest.restart or lost.restart,
                    lost_before=oldest.lost_before + lost.lost_before + 1,
                ))
            self._changed.notify_all()

    def _fail(self, end: threading.Event, failure: str) -> None:
        with self._changed:
            if not end.is_set():
                self._failure = failure
                self._changed.notify_all()
