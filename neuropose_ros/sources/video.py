"""Video files: every frame, at the time its container gives it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.errors import SourceError
from neuropose_ros.sources.base import Picture
from neuropose_ros.sources.decoding import BgrConverter, reason, video_stream

logger = logging.getLogger(__name__)

_FALLBACK_RATE_HZ = Fraction(25)  # what FFmpeg assumes of raw streams


class VideoSource:
    """A video file.

    A file that is cut off or damaged gives all frames that can be decoded; then ``damage`` says
    in one sentence what was missing, and so does the log.
    """

    live = False

    def __init__(self, path: str | Path, *, threads: int = 2) -> None:
        """Open the file and decode its first frame.

        Args:
            threads: bound of the decoder's threads.

        Raises:
            SourceError: no such file, not a video, or no frame of it can be decoded.
        """
        self._path = Path(path)
        self._threads = threads
        self._lock = threading.Lock()
        self._closed = False
        self._reported: set[str] = set()
        self._ahead: Picture | None = None
        self.damage = ''
        self._open()

    @property
    def name(self) -> str:
        """The path as given."""
        return str(self._path)

    @property
    def rate_hz(self) -> float | None:
        """Frames per second as the container states it; None when the rate varies."""
        return self._rate_hz

    def read(self) -> Picture | None:
        """Return the next frame; None at the end of the file or of its readable part."""
        with self._lock:
            if self._closed:
                return None
            picture = self._ahead or next(self._pictures, None)
            self._ahead = None
            return picture

    def rewind(self) -> None:
        """Start again with the first frame."""
        with self._lock:
            # Opening anew is exact for every container; seeking to the start is not.
            self._container.close()
            self._open()
            self._closed = False

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._closed = True
            self._container.close()

    def _open(self) -> None:
        self._container = _open_container(self._path)
        try:
            stream = video_stream(self._container, self.name, threads=self._threads)
            average = stream.average_rate or stream.codec_context.framerate
            interval = 1 / Fraction(average or _FALLBACK_RATE_HZ)
            steady = stream.average_rate and stream.base_rate == stream.average_rate
            self._rate_hz = float(stream.average_rate) if steady else None
            clock = _MediumClock(round(interval * NS_PER_S), self._report)
            self._pictures = self._decode(stream, clock)
            self._ahead = next(self._pictures, None)
            if self._ahead is None:
                raise SourceError(f'{self.name} has no frame that can be decoded.')
        except SourceError:
            self._container.close()
            raise

    def _decode(self, stream: Any, clock: _MediumClock) -> Iterator[Picture]:
        to_bgr = BgrConverter()
        tally = _Tally(stream)
        for frame in tally.frames(self._container):
            yield Picture(to_bgr.convert(frame), clock.time_ns(frame.pts, frame.time_base))
        self.damage = tally.damage(self.name, clock)
        if self.damage:
            self._report(self.damage)

    def _report(self, sentence: str) -> None:
        if sentence not in self._reported:
            self._reported.add(sentence)
            logger.warning('%s', sentence if self.name in sentence else f'{self.name} {sentence}')


def _open_container(path: Path) -> Any:
    if not path.exists():
        raise SourceError(f'There is no file {path}.')
    if path.is_dir():
        raise SourceError(f'{path} is a directory, not a video file.')
    try:
        if not path.stat().st_size:
            raise SourceError(f'{path} is empty.')
        # The scheme keeps a colon in a file's name from being taken for a protocol.
        return av.open(f'file:{path}', metadata_errors='replace')
    except av.error.InvalidDataError:
        raise SourceError(
            f'{path} is not a video, or was cut off before its index was written.'
        ) from None
    except OSError as error:
        raise SourceError(f'{path} cannot be opened: {reason(error)}.') from None


class _Tally:
    """Decodes and counts what could not be decoded."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._packets = self._frames = self._bad = 0
        self._failure = ''

    def frames(self, container: Any) -> Iterator[Any]:
        """Yield each sound frame."""
        try:
            for packet in container.demux(self._stream):
                self._packets += bool(packet.size)
                for frame in self._decode(packet):
                    self._frames += 1
                    yield frame
        except av.error.FFmpegError as error:
            self._failure = reason(error)

    def _decode(self, packet: Any) -> list[Any]:
        # What a decoder makes up for missing data is not a picture of the scene.
        if packet.is_corrupt:
            self._bad += 1
            return []
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            self._bad += 1
            return []
        sound = [frame for frame in frames if not frame.is_corrupt]
        self._bad += len(frames) - len(sound)
        return sound

    def damage(self, name: str, clock: _MediumClock) -> str:
        """Return what was missing in one sentence; '' for a sound file."""
        declared = self._stream.frames
        until = f'{self._frames} frames ({clock.end_ns / NS_PER_S:.2f} s) were read'
        if self._failure:
            return f'{name} breaks off ({self._failure}): {until}.'
        if declared > self._packets:
            return f'{name} is cut off: {until} of the {declared} it declares.'
        missing_ns = self._declared_ns() - clock.end_ns
        if missing_ns > 3 * clock.interval_ns:
            return f'{name} is cut off {missing_ns / NS_PER_S:.2f} s before its end: {until}.'
        if self._bad:
            return f'{name} is damaged: {until}, {self._bad} could not be decoded.'
        return ''

    def _declared_ns(self) -> int:
        """Length that Matroska states for the stream, or for a file of this stream alone."""
        container = self._stream.container
        if 'matroska' not in container.format.name:
            return 0
        stated = self._stream.metadata.get('DURATION', '')
        try:
            hours, minutes, seconds = stated.split(':')
            return round((int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)) * NS_PER_S)
        except ValueError:
            alone = len(container.streams) == 1 and container.duration
            return int(container.duration * 1000) if alone else 0


class _MediumClock:
    """Container time in ns since the first frame, always rising."""

    def __init__(self, interval_ns: int, report: Callable[[str], None]) -> None:
        self.interval_ns = interval_ns
        self._report = report
        self._origin: int | None = None
        self._shift_ns = 0
        self._last_ns: int | None = None

    @property
    def end_ns(self) -> int:
        """Time at which the last frame ends."""
        return 0 if self._last_ns is None else self._last_ns + self.interval_ns

    def time_ns(self, pts: int | None, time_base: Fraction) -> int:
        """Return the time of a frame, exact to the time base."""
        if pts is None:
            self._report('has frames without a time; they are spaced by the nominal rate.')
            now_ns = self.end_ns
        else:
            now_ns = self._from_pts(pts, time_base)
        self._last_ns = now_ns
        return now_ns

    def _from_pts(self, pts: int, time_base: Fraction) -> int:
        if self._origin is None:
            self._origin, self._shift_ns = pts, self.end_ns
        now_ns = round((pts - self._origin) * time_base * NS_PER_S) + self._shift_ns
        if self._last_ns is not None and now_ns <= self._last_ns:
            self._report('has times that repeat or run back; they are moved on from there.')
            self._shift_ns += self.end_ns - now_ns
            now_ns = self.end_ns
        return now_ns
