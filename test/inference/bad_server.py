"""A web server on this machine that misbehaves in the ways real ones do; for tests alone."""

from __future__ import annotations

import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = bytes(range(256)) * 2048


class BadServer(ThreadingHTTPServer):
    """Serves `content` at paths that say how; counts the requests by path.

    Attributes:
        content: what there is to fetch.
        requests: how often each path was asked for.
        ranges: the Range headers that came, in order.
        tag: ETag of the content.
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.content, self.tag = CONTENT, '"one"'
        self.requests: Counter[str] = Counter()
        self.ranges: list[str] = []
        self.stopping = threading.Event()
        super().__init__(('127.0.0.1', 0), _Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def url(self, path: str) -> str:
        return f'http://127.0.0.1:{self.server_port}/{path}'

    def stop(self) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: BadServer

    def do_GET(self) -> None:
        way = self.path.strip('/').partition('?')[0].replace('-', '_')
        self.server.requests[way] += 1
        self.server.ranges.append(self.headers.get('Range', ''))
        getattr(self, f'_{way}')()

    def _good(self) -> None:
        self._send(self.server.content)

    def _cut_once(self) -> None:
        """End early the first time; go on where asked to."""
        half = len(self.server.content) // 2
        self._ranged(half if self.server.requests['cut_once'] == 1 else None)

    def _cut(self) -> None:
        """End early each time, from the start each time."""
        self._send(self.server.content, keep=1000)

    def _cut_then_changed(self) -> None:
        if self.server.requests['cut_then_changed'] > 1:
            self.server.tag, self.server.content = '"two"', CONTENT[::-1]
            self._ranged(None)
        else:
            self._ranged(1000)

    def _wrong_range(self) -> None:
        """Go on somewhere else than asked."""
        if self.headers.get('Range'):
            self.send_response(206)
            self.send_header('Content-Range', f'bytes 7-{len(CONTENT) - 1}/{len(CONTENT)}')
            self.end_headers()
            return
        if self.server.requests['wrong_range'] > 2:
            self._send(self.server.content)
        else:
            self._ranged(1000)

    def _stall(self) -> None:
        self._send(self.server.content, keep=1000, wait=True)

    def _silent(self) -> None:
        self.server.stopping.wait(20)

    def _drip(self) -> None:
        """A byte now and then: never silent, never done."""
        self._head(200, len(self.server.content))
        while not self.server.stopping.wait(0.02):
            self.wfile.write(b'x')

    def _login(self) -> None:
        self._redirect('sign_in?next=model')

    def _sign_in(self) -> None:
        self._send(b'<!DOCTYPE html><title>Sign in</title>', kind='text/html; charset=utf-8')

    def _sign_in_as_file(self) -> None:
        self._send(b'\n<!doctype HTML><title>Wi-Fi portal</title>')

    def _moved(self) -> None:
        self._redirect('good')

    def _round(self) -> None:
        self._redirect('round')

    def _to_this_machine(self) -> None:
        self._redirect('file:///etc/hostname')

    def _to_no_address(self) -> None:
        self._redirect('http://[bad/x')

    def _to_no_host(self) -> None:
        self._redirect('http://a..b/x')

    def _past_the_end(self) -> None:
        """Go on behind the end, as if that were right."""
        if not self.headers.get('Range'):
            self._send(self.server.content, tag=self.server.tag)
            return
        start = int(self.headers['Range'].removeprefix('bytes=').rstrip('-'))
        self.send_response(206)
        self.send_header('Content-Range', f'bytes {start}-{start}/{len(self.server.content)}')
        self.end_headers()

    def _absent(self) -> None:
        self.send_error(404)

    def _forbidden(self) -> None:
        self.send_error(403)

    def _busy(self) -> None:
        if self.server.requests['busy'] < 3:
            self.send_error(503)
        else:
            self._send(self.server.content)

    def _broken(self) -> None:
        self.send_error(500)

    def _endless(self) -> None:
        """Say no length; close at the end, which is all that HTTP/1.0 has."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.content)

    def _nothing(self) -> None:
        self._head(200, 0)

    def _huge(self) -> None:
        self._head(200, 1 << 60)

    def _slow(self) -> None:
        time.sleep(0.5)
        self._send(self.server.content)

    def _ranged(self, keep: int | None) -> None:
        asked = self.headers.get('Range', '')
        if asked and self.headers.get('If-Range', self.server.tag) == self.server.tag:
            start = int(asked.removeprefix('bytes=').rstrip('-'))
            self.send_response(206)
            length = len(self.server.content)
            self.send_header('Content-Range', f'bytes {start}-{length - 1}/{length}')
            self.send_header('Content-Length', str(length - start))
            self.end_headers()
            self.wfile.write(self.server.content[start:])
        else:
            self._send(self.server.content, keep=keep, tag=self.server.tag)

    def _redirect(self, where: str) -> None:
        self.send_response(302)
        self.send_header('Location', where if ':' in where else f'/{where}')
        self.end_headers()

    def _head(
        self, status: int, length: int, kind: str = 'application/octet-stream', tag: str = '',
    ) -> None:
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(length))
        if tag:
            self.send_header('ETag', tag)
        self.end_headers()

    def _send(
        self, content: bytes, keep: int | None = None, wait: bool = False, tag: str = '',
        kind: str = 'application/octet-stream',
    ) -> None:
        self._head(200, len(content), kind, tag)
        self.wfile.write(content[:keep])
        if wait:
            self.wfile.flush()
            self.server.stopping.wait(20)

    def log_message(self, *_: object) -> None:
        pass
