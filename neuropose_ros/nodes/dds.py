"""Middleware and allocator settings that images need, set before ``rclpy.init``.

What the user has set is kept. Everything here is decided by environment variables alone, so the
same function serves a node's own process and the children of a launch file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from neuropose_ros.core import allocator
from neuropose_ros.core.resources import config_folder

FAST_DDS = 'rmw_fastrtps_cpp'
CYCLONE_DDS = 'rmw_cyclonedds_cpp'

SHM_PER_PROCESS_BYTES = 18 << 20
"""Of /dev/shm, for each process with one of our profiles: a segment of 16 MiB and its ports."""

_PROCESSES = 3  # camera, pose, refinement

_FAST_DDS_FAMILY = 'rmw_fastrtps'
_SHM = Path('/dev/shm')
_PROFILE = 'FASTDDS_DEFAULT_PROFILES_FILE'
_PROFILE_FAST_DDS_2 = 'FASTRTPS_DEFAULT_PROFILES_FILE'
_CYCLONE_URI = 'CYCLONEDDS_URI'
# A choice of transports would be overruled by a profile that brings its own.
_FAST_DDS_CHOICES = (_PROFILE, _PROFILE_FAST_DDS_2, 'FASTDDS_BUILTIN_TRANSPORTS')


@dataclass(frozen=True)
class DdsSetup:
    """The middleware settings in force.

    Attributes:
        rmw: middleware, as RMW_IMPLEMENTATION names it.
        profile: file or URI with its settings; empty = the middleware's own.
        by_user: the user chose profile or transports; nothing of ours is in force.
        allocator_by_user: the same of the allocator.
        shm_bytes, shm_free_bytes: of /dev/shm; None = there is none.
        warnings: one sentence each on what will cost frames, and what to do.
    """

    rmw: str
    profile: str
    by_user: bool
    allocator_by_user: bool
    shm_bytes: int | None
    shm_free_bytes: int | None
    warnings: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The settings in one line, for a log."""
        whose = 'chosen by you' if self.by_user else 'chosen by neuropose_ros'
        return f'{self.rmw}, profile {self.profile or "of its own"} ({whose})'


def profile(name: str) -> Path:
    """Return a file of ``config/dds/``.

    Raises:
        NeuroposeError: the installation is incomplete.
    """
    return config_folder() / 'dds' / name


def apply_defaults() -> DdsSetup:
    """Set what the user has not set, in this process and its children; before ``rclpy.init``."""
    present = dict(os.environ)
    os.environ.update(_middleware(present))
    allocator.keep_freed_memory()
    os.environ.update(allocator.variables(present))
    return describe(os.environ)


def environment(*, lan: bool, present: Mapping[str, str]) -> dict[str, str]:
    """Return the variables to add to ``present`` for processes to be started.

    Args:
        lan: be visible to other machines; else as ``present`` says, and this machine only
            where it says nothing.
        present: the variables that are set.
    """
    added: dict[str, str] = {}
    if lan:
        added['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'SUBNET'
        if present.get('ROS_LOCALHOST_ONLY'):
            added['ROS_LOCALHOST_ONLY'] = ''
    elif not present.get('ROS_AUTOMATIC_DISCOVERY_RANGE') and not present.get(
            'ROS_LOCALHOST_ONLY'):
        added['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    whole = {**present, **added}
    return {**added, **_middleware(whole), **allocator.variables(whole)}


def describe(present: Mapping[str, str]) -> DdsSetup:
    """Return what is in force in a process with these variables, and what is wrong with it."""
    rmw = present.get('RMW_IMPLEMENTATION') or FAST_DDS
    total, free = _shm_bytes(_SHM)
    chosen_profile = ''
    if rmw.startswith(_FAST_DDS_FAMILY):
        chosen_profile = present.get(_PROFILE) or present.get(_PROFILE_FAST_DDS_2) or ''
    elif rmw == CYCLONE_DDS:
        chosen_profile = present.get(_CYCLONE_URI, '')
    return DdsSetup(
        rmw=rmw,
        profile=chosen_profile,
        by_user=not _is_ours(chosen_profile),
        allocator_by_user=allocator.is_chosen(present),
        shm_bytes=total,
        shm_free_bytes=free,
        warnings=_warnings(rmw, chosen_profile, total, free),
    )


def _warnings(rmw: str, chosen_profile: str, total: int | None, free: int | None,
              ) -> tuple[str, ...]:
    if not rmw.startswith((_FAST_DDS_FAMILY, CYCLONE_DDS)):
        return (f'{rmw} runs with its own settings: if images get lost, unset RMW_IMPLEMENTATION '
                'to use Fast DDS with the profile of neuropose_ros',)
    if rmw == CYCLONE_DDS or not _is_ours(chosen_profile):
        return ()
    if total is None or free is None:
        return ('there is no /dev/shm: images go over UDP and most of the large ones get lost; '
                'mount a tmpfs there',)
    if free < SHM_PER_PROCESS_BYTES:
        return (f'/dev/shm has {free >> 20} MiB free of {total >> 20}, but each process takes '
                f'{SHM_PER_PROCESS_BYTES >> 20}: images will get lost; remove what dead processes '
                'left (fastdds shm clean) or make it larger (docker run --shm-size=1g)',)
    if total < _PROCESSES * SHM_PER_PROCESS_BYTES:
        return (f'/dev/shm has {total >> 20} MiB and each process takes '
                f'{SHM_PER_PROCESS_BYTES >> 20}, so {_PROCESSES} of them do not fit and images '
                'will get lost: make it larger (docker run --shm-size=1g)',)
    return ()


def _middleware(present: Mapping[str, str]) -> dict[str, str]:
    added = {}
    if not present.get(_CYCLONE_URI):
        added[_CYCLONE_URI] = profile('cyclonedds.xml').as_uri()
    chosen = [present[name] for name in _FAST_DDS_CHOICES if present.get(name)]
    if all(map(_is_ours, chosen)):
        ours = str(profile(
            'fastdds_several_hosts.xml' if _leaves_host(present) else 'fastdds_one_host.xml'))
        added[_PROFILE] = chosen[0] if chosen else ours
        if _has_fast_dds_2(present):
            added[_PROFILE_FAST_DDS_2] = added[_PROFILE]
    return added


def _is_ours(chosen_profile: str) -> bool:
    """Whether it is one of our files, of the source tree or of any installation."""
    chosen = Path(chosen_profile.removeprefix('file://'))
    own = profile(chosen.name)
    return own.is_file() and chosen.is_file() and own.read_bytes() == chosen.read_bytes()


def _leaves_host(present: Mapping[str, str]) -> bool:
    """Whether ROS looks for other machines (its own default)."""
    if present.get('ROS_LOCALHOST_ONLY') == '1':
        return False
    return present.get('ROS_AUTOMATIC_DISCOVERY_RANGE', '').upper() not in ('LOCALHOST', 'OFF')


def _has_fast_dds_2(present: Mapping[str, str]) -> bool:
    """Whether the sourced ROS 2 (Jazzy, Humble) reads the old name of the variable.

    It is not set elsewhere, because there it makes every process warn.
    """
    prefixes = present.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    return any((Path(prefix) / 'share' / 'fastrtps').is_dir() for prefix in prefixes if prefix)


def _shm_bytes(folder: Path) -> tuple[int | None, int | None]:
    try:
        state = os.statvfs(folder)
    except OSError:
        return None, None
    return state.f_blocks * state.f_frsize, state.f_bavail * state.f_frsize
