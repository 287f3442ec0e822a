"""Videos made for tests, with known times and recognisable frames."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np

MS = Fraction(1, 1000)


def write_video(
    path, times, *, time_base=MS, codec='libx264', size=(64, 48), noise=False,
    preset='ultrafast', **options,
):
    """Write a grey frame per time (in units of the time base); brightness tells the index."""
    with av.open(str(path), 'w', options=options) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = size
        stream.pix_fmt = 'yuvj420p' if codec == 'mjpeg' else 'yuv420p'
        stream.codec_context.time_base = time_base
        if codec == 'libx264':
            stream.codec_context.options = {'preset': preset, 'qp': '20'}
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(_picture(index, size, noise), format='bgr24')
            frame.pts, frame.time_base = time, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _picture(index, size, noise):
    image = np.full((size[1], size[0], 3), 40 + index % 40 * 5, np.uint8)
    if noise:
        image += np.random.default_rng(index).integers(0, 16, image.shape, np.uint8)
    image[: size[1] // 4, : size[0] // 4] = (0, 0, 255)  # red, top left
    return image


def write_sound(path, *, cover=False):
    """Write half a second of silence, as music files do with a picture of its cover."""
    with av.open(str(path), 'w', format='mp4') as container:
        stream = container.add_stream('aac', rate=48000)
        if cover:
            art = container.add_stream('mjpeg', rate=1)
            art.width, art.height, art.pix_fmt = 64, 48, 'yuvj420p'
            art.disposition = av.stream.Disposition.attached_pic.value
            container.mux(art.encode(av.VideoFrame(64, 48, 'yuvj420p')))
            container.mux(art.encode(None))
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 24000), np.float32), 'fltp', 'mono')
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def cut(path, share):
    """Keep the first ``share`` of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * share)])
    return path
