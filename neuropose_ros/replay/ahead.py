"""Reading ahead in a thread of its own: the next picture is decoded meanwhile."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar('T')
_DEPTH = 4


class _End:
    """What follows the last item.

    Attributes:
        error: what reading ended with; None = there was nothing more.
    """

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def read_ahead(items: Iterable[T], depth: int = _DEPTH) -> Generator[T]:
    """Yield the same items in the same order, up to ``depth`` of them read ahead.

    An error comes where it would have come; closing the generator ends the reading.
    """
    waiting: queue.Queue[T | _End] = queue.Queue(depth)
    stopped = threading.Event()

    def put(item: T | _End) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def read() -> None:
        try:
            for item in items:
                if not put(item):
                    return
            put(_End())
        except BaseException as error:  # noqa: BLE001 - it is raised where the items are used
            put(_End(error))

    reader = threading.Thread(target=read, name='read ahead', daemon=True)
    reader.start()
    try:
        while True:
            item = waiting.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stopped.set()
        reader.join()
