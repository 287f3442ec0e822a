"""Validation takes its share of each label and splits no recording."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.learning.clips import Clip, ClipSet
from neuropose_ros.learning.datasets.validation import grouped_validation, held_back


def clips(rows: list[tuple[int, str]]) -> ClipSet:
    points, times = np.ones((1, 15, 2), np.float32), np.zeros(1)
    return ClipSet('lab', JHMDB15, tuple(
        Clip(f'{i}', points, times, label, group) for i, (label, group) in enumerate(rows)),
        LabelSet('lab', ('a', 'b', 'c')))


def many(seed: int = 0) -> ClipSet:
    rng = np.random.default_rng(seed)
    return clips([(label, f'{label}_{group}') for label in range(3) for group in range(25)
                  for _ in range(rng.integers(1, 6))])


@pytest.mark.parametrize('seed', range(5))
def test_every_label_gives_its_share_and_no_recording_is_on_both_sides(seed):
    everything = many(seed)
    train, held = grouped_validation(everything, 0.2, seed)
    assert not {clip.group for clip in train.clips} & {clip.group for clip in held.clips}
    assert sorted(clip.name for part in (train, held) for clip in part.clips) == sorted(
        clip.name for clip in everything.clips)
    total = Counter(clip.label for clip in everything.clips)
    for label, count in Counter(clip.label for clip in held.clips).items():
        assert 0.12 <= count / total[label] <= 0.28
    assert set(total) == {clip.label for clip in held.clips}


def test_the_same_seed_gives_the_same_parts_and_another_others():
    everything = many()
    names = [{clip.name for clip in grouped_validation(everything, 0.2, seed)[1].clips}
             for seed in (1, 1, 2)]
    assert names[0] == names[1] != names[2]


def test_clips_keep_their_order_and_their_set():
    train, held = grouped_validation(many(), 0.3, 0)
    for part in (train, held):
        numbers = [int(clip.name) for clip in part.clips]
        assert numbers == sorted(numbers)
        assert part.labels.labels == ('a', 'b', 'c')


def test_a_recording_of_several_labels_stays_whole():
    everything = clips([(label, f'g{group}') for group in range(12) for label in range(3)])
    train, held = grouped_validation(everything, 0.25, 3)
    assert len(held) == 9
    assert not {clip.group for clip in train.clips} & {clip.group for clip in held.clips}


def test_the_last_recording_of_a_label_stays_in_training():
    everything = clips([(0, f'g{i}') for i in range(10)] + [(1, 'only')])
    for seed in range(5):
        train, held = grouped_validation(everything, 0.6, seed)
        assert {clip.label for clip in held.clips} == {0}
        assert {clip.label for clip in train.clips} == {0, 1}


def test_large_recordings_do_not_overshoot_where_small_ones_can_fill():
    everything = clips([(0, f'large{i}') for i in range(6) for _ in range(8)]
                       + [(0, f'small{i}') for i in range(12)])
    sizes = [len(grouped_validation(everything, 8 / 60, seed)[1]) for seed in range(30)]
    assert 7 <= min(sizes) <= max(sizes) <= 10


def test_a_label_of_two_large_recordings_is_still_validated():
    everything = clips([(0, f'g{i}') for i in range(20)] + [(1, 'x')] * 10 + [(1, 'y')] * 10)
    _, held = grouped_validation(everything, 0.3, 0)
    assert {clip.label for clip in held.clips} == {0, 1}


def test_a_clip_without_group_is_its_own():
    everything = clips([(0, '')] * 10)
    assert len(grouped_validation(everything, 0.2, 0)[1]) == 2


@pytest.mark.parametrize('share', [0, 1, -0.1, 1.5])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(DataError, match='between 0 and 1'):
        grouped_validation(many(), share, 0)


@pytest.mark.parametrize('rows', [[], [(0, 'a')] * 9])
def test_what_cannot_be_divided_is_refused(rows):
    with pytest.raises(DataError, match='too few'):
        grouped_validation(clips(rows), 0.2, 0)


def test_a_set_that_is_not_divided_says_how_it_was():
    split = held_back(many(), 0.2, 7)
    assert split.protocol == '20% of the recordings held back, drawn with seed 7'
    assert len(split.train) > len(split.test) > 0
