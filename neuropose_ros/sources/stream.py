"""Network streams: MJPEG over HTTP, RTSP, and what else FFmpeg reads from an address."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import av

from neuropose_ros.core.errors import SourceError
from neuropose_ros.core.pose import Image
from neuropose_ros.sources.decoding import BgrConverter, reason, video_stream
from neuropose_ros.sources.live import Backoff, LiveSource

_OPTIONS = {
    'flags': 'low_delay',
    'analyzeduration': '500000',
    'fpsprobesize': '0',
}
_RTSP_OPTIONS = {'rtsp_transport': 'tcp'}  # over UDP a lost packet smears the picture


def public_name(url: str) -> str:
    """Return an address without what may be secret: user, password and query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition('@')[2]
    query = '?...' if parts.query else ''
    return f'{parts.scheme}://{host}{parts.path}{query}'


class StreamSource(LiveSource):
    """A stream; it may stall or end and is opened anew. Pictures are stamped on arrival."""

    def __init__(
        self,
        url: str,
        *,
        threads: int = 2,
        stall_s: float = 5.0,
        now: Callable[[], int] = time.time_ns,
        backoff: Backoff | None = None,
        keep: int = 1,
    ) -> None:
        """Look whether the stream is there; it is opened again by the first ``read``.

        Args:
            threads: bound of the decoder's threads.
            stall_s: silence after which the stream is opened anew.
            now: ROS time in ns.

        Raises:
            SourceError: nobody answers, access is refused, or no video comes.
        """
        try:
            name = public_name(url)
        except ValueError:
            raise SourceError('The address of the stream is not a valid one.') from None

        def connect() -> _Stream:
            return _Stream(url, name, threads, stall_s, now)

        # The reader's own time-out comes first, so that it can say why.
        super().__init__(name, connect, stall_s=2 * stall_s, backoff=backoff, keep=keep)
        stream = connect()
        self._rate_hz = stream.rate_hz
        stream.close()


class _Stream:
    """An open stream. No error of PyAV leaves it: they quote the address with its password."""

    def __init__(
        self, url: str, name: str, threads: int, stall_s: float, now: Callable[[], int]
    ) -> None:
        self._name = name
        self._stall_s = stall_s
        self._now = now
        options = _OPTIONS | (_RTSP_OPTIONS if url.lower().startswith('rtsp') else {})
        try:
            self._container = av.open(url, options=options, timeout=stall_s)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise SourceError(self._sentence(error, opening=True)) from None
        try:
            stream = video_stream(self._container, name, threads=threads)
            if url.lower().startswith('http') and self._container.duration:
                raise SourceError(
                    f'{name} is a recording, not a stream: download it and play the file.')
        except SourceError:
            self._container.close()
            raise
        self.rate_hz = float(stream.average_rate) if stream.average_rate else None
        self._pictures = self._decode(stream)

    def _sentence(self, error: Exception, *, opening: bool = False) -> str:
        if isinstance(error, av.error.ExitError):  # PyAV's time-out
            return f'{self._name} has sent nothing for {self._stall_s:g} s.'
        failed = error.args[:1] == (errno.EIO,)
        if failed and not opening:
            return f'{self._name} has broken off.'
        # FFmpeg also calls an answer in which it finds no video a failure of input.
        if failed or isinstance(error, av.error.InvalidDataError):
            return f'{self._name} sends something that is not a video.'
        return f'{self._name} cannot be read: {reason(error)}.'

    def _decode(self, stream: Any) -> Iterator[tuple[Image, int]]:
        to_bgr = BgrConverter()
        sound_until_s = time.monotonic() + self._stall_s
        for packet in self._container.demux(stream):
            arrived_ns = self._now()
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                frames = []
            for frame in frames:
                if not frame.is_corrupt:
                    yield to_bgr.convert(frame), arrived_ns
                    sound_until_s = time.monotonic() + self._stall_s
            if time.monotonic() > sound_until_s:
                raise SourceError(
                    f'{self._name} has sent only damaged pictures for {self._stall_s:g} s.')

    def read(self) -> tuple[Image, int]:
        """Return the next picture and when it arrived."""
        try:
            return next(self._pictures)
        except StopIteration:
            raise SourceError(f'{self._name} has ended.') from None
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise SourceError(self._sentence(error)) from None

    def close(self) -> None:
        """Hang up."""
        self._container.close()
