"""A video file (MP4) whose pictures keep their times."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from neuropose_ros.core.pose import Image

# 90 kHz, as MPEG transport has it: exact for all common rates, and in 32 bits for 13 hours.
_TICKS_PER_S = 90_000
_FRAGMENT_S = 0.25
_FRAGMENTED = {
    'movflags': '+frag_keyframe+empty_moov+default_base_moof', 'flush_packets': '1'}


class VideoFile:
    """Writes pictures as H.264 in yuv420p, which every player shows.

    MPEG-4 part 2 where this PyAV has no H.264 encoder. The size is the first picture's, made even
    as the format wants it; others are scaled to it.

    Attributes:
        count: pictures written.
        start_ns: stamp of the first one, which is at 0 s in the file.
    """

    def __init__(self, path: Path, rate_hz: float, *, fragmented: bool = False) -> None:
        """Begin; the file is made with the first picture.

        Args:
            rate_hz: nominal; the true times are those of the stamps.
            fragmented: can be played up to the last quarter of a second when the process is
                killed; else it is smaller and can be played once it is closed.
        """
        self._path, self._rate_hz, self._fragmented = path, rate_hz, fragmented
        self._container: Any = None
        self._stream: Any = None
        self._last = -1
        self.count = 0
        self.start_ns = 0

    def write(self, stamp_ns: int, image: Image) -> None:
        """Append a picture.

        Args:
            image: (H, W, 3) uint8 BGR, later than the one before.
        """
        import av

        if self._container is None:
            self._open(stamp_ns, image)
        frame = av.VideoFrame.from_ndarray(self._fit(image), format='bgr24')
        ticks = round((stamp_ns - self.start_ns) * _TICKS_PER_S / 1e9)
        frame.pts = self._last = max(ticks, self._last + 1)
        frame.time_base = Fraction(1, _TICKS_PER_S)
        self._container.mux(self._stream.encode(frame))
        self.count += 1

    def close(self) -> None:
        """Write what is left; without a picture there is no file."""
        if self._container is not None:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._container = None

    def _open(self, stamp_ns: int, image: Image) -> None:
        import av

        self._container = av.open(
            str(self._path), 'w', format='mp4',
            options=_FRAGMENTED if self._fragmented else {'movflags': '+faststart'})
        encoders = [name for name in ('libx264', 'mpeg4') if name in av.codecs_available]
        stream = self._stream = self._container.add_stream(
            encoders[0], rate=Fraction(self._rate_hz).limit_denominator(1001) or Fraction(30))
        stream.height, stream.width = ((side + 1) // 2 * 2 for side in image.shape[:2])
        stream.pix_fmt = 'yuv420p'
        stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)
        if encoders[0] == 'libx264':
            stream.options = {'preset': 'veryfast', 'crf': '20'}
            if self._fragmented:
                stream.options |= {'tune': 'zerolatency'}
        else:
            stream.bit_rate = 4_000_000
        if self._fragmented:
            stream.codec_context.gop_size = max(round(self._rate_hz * _FRAGMENT_S), 1)
        self.start_ns = stamp_ns

    def _fit(self, image: Image) -> Image:
        height, width = image.shape[:2]
        even = ((height + 1) // 2 * 2, (width + 1) // 2 * 2)
        if even != (self._stream.height, self._stream.width):
            resized: Image = cv2.resize(image, (self._stream.width, self._stream.height))
            return resized
        padding = ((0, even[0] - height), (0, even[1] - width), (0, 0))
        return np.pad(image, padding, 'edge') if even != (height, width) else image
