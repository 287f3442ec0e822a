"""Video files: exact times, upright pictures, honest ends."""

from __future__ import annotations

import logging
import re
import shutil
import threading
import time
from fractions import Fraction

import av
import numpy as np
import pytest

from neuropose_ros.core.errors import SourceError
from neuropose_ros.sources.video import VideoSource

from .videos import cut, write_sound, write_video

FAST_START = {'movflags': 'faststart'}
EVEN = range(0, 2400, 40)


def read_all(path, **options):
    """Return the source, closed, and all its pictures."""
    source = VideoSource(path, **options)
    pictures = list(iter(source.read, None))
    source.close()
    return source, pictures


def index_of(image):
    return round((float(image[24:].mean()) - 38) / 5)  # colour conversion costs up to 3


def test_every_frame_in_order_in_bgr(tmp_path):
    source, pictures = read_all(write_video(tmp_path / 'a.mp4', range(0, 1200, 40)))
    assert [index_of(p.image) for p in pictures] == list(range(30))
    assert all(p.image.shape == (48, 64, 3) and p.image.dtype == np.uint8 for p in pictures)
    np.testing.assert_allclose(pictures[9].image[4, 6].astype(int), [0, 0, 255], atol=12)
    assert source.rate_hz == 25.0
    assert source.name == str(tmp_path / 'a.mp4')
    assert not source.live
    assert source.damage == ''


def test_variable_rate_is_exact_to_the_time_base(tmp_path):
    base = Fraction(1, 90000)
    times = [0, 3003, 6006, 6007, 12345, 100001, 100902, 250000]
    source, pictures = read_all(write_video(tmp_path / 'v.mp4', times, time_base=base))
    exact = [round(t * base * 10**9) for t in times]
    assert [p.time_ns for p in pictures] == exact
    assert source.rate_hz is None


