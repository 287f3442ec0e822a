"""Many crops in few runs, and in more runs where the device's memory does not hold them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from neuropose_ros.core.errors import OutOfMemoryError
from neuropose_ros.inference.runtime import Runtime

Result = TypeVar('Result')
Announce = Callable[[str], None]


def announce_on_stderr(sentence: str) -> None:
    """Print a sentence for people."""
    print(sentence, file=sys.stderr)


class Batcher:
    """Splits work into batches that a network takes.

    When the device runs out of memory the batch is halved, once and for good, and that is said;
    when it happens again the error goes on to the caller.
    """

    def __init__(self, runtime: Runtime, announce: Announce = announce_on_stderr) -> None:
        """Take a network and what a sentence for people is given to."""
        self._runtime = runtime
        self._announce = announce
        self._limit = runtime.largest_batch
        self._has_halved = False

    @property
    def limit(self) -> int:
        """The largest batch that is tried; 0 = any."""
        return self._limit

    def run(self, count: int, part: Callable[[slice], Result]) -> list[Result]:
        """Return the results of the batches, in order.

        Args:
            count: of crops in all; none = no batch.
            part: makes the crops of one batch, runs the network on them and reads its outputs,
                which are valid until its next run.

        Raises:
            OutOfMemoryError: a batch of one does not fit, or half a batch does not either.
        """
        results: list[Result] = []
        first = 0
        while first < count:
            last = min(count, first + (self._limit or count))
            try:
                results.append(part(slice(first, last)))
            except OutOfMemoryError as error:
                self._halve(last - first, error)
            else:
                first = last
        return results

    def _halve(self, size: int, error: OutOfMemoryError) -> None:
        if self._has_halved or size < 2:
            raise error
        self._has_halved = True
        self._limit = size // 2
        self._announce(
            f'{self._runtime.name}: out of memory at a batch of {size}, going on with batches of '
            f'{self._limit} ({error})')
