"""A small disk in memory, as /dev/shm or elsewhere, for some processes only (mount namespaces)."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# The namespace lives as long as its first process, which waits for its input to end.
_HOLD = 'mount -t tmpfs -o size={mib}m tmpfs {place} && echo ready && read -r _'


class UnavailableError(Exception):
    """This machine does not permit it; the message says why."""


@dataclass(frozen=True)
class SmallDisk:
    """A small disk.

    Attributes:
        prefix: the beginning of command lines whose processes see it.
        outside: where all others find it.
    """

    prefix: tuple[str, ...]
    outside: Path


@contextmanager
def small_disk(mib: int, place: Path) -> Iterator[SmallDisk]:
    """Mount ``mib`` MiB of memory on a folder.

    Raises:
        UnavailableError: namespaces are not permitted, or the tools are not there.
    """
    for tool in ('unshare', 'nsenter'):
        if shutil.which(tool) is None:
            raise UnavailableError(f'{tool} (util-linux) is not installed')
    as_root = os.geteuid() == 0
    holder = subprocess.Popen(
        ['unshare', '--mount', *([] if as_root else ['--map-root-user']),
         'sh', '-c', _HOLD.format(mib=mib, place=shlex.quote(str(place)))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if holder.stdout is None or holder.stdout.readline() != 'ready\n':
            errors = holder.communicate()[1].strip().replace('\n', '; ')
            raise UnavailableError(f'a mount namespace is not permitted here ({errors})')
        user = () if as_root else ('--user', '--preserve-credentials')
        yield SmallDisk(
            ('nsenter', f'--target={holder.pid}', *user, '--mount', '--wd=.', '--'),
            Path(f'/proc/{holder.pid}/root') / place.relative_to('/'))
    finally:
        holder.kill()
        holder.communicate()


@contextmanager
def small_shm(mib: int) -> Iterator[list[str]]:
    """Give the beginning of command lines whose processes share a /dev/shm of ``mib`` MiB.

    Raises:
        UnavailableError: as `small_disk`.
    """
    with small_disk(mib, Path('/dev/shm')) as disk:
        yield list(disk.prefix)
