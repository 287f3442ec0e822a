"""An MJPEG server on the loopback interface, with the faults that real ones have."""

from __future__ import annotations

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np


def jpeg(index):
    """Return a grey picture whose brightness tells its index."""
    image = np.full((48, 64, 3), 40 + index % 40 * 5, np.uint8)
    return cv2.imencode('.jpg', image)[1].tobytes()


def index_of(image):
    """Return the index that a picture shows."""
    return round((float(image.mean()) - 38.5) / 5)  # colour conversion costs up to 3


class MjpegServer:
    """Serves ``/video`` until ``stop``; ``mode`` can be changed at any time.

    Modes: normal, stall (the connection stays, pictures end), end (the connection ends), garbage,
    broken (parts that are no JPEG), refuse (401), html.
    """

    def __init__(self, port=0, rate_hz=50.0):
        """Listen on a port of 127.0.0.1; 0 = any."""
        self.mode, self.rate_hz, self.sent, self.connections = 'normal', rate_hz, 0, 0
        self._stopping = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                owner.connections += 1
                with contextlib.suppress(OSError):
                    owner.serve(self)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(('127.0.0.1', port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self):
        """Address with a password in it."""
        return f'http://viewer:s3cret@127.0.0.1:{self.port}/video?token=t0ken'

    def serve(self, handler):
        """Answer one request."""
        if self.mode == 'refuse':
            handler.send_error(401)
            return
        handler.send_response(200)
        if self.mode in ('html', 'garbage'):
            handler.send_header('Content-Type', 'text/html')
            handler.end_headers()
            body = b'<html><body>log in</body></html>' if self.mode == 'html' else None
            handler.wfile.write(body or np.random.default_rng(0).bytes(1 << 16))
            return
        handler.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=frame')
        handler.end_headers()
        index = 0  # of this connection: the previous one may not have noticed its end
        while not self._stopping.is_set() and self.mode != 'end':
            if self.mode != 'stall':
                data = b'\xff\xd8 not a picture' if self.mode == 'broken' else jpeg(index)
                handler.wfile.write(
                    b'--frame\r\nContent-Type: image/jpeg\r\nContent-Length: '
                    + str(len(data)).encode() + b'\r\n\r\n' + data + b'\r\n')
                index += 1
                self.sent = index
            time.sleep(1 / self.rate_hz)

    def stop(self):
        """Go away: close the port and every connection."""
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
