"""A listing names each video once and divides the clips that were made of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.learning.clips import Clip, ClipSet
from neuropose_ros.learning.datasets.videos import Video, VideoListing, video_files

from .sequences import touch

LABELS = LabelSet('lab', ('sit', 'wave'))


def listing(*parts: str) -> VideoListing:
    return VideoListing('lab', tuple(
        Video(f'v{i}', Path(f'{i}.mp4'), i % 2, f'g{i // 4}', part)
        for i, part in enumerate(parts)), LABELS, 'split 9')


def clips(*numbers: int) -> ClipSet:
    return ClipSet('lab', JHMDB15, tuple(
        Clip(f'v{i}', np.ones((1, 15, 2), np.float32), np.zeros(1), i % 2, f'g{i // 4}')
        for i in numbers), LABELS)


def test_names_and_labels_have_to_be_right():
    with pytest.raises(DataError, match='the name a occurs twice'):
        VideoListing('lab', (Video('a', Path('a')), Video('a', Path('b'))))
    with pytest.raises(DataError, match='label of a'):
        VideoListing('lab', (Video('a', Path('a'), 2),), LABELS)


def test_clips_go_where_their_videos_are_and_lost_ones_are_missed():
    split = listing('train', 'validation', 'test', 'test').divide(clips(0, 1, 3))
    assert [clip.name for clip in split.train.clips] == ['v0', 'v1']
    assert [clip.name for clip in split.test.clips] == ['v3']
    assert split.protocol == 'split 9'


def test_validation_is_the_test_where_there_is_none():
    split = listing('train', 'validation').divide(clips(0, 1))
    assert [clip.name for clip in split.test.clips] == ['v1']


def test_what_is_not_divided_is_divided_by_group():
    split = listing(*[''] * 40).divide(clips(*range(40)), test_share=0.25, seed=3)
    groups = [{clip.group for clip in part.clips} for part in (split.train, split.test)]
    assert not groups[0] & groups[1]
    assert len(split.test) == pytest.approx(10, abs=4)
    assert 'seed 3' in split.protocol


def test_a_clip_of_another_listing_is_refused():
    with pytest.raises(DataError, match='no video v7'):
        listing('train').divide(clips(7))


def test_parts_can_be_taken_alone():
    assert [v.name for v in listing('train', 'test', 'validation').part('train', 'test').videos
            ] == ['v0', 'v1']


def test_video_files_are_known_by_their_endings(tmp_path):
    touch(tmp_path, 'b.AVI', 'a.mp4', 'notes.txt', 'deep/c.mp4', '.mp4')
    assert [path.name for path in video_files(tmp_path)] == ['a.mp4', 'b.AVI']
