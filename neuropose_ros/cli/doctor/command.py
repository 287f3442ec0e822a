"""Runs every check and prints the findings."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from neuropose_ros.cli.doctor import machine, memory, packages, ros, runtimes
from neuropose_ros.cli.doctor.findings import Finding, Status, ask
from neuropose_ros.inference.cache import cache_folder
from neuropose_ros.inference.threads import available_processors, thread_budget

DEFAULT_MODELS = ('blazepose-detector', 'blazepose-landmarks')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--json', action='store_true', help='print one JSON object')


def run(args: argparse.Namespace) -> int:
    """Print what was found; 1 when something that is needed is broken."""
    findings = list(_check_everything())
    broken = [finding for finding in findings if finding.status is Status.BROKEN]
    if args.json:
        print(json.dumps({'usable': not broken, 'findings': [_plain(item) for item in findings]}))
    else:
        print(render(findings))
    return 1 if broken else 0


def render(findings: Iterable[Finding]) -> str:
    """Lay the findings out, one line each, with the line that puts it right below."""
    findings = list(findings)
    width = max(len(finding.topic) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f'{finding.status.value:7}  {finding.topic:{width}}  {finding.detail}')
        if finding.fix:
            lines.append(f'{"":7}  {"":{width}}  -> {finding.fix}')
    count = sum(finding.status is Status.BROKEN for finding in findings)
    lines.append(f'Not usable: {count} broken.' if count else 'Usable.')
    return '\n'.join(lines)


def _plain(finding: Finding) -> dict[str, str]:
    return {
        'topic': finding.topic,
        'status': finding.status.value,
        'detail': finding.detail,
        'fix': finding.fix,
    }


def _check_everything() -> Iterator[Finding]:
    yield _about_machine()
    yield packages.check_python(sys.version_info[:3], sys.executable)
    names = [package.module for package in packages.PACKAGES]
    loads = packages.load_all([*names, 'rclpy', 'neuropose_ros.msg', *packages.ROS_PACKAGES], ask)
    yield from packages.check_packages(loads)
    choices = runtimes.ask_choices(ask)
    yield from runtimes.check_runtimes(choices, ask)
    yield machine.check_gpu(ask, runtimes.usable(choices))
    yield from packages.check_ros_packages(loads)
    if not loads['rclpy'].error:
        yield from _check_ros(loads['rclpy'].lines[0])
    yield from _check_cameras(loads)
    yield machine.check_clock(ask)
    yield _check_models(loads)


def _about_machine() -> Finding:
    processors, threads = available_processors(), thread_budget()
    return Finding(
        'machine',
        Status.OK,
        f'{platform.system()} {platform.release()}, {platform.machine()}, {processors} '
        f'processors, {threads} for the networks',
    )


def _check_ros(rclpy_version: str) -> Iterator[Finding]:
    yield ros.check_distro(os.environ, rclpy_version)
    yield ros.check_middleware(os.environ, ros.prefixes(os.environ, sys.prefix))
    yield ros.check_discovery(os.environ)
    if (os.environ.get('RMW_IMPLEMENTATION') or ros.DEFAULT_RMW) != ros.DEFAULT_RMW:
        return
    profile, process_bytes = ros.check_profile(os.environ)
    yield profile
    yield memory.check_size(memory.SHM, process_bytes)
    locks = Path('/proc/locks')
    files = memory.shared_files(memory.SHM, locks.read_text() if locks.exists() else '')
    yield from memory.check_leftovers(memory.SHM, files, os.getuid())


def _check_cameras(loads: dict[str, packages.Load]) -> Iterator[Finding]:
    if loads['cv2'].error or loads['numpy'].error:
        yield Finding('camera', Status.NOTE, 'not looked at: packages are broken')
        return
    from neuropose_ros.cli.doctor.cameras import check_cameras
    from neuropose_ros.sources.cameras import find_cameras

    yield from check_cameras(find_cameras())


def _check_models(loads: dict[str, packages.Load]) -> Finding:
    if loads['yaml'].error or loads['numpy'].error or loads['onnxruntime'].error:
        return Finding('models', Status.NOTE, 'not looked at: packages are broken')
    from neuropose_ros.inference.models import model_path
    from neuropose_ros.inference.registry import load_registry

    cache, registry = cache_folder(), load_registry()
    missing = [name for name in DEFAULT_MODELS if not model_path(registry[name], cache).is_file()]
    return machine.check_models(cache, missing)
