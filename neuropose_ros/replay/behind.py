"""Work that is done behind, in a thread of its own, in the order in which it was given."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar('T')
_DEPTH = 64


class Behind(Generic[T]):
    """Does something with one item after the other; a context manager that waits for the last."""

    def __init__(self, act: Callable[[T], object], depth: int = _DEPTH) -> None:
        """Begin.

        Args:
            act: takes an item; after its first error nothing more is done.
            depth: items that may wait; then `put` waits.
        """
        self._act = act
        self._waiting: queue.Queue[tuple[T] | None] = queue.Queue(depth)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name='write behind', daemon=True)
        self._thread.start()

    def put(self, item: T) -> None:
        """Give the next item; raises what went wrong with an earlier one."""
        if self._error is not None:
            raise self._error
        self._waiting.put((item,))

    def _work(self) -> None:
        while (given := self._waiting.get()) is not None:
            if self._error is None:
                try:
                    self._act(*given)
                except BaseException as error:  # noqa: BLE001 - it is raised where items come from
                    self._error = error

    def __enter__(self) -> Behind[T]:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait until all is done; raises what went wrong, unless something else did."""
        self._waiting.put(None)
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error
