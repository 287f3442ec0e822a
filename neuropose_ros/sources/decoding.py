"""What files and streams share of PyAV: finding the pictures, decoding them to BGR, its errors."""

from __future__ import annotations

from typing import Any, cast

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from neuropose_ros.core.errors import SourceError
from neuropose_ros.core.pose import Image

# Conversion uses a thread per core unless told; before version 17 it had none to tell.
_CONVERSION = {'threads': 1} if int(av.__version__.split('.')[0]) >= 17 else {}
_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}


def video_stream(container: Any, name: str, *, threads: int) -> Any:
    """Return the first real video stream, its decoder bounded to ``threads``.

    Raises:
        SourceError: there is none (a cover picture in a sound file does not count), or its codec
            is unknown.
    """
    if 'tty' in container.format.name.split(','):  # reads any text as terminal art
        raise SourceError(f'{name} is text, not a video.')
    streams = [s for s in container.streams.video if not _is_cover(s)]
    if not streams:
        kinds = sorted({s.type for s in container.streams}) or ['nothing']
        raise SourceError(f'{name} has no pictures, only {" and ".join(kinds)}.')
    stream = streams[0]
    if stream.codec_context is None:
        raise SourceError(f'{name} is coded in a way that this PyAV cannot decode.')
    stream.codec_context.thread_count = threads
    # Frame threads would hold back a frame each, and PyAV loses those when a later one is damaged.
    stream.codec_context.thread_type = 'SLICE'
    return stream


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


class BgrConverter:
    """Turns decoded frames upright and into BGR, keeping the conversion set up between them."""

    def __init__(self) -> None:
        """Set up with the first frame."""
        self._reformatter = VideoReformatter()

    def convert(self, frame: Any) -> Image:
        """Return the frame as (H, W, 3) uint8 BGR, turned as its metadata says."""
        bgr = self._reformatter.reformat(frame, format='bgr24', **_CONVERSION)
        image: Image = np.ascontiguousarray(bgr.to_ndarray())
        turn = _TURNS.get(round(frame.rotation) % 360)
        return image if turn is None else cast(Image, cv2.rotate(image, turn))


def reason(error: Exception) -> str:
    """Return what went wrong without the address, which may hold a password."""
    strerror = getattr(error, 'strerror', None)
    return str(strerror or type(error).__name__)
