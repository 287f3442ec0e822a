"""A /dev/shm of a chosen size, for some processes only (Linux mount namespaces)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

# The namespace lives as long as its first process, which waits for its input to end.
_HOLD = 'mount -t tmpfs -o size={mib}m tmpfs /dev/shm && echo ready && read -r _'


class UnavailableError(Exception):
    """This machine does not permit it; the message says why."""


@contextmanager
def small_shm(mib: int) -> Iterator[list[str]]:
    """Give the beginning of command lines whose processes share a /dev/shm of ``mib`` MiB.

    Raises:
        UnavailableError: namespaces are not permitted, or the tools are not there.
    """
    for tool in ('unshare', 'nsenter'):
        if shutil.which(tool) is None:
            raise UnavailableError(f'{tool} (util-linux) is not installed')
    as_root = os.geteuid() == 0
    holder = subprocess.Popen(
        ['unshare', '--mount', *([] if as_root else ['--map-root-user']),
         'sh', '-c', _HOLD.format(mib=mib)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if holder.stdout is None or holder.stdout.readline() != 'ready\n':
            errors = holder.communicate()[1].strip().replace('\n', '; ')
            raise UnavailableError(f'a mount namespace is not permitted here ({errors})')
        user = [] if as_root else ['--user', '--preserve-credentials']
        yield ['nsenter', f'--target={holder.pid}', *user, '--mount', '--wd=.', '--']
    finally:
        holder.kill()
        holder.communicate()
