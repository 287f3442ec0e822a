"""One word names a source: a camera, a file, a folder, a stream or a synthetic subject."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from neuropose_ros.core.errors import SourceError
from neuropose_ros.sources.base import Source

_KINDS = (
    'a camera (0, /dev/video0, webcam:0), a video file, a picture, a folder of pictures, '
    'an http://, https:// or rtsp:// address, synthetic or synthetic:SCENE'
)
_STREAMS = ('http', 'https', 'rtsp', 'rtsps', 'rtmp', 'rtp', 'srt', 'tcp', 'udp')


def open_source(
    spec: str,
    *,
    rate_hz: float | None = None,
    size: tuple[int, int] | None = None,
    fourcc: str = '',
    threads: int = 2,
    stall_s: float = 5.0,
    now: Callable[[], int] = time.time_ns,
) -> Source:
    """Open what ``spec`` names; options that a kind of source has no use for do nothing.

    Args:
        rate_hz: rate to ask a camera for, or to play pictures at.
        size: (width, height) to ask a camera for.
        fourcc: pixel format to ask a camera for, as ``MJPG``.
        threads: bound of a video decoder's threads.
        stall_s: silence after which a stream is given up and opened anew.
        now: ROS time in ns, for the stamps of live sources.

    Raises:
        SourceError: nothing of that name, or it cannot be opened.
    """
    spec = spec.strip()
    scheme = _scheme(spec)
    if scheme == 'topic':
        raise SourceError(
            f"'{spec}' is an image topic: the pose node reads it itself, without a camera node.")
    if scheme == 'synthetic':
        from neuropose_ros.sources.synthetic.source import open_synthetic

        return open_synthetic(spec)
    if scheme in _STREAMS:
        with _needing_pyav(spec.partition('?')[0].rpartition('@')[2]):
            from neuropose_ros.sources.stream import StreamSource

        return StreamSource(spec, threads=threads, stall_s=stall_s, now=now)
    device = _device(spec)
    if device:
        from neuropose_ros.sources.webcam import WebcamSource

        return WebcamSource(device, size=size, rate_hz=rate_hz, fourcc=fourcc, now=now)
    return _open_path(spec, rate_hz, threads)


def _scheme(spec: str) -> str:
    match = re.match(r'([a-z][a-z0-9]+)(?=:)', spec, re.IGNORECASE)
    return 'synthetic' if spec == 'synthetic' else match.group().lower() if match else ''


def _device(spec: str) -> str:
    name = spec.removeprefix('webcam:')
    if name.isdecimal():
        return f'/dev/video{name}'
    return name if name != spec or spec.startswith('/dev/') else ''


def _open_path(spec: str, rate_hz: float | None, threads: int) -> Source:
    path = Path(spec.removeprefix('file://')).expanduser()
    if not spec or not path.exists():
        raise SourceError(f"There is no source '{spec}'. A source is {_KINDS}.")
    if path.suffix == '.npy':
        from neuropose_ros.sources.array import ArraySource

        return ArraySource(path, rate_hz or 30.0)
    from neuropose_ros.sources.folder import DEFAULT_RATE_HZ, SUFFIXES, FolderSource

    if path.is_dir() or path.suffix.lower() in SUFFIXES:
        return FolderSource(path, rate_hz=rate_hz or DEFAULT_RATE_HZ)
    with _needing_pyav(str(path)):
        from neuropose_ros.sources.video import VideoSource

    return VideoSource(path, threads=threads)


@contextmanager
def _needing_pyav(name: str) -> Iterator[None]:
    """Say what to install where PyAV is missing: small computers may do without it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != 'av':
            raise
        raise SourceError(
            f'{name} cannot be read: videos and streams need PyAV: pip install av') from error
