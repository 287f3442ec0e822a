"""Streams, against a real HTTP server on the loopback interface."""

from __future__ import annotations

import contextlib
import io
import itertools
import logging
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from neuropose_ros.core.errors import SourceError
from neuropose_ros.core.pose import FramePolicy
from neuropose_ros.sources.live import Backoff
from neuropose_ros.sources.player import Player
from neuropose_ros.sources.stream import StreamSource, public_name

from .mjpeg_server import MjpegServer, index_of
from .rtsp_server import RtspServer
from .videos import write_video

QUICK = Backoff(0.05, 0.2)


@pytest.fixture
def server():
    with MjpegServer() as running:
        yield running


@pytest.fixture
def source(server):
    opened = StreamSource(server.url, stall_s=0.5, backoff=QUICK)
    yield opened
    opened.close()


def read_after_errors(source, within_s=5.0):
    """Return the next picture and the errors on the way there."""
    deadline, errors = time.monotonic() + within_s, []
    while time.monotonic() < deadline:
        try:
            return source.read(), errors
        except SourceError as error:
            errors.append(str(error))
    raise AssertionError(f'no picture within {within_s} s: {errors}')


def test_pictures_come_in_order_with_their_arrival(source):
    pictures = [source.read() for _ in range(10)]
    indices = [index_of(p.image) for p in pictures]
    assert pictures[0].image.shape == (48, 64, 3)
    assert [p.restart for p in pictures] == [True] + [False] * 9
    steps = [b - a for a, b in itertools.pairwise(indices)]
    assert steps == [p.lost_before + 1 for p in pictures[1:]]
    assert all(abs(time.time_ns() - p.time_ns) < 2e9 for p in pictures)
    assert source.live


def test_a_slow_reader_gets_the_newest_and_the_count(server, source):
    first = index_of(source.read().image)
    time.sleep(0.3)
    second = source.read()
    assert second.lost_before >= 5
    assert index_of(second.image) == first + 1 + second.lost_before
    assert server.sent - index_of(second.image) <= 3


def test_a_stall_is_noticed_and_the_stream_opened_again(server, source):
    source.read()
    server.mode = 'stall'
    with pytest.raises(SourceError, match=r'has sent nothing for 0\.5 s.*next attempt'):
        for _ in range(5):
            source.read()
    server.mode = 'normal'
    picture, _ = read_after_errors(source)
    assert picture.restart


def test_a_server_that_goes_away_and_comes_back(server, source):
    source.read()
    port = server.port
    server.stop()
    with pytest.raises(SourceError):
        for _ in range(5):
            source.read()
    with MjpegServer(port):
        picture, errors = read_after_errors(source)
        assert picture.restart
        assert all('127.0.0.1' in error for error in errors)
        assert source.read().restart is False


def test_attempts_are_spaced_further_and_further(server, source):
    source.read()
    server.mode = 'end'
    waits = []
    for _ in range(4):
        with pytest.raises(SourceError) as caught:
            while True:
                source.read()
        waits.append(str(caught.value).split()[-2])
    assert waits == ['0.05', '0.1', '0.2', '0.2']


@pytest.mark.parametrize(('mode', 'sentence'), [
    ('refuse', '401'),
    ('html', 'not a video'),
    ('garbage', 'not a video'),
    ('stall', r'nothing for 0\.5 s'),
])
def test_what_is_no_stream_is_refused_at_once(server, mode, sentence):
    server.mode = mode
    with pytest.raises(SourceError, match=sentence):
        StreamSource(server.url, stall_s=0.5)


def test_pictures_that_cannot_be_decoded_end_in_a_new_attempt(server, source):
    source.read()
    server.mode = 'broken'
    with pytest.raises(SourceError, match=r'only damaged pictures for 0\.5 s'):
        for _ in range(20):
            source.read()


def test_nobody_there():
    with pytest.raises(SourceError, match='Connection refused'):
        StreamSource('rtsp://127.0.0.1:1/live')


