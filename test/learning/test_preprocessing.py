"""Listings of videos to a cache: resumed, counted, stopped, in several processes."""

from __future__ import annotations

import errno
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError, SourceError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.learning import preprocessing
from neuropose_ros.learning.datasets.videos import Video, VideoListing
from neuropose_ros.learning.extracted import Extracted
from neuropose_ros.learning.preprocessing import (
    cached_file,
    extract_listing,
    extracted_clips,
)

CHEAP = '''
import numpy as np
from neuropose_ros.core.errors import SourceError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.learning.extracted import Extracted


class Cheap:
    """Reads a file's length as the place of all joints."""

    def __init__(self, key):
        self.key = key
        self.names = []

    def extract(self, video):
        self.names.append(video.name)
        size = len(video.path.read_bytes())
        if not size:
            raise SourceError(f'{video.path} is empty.')
        points = np.full((3, 17, 2), size, np.float32)
        return Extracted(
            self.key, COCO17, points, np.ones((3, 17), np.float32), np.arange(3) / 30,
            np.zeros((3, 4), np.float32), np.ones(3, bool), np.zeros((0, 0), np.float32),
            np.zeros(0), (8, 8))

    def close(self):
        pass
'''


@pytest.fixture
def cheap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A module that worker processes can import too."""
    (tmp_path / 'code').mkdir()
    (tmp_path / 'code' / 'cheap_extractor.py').write_text(CHEAP)
    monkeypatch.syspath_prepend(str(tmp_path / 'code'))
    import cheap_extractor
    yield cheap_extractor
    del sys.modules['cheap_extractor']


@pytest.fixture
def listing(tmp_path: Path) -> VideoListing:
    videos = []
    for i in range(6):
        path = tmp_path / f'{i}.mp4'
        path.write_bytes(b'x' * (i + 1))
        videos.append(Video(f'class_{i % 2}/clip {i}', path, i % 2, f'group_{i // 2}',
                            'train' if i < 4 else 'test'))
    return VideoListing('toy', tuple(videos), LabelSet('toy', ('a', 'b')), 'split 1', 'made here')


def made(extractor):
    return lambda: extractor


def test_every_video_becomes_a_clip_of_its_part(cheap, listing, tmp_path: Path) -> None:
    told = []
    findings = extract_listing(
        listing, tmp_path / 'cache', made(cheap.Cheap('k')),
        progress=lambda done, count: told.append((done, count)))
    assert not len(findings)
    assert told == [(i, 6) for i in range(1, 7)]
    clips = extracted_clips(listing, tmp_path / 'cache')
    assert [clip.name for clip in clips.clips] == [video.name for video in listing.videos]
    assert [float(clip.keypoints[0, 0, 0]) for clip in clips.clips] == [1, 2, 3, 4, 5, 6]
    assert (clips.labels, clips.layout) == (listing.labels, COCO17)
    split = listing.divide(clips)
    assert (len(split.train), len(split.test)) == (4, 2)


def test_a_second_run_does_what_is_missing_alone(cheap, listing, tmp_path: Path) -> None:
    cache = tmp_path / 'cache'
    extract_listing(listing, cache, made(cheap.Cheap('k')))
    cached_file(cache, listing.videos[1]).unlink()
    cached_file(cache, listing.videos[4]).write_bytes(b'cut off')
    (cache / '.clip.npz.77.part').write_bytes(b'half')
    again = cheap.Cheap('k')
    extract_listing(listing, cache, made(again))
    assert again.names == ['class_1/clip 1', 'class_0/clip 4']
    assert not list(cache.rglob('*.part'))
    other = cheap.Cheap('other settings')
    extract_listing(listing, cache, made(other))
    assert len(other.names) == 6


def test_several_processes_do_the_same(cheap, listing, tmp_path: Path) -> None:
    listing.videos[3].path.write_bytes(b'')
    findings = extract_listing(
        listing, tmp_path / 'many', partial(cheap.Cheap, 'k'), workers=2, skipped_share=0.5)
    assert [item.name for item in findings.items] == ['class_1/clip 3']
    clips = extracted_clips(listing, tmp_path / 'many', findings=findings)
    assert [float(clip.keypoints[0, 0, 0]) for clip in clips.clips] == [1, 2, 3, 5, 6]


def test_too_many_bad_videos_stop_it_and_what_was_done_stays(
    cheap, listing, tmp_path: Path,
) -> None:
    for i in (1, 2):
        listing.videos[i].path.write_bytes(b'')
    reader = cheap.Cheap('k')
    with pytest.raises(DataError, match='2 of 6 clips cannot be used') as said:
        extract_listing(listing, tmp_path / 'cache', made(reader), skipped_share=0.2)
    assert 'clip 1' in str(said.value)
    assert '2.mp4 is empty' in str(said.value)
    assert len(reader.names) == 3
    assert cached_file(tmp_path / 'cache', listing.videos[0]).is_file()


def test_a_full_disk_stops_it_and_the_next_run_goes_on(
    cheap, listing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache, written = tmp_path / 'cache', []
    write = preprocessing.write_extracted

    def full(extracted: Extracted, path: Path) -> None:
        if len(written) == 2:
            raise OSError(errno.ENOSPC, 'No space left on device')
        written.append(path)
        write(extracted, path)

    monkeypatch.setattr(preprocessing, 'write_extracted', full)
    with pytest.raises(DataError, match=r'No space left.*make room.*2 of 6 videos are done'):
        extract_listing(listing, cache, made(cheap.Cheap('k')))
    monkeypatch.setattr(preprocessing, 'write_extracted', write)
    rest = cheap.Cheap('k')
    extract_listing(listing, cache, made(rest))
    assert len(rest.names) == 4
    assert len(extracted_clips(listing, cache)) == 6


def test_a_file_that_could_not_be_finished_leaves_nothing(
    cheap, listing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_, **__) -> None:
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(np, 'savez_compressed', full)
    with pytest.raises(DataError, match='No space left'):
        extract_listing(listing, tmp_path / 'cache', made(cheap.Cheap('k')))
    assert not [path for path in (tmp_path / 'cache').rglob('*') if path.is_file()]


def test_names_do_not_lead_out_of_the_cache(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'\.\./a'"):
        cached_file(tmp_path, Video('../a', tmp_path / 'a.mp4'))


def test_what_is_not_in_the_cache_is_said(listing, tmp_path: Path) -> None:
    with pytest.raises(DataError, match='damaged'):
        extracted_clips(listing, tmp_path)


def test_the_reason_of_a_bad_video_is_the_readers(listing, tmp_path: Path, cheap) -> None:
    class Picky(cheap.Cheap):
        def extract(self, video):
            raise SourceError('it is too dark.')

    with pytest.raises(DataError, match='too dark'):
        extract_listing(listing, tmp_path / 'cache', made(Picky('k')))
