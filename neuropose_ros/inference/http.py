"""Fetching one file over http(s): resumed, retried, bounded in time, never half there.

The standard library reads what one packet brought and returns; the well-kept clients above it
wait for a whole block, so a server that sends a byte a minute would hold them past every limit.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.cache import writing

_BLOCK_BYTES = 1 << 20
_RETRIED = {408, 425, 429, 500, 502, 503, 504}
_WEB_PAGES = (b'<!doctype html', b'<html', b'<?xml')


@dataclass(frozen=True)
class Limits:
    """How long a download may take.

    Attributes:
        stall_s: longest silence of the server.
        total_s: the whole file with all its tries.
        tries: how often it is begun or gone on with.
        pause_s: before the second try; doubled before each further one.
    """

    stall_s: float = 30.0
    total_s: float = 3600.0
    tries: int = 4
    pause_s: float = 1.0

    @classmethod
    def chosen(cls) -> Limits:
        """Return the limits with those that the user's environment sets.

        NEUROPOSE_DOWNLOAD_STALL_S and NEUROPOSE_DOWNLOAD_LIMIT_S.

        Raises:
            ModelError: one is not a positive number.
        """
        return cls(stall_s=_seconds('NEUROPOSE_DOWNLOAD_STALL_S', cls.stall_s),
                   total_s=_seconds('NEUROPOSE_DOWNLOAD_LIMIT_S', cls.total_s))


class _PassingError(Exception):
    """A failure that another try may not have."""


def fetch_file(url: str, target: Path, limits: Limits | None = None) -> None:
    """Fetch a file; progress goes to stderr.

    What has arrived before a failure is kept beside the target under another name, and the next
    call goes on from there if the server still has the same file.

    Args:
        url: http or https; the user's proxy settings hold.
        target: is there afterwards, whole.
        limits: None = `Limits.chosen`.

    Raises:
        ModelError: in one sentence: an HTTP error, no connection, a web page instead of a file,
            a server that stalls or ends early each time, no space.
    """
    limits = limits or Limits.chosen()
    part = _Part(target)
    end = time.monotonic() + limits.total_s
    with writing(target.parent, target.name):
        target.parent.mkdir(parents=True, exist_ok=True)
    print(f'fetching {url}', file=sys.stderr, flush=True)
    for attempt in range(1, limits.tries + 1):
        try:
            _attempt(url, part, limits.stall_s, end)
            part.finish()
            return
        except _PassingError as failure:
            if attempt == limits.tries or time.monotonic() >= end:
                raise ModelError(f'{url} cannot be fetched: {failure}') from failure
            pause_s = min(limits.pause_s * 2 ** (attempt - 1), end - time.monotonic())
            print(f'{failure}: trying again', file=sys.stderr, flush=True)
            time.sleep(max(0.0, pause_s))


def _attempt(url: str, part: _Part, stall_s: float, end: float) -> None:
    with _opened(url, part.resume_headers(), stall_s, end) as response:
        _refuse_page(url, response)
        have = part.bytes if response.status == http.HTTPStatus.PARTIAL_CONTENT else 0
        if have and not response.headers.get('Content-Range', '').startswith(f'bytes {have}-'):
            part.remove()
            raise _PassingError('the server went on at another place')
        length = response.headers.get('Content-Length', '')
        total = have + int(length) if length.isdigit() else None
        whole = response.headers.get('Content-Range', '').rpartition('/')[2]
        if have and whole.isdigit() and int(whole) != total:
            part.remove()
            raise _PassingError(f'the server has {whole} bytes, of which {have} were here')
        part.begin(have, response.headers, total)
        _receive(url, response, part, total, stall_s, end)


@contextlib.contextmanager
def _opened(url: str, headers: dict[str, str], stall_s: float, end: float) -> Iterator[Any]:
    request = urllib.request.Request(url, headers={'User-Agent': 'neuropose_ros', **headers})
    try:
        response = _opener().open(request, timeout=max(0.1, min(stall_s, end - time.monotonic())))
    except urllib.error.HTTPError as error:
        with error:
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and headers:
                raise _PassingError('the server does not go on with this file') from error
            said = ' '.join(f'HTTP {error.code} {error.reason}'.split())
            if error.code in _RETRIED:
                raise _PassingError(f'the server answers {said}') from error
            raise ModelError(f'{url} cannot be fetched: the server answers {said}') from error
    except (OSError, http.client.HTTPException) as error:
        raise _PassingError(_reason(error, stall_s)) from error
    except ValueError as error:  # of urllib and of the encoding of hosts' names
        raise ModelError(
            f'{url} cannot be fetched: it is no address, or leads to one that is none ({error})'
        ) from error
    with response:
        yield response


class SecureRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections, but never from https to an address that anybody can answer for."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return the next request.

        Raises:
            HTTPError: from https to http.
        """
        if req.type == 'https' and not newurl.startswith('https:'):
            said = f'{msg} - redirection from https to {newurl} is not followed'
            raise urllib.error.HTTPError(req.full_url, code, said, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """Return a client that no redirection leads to files of this machine or to ftp."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler, urllib.request.HTTPHandler, urllib.request.HTTPSHandler,
        SecureRedirects, urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor, urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


def _receive(
    url: str, response: Any, part: _Part, total: int | None, stall_s: float, end: float,
) -> None:
    from tqdm import tqdm

    with part.appending() as file, tqdm(
            total=total, initial=part.bytes, unit='B', unit_scale=True, unit_divisor=1024,
            desc=part.target.name, file=sys.stderr, disable=None, leave=False) as bar:
        first = part.bytes == 0
        while True:
            if time.monotonic() >= end:
                raise _PassingError('the time limit for one download is over')
            try:
                block = response.read1(_BLOCK_BYTES)
            except (OSError, http.client.HTTPException) as error:
                raise _PassingError(_reason(error, stall_s)) from error
            if not block:
                break
            if first and block.lstrip()[:14].lower().startswith(_WEB_PAGES):
                part.remove()
                raise _page(url, response)
            first = False
            with writing(part.target.parent, part.target.name):
                file.write(block)
                file.flush()
            part.bytes += len(block)
            bar.update(len(block))
    if total is not None and part.bytes != total:
        raise _PassingError(f'the server ended after {part.bytes} of {total} bytes')
    if part.bytes == 0:
        raise _PassingError('the server sent nothing')


def _refuse_page(url: str, response: Any) -> None:
    if response.headers.get_content_type() in {'text/html', 'application/xhtml+xml'}:
        raise _page(url, response)


def _page(url: str, response: Any) -> ModelError:
    moved = f', redirected to {response.url}' if response.url != url else ''
    return ModelError(
        f'{url} gives a web page instead of a file{moved}: a login or a network portal is in '
        'the way, open the address in a browser'
    )


def _reason(error: BaseException, stall_s: float) -> str:
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, BaseException):
        return _reason(error.reason, stall_s)
    if isinstance(error, TimeoutError):
        return f'the server is silent for {stall_s:g} s'
    if isinstance(error, http.client.RemoteDisconnected):
        return 'the server closed the connection without an answer'
    return f'no connection ({getattr(error, "strerror", None) or error or type(error).__name__})'


class _Part:
    """What has arrived of a file, and the server's mark of the version that it belongs to."""

    def __init__(self, target: Path) -> None:
        self.target = target
        mark = hashlib.sha256(target.name.encode()).hexdigest()[:12]
        self._path = target.with_name(f'.part-{mark}')
        self._mark = target.with_name(f'.part-{mark}.mark')
        self.bytes = self._path.stat().st_size if self._path.is_file() else 0

    def resume_headers(self) -> dict[str, str]:
        """Ask for the rest, if the server's file is still the one that was begun."""
        if not self.bytes or not self._mark.is_file():
            return {}
        mark = self._mark.read_bytes().decode('ascii', 'replace')
        if not (mark.isascii() and mark.isprintable()):  # damaged: it says nothing
            return {}
        return {'Range': f'bytes={self.bytes}-', 'If-Range': mark}

    def begin(self, have: int, headers: Any, total: int | None) -> None:
        """Prepare for the rest after ``have`` bytes; refuse what the disk has no room for."""
        self.bytes = have
        with writing(self.target.parent, self.target.name):
            if have == 0:
                self.remove()
                etag = headers.get('ETag', '')
                mark = etag if etag.startswith('"') else headers.get('Last-Modified', '')
                if mark and mark.isascii():
                    self._mark.write_text(mark, 'ascii')
            free = shutil.disk_usage(self.target.parent).free
        if total is not None and total - have > free:
            raise ModelError(
                f'{self.target.name} has {total >> 20} MiB, but {self.target.parent} only '
                f'{free >> 20} MiB free: make room there, or set NEUROPOSE_CACHE to another folder'
            )

    @contextlib.contextmanager
    def appending(self) -> Iterator[Any]:
        with writing(self.target.parent, self.target.name):
            file = self._path.open('ab')
        try:
            yield file
        finally:
            with writing(self.target.parent, self.target.name):
                file.close()

    def finish(self) -> None:
        """Give the whole file its name."""
        with writing(self.target.parent, self.target.name):
            with self._path.open('rb') as file:
                os.fsync(file.fileno())
            self._path.replace(self.target)
            self._mark.unlink(missing_ok=True)

    def remove(self) -> None:
        """Forget what has arrived."""
        self._path.unlink(missing_ok=True)
        self._mark.unlink(missing_ok=True)
        self.bytes = 0


def _seconds(variable: str, default: float) -> float:
    text = os.environ.get(variable, '')
    if not text:
        return default
    with contextlib.suppress(ValueError):
        if 0 < float(text) < float('inf'):
            return float(text)
    raise ModelError(f'{variable} is {text!r}: a number of seconds above 0 is expected')
