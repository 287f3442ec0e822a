"""Folders of pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from neuropose_ros.core.errors import SourceError
from neuropose_ros.sources.folder import FolderSource, natural_key


def write(path, value):
    assert cv2.imwrite(str(path), np.full((4, 6, 3), value, np.uint8))


@pytest.fixture
def folder(tmp_path):
    for index in (1, 2, 10):
        write(tmp_path / f'frame{index}.png', index)
    (tmp_path / 'notes.txt').write_text('not a picture')
    (tmp_path / '.hidden.png').write_text('not a picture')
    (tmp_path / 'sub.png').mkdir()
    return tmp_path


def test_natural_order_and_time(folder):
    source = FolderSource(folder, rate_hz=4)
    for _ in range(2):
        pictures = list(iter(source.read, None))
        assert [int(p.image[0, 0, 0]) for p in pictures] == [1, 2, 10]
        assert [p.time_ns for p in pictures] == [0, 250_000_000, 500_000_000]
        source.rewind()
    source.close()
    assert source.read() is None
    assert source.rate_hz == 4
    assert not source.live


def test_natural_key():
    names = ['b1', 'a10', 'a9', 'A2', 'a', '7', '007b']
    assert sorted(names, key=natural_key) == ['007b', '7', 'a', 'A2', 'a9', 'a10', 'b1']


def test_unreadable_pictures_are_skipped_counted_and_named_once(folder, caplog):
    write(folder / 'frame3.jpg', 3)
    whole = (folder / 'frame3.jpg').read_bytes()
    (folder / 'frame3.jpg').write_bytes(whole[:-30])
    (folder / 'frame4.png').write_bytes(b'nothing')
    source = FolderSource(folder, rate_hz=1)
    for _ in range(2):
        pictures = list(iter(source.read, None))
        assert [int(p.image[0, 0, 0]) for p in pictures] == [1, 2, 10]
        assert [p.time_ns // 10**9 for p in pictures] == [0, 1, 4]  # their place in time stays
        source.rewind()
    assert source.unreadable == 2
    messages = [r.getMessage() for r in caplog.records]
    assert len(messages) == 2
    assert 'frame3.jpg' in messages[0]
    assert 'cut off' in messages[0]
    assert 'frame4.png' in messages[1]


def test_a_single_picture(folder):
    source = FolderSource(folder / 'frame2.png')
    assert [int(p.image[0, 0, 0]) for p in iter(source.read, None)] == [2]


def test_nothing_to_play(tmp_path):
    with pytest.raises(SourceError, match=r'no pictures \(bmp, jpeg'):
        FolderSource(tmp_path)
    with pytest.raises(SourceError, match='no folder'):
        FolderSource(tmp_path / 'missing')
    (tmp_path / 'a.jpg').write_bytes(b'nothing')
    with pytest.raises(SourceError, match='None of the 1 pictures'):
        FolderSource(tmp_path).read()
    with pytest.raises(SourceError, match='above 0'):
        FolderSource(tmp_path, rate_hz=0)
