"""Work that may be done later, one piece after the other in the order in which it was given."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

Work = Callable[[], object]
_DEPTH = 4
# A thread that comes back from a network soon goes on, whatever Python the other one runs.
_SWITCH_S = 0.0002


class Later(Protocol):
    """Takes work."""

    def put(self, work: Work) -> None:
        """Do it now or later; raises what went wrong with earlier work."""
        ...

    def settle(self) -> None:
        """Return when all work is done; raises what went wrong with it."""
        ...


class _InLine:
    def put(self, work: Work) -> None:
        work()

    def settle(self) -> None:
        """All work was done when it was given."""


class _Switching:
    """Has Python's threads take turns often while anybody wants it: that is of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before_s = 0.0

    @contextmanager
    def often(self) -> Iterator[None]:
        with self._lock:
            if not self._users:
                self._before_s = sys.getswitchinterval()
                sys.setswitchinterval(_SWITCH_S)
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    sys.setswitchinterval(self._before_s)


_SWITCHING = _Switching()


class _Beside:
    def __init__(self, failed: Work) -> None:
        self._waiting: queue.Queue[Work | None] = queue.Queue(_DEPTH)
        self._failed = failed
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name='behind', daemon=True)
        self._thread.start()

    def put(self, work: Work) -> None:
        self.check()
        self._waiting.put(work)

    def settle(self) -> None:
        self._waiting.join()
        self.check()

    def end(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (work := self._waiting.get()) is not None:
            try:
                if self._error is None:
                    work()
            except BaseException as error:  # noqa: BLE001 - it is raised where work comes from
                self._error = error
                self._failed()
            finally:
                self._waiting.task_done()


@contextmanager
def in_line() -> Iterator[Later]:
    """Yield what does work at once."""
    yield _InLine()


@contextmanager
def beside(failed: Work = lambda: None) -> Iterator[Later]:
    """Yield what does work in a thread of its own; at the end all of it is done.

    What went wrong and was raised nowhere else is raised at the end.

    Args:
        failed: is called, in that thread, as soon as something went wrong: who gives work may be
            waiting for something else. It must not raise.
    """
    with _SWITCHING.often():
        later = _Beside(failed)
        try:
            yield later
        finally:
            later.end()
        later.check()
