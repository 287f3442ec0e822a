"""The ROS 2 in use: distribution, middleware, discovery, and the middleware's profile."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping
from pathlib import Path

from neuropose_ros.cli.doctor.findings import Finding, Status
from neuropose_ros.nodes.dds import SHM_PER_PROCESS_BYTES

DEFAULT_RMW = 'rmw_fastrtps_cpp'
TESTED_RMW = (DEFAULT_RMW, 'rmw_cyclonedds_cpp')
PORTS_BYTES = 2 << 20
"""Shared memory that a process takes beside its segment."""

# Major version of rclpy in each distribution.
_DISTROS = {'3': 'humble', '7': 'jazzy', '9': 'kilted', '10': 'lyrical'}
_PROFILES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')


def prefixes(environment: Mapping[str, str], python_prefix: str) -> list[Path]:
    """Return the ament prefixes: the sourced ones, and the environment that holds the wheels."""
    sourced = environment.get('AMENT_PREFIX_PATH', '').split(':')
    found = [Path(prefix) for prefix in (*sourced, python_prefix) if prefix]
    return [prefix for prefix in dict.fromkeys(found) if (prefix / 'share/ament_index').is_dir()]


def check_distro(environment: Mapping[str, str], rclpy_version: str) -> Finding:
    """Name the distribution, and say whether it is one that this package is tested with."""
    distro = environment.get('ROS_DISTRO') or _DISTROS.get(rclpy_version.partition('.')[0], '')
    if not distro:
        return Finding('ROS 2', Status.NOTE, f'unknown distribution (rclpy {rclpy_version})')
    origin = 'sourced' if environment.get('ROS_DISTRO') else 'from the Python package index'
    if distro in ('jazzy', 'kilted', 'lyrical'):
        return Finding('ROS 2', Status.OK, f'{distro}, {origin}')
    return Finding(
        'ROS 2', Status.WARNING, f'{distro}, {origin}: not tested', 'use Jazzy, Kilted or Lyrical'
    )


def check_middleware(environment: Mapping[str, str], folders: Iterable[Path]) -> Finding:
    """Judge the choice of RMW_IMPLEMENTATION by what the prefixes hold."""
    chosen = environment.get('RMW_IMPLEMENTATION') or DEFAULT_RMW
    index = 'share/ament_index/resource_index/rmw_typesupport'
    present = sorted(
        {path.name for folder in folders for path in (folder / index).glob('rmw_*')}
    )
    if chosen not in present:
        names = ', '.join(present) or 'none'
        fix = f'export RMW_IMPLEMENTATION={present[0]}' if present else 'install ROS 2'
        return Finding('middleware', Status.BROKEN, f'{chosen} is not installed ({names} is)', fix)
    if chosen not in TESTED_RMW:
        return Finding(
            'middleware',
            Status.WARNING,
            f'{chosen} runs with its own settings; images may get lost',
            f'export RMW_IMPLEMENTATION={DEFAULT_RMW}',
        )
    return Finding('middleware', Status.OK, chosen)


def check_discovery(environment: Mapping[str, str]) -> Finding:
    """Say how far this shell's nodes see."""
    domain = environment.get('ROS_DOMAIN_ID') or '0'
    if environment.get('ROS_LOCALHOST_ONLY') == '1':
        reach = 'this machine only (ROS_LOCALHOST_ONLY)'
    else:
        setting = environment.get('ROS_AUTOMATIC_DISCOVERY_RANGE') or 'SUBNET'
        reach = {
            'LOCALHOST': 'this machine only (--lan opens it)',
            'SUBNET': 'this network',
            'OFF': 'nothing: ROS_AUTOMATIC_DISCOVERY_RANGE=OFF',
        }.get(setting.upper(), setting)
    return Finding('discovery', Status.OK, f'domain {domain}, {reach}')


def check_profile(environment: Mapping[str, str]) -> tuple[Finding, int]:
    """Judge the Fast DDS profile; also return the shared memory that each process takes, bytes."""
    transports = environment.get('FASTDDS_BUILTIN_TRANSPORTS')
    chosen = next(
        ((name, environment[name]) for name in _PROFILES if environment.get(name)), None
    )
    if chosen is None:
        detail = f'FASTDDS_BUILTIN_TRANSPORTS={transports}, yours' if transports else (
            'none set: nodes take the one of this package, for one host or several'
        )
        return Finding('DDS profile', Status.OK, detail), SHM_PER_PROCESS_BYTES
    name, path = chosen
    try:
        root = ElementTree.parse(path.removeprefix('file://')).getroot()
    except (OSError, ElementTree.ParseError) as error:
        finding = Finding(
            'DDS profile', Status.WARNING, f'{name}={path} cannot be read: {error}',
            f'unset {name}',
        )
        return finding, SHM_PER_PROCESS_BYTES
    sizes = [int(node.text or 0) for node in root.iter() if node.tag.endswith('segment_size')]
    if not sizes:
        return Finding(
            'DDS profile',
            Status.WARNING,
            f'{path} sets no shared-memory segment: images between processes may get lost',
            f'unset {name}',
        ), 0
    size = max(sizes) + PORTS_BYTES
    return Finding('DDS profile', Status.OK, f'{path} ({size >> 20} MiB per process)'), size
