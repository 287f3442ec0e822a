"""HMDB51: folders of actions and the official lists of 0, 1 and 2."""

from __future__ import annotations

import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.hmdb51 import list_hmdb51, source_video

from .sequences import touch

WALK = [f'A_Film_walk_f_cm_np1_fr_med_{i}.avi' for i in range(3)]


def make(root, folder=''):
    touch(root, *(f'{folder}walk/{name}' for name in WALK),
          f'{folder}sit/#20_Rhythm_sit_u_nm_np1_fr_goo_0.avi')
    lists = root / 'testTrainMulti_7030_splits'
    lists.mkdir(exist_ok=True)
    (lists / 'walk_test_split1.txt').write_text(''.join(
        f'{name} {part} \n' for name, part in zip(WALK, (0, 1, 2), strict=True)))
    (lists / 'sit_test_split1.txt').write_text('#20_Rhythm_sit_u_nm_np1_fr_goo_0.avi 1\n')


@pytest.mark.parametrize('folder', ['', 'hmdb51_org/'])
def test_videos_are_divided_and_unused_ones_left_alone(tmp_path, folder):
    make(tmp_path, folder)
    findings = Findings()
    listing = list_hmdb51(tmp_path, 1, findings)
    assert {(video.name, video.part) for video in listing.videos} == {
        ('sit/#20_Rhythm_sit_u_nm_np1_fr_goo_0', 'train'),
        (f'walk/{WALK[1][:-4]}', 'train'), (f'walk/{WALK[2][:-4]}', 'test')}
    assert listing.labels.labels == ('sit', 'walk')
    assert all(video.path.is_file() for video in listing.videos)
    assert len(findings) == 0


def test_lines_without_file_and_files_without_line_are_listed(tmp_path):
    make(tmp_path)
    (tmp_path / 'walk' / WALK[2]).unlink()
    touch(tmp_path, 'sit/new.avi')
    findings = Findings()
    list_hmdb51(tmp_path, 1, findings)
    assert {item.name for item in findings.items} == {f'walk/{WALK[2][:-4]}', 'sit/new.avi'}


def test_without_folders_or_lists_it_is_refused(tmp_path):
    with pytest.raises(DataError, match='testTrainMulti_7030_splits'):
        list_hmdb51(tmp_path)
    (tmp_path / 'splits').mkdir()
    with pytest.raises(DataError, match='no folder of an action'):
        list_hmdb51(tmp_path)


@pytest.mark.parametrize(('clip', 'action', 'title'), [
    ('A_Film_walk_f_cm_np1_fr_med_10', 'walk', 'A_Film'),
    ('A_walk_in_the_park_walk_u_nm_np2_ri_bad_0', 'walk', 'A_walk_in_the_park'),
    ('Film_swing_baseball_h_cm_np1_le_goo_1', 'swing_baseball', 'Film'),
    ('Film_run_f_cm_np1_fr_med_1', 'walk', 'Film_run'),
    ('film_walk', 'walk', 'film_walk'),
])
def test_the_source_video_is_what_stands_before_the_action(clip, action, title):
    assert source_video(clip, action) == title
