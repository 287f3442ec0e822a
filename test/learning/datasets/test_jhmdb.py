"""J-HMDB: the official lists divide it, and source videos stay whole."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.jhmdb import list_jhmdb14_videos, read_jhmdb14

from .sequences import points, write_sequences

CLIPS = {
    'brush_hair/My_hair_brush_hair_u_nm_np1_ba_goo_0': 2,
    'brush_hair/My_hair_brush_hair_u_nm_np1_ba_goo_1': 2,
    'brush_hair/Other_(2)_brush_hair_f_cm_np2_le_bad_12': 1,
    'clap/boom_clap_u_nm_np1_fr_med_0': 1,
    'clap/noclap_clap_h_nm_np1_ri_med_3': 2,
}


@pytest.fixture
def root(tmp_path) -> Path:
    write_sequences(tmp_path / 'jhmdb14_named.npz', 'pos_world', {
        name: points(3 + i, 15, 2, i) for i, name in enumerate(CLIPS)})
    (tmp_path / 'splits').mkdir()
    for action in ('brush_hair', 'clap'):
        lines = [f'{name.partition("/")[2]}.avi {part}' for name, part in CLIPS.items()
                 if name.startswith(f'{action}/')]
        (tmp_path / 'splits' / f'{action}_test_split2.txt').write_text('\n'.join(lines) + '\n')
    return tmp_path


def test_clips_are_divided_as_the_lists_say(root):
    findings = Findings()
    split = read_jhmdb14(root, 2, findings)
    assert [clip.name for clip in split.train.clips] == [n for n, p in CLIPS.items() if p == 1]
    assert [clip.name for clip in split.test.clips] == [n for n, p in CLIPS.items() if p == 2]
    assert (split.protocol, len(findings)) == ('split 2', 0)
    assert split.train.labels.labels == ('brush_hair', 'clap')
    first = split.test.clips[0]
    assert (first.label, first.group, first.rate_hz) == (0, 'My_hair', pytest.approx(30))
    np.testing.assert_array_equal(first.keypoints, points(3, 15, 2, 0))
    assert {clip.group for clip in split.train.clips} == {'Other_(2)', 'boom'}


def test_the_folder_above_will_do(root, tmp_path_factory):
    above = tmp_path_factory.mktemp('above')
    (above / 'jhmdb').symlink_to(root)
    assert len(read_jhmdb14(above, 2).train) == 2


def test_what_has_only_a_line_or_only_joints_is_listed(root):
    path = root / 'splits' / 'clap_test_split2.txt'
    path.write_text('boom_clap_u_nm_np1_fr_med_0.avi 1\nlost_clap_u_nm_np1_fr_med_0.avi 2\n')
    findings = Findings()
    split = read_jhmdb14(root, 2, findings)
    assert len(split.train) + len(split.test) == 4
    assert {item.name for item in findings.items} == {
        'clap/noclap_clap_h_nm_np1_ri_med_3', 'clap/lost_clap_u_nm_np1_fr_med_0'}


@pytest.mark.parametrize('line', ['boom.avi', 'boom.avi 3', '1', 'boom.avi one'])
def test_a_line_that_says_nothing_is_refused_with_its_number(root, line):
    path = root / 'splits' / 'clap_test_split2.txt'
    path.write_text(f'{path.read_text()}{line}\n')
    with pytest.raises(DataError, match=r'clap_test_split2\.txt, line 3'):
        read_jhmdb14(root, 2)


def test_a_clip_on_both_sides_is_refused(root):
    path = root / 'splits' / 'clap_test_split2.txt'
    part = path.read_text().split()
    path.write_text(f'{path.read_text()}{part[0]} {3 - int(part[1])}\n')
    with pytest.raises(DataError, match=r'line 3: .* in another part'):
        read_jhmdb14(root, 2)


def test_a_split_without_lists_is_refused(root):
    with pytest.raises(DataError, match=r'brush_hair_test_split3\.txt, the list of split 3'):
        read_jhmdb14(root, 3)


def test_a_clip_with_infinite_joints_is_left_out(root):
    sequences = {name: points(3, 15, 2, i) for i, name in enumerate(CLIPS)}
    sequences['clap/boom_clap_u_nm_np1_fr_med_0'][1, 2, 0] = np.inf
    write_sequences(root / 'jhmdb14_named.npz', 'pos_world', sequences)
    findings = Findings()
    assert len(read_jhmdb14(root, 2, findings).train) == 1
    assert [item.name for item in findings.items] == ['clap/boom_clap_u_nm_np1_fr_med_0']


def test_videos_have_the_names_and_parts_of_the_clips(root):
    for name in CLIPS:
        file = root / 'videos' / f'{name}.mp4'
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    listing, split = list_jhmdb14_videos(root, 2), read_jhmdb14(root, 2)
    assert {video.name: video.part for video in listing.videos} == {
        name: 'train' if part == 1 else 'test' for name, part in CLIPS.items()}
    assert listing.labels == split.train.labels
    assert {video.name: video.group for video in listing.videos} == {
        clip.name: clip.group for part in (split.train, split.test) for clip in part.clips}


def test_the_real_one_has_its_published_size(data_folder):
    findings = Findings()
    split = read_jhmdb14(data_folder, 1, findings)
    assert (len(split.train), len(split.test), len(findings)) == (433, 176, 0)
    assert len(split.train.labels) == 14
    everything = (*split.train.clips, *split.test.clips)
    assert sum(len(clip.times_s) for clip in everything) == 21126
    assert all(clip.measured.all() for clip in everything)
    assert Counter(clip.label for clip in split.test.clips).keys() == set(range(14))
    listing = list_jhmdb14_videos(data_folder, 1, findings)
    assert {video.name for video in listing.part('test').videos} == {
        clip.name for clip in split.test.clips}
