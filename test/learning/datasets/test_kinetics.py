"""Kinetics: folders of parts and actions, with or without the official tables."""

from __future__ import annotations

import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.kinetics import list_kinetics

from .sequences import touch

HEAD = 'label,youtube_id,time_start,time_end,split\n'


def test_folders_alone_say_all(tmp_path):
    touch(tmp_path, 'train/side kick/-4wsuPCjDBc_000005_000015.mp4',
          'train/yoga/abc_000000_000010.mp4', 'val/yoga/def_000001_000011.mkv', 'val/readme.md')
    findings = Findings()
    listing = list_kinetics(tmp_path, findings)
    assert {(v.name, v.label, v.group, v.part) for v in listing.videos} == {
        ('train/side kick/-4wsuPCjDBc_000005_000015', 0, '-4wsuPCjDBc', 'train'),
        ('train/yoga/abc_000000_000010', 1, 'abc', 'train'),
        ('validation/yoga/def_000001_000011', 1, 'def', 'validation')}
    assert (listing.labels.labels, len(findings)) == (('side kick', 'yoga'), 0)


@pytest.mark.parametrize('where', ['', 'annotations/'])
def test_tables_say_what_is_in_a_part(tmp_path, where):
    touch(tmp_path, 'train/side_kick/a_b_000005_000015.mp4', 'val/x_000000_000010.mp4',
          'val/stray.mp4', 'test/y_000002_000012.mp4', f'{where}train.csv')
    for part, text in (
            ('train', f'{HEAD}side kick,a_b,5,15,train\nyoga,gone,1,11,train\n'),
            ('validate', f'{HEAD}"yoga",x,0.0,10.0,validate\n'),
            ('test', 'youtube_id,time_start,time_end,split\ny,2,12,test\n')):
        (tmp_path / f'{where}{part}.csv').write_text(text)
    findings = Findings()
    listing = list_kinetics(tmp_path, findings)
    assert {(v.name, v.label, v.group, v.part) for v in listing.videos} == {
        ('train/side kick/a_b_000005_000015', 0, 'a_b', 'train'),
        ('validation/yoga/x_000000_000010', 1, 'x', 'validation'),
        ('test/unlabelled/y_000002_000012', -1, 'y', 'test')}
    assert {item.name for item in findings.items} == {'gone_000001_000011', 'stray'}


@pytest.mark.parametrize(('text', 'reason'), [
    ('a,b\n1,2\n', 'lacks one of the columns'),
    (f'{HEAD}yoga,x,soon,10,train\n', 'a row is not of the form'),
    (f'{HEAD}yoga,x\n', 'a row is not of the form'),
])
def test_tables_of_another_form_are_refused(tmp_path, text, reason):
    touch(tmp_path, 'train/yoga/x.mp4')
    (tmp_path / 'train.csv').write_text(text)
    with pytest.raises(DataError, match=rf'train\.csv.*{reason}'):
        list_kinetics(tmp_path)


def test_without_parts_or_actions_it_is_refused(tmp_path):
    with pytest.raises(DataError, match='neither a folder train'):
        list_kinetics(tmp_path)
    touch(tmp_path, 'train/x.mp4')
    with pytest.raises(DataError, match='no folder of an action'):
        list_kinetics(tmp_path)
