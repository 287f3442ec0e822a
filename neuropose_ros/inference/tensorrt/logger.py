"""What TensorRT says: kept, because a refusal comes without a reason otherwise."""

from __future__ import annotations

import contextlib
import re
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

_SHOWN_MESSAGES = 3
_OUT_OF_MEMORY = re.compile(
    r'out ?of ?memory|insufficient (device )?memory|cudaErrorMemoryAllocation', re.IGNORECASE)


class Messages:
    """The first errors and the last warnings of one piece of work.

    Attributes:
        out_of_memory: whether an error is that the device has no room.
    """

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._errors: list[str] = []
        self._warnings: deque[str] = deque(maxlen=_SHOWN_MESSAGES)
        self.out_of_memory = False

    def add(self, text: str, *, is_error: bool) -> None:
        """Keep a message."""
        if not is_error:
            self._warnings.append(text)
            return
        self.out_of_memory |= _OUT_OF_MEMORY.search(text) is not None
        if len(self._errors) < _SHOWN_MESSAGES:
            self._errors.append(text)

    def is_of(self, thread: int) -> bool:
        """Return whether the work is done by a thread."""
        return self._thread == thread

    @property
    def reason(self) -> str:
        """The first errors, which cause those that follow, else the last warnings."""
        chosen = self._errors or self._warnings
        return '; '.join(text.strip() for text in chosen) or 'TensorRT gave no reason'


class Log:
    """Hands each message to the work that it belongs to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[Messages] = []

    def add(self, text: str, *, is_error: bool) -> None:
        """Take a message; a build speaks from threads of its own too."""
        thread = threading.get_ident()
        with self._lock:
            takers = [messages for messages in self._open if messages.is_of(thread)] or self._open
            for messages in takers:
                messages.add(text, is_error=is_error)

    @contextlib.contextmanager
    def collecting(self) -> Iterator[Messages]:
        """Keep what TensorRT says meanwhile."""
        messages = Messages()
        with self._lock:
            self._open.append(messages)
        try:
            yield messages
        finally:
            with self._lock:
                self._open.remove(messages)


_loggers: dict[int, tuple[Any, Log]] = {}


def shared_logger(trt: Any) -> tuple[Any, Log]:
    """Return the process's only ILogger, and what it writes to.

    One, because TensorRT sends its messages to the first logger of a process, whoever asks; and
    it has to outlive all that was made with it.
    """
    if id(trt) not in _loggers:
        log = Log()
        _loggers[id(trt)] = (_logger_class(trt)(log), log)
    return _loggers[id(trt)]


def _logger_class(trt: Any) -> Any:
    severity = trt.ILogger.Severity
    errors = (severity.INTERNAL_ERROR, severity.ERROR)

    class KeepingLogger(trt.ILogger):
        def __init__(self, log: Log) -> None:
            trt.ILogger.__init__(self)
            self._log = log

        def log(self, severity: Any, message: str) -> None:
            if severity in errors:
                self._log.add(message, is_error=True)
            elif severity == trt.ILogger.Severity.WARNING:
                self._log.add(message, is_error=False)

    return KeepingLogger
