"""Cameras: ready, busy, forbidden or absent. A module of its own because it needs OpenCV."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from neuropose_ros.cli.doctor.findings import Finding, Status
from neuropose_ros.sources.cameras import CameraProbe, CameraState


def check_cameras(probes: Iterable[CameraProbe]) -> Iterator[Finding]:
    """Tell ready, busy and forbidden cameras apart, and that there is none."""
    cameras = [probe for probe in probes if probe.state is not CameraState.NOT_A_CAMERA]
    if not cameras:
        yield Finding(
            'camera',
            Status.NOTE,
            'absent: no /dev/video* gives pictures; --source takes files, streams and synthetic',
        )
    for probe in cameras:
        status = Status.OK if probe.state is CameraState.READY else Status.WARNING
        detail = f'{probe.state.value}: {probe.sentence}'
        yield Finding('camera', status, detail, _camera_fix(probe))


def _camera_fix(probe: CameraProbe) -> str:
    if probe.state is CameraState.BUSY:
        return f'fuser -v {probe.path}  # names the program that uses it'
    command = re.search(r'"(sudo [^"]+)"', probe.sentence)
    return command[1] if command else ''
