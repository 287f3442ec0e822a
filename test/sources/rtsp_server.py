"""The least of an RTSP server: one H.264 stream over the control connection (RFC 2326, 6184)."""

from __future__ import annotations

import base64
import contextlib
import socketserver
import struct
import threading
import time
from fractions import Fraction

import av
import numpy as np

CLOCK_HZ = 90_000


def encode(count, size=(64, 48)):
    """Return the parameter sets and, per frame, its NAL units."""
    codec = av.CodecContext.create('libx264', 'w')
    codec.width, codec.height = size
    codec.pix_fmt, codec.time_base = 'yuv420p', Fraction(1, 25)
    codec.options = {'preset': 'ultrafast', 'tune': 'zerolatency', 'qp': '20', 'g': '5'}
    frames = []
    for index in range(count):
        picture = np.full((size[1], size[0], 3), 40 + index % 40 * 5, np.uint8)
        for packet in codec.encode(av.VideoFrame.from_ndarray(picture, format='bgr24')):
            frames.append(_units(bytes(packet)))
    sets = [unit for unit in frames[0] if unit[0] & 31 in (7, 8)]
    return sets, frames


def _units(stream):
    """Split at the start codes (ITU-T H.264, annex B)."""
    pieces = stream.replace(b'\0\0\0\1', b'\0\0\1').split(b'\0\0\1')
    return [piece for piece in pieces if piece]


class RtspServer:
    """Plays the same frames to each client, again and again; ``silent`` stops sending."""

    def __init__(self, port=0, rate_hz=50.0):
        """Listen on a port of 127.0.0.1; 0 = any."""
        self.silent, self.rate_hz = False, rate_hz
        self.requests = []
        self._sets, self._frames = encode(40)
        self._stopping = threading.Event()
        owner = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError):
                    owner._answer(self)

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self._server = socketserver.ThreadingTCPServer(('127.0.0.1', port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self):
        """Address with a password in it."""
        return f'rtsp://viewer:s3cret@127.0.0.1:{self.port}/live'

    def _answer(self, handler):
        while line := handler.rfile.readline().decode():
            method, fields = line.split()[0], {}
            while (field := handler.rfile.readline().decode().strip()):
                name, _, value = field.partition(':')
                fields[name.lower()] = value.strip()
            self.requests.append(method)
            body, extra = '', ''
            if method == 'DESCRIBE':
                body, extra = self._description(), 'Content-Type: application/sdp\r\n'
            elif method == 'SETUP':
                extra = f'Transport: {fields["transport"]}\r\nSession: 1\r\n'
            handler.wfile.write((
                f'RTSP/1.0 200 OK\r\nCSeq: {fields["cseq"]}\r\n{extra}'
                f'Content-Length: {len(body)}\r\n\r\n{body}').encode())
            if method == 'PLAY':
                self._play(handler.wfile)
                return

    def _description(self):
        sets = ','.join(base64.b64encode(unit).decode() for unit in self._sets)
        return (
            'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n'
            f'm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/{CLOCK_HZ}\r\n'
            f'a=fmtp:96 packetization-mode=1; sprop-parameter-sets={sets}\r\na=control:track1\r\n')

    def _play(self, wire):
        sequence = frame = 0
        while not self._stopping.is_set():
            units = [] if self.silent else self._frames[frame % len(self._frames)]
            for unit in units:
                last = 0x80 if unit is units[-1] else 0
                packet = struct.pack(
                    '>BBHII', 0x80, 96 | last, sequence & 0xFFFF,
                    round(frame * CLOCK_HZ / self.rate_hz), 7) + unit
                wire.write(b'$\0' + struct.pack('>H', len(packet)) + packet)
                sequence += 1
            frame += bool(units)
            time.sleep(1 / self.rate_hz)

    def stop(self):
        """Go away."""
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self):
        """Serve."""
        return self

    def __exit__(self, *_):
        """Go away."""
        self.stop()
