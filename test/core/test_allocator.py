"""Freed buffers stay with the process, unless its user wants it otherwise."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from neuropose_ros.core import allocator

_COUNT_FAULTS = """
import ctypes, resource
from neuropose_ros.core.allocator import keep_freed_memory
kept = keep_freed_memory()
c = ctypes.CDLL(None); c.malloc.restype = ctypes.c_void_p
faults = lambda: resource.getrusage(0).ru_minflt
def touch():
    p = c.malloc(8 << 20); ctypes.memset(p, 1, 8 << 20)
    c.free(ctypes.c_void_p(p))
touch(); before = faults()
for _ in range(10): touch()
print(kept, faults() - before)
"""


def _faults(**variables: str) -> tuple[bool, int]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(('MALLOC_', 'GLIBC_'))}
    done = subprocess.run([sys.executable, '-c', _COUNT_FAULTS], env={**clean, **variables},
                          check=True, capture_output=True, text=True)
    kept, count = done.stdout.split()
    return kept == 'True', int(count)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), 'mallopt'), reason='needs glibc')
def test_large_buffers_are_kept_unless_the_user_chose() -> None:
    kept, count = _faults()
    assert kept and count < 500  # 20480 pages otherwise
    chosen, count = _faults(MALLOC_TRIM_THRESHOLD_='100000', MALLOC_MMAP_THRESHOLD_='100000')
    assert not chosen and count > 5000


def test_children_are_told_what_the_user_did_not_choose() -> None:
    told = allocator.variables({})
    assert set(told) == {
        'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_', 'MALLOC_TOP_PAD_'}
    assert allocator.variables(told) == told
    assert allocator.variables({'MALLOC_TOP_PAD_': '1'}) == {}
    assert allocator.variables({'GLIBC_TUNABLES': 'glibc.malloc.top_pad=1'}) == {}
