"""Frames in a NumPy file: decoded once, read without any cost (benchmarks, exact replay)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuropose_ros.core.errors import SourceError
from neuropose_ros.sources.base import Picture

_NS = 1_000_000_000


class ArraySource:
    """A ``.npy`` file of shape (N, H, W, 3), uint8 BGR, mapped into memory.

    Args:
        path: the file.
        rate_hz: the rate at which the frames were taken; the format has no time of its own.

    Raises:
        SourceError: not such a file.
    """

    live = False

    def __init__(self, path: str | Path, rate_hz: float = 30.0) -> None:
        """Map the file."""
        self.name = str(path)
        self.rate_hz: float | None = rate_hz
        try:
            frames = np.load(path, mmap_mode='r')
        except (OSError, ValueError) as error:
            raise SourceError(f'{path}: not a readable .npy file: {error}') from None
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or not frames.size:
            raise SourceError(
                f'{path}: holds {frames.dtype} of shape {frames.shape}; '
                'frames are uint8 (N, H, W, 3), N > 0')
        self._frames = frames
        self._next = 0

    def read(self) -> Picture | None:
        """Return the next frame; None at the end."""
        if self._next >= len(self._frames):
            return None
        index, self._next = self._next, self._next + 1
        time_ns = round(index * _NS / (self.rate_hz or 30.0))
        return Picture(np.asarray(self._frames[index]), time_ns)

    def rewind(self) -> None:
        """Go back to the first frame."""
        self._next = 0

    def close(self) -> None:
        """Nothing to give back: the map goes with the object."""
