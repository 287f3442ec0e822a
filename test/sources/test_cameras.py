"""What stands in the way of a camera."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from neuropose_ros.sources.cameras import CameraState, find_cameras, probe_camera, state_of


def test_absent():
    found = probe_camera('/dev/video7042')
    assert found.state is CameraState.ABSENT
    assert '/dev/video7042' in found.sentence


def test_not_a_camera():
    assert probe_camera('/dev/null').state is CameraState.NOT_A_CAMERA
    assert probe_camera('/dev').state is CameraState.NOT_A_CAMERA


def test_not_permitted(tmp_path):
    device = tmp_path / 'video0'
    device.touch(0o000)
    code = (
        'import sys; sys.path[:0] = sys.argv[2:]\n'
        'from neuropose_ros.sources.cameras import probe_camera\n'
        'import os\n'
        'if os.geteuid() == 0: os.setegid(65534); os.seteuid(65534)\n'
        'found = probe_camera(sys.argv[1]); print(found.state.value, found.sentence)')
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and str(folder).startswith('/tmp/'):
            folder.chmod(0o755)
    done = subprocess.run(
        [sys.executable, '-c', code, str(device), *sys.path], capture_output=True, text=True,
        check=True)
    assert done.stdout.startswith('no permission')
    assert 'usermod -aG' in done.stdout


@pytest.mark.parametrize(('number', 'state'), [
    (errno.EACCES, CameraState.NO_PERMISSION),
    (errno.EPERM, CameraState.NO_PERMISSION),
    (errno.EBUSY, CameraState.BUSY),
    (errno.ENODEV, CameraState.ABSENT),
    (errno.ENXIO, CameraState.ABSENT),
    (errno.ENOTTY, CameraState.NOT_A_CAMERA),
])
def test_the_kernels_answers(number, state):
    assert state_of(OSError(number, '')) is state


def test_find_cameras_probes_every_device():
    assert all(found.path.startswith('/dev/video') for found in find_cameras())