def test_no_password_gets_out(server, source, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    texts = [source.name, repr(source)]
    for mode in ('refuse', 'html', 'stall'):
        server.mode = mode
        try:
            StreamSource(server.url, stall_s=0.2)
        except SourceError as error:
            texts += [str(error), ''.join(traceback.format_exception(error))]
    server.stop()
    with pytest.raises(SourceError) as caught:
        for _ in range(5):
            source.read()
    texts += [*traceback.format_exception(caught.value), caplog.text, *capfd.readouterr()]
    for text in texts:
        assert 's3cret' not in text
        assert 't0ken' not in text


@pytest.mark.parametrize(('url', 'name'), [
    ('rtsp://me:pw@cam.local:554/a/b', 'rtsp://cam.local:554/a/b'),
    ('http://h/x?user=me&pwd=p#f', 'http://h/x?...'),
    ('http://a:b@c@[::1]:80/', 'http://[::1]:80/'),
])
def test_public_name(url, name):
    assert public_name(url) == name


def test_pause_frees_the_stream_and_resume_opens_it(server, source):
    player = Player(source, policy=FramePolicy.NEWEST)
    playing = player.play()
    assert next(playing).epoch == 0
    player.stop()
    assert next(playing, None) is None
    connections = server.connections
    assert source.read() is None
    frame = next(player.play())
    assert frame.epoch == 1
    assert server.connections == connections + 1


def test_close_wakes_the_reader(server):
    source = StreamSource(server.url, stall_s=5.0)
    source.read()
    server.mode = 'stall'
    threading.Timer(0.1, source.close).start()
    begun = time.monotonic()
    while source.read() is not None:
        pass
    assert time.monotonic() - begun < 3


def test_a_live_source_has_no_start(source):
    with pytest.raises(SourceError, match='live'):
        source.rewind()


@pytest.fixture
def download_server(tmp_path):
    """Serve files with a length, or in pieces at their own rate when asked for /slow."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.strip('/')
            data = (tmp_path / name).read_bytes()
            self.send_response(200)
            if name.endswith('.mp4'):
                self.send_header('Content-Length', str(len(data)))
            self.end_headers()
            stream = io.BytesIO(data)
            with contextlib.suppress(OSError):
                while piece := stream.read(1 << 12):
                    self.wfile.write(piece)
                    time.sleep(0.002)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f'http://127.0.0.1:{server.server_address[1]}', tmp_path
    server.shutdown()
    thread.join()
    server.server_close()


def test_any_live_format_is_read(download_server):
    address, folder = download_server
    write_video(Path(folder) / 'live.ts', range(0, 4000, 40), noise=True)
    source = StreamSource(f'{address}/live.ts', stall_s=1.0, backoff=QUICK, keep=1000)
    pictures = [source.read() for _ in range(60)]
    source.close()
    assert pictures[0].image.shape == (48, 64, 3)
    assert sum(p.restart for p in pictures) == 1


def test_rtsp_plays_stalls_and_comes_back():
    with RtspServer() as server:
        source = StreamSource(server.url, stall_s=0.5, backoff=QUICK, keep=100)
        pictures = [source.read() for _ in range(20)]
        indices = [index_of(p.image) for p in pictures]
        assert [(b - a) % 40 for a, b in itertools.pairwise(indices)] == [1] * 19
        assert 's3cret' not in source.name
        server.silent = True
        with pytest.raises(SourceError, match=r'nothing for 0\.5 s') as caught:
            for _ in range(200):
                source.read()
        assert 's3cret' not in str(caught.value)
        server.silent = False
        picture, _ = read_after_errors(source)
        assert picture.restart
        source.close()


def test_a_recording_is_not_taken_for_a_stream(download_server):
    address, folder = download_server
    write_video(Path(folder) / 'clip.mp4', range(0, 400, 40))
    with pytest.raises(SourceError, match='recording'):
        StreamSource(f'{address}/clip.mp4', stall_s=1.0)
