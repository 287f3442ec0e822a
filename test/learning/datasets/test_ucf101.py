"""UCF101: the official lists and folders."""

from __future__ import annotations

import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.ucf101 import list_ucf101

from .sequences import touch

FILES = ['YoYo/v_YoYo_g01_c01.avi', 'YoYo/v_YoYo_g01_c02.avi', 'YoYo/v_YoYo_g08_c01.avi',
         'Archery/v_Archery_g02_c01.avi', 'Archery/v_Archery_g09_c01.avi']


def make(root, folder='UCF-101', lists='ucfTrainTestlist'):
    touch(root / folder, *FILES)
    path = root / lists
    path.mkdir(exist_ok=True)
    (path / 'classInd.txt').write_text('1 YoYo\r\n2 Archery\r\n\r\n')
    (path / 'trainlist02.txt').write_text(f'{FILES[2]} 1\r\n{FILES[4]} 2\r\n')
    (path / 'testlist02.txt').write_text('\r\n'.join((FILES[0], FILES[1], FILES[3])))
    return path


@pytest.mark.parametrize(('folder', 'lists'), [('UCF-101', 'ucfTrainTestlist'), ('', '.')])
def test_videos_are_divided_and_labelled_as_the_lists_say(tmp_path, folder, lists):
    make(tmp_path, folder, lists)
    findings = Findings()
    listing = list_ucf101(tmp_path, 2, findings)
    assert listing.labels.labels == ('YoYo', 'Archery')
    assert {(video.name, video.label, video.group, video.part) for video in listing.videos} == {
        ('YoYo/v_YoYo_g01_c01', 0, 'v_YoYo_g01', 'test'),
        ('YoYo/v_YoYo_g01_c02', 0, 'v_YoYo_g01', 'test'),
        ('YoYo/v_YoYo_g08_c01', 0, 'v_YoYo_g08', 'train'),
        ('Archery/v_Archery_g02_c01', 1, 'v_Archery_g02', 'test'),
        ('Archery/v_Archery_g09_c01', 1, 'v_Archery_g09', 'train')}
    assert len(findings) == 0


def test_lines_without_file_and_files_without_line_are_listed(tmp_path):
    make(tmp_path)
    (tmp_path / 'UCF-101' / FILES[0]).unlink()
    touch(tmp_path / 'UCF-101', 'YoYo/v_YoYo_g20_c01.avi')
    findings = Findings()
    assert len(list_ucf101(tmp_path, 2, findings)) == 4
    assert {item.name for item in findings.items} == {
        'YoYo/v_YoYo_g01_c01', 'YoYo/v_YoYo_g20_c01.avi'}


@pytest.mark.parametrize(('name', 'text', 'reason'), [
    ('classInd.txt', '1 YoYo\n3 Archery\n', 'without a gap'),
    ('classInd.txt', 'YoYo\n', 'number and the name'),
    ('trainlist02.txt', f'{FILES[2]} 2\n', 'line 1'),
    ('trainlist02.txt', 'Rowing/v_Rowing_g01_c01.avi 3\n', 'line 1'),
    ('testlist02.txt', 'v_YoYo_g01_c01.avi\n', 'line 1'),
])
def test_lists_of_another_form_are_refused(tmp_path, name, text, reason):
    (make(tmp_path) / name).write_text(text)
    with pytest.raises(DataError, match=rf'{name}.*{reason}'):
        list_ucf101(tmp_path, 2)


def test_a_split_without_lists_is_refused(tmp_path):
    make(tmp_path)
    with pytest.raises(DataError, match=r'trainlist03\.txt'):
        list_ucf101(tmp_path, 3)


def test_a_video_on_both_lists_is_refused(tmp_path):
    lists = make(tmp_path)
    (lists / 'testlist02.txt').write_text('\n'.join((FILES[0], FILES[2])))
    with pytest.raises(DataError, match='1 videos are in the training and in the test list'):
        list_ucf101(tmp_path, 2)
