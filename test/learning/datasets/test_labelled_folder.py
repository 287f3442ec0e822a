"""A lab's own videos: by folders, by patients in them, or by a table."""

from __future__ import annotations

import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.labelled_folder import list_folder

from .sequences import touch


def test_a_folder_for_each_label(tmp_path):
    root = tmp_path / 'clinic'
    touch(root, 'sit/a.mp4', 'sit/b.avi', 'walk/a.mp4', 'loose.mp4', 'walk/notes.txt')
    findings = Findings()
    listing = list_folder(root, findings)
    assert {(v.name, v.label, v.group, v.part) for v in listing.videos} == {
        ('sit/a', 0, 'sit/a', ''), ('sit/b', 0, 'sit/b', ''), ('walk/a', 1, 'walk/a', '')}
    assert listing.labels.name == 'clinic'
    assert [item.name for item in findings.items] == ['loose.mp4']


def test_a_folder_for_each_patient_keeps_the_patient_whole(tmp_path):
    touch(tmp_path, 'sit/p1/a.mp4', 'sit/p2/a.mp4', 'walk/p1/a.mp4')
    assert {(v.name, v.group) for v in list_folder(tmp_path).videos} == {
        ('sit/p1/a', 'p1'), ('sit/p2/a', 'p2'), ('walk/p1/a', 'p1')}


def test_folders_of_parts_are_read_as_such(tmp_path):
    touch(tmp_path, 'train/sit/a.mp4', 'test/sit/b.mp4')
    assert {(v.name, v.part) for v in list_folder(tmp_path).videos} == {
        ('train/sit/a', 'train'), ('test/sit/b', 'test')}


def test_a_table_gives_labels_groups_parts_and_stretches(tmp_path):
    touch(tmp_path, 'one.mp4', 'deep/two.mp4', 'three.mp4')
    (tmp_path / 'labels.csv').write_text(
        '\ufefffile,label,group,part,start_s,end_s\n'
        'one.mp4,walk,p1,train,0,2.5\none.mp4,sit,p1,train,3,\ndeep/two.mp4,sit,,val,,\n')
    findings = Findings()
    listing = list_folder(tmp_path, findings)
    assert [(v.name, v.label, v.group, v.part, v.start_s, v.end_s) for v in listing.videos] == [
        ('one', 1, 'p1', 'train', 0, 2.5), ('one#1', 0, 'p1', 'train', 3, None),
        ('deep/two', 0, 'deep/two', 'validation', 0, None)]
    assert [item.name for item in findings.items] == ['three.mp4']
    assert listing.protocol == 'the parts of labels.csv'


@pytest.mark.parametrize('rows', [
    'one.mp4,p1,train\ntwo.mp4,p1,test\n', 'one.mp4,,train\n./one.mp4,,test\n',
    'one.mp4,p1,\ntwo.mp4,p1,val\n', 'one.mp4,,val\ndeep/../one.mp4,,test\n'])
def test_a_patient_or_video_on_both_sides_is_refused(tmp_path, rows):
    touch(tmp_path, 'one.mp4', 'two.mp4', 'deep/three.mp4')
    (tmp_path / 'labels.csv').write_text('file,label,group,part\n' + ''.join(
        f'{line.partition(",")[0]},walk,{line.partition(",")[2]}\n'
        for line in rows.splitlines()))
    with pytest.raises(DataError, match=r'1 groups are in the .* part and in another'):
        list_folder(tmp_path, Findings())


def test_rows_that_say_nothing_are_listed_by_their_line(tmp_path):
    touch(tmp_path, 'a.mp4')
    (tmp_path / 'labels.csv').write_text(
        'file,label,part,start_s,end_s\na.mp4,walk,,,\nb.mp4,walk,,,\na.mp4,,,,\n'
        'a.mp4,walk,later,,\na.mp4,walk,,soon,\na.mp4,walk,,5,4\na.mp4,walk,,-1,4\n'
        'a.mp4,walk,,4,4\n')
    findings = Findings()
    assert len(list_folder(tmp_path, findings)) == 1
    assert [item.name for item in findings.items] == [
        f'labels.csv line {n}' for n in range(3, 10)]
    assert 'no file b.mp4' in findings.items[0].problem


def test_a_table_of_another_form_is_refused(tmp_path):
    (tmp_path / 'labels.csv').write_text('video,action\na.mp4,walk\n')
    with pytest.raises(DataError, match='columns file and label'):
        list_folder(tmp_path)


def test_a_folder_without_labels_is_refused(tmp_path):
    touch(tmp_path, 'a.mp4', 'empty/notes.txt')
    with pytest.raises(DataError, match='no video in a folder of a label'):
        list_folder(tmp_path)
