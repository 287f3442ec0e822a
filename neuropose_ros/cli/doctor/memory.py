"""Shared memory, by which images go from process to process."""

from __future__ import annotations

import os
import pwd
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from neuropose_ros.cli.doctor.findings import Finding, Status

SHM = Path('/dev/shm')
GRAPH_PROCESSES = 3
"""Camera, pose, refinement."""

# Segments and ports of Fast DDS 2 and 3, their locks (`_el`, `_sl`) and semaphores.
_FAST_DDS = re.compile(
    r'^(?:sem\.)?(?P<stem>(?:fastdds|fastrtps)_[0-9a-z]+?)(?:_mutex|_el|_sl)?$'
)


def check_size(folder: Path, process_bytes: int) -> Finding:
    """Judge the room for segments; small /dev/shm loses every image without a word."""
    try:
        state = os.statvfs(folder)
    except OSError:
        return Finding(
            'shared memory',
            Status.WARNING,
            f'there is no {folder}: images go over UDP and most of the large ones get lost',
            f'sudo mount -t tmpfs -o size=1g tmpfs {folder}',
        )
    total, free = state.f_blocks * state.f_frsize, state.f_bavail * state.f_frsize
    room = f'{free >> 20} of {total >> 20} MiB free in {folder}'
    fix = f'sudo mount -o remount,size=1g {folder} (a container: docker run --shm-size=1g)'
    if free < process_bytes:
        need = f'each process needs {process_bytes >> 20}: images will get lost'
        return Finding('shared memory', Status.BROKEN, f'{room}, {need}', fix)
    if total < GRAPH_PROCESSES * process_bytes:
        count = f'enough for {total // process_bytes} processes'
        return Finding('shared memory', Status.WARNING, f'{room}, {count}', fix)
    return Finding('shared memory', Status.OK, room)


@dataclass(frozen=True)
class SharedFiles:
    """The files of one Fast DDS segment or port.

    Attributes:
        stem: common part of their names.
        owner: user id.
        size_bytes: of all of them.
        is_held: a running process has a lock on one of them.
    """

    stem: str
    owner: int
    size_bytes: int
    is_held: bool


def shared_files(folder: Path, locks: str) -> list[SharedFiles]:
    """Find what Fast DDS keeps in a folder.

    Args:
        folder: /dev/shm.
        locks: content of /proc/locks, which also names the locks of other users' processes.
    """
    held = set(re.findall(r'[0-9a-f]+:[0-9a-f]+:(\d+) ', locks))
    groups: dict[str, list[os.stat_result]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = _FAST_DDS.match(path.name)
        if match:
            try:
                state = path.stat()
            except FileNotFoundError:
                continue  # its process has just ended
            groups.setdefault(match['stem'], []).append(state)
    return [
        SharedFiles(
            stem,
            states[0].st_uid,
            sum(state.st_blocks * 512 for state in states),
            any(str(state.st_ino) in held for state in states),
        )
        for stem, states in groups.items()
    ]


def check_leftovers(folder: Path, files: Iterable[SharedFiles], user: int) -> Iterator[Finding]:
    """Report what ended processes and other users have left, or have open."""
    files = list(files)
    stale = [item for item in files if not item.is_held]
    foreign = [item for item in stale if item.owner != user]
    if foreign:
        names = ', '.join(sorted({_user_name(item.owner) for item in foreign}))
        patterns = ' '.join(f'{folder}/*{item.stem}*' for item in foreign[:5])
        more = f' and {len(foreign) - 5} more' if len(foreign) > 5 else ''
        yield Finding(
            'leftovers',
            Status.WARNING,
            f'{len(foreign)} shared-memory files of ended processes of {names}: your nodes '
            f'cannot open them, and may not see each other{more}',
            f'sudo rm -f {patterns}',
        )
    own_bytes = sum(item.size_bytes for item in stale if item.owner == user)
    if own_bytes > 1 << 20:
        yield Finding(
            'leftovers',
            Status.NOTE,
            f'{own_bytes >> 20} MiB of shared memory of ended processes of yours',
            f'{_fastdds(Path(sys.executable).parent)} shm clean',
        )
    running = {item.owner for item in files if item.is_held and item.owner != user}
    if running:
        names = ', '.join(sorted(map(_user_name, running)))
        detail = f'ROS processes of {names} run here: another ROS_DOMAIN_ID keeps yours apart'
        yield Finding('shared memory', Status.NOTE, detail)


def _fastdds(programs: Path) -> str:
    """Return the call of the tool from any shell; with the wheels it lies beside this Python."""
    return f'PATH={programs}:$PATH fastdds' if (programs / 'fastdds').exists() else 'fastdds'


def _user_name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f'user {user}'
