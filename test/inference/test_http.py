"""Downloads from a labelled server on this machine that misbehaves."""

import os
import resource
import signal
import time
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request

import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.http import Limits, SecureRedirects, _Part, fetch_file

from .bad_server import CONTENT, BadServer

QUICK = Limits(stall_s=0.3, total_s=20, tries=3, pause_s=0.01)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BadServer]:
    for name in [name for name in os.environ if name.lower().endswith('_proxy')]:
        monkeypatch.delenv(name)
    running = BadServer()
    yield running
    running.stop()


@pytest.mark.parametrize('way', ['good', 'moved', 'endless', 'busy'])
def test_it_arrives_whole_under_its_name_alone(
    server: BadServer, tmp_path: Path, way: str,
) -> None:
    fetch_file(server.url(way), tmp_path / 'net.onnx', QUICK)
    assert (tmp_path / 'net.onnx').read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ['net.onnx']


def test_a_cut_off_download_goes_on_where_it_was(server: BadServer, tmp_path: Path) -> None:
    fetch_file(server.url('cut-once'), tmp_path / 'net.onnx', QUICK)
    assert (tmp_path / 'net.onnx').read_bytes() == CONTENT
    assert server.ranges == ['', f'bytes={len(CONTENT) // 2}-']


def test_the_next_call_goes_on_where_the_last_one_failed(
    server: BadServer, tmp_path: Path,
) -> None:
    once = Limits(stall_s=1, total_s=20, tries=1)
    with pytest.raises(ModelError, match=f'ended after {len(CONTENT) // 2} of {len(CONTENT)}'):
        fetch_file(server.url('cut-once'), tmp_path / 'net.onnx', once)
    assert not (tmp_path / 'net.onnx').exists()
    fetch_file(server.url('cut-once'), tmp_path / 'net.onnx', once)
    assert (tmp_path / 'net.onnx').read_bytes() == CONTENT
    assert server.ranges[-1].startswith('bytes=')


def test_two_versions_of_a_file_are_never_joined(server: BadServer, tmp_path: Path) -> None:
    fetch_file(server.url('cut-then-changed'), tmp_path / 'net.onnx', QUICK)
    assert (tmp_path / 'net.onnx').read_bytes() == CONTENT[::-1]


def test_a_server_that_goes_on_elsewhere_starts_anew(server: BadServer, tmp_path: Path) -> None:
    fetch_file(server.url('wrong-range'), tmp_path / 'net.onnx', QUICK)
    assert (tmp_path / 'net.onnx').read_bytes() == CONTENT


@pytest.mark.parametrize('mark', [b'\xff\xfe', b'"one"\r\nX: y', b'"one"'])
def test_remains_that_do_not_fit_are_forgotten(
    server: BadServer, tmp_path: Path, mark: bytes,
) -> None:
    part = _Part(tmp_path / 'net.onnx')
    part._path.write_bytes(b'z' * (len(CONTENT) + 7))
    part._mark.write_bytes(mark)
    fetch_file(server.url('past-the-end'), tmp_path / 'net.onnx', QUICK)
    assert (tmp_path / 'net.onnx').read_bytes() == CONTENT


@pytest.mark.parametrize(('way', 'said', 'tries'), [
    ('cut', rf'the server ended after 1000 of {len(CONTENT)} bytes', 3),
    ('stall', 'the server is silent for 0.3 s', 3),
    ('silent', 'the server is silent for 0.3 s', 3),
    ('broken', 'the server answers HTTP 500', 3),
    ('nothing', 'the server sent nothing', 3),
    ('absent', 'the server answers HTTP 404 Not Found', 1),
    ('forbidden', 'the server answers HTTP 403 Forbidden', 1),
    ('round', 'the server answers HTTP 302 .*infinite loop', 1),
    ('to-this-machine', "HTTP 302 .*Redirection to url 'file:", 1),
    ('to-no-address', r'leads to one that is none \(Invalid IPv6 URL\)', 1),
    ('to-no-host', r'leads to one that is none \(', 1),
    ('sign-in-as-file', 'a web page instead of a file: a login or a network portal', 1),
    ('huge', r'MiB, but .* only \d+ MiB free: make room', 1),
])
def test_what_goes_wrong_is_one_sentence_and_leaves_no_file(
    server: BadServer, tmp_path: Path, way: str, said: str, tries: int,
) -> None:
    with pytest.raises(ModelError, match=said) as raised:
        fetch_file(server.url(way), tmp_path / 'net.onnx', QUICK)
    assert '\n' not in str(raised.value)
    assert not (tmp_path / 'net.onnx').exists()
    if way != 'round':
        assert server.requests[way.replace('-', '_')] == tries


def test_a_login_page_is_named_with_where_it_is(server: BadServer, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as raised:
        fetch_file(server.url('login'), tmp_path / 'net.onnx', QUICK)
    said = str(raised.value)
    assert said.startswith(f'{server.url("login")} gives a web page instead of a file')
    assert f'redirected to {server.url("sign_in?next=model")}' in said
    assert server.requests['login'] == 1 and not list(tmp_path.iterdir())


def test_no_redirection_leaves_https() -> None:
    request = Request('https://models.example/net.onnx')
    follow = SecureRedirects().redirect_request
    with pytest.raises(HTTPError, match=r'from https to http://models\.example/x is not followed'):
        follow(request, None, 302, 'Found', Message(), 'http://models.example/x')
    followed = follow(request, None, 302, 'Found', Message(), 'https://cdn.example/x')
    assert followed is not None and followed.full_url == 'https://cdn.example/x'


def test_no_connection_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r'cannot be fetched: no connection \(.*refused'):
        fetch_file('http://127.0.0.1:9/net.onnx', tmp_path / 'net.onnx', QUICK)


def test_a_server_that_drips_meets_the_limit_for_the_whole(
    server: BadServer, tmp_path: Path,
) -> None:
    begun = time.monotonic()
    with pytest.raises(ModelError, match='the time limit for one download is over'):
        fetch_file(server.url('drip'), tmp_path / 'net.onnx',
                   Limits(stall_s=5, total_s=0.5, tries=5))
    assert time.monotonic() - begun < 3


def test_a_full_disk_is_named(server: BadServer, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        with pytest.raises(ModelError, match=f'cannot write net.onnx into .*{tmp_path}'):
            fetch_file(server.url('good'), tmp_path / 'net.onnx', QUICK)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert not (tmp_path / 'net.onnx').exists()


def test_the_user_sets_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('NEUROPOSE_DOWNLOAD_STALL_S', '2.5')
    monkeypatch.setenv('NEUROPOSE_DOWNLOAD_LIMIT_S', '60')
    assert Limits.chosen() == Limits(stall_s=2.5, total_s=60)
    for wrong in ('soon', '-1', '0', 'inf', 'nan'):
        monkeypatch.setenv('NEUROPOSE_DOWNLOAD_LIMIT_S', wrong)
        with pytest.raises(ModelError, match=r'NEUROPOSE_DOWNLOAD_LIMIT_S is .* seconds above 0'):
            Limits.chosen()
