"""What stands in the way of a camera: absent, not permitted, busy, or no camera at all.

The answers are the kernel's own (Video for Linux: VIDIOC_QUERYCAP, VIDIOC_REQBUFS); nothing is
captured and no setting of the camera is changed.
"""

from __future__ import annotations

import errno
import fcntl
import grp
import os
import struct
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from neuropose_ros.sources.folder import natural_key

_QUERYCAP = 0x80685600
_REQBUFS = 0xC0145608
_CAPABILITY = struct.Struct('16s32s32sIII12x')
_REQUEST = struct.Struct('IIIII')
_BUF_TYPE_VIDEO_CAPTURE, _MEMORY_MMAP = 1, 1
_CAP_VIDEO_CAPTURE, _CAP_DEVICE_CAPS = 0x1, 0x80000000


class CameraState(Enum):
    """Whether a camera can be used, and why not."""

    READY = 'ready'
    ABSENT = 'absent'
    NO_PERMISSION = 'no permission'
    BUSY = 'busy'
    NOT_A_CAMERA = 'not a camera'


@dataclass(frozen=True, slots=True)
class CameraProbe:
    """What was found at a path.

    Attributes:
        sentence: says the state and what to do about it.
        card: the camera's own name, where it gave one.
    """

    path: str
    state: CameraState
    sentence: str
    card: str = ''


def probe_camera(path: str) -> CameraProbe:
    """Ask the kernel whether the camera at ``path`` can be used now."""
    card = ''
    try:
        device = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        try:
            card, captures = _ask_capability(device)
            if not captures:
                return _found(path, CameraState.NOT_A_CAMERA, card)
            # Of no buffers: the kernel only says whether another process has some.
            request = bytearray(_REQUEST.pack(0, _BUF_TYPE_VIDEO_CAPTURE, _MEMORY_MMAP, 0, 0))
            fcntl.ioctl(device, _REQBUFS, request)
        finally:
            os.close(device)
    except OSError as error:
        return _found(path, state_of(error), card)
    return _found(path, CameraState.READY, card)


def find_cameras() -> list[CameraProbe]:
    """Probe every video device of this machine."""
    paths = sorted(map(str, Path('/dev').glob('video[0-9]*')), key=natural_key)
    return [probe_camera(path) for path in paths]


def state_of(error: OSError) -> CameraState:
    """Return what an error of opening or asking a device means."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return CameraState.NO_PERMISSION
    if error.errno == errno.EBUSY:
        return CameraState.BUSY
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTDIR):
        return CameraState.ABSENT
    return CameraState.NOT_A_CAMERA


def _ask_capability(device: int) -> tuple[str, bool]:
    """Return the camera's name and whether it captures pictures."""
    answer = bytearray(_CAPABILITY.size)
    fcntl.ioctl(device, _QUERYCAP, answer)
    _, card, _, _, capabilities, of_this_node = _CAPABILITY.unpack(answer)
    caps = of_this_node if capabilities & _CAP_DEVICE_CAPS else capabilities
    return card.split(b'\0')[0].decode(errors='replace'), bool(caps & _CAP_VIDEO_CAPTURE)


def _found(path: str, state: CameraState, card: str) -> CameraProbe:
    camera = f'{path} ({card})' if card else path
    sentences = {
        CameraState.READY: f'{camera} is ready.',
        CameraState.ABSENT: (
            f'There is no camera at {camera}: is it plugged in, and handed to this container?'),
        CameraState.NO_PERMISSION: (
            f'You may not use the camera at {camera}: add yourself to its group with '
            f'"sudo usermod -aG {_group(path)} $USER" and log in again.'),
        CameraState.BUSY: f'The camera at {camera} is busy: another program uses it.',
        CameraState.NOT_A_CAMERA: f'{camera} is not a camera that gives pictures.',
    }
    return CameraProbe(path, state, sentences[state], card)


def _group(path: str) -> str:
    try:
        return grp.getgrgid(Path(path).stat().st_gid).gr_name
    except (OSError, KeyError):
        return 'video'
