"""Tiny videos whose content is known."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np


def moving_square(
    path: Path, *, frames: int = 10, rate_hz: int = 25, speed_px: int = 6, brightness: int = 230,
) -> None:
    """A square on black, 160x120, that moves to the right."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mpeg4', rate=rate_hz)
        stream.width, stream.height, stream.pix_fmt = 160, 120, 'yuv420p'
        stream.bit_rate = 2_000_000
        for t in range(frames):
            image = np.zeros((120, 160, 3), np.uint8)
            image[40:80, 10 + speed_px * t:50 + speed_px * t] = brightness
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, 'bgr24')))
        container.mux(stream.encode())
