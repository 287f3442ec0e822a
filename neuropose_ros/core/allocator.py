"""The memory of freed buffers is kept: glibc gives large ones back to the kernel each time.

Pictures and the layers of a network are such buffers: in a graph that doubled latency and
processor time, and training spent a sixth of its time on pages that it had had before.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping

_MMAP_THRESHOLD = -3
# Number and variable as mallopt(3) names them, value.
_SETTINGS = (
    (_MMAP_THRESHOLD, 'MALLOC_MMAP_THRESHOLD_', 1 << 28),
    (-1, 'MALLOC_TRIM_THRESHOLD_', (1 << 31) - 1),
    (-2, 'MALLOC_TOP_PAD_', 1 << 24),
)
_MOST_OF_OLD_GLIBC = 1 << 25  # half of the largest heap, which was the limit of the threshold


def variables(present: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that set it in a process to be started; {} = the user has chosen."""
    if is_chosen(present):
        return {}
    return {name: str(value) for _, name, value in _SETTINGS}


def is_chosen(present: Mapping[str, str]) -> bool:
    """Whether the user has set the allocator otherwise."""
    if present.get('GLIBC_TUNABLES'):
        return True
    return any(present.get(name, str(value)) != str(value) for _, name, value in _SETTINGS)


def keep_freed_memory() -> bool:
    """Set it in this process, unless the user has chosen; return whether it is set.

    Of glibc; elsewhere nothing is done.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is None or is_chosen(os.environ):
        return False
    for number, _, value in _SETTINGS:
        if not mallopt(number, value) and number == _MMAP_THRESHOLD:
            mallopt(number, _MOST_OF_OLD_GLIBC)
    return True