@pytest.mark.parametrize('name', ['late.mkv', 'late.ts'])
def test_time_counts_from_the_first_frame(tmp_path, name):
    _, pictures = read_all(write_video(tmp_path / name, range(7000, 7400, 40)))
    assert [p.time_ns // 10**6 for p in pictures] == list(range(0, 400, 40))


def test_long_video_does_not_drift(tmp_path):
    base = Fraction(1001, 30000)
    _, pictures = read_all(write_video(tmp_path / 'n.mkv', [0, 100_000], time_base=base))
    # Matroska rounds to milliseconds; the time is what it states.
    assert pictures[1].time_ns == 3_336_667 * 10**6


@pytest.mark.parametrize(('a', 'b', 'shape', 'red_at'), [
    (0, 1, (64, 48, 3), (6, -5)),  # a quarter turn clockwise, as phones write it
    (-1, 0, (48, 64, 3), (-5, -7)),
    (0, -1, (64, 48, 3), (-6, 4)),
])
def test_rotation_is_applied(tmp_path, a, b, shape, red_at):
    """The matrix of the track header (ISO/IEC 14496-12, 8.3.2) turns (x, y) by a, b, -b, a."""
    def matrix(a, b):
        numbers = (a << 16, b << 16, 0, -b << 16, a << 16, 0, 0, 0, 1 << 30)
        return b''.join(number.to_bytes(4, 'big', signed=True) for number in numbers)

    path = write_video(tmp_path / 'turned.mp4', EVEN[:3])
    data = path.read_bytes()
    at = data.index(matrix(1, 0), data.index(b'tkhd'))
    path.write_bytes(data[:at] + matrix(a, b) + data[at + 36:])
    _, pictures = read_all(path)
    assert pictures[0].image.shape == shape
    np.testing.assert_allclose(pictures[0].image[red_at].astype(int), [0, 0, 255], atol=12)


def test_frames_without_a_time_are_spaced_and_announced_once(tmp_path, caplog):
    path = write_video(tmp_path / 'raw.h264', EVEN[:10])
    source = VideoSource(path)
    for _ in range(2):
        times = [p.time_ns // 10**6 for p in iter(source.read, None)]
        assert times == list(range(0, 400, 40))
        source.rewind()
    source.close()
    assert caplog.text.count('without a time') == 1


def test_times_that_run_back_are_moved_on(tmp_path, caplog):
    """Two recordings in one transport stream: the second begins before the first ended."""
    first, second = (write_video(tmp_path / n, EVEN[:10]) for n in ('1.ts', '2.ts'))
    both = tmp_path / 'both.ts'
    both.write_bytes(first.read_bytes() + second.read_bytes())
    _, pictures = read_all(both)
    steps = np.diff([p.time_ns for p in pictures])
    assert len(pictures) >= 19  # the container calls the one at the seam broken
    assert steps.min() > 0
    assert caplog.text.count('run back') == 1


def test_rewind_starts_anew(tmp_path):
    source = VideoSource(write_video(tmp_path / 'a.mp4', EVEN[:12]))
    first = [source.read() for _ in range(5)]
    source.rewind()
    again = list(iter(source.read, None))
    assert [p.time_ns for p in again[:5]] == [p.time_ns for p in first]
    np.testing.assert_array_equal(again[4].image, first[4].image)
    assert len(again) == 12
    source.close()
    source.close()
    assert source.read() is None


def test_closed_while_it_is_read(tmp_path):
    source = VideoSource(write_video(tmp_path / 'a.mp4', range(0, 40_000, 40), size=(320, 240)))
    pictures = []

    def read():
        # In no hurry: on a busy machine all would be read before the close.
        time.sleep(0.002)
        return source.read()

    reader = threading.Thread(target=lambda: pictures.extend(iter(read, None)))
    reader.start()
    while len(pictures) < 3:
        time.sleep(0.001)
    source.close()
    reader.join(5)
    assert not reader.is_alive()
    assert 3 <= len(pictures) < 1000


@pytest.mark.parametrize(('name', 'options', 'sentence'), [
    ('a.mp4', FAST_START, r'cut off: \d+ frames .* of the 60 it declares'),
    ('a.mkv', {}, r'cut off [\d.]+ s before its end: \d+ frames'),
    ('a.avi', {'codec': 'mjpeg', 'time_base': Fraction(1, 25)}, r'cut off.* of the 60'),
])
def test_frames_before_the_cut_are_delivered(tmp_path, caplog, name, options, sentence):
    times = range(60) if 'time_base' in options else EVEN
    path = write_video(tmp_path / name, times, noise=True, **options)
    whole, all_pictures = read_all(path)
    assert whole.damage == ''
    source, pictures = read_all(cut(path, 0.6))
    assert 25 <= len(pictures) <= 40
    for kept, original in zip(pictures, all_pictures, strict=False):
        assert kept.time_ns == original.time_ns
        np.testing.assert_array_equal(kept.image, original.image)
    assert re.search(sentence, source.damage)
    assert f'{len(pictures)} frames' in source.damage
    assert [r.getMessage() for r in caplog.records] == [source.damage]


def test_a_transport_stream_declares_nothing_but_loses_nothing(tmp_path):
    path = write_video(tmp_path / 'a.ts', EVEN, noise=True)
    _, all_pictures = read_all(path)
    _, pictures = read_all(cut(path, 0.6))
    assert 25 <= len(pictures) <= 40
    for kept, original in zip(pictures[:-1], all_pictures, strict=False):
        np.testing.assert_array_equal(kept.image, original.image)


def test_damage_in_the_middle_costs_only_what_is_damaged(tmp_path):
    path = write_video(tmp_path / 'a.mp4', EVEN, noise=True)
    data = bytearray(path.read_bytes())
    middle = data.index(b'mdat') + len(data) // 2
    data[middle:middle + 4000] = np.random.default_rng(1).bytes(4000)
    path.write_bytes(bytes(data))
    source, pictures = read_all(path)
    assert 30 <= len(pictures) < 60
    assert pictures[-1].time_ns == 59 * 40 * 10**6
    assert 'is damaged' in source.damage


def test_damage_at_the_end_costs_no_frame_before_it(tmp_path):
    # The preset has frames that are decoded out of order, so some are held back until the end.
    path = write_video(tmp_path / 'a.mp4', EVEN, noise=True, preset='medium', **FAST_START)
    with av.open(str(path)) as container:
        last = [packet for packet in container.demux(video=0) if packet.size][-1]
    data = path.read_bytes()
    noise = np.random.default_rng(1).bytes(last.size)
    path.write_bytes(data[:last.pos] + noise + data[last.pos + last.size:])
    source, pictures = read_all(path)
    assert len(pictures) == 59
    assert '59 frames' in source.damage


def test_a_name_with_a_colon_is_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video('a.mp4', EVEN[:3])
    shutil.move('a.mp4', 'http:a.mp4')
    assert len(read_all('http:a.mp4')[1]) == 3


def test_a_cover_picture_is_no_video(tmp_path):
    path = write_sound(tmp_path / 'song.m4a', cover=True)
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1
    with pytest.raises(SourceError, match='no pictures, only audio'):
        VideoSource(path)


def make_bad(tmp_path, kind):
    """Return a path that is no playable video."""
    path = tmp_path / f'{kind}.mp4'
    if kind == 'empty':
        path.touch()
    elif kind == 'text':
        path = path.with_suffix('.txt')
        path.write_text('not a video\n' * 1000)
    elif kind == 'noise':
        path.write_bytes(np.random.default_rng(0).bytes(20_000))
    elif kind == 'directory':
        path.mkdir()
    elif kind == 'no_index':
        cut(write_video(path, EVEN, noise=True), 0.6)
    elif kind == 'sound':
        write_sound(path)
    return path


@pytest.mark.parametrize(('kind', 'sentence'), [
    ('missing', 'no file'),
    ('empty', 'is empty'),
    ('directory', 'is a directory'),
    ('text', 'is text'),
    ('noise', 'not a video'),
    ('no_index', 'cut off before its index'),
    ('sound', 'no pictures, only audio'),
])
def test_what_is_no_video_is_one_sentence(tmp_path, kind, sentence):
    path = make_bad(tmp_path, kind)
    with pytest.raises(SourceError, match=sentence) as caught:
        VideoSource(path)
    assert str(path) in str(caught.value)
    assert '\n' not in str(caught.value)


def test_real_clips(data_folder, caplog):
    caplog.set_level(logging.WARNING)
    for path in sorted((data_folder / 'clips').glob('*.mp4')):
        source, pictures = read_all(path)
        assert len(pictures) >= 5
        assert np.diff([p.time_ns for p in pictures]).min() > 0
        assert source.damage == ''
