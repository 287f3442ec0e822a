"""The annotated video: images with the refined poses, at the times of acquisition."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from neuropose_ros.cli.demo.recording import Received, Recording
from neuropose_ros.core.action import ActionFrame
from neuropose_ros.core.layouts import layout
from neuropose_ros.core.pose import Image
from neuropose_ros.drawing import overlay

# 90 kHz, as MPEG transport has it: exact for all common rates, and in 32 bits for 13 hours.
_TICKS_PER_S = 90_000


def annotate(
    image: Image, item: Received | None, scene: str, actions: ActionFrame | None = None,
) -> Image:
    """Return a copy of the image with people, actions, scene, and how old the answer was."""
    if item is None:
        canvas: Image = image.copy()
        text = f'{scene}   no answer'
    else:
        canvas = overlay.draw(image, item.frame, layout(item.frame.layout), actions)
        text = f'{scene}   {item.end_to_end_ms:.0f} ms after acquisition'
    scale = max(0.4, max(image.shape[:2]) / 1300)
    for colour, thickness in ((overlay.INK, 3), (overlay.PAPER, 1)):
        cv2.putText(canvas, text, (8, round(36 * scale)), cv2.FONT_HERSHEY_SIMPLEX, scale, colour,
                    thickness, cv2.LINE_AA)
    return canvas


def annotated(
    images: Iterable[tuple[int, Image]], recording: Recording,
) -> Iterator[tuple[int, Image]]:
    """Yield stamp and annotated image."""
    for stamp_ns, image in images:
        yield stamp_ns, annotate(
            image, recording.refined.get(stamp_ns), recording.scene(stamp_ns),
            recording.actions.get(stamp_ns))


def write_video(path: Path, images: Iterable[tuple[int, Image]], rate_hz: float) -> int:
    """Write an MP4 and return the number of images in it.

    H.264 in yuv420p, which every player shows; MPEG-4 part 2 where this PyAV has no H.264
    encoder. The size is the first image's, made even as the format wants it.

    Args:
        images: (stamp in ns, (H, W, 3) uint8 BGR), by time.
        rate_hz: nominal; the true times are those of the stamps.
    """
    import av

    count, start_ns, last = 0, 0, -1
    with contextlib.ExitStack() as stack:
        container: Any = None
        stream: Any = None
        for stamp_ns, image in images:
            if container is None:
                container = stack.enter_context(
                    av.open(str(path), 'w', options={'movflags': '+faststart'}))
                stream = _stream(container, image, rate_hz)
                start_ns = stamp_ns
            frame = av.VideoFrame.from_ndarray(_fit(image, stream), format='bgr24')
            ticks = round((stamp_ns - start_ns) * _TICKS_PER_S / 1e9)
            frame.pts = last = max(ticks, last + 1)
            frame.time_base = Fraction(1, _TICKS_PER_S)
            container.mux(stream.encode(frame))
            count += 1
        if container is not None:
            container.mux(stream.encode(None))
    return count


def _stream(container: Any, image: Image, rate_hz: float) -> Any:
    import av

    encoders = [name for name in ('libx264', 'mpeg4') if name in av.codecs_available]
    stream = container.add_stream(
        encoders[0], rate=Fraction(rate_hz).limit_denominator(1001) or Fraction(30))
    stream.height, stream.width = ((side + 1) // 2 * 2 for side in image.shape[:2])
    stream.pix_fmt = 'yuv420p'
    stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)
    if encoders[0] == 'libx264':
        stream.options = {'preset': 'veryfast', 'crf': '20'}
    else:
        stream.bit_rate = 4_000_000
    return stream


def _fit(image: Image, stream: Any) -> Image:
    height, width = image.shape[:2]
    even = ((height + 1) // 2 * 2, (width + 1) // 2 * 2)
    if even != (stream.height, stream.width):
        resized: Image = cv2.resize(image, (stream.width, stream.height))
        return resized
    padding = ((0, even[0] - height), (0, even[1] - width), (0, 0))
    return np.pad(image, padding, 'edge') if even != (height, width) else image
