"""Sets of annotated pictures: own joints, bad annotations, and what is held back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import COCO17, JHMDB15
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.picture_files import load_pictures
from neuropose_ros.learning.datasets.picture_sets import hold_out, read_picture_set

from .annotations import person, write_set


def test_an_annotation_tool_names_the_joints(tmp_path):
    root = write_set(tmp_path / 'set', [person(1), person(2, 2), person(2, 3, category_id=1)])
    found = read_picture_set('', root)
    assert found.layout.names == ('head', 'left_hand', 'right_hand', 'left_foot', 'right_foot')
    assert found.layout.edges == ((0, 1), (0, 2), (0, 3), (0, 4))
    assert found.layout.mirror_pairs == ((1, 2), (3, 4))
    assert [len(picture.boxes) for picture in found.pictures] == [1, 1]
    assert found.pictures[0].keypoints[0, 1].tolist() == [70, 40]
    assert found.pictures[1].picture_id == 2


def test_the_joints_of_a_known_layout_are_that_layout(tmp_path):
    root = write_set(
        tmp_path / 'set', [person(1, keypoints=[20, 20, 2] * 17)], joints=COCO17.names)
    assert read_picture_set('coco', root).layout is COCO17


def test_people_who_cannot_be_compared_are_told_apart(tmp_path):
    people = [person(1), person(1, 2, iscrowd=1), person(1, 3, keypoints=[0, 0, 0] * 5)]
    root = write_set(tmp_path / 'set', people)
    [picture] = read_picture_set('', root).pictures
    assert picture.keypoints.shape == (1, 5, 2)
    assert picture.ignored.tolist() == [
        [25, 15, 75, 95, 4000, 1], [25, 15, 75, 95, 4000, 0]]
    assert len(read_picture_set('', root, empty=True)) == 2


@pytest.mark.parametrize(('change', 'said'), [
    ({'keypoints': [1, 2, 2]}, 'keypoints are 3 numbers'),
    ({'keypoints': ['left'] * 15}, 'not of the form'),
    ({'bbox': [25, 15, 0, 80]}, 'box is empty'),
    ({'bbox': None}, 'not of the form'),
    ({'image_id': 9}, 'no picture of its image_id'),
])
def test_bad_annotations_are_listed_and_left_out(tmp_path, change, said):
    root = write_set(tmp_path / 'set', [person(1), person(2, 8, **change)])
    findings = Findings()
    assert len(read_picture_set('', root, findings=findings)) == 1
    [item] = findings.items
    assert item.name == 'annotation 8' and said in item.problem


def test_joints_outside_of_the_picture_are_taken_away(tmp_path):
    root = write_set(tmp_path / 'set', [person(1, shift=100), person(2, 2)])
    findings = Findings()
    loaded = list(load_pictures(read_picture_set('', root).pictures, findings))
    assert [index for index, _, _ in loaded] == [0, 1]
    assert np.isnan(loaded[0][1].keypoints[0]).any(1).tolist() == [
        False, True, False, False, False]
    assert [item.problem for item in findings.items] == ['left_hand lies outside of the picture']


def test_pictures_of_all_kinds_are_read_and_broken_ones_left_out(tmp_path):
    root = write_set(tmp_path / 'set', [person(n, n) for n in range(1, 6)], count=5)
    images = root / 'images'
    deep = np.full((120, 160), 40_000, np.uint16)
    cv2.imwrite(str(images / '1.png'), deep)
    cv2.imwrite(str(images / '2.png'), np.full((120, 160), 7, np.uint8))
    (images / '3.png').write_bytes(b'no picture')
    cv2.imwrite(str(images / '4.png'), np.zeros((60, 80, 3), np.uint8))
    findings = Findings()
    loaded = {index: image for index, _, image in load_pictures(
        read_picture_set('', root).pictures, findings)}
    assert sorted(loaded) == [0, 1, 4]
    assert loaded[0].dtype == np.uint8 and loaded[0].shape == (120, 160, 3)
    assert abs(int(loaded[0][0, 0, 0]) - 40_000 / 257) <= 1
    assert loaded[1][0, 0].tolist() == [7, 7, 7]
    said = ' '.join(item.problem for item in findings.items)
    assert 'not a picture' in said and '80x60 px, but its annotations are of 160x120' in said


def test_what_is_held_back_shares_no_recording(tmp_path):
    people = [person(n, n) for n in range(1, 9)]
    pictures = read_picture_set('', write_set(tmp_path / 'set', people, count=8)).pictures
    learnt, held = hold_out(pictures, 0.25, seed=3)
    assert (len(learnt), len(held)) == (6, 2)
    assert not {picture.path for picture in learnt} & {picture.path for picture in held}
    assert hold_out(pictures, 0.25, seed=3) == (learnt, held)
    assert hold_out(pictures, 0.0) == (pictures, ())
    with pytest.raises(DataError, match='too few'):
        hold_out(pictures[:1], 0.25)


@pytest.mark.parametrize(('form', 'part', 'said'), [
    ('cocoa', '', 'form .* unknown'), ('coco', 'middle', 'part .* unknown'),
    ('jhmdb', '', 'jhmdb14_named'),
])
def test_unknown_forms_and_parts_are_named(tmp_path, form, part, said):
    with pytest.raises(DataError, match=said):
        read_picture_set(form, write_set(tmp_path / 'set', [person(1)]), part)


def test_a_folder_without_or_with_many_annotations_is_refused(tmp_path):
    with pytest.raises(DataError, match=r'one \.json file .* there is none'):
        read_picture_set('', tmp_path)
    root = write_set(tmp_path / 'set', [person(1)])
    (root / 'annotations' / 'b.json').write_text('{}')
    with pytest.raises(DataError, match='give the file itself'):
        read_picture_set('', root)
    with pytest.raises(DataError, match=r"'test' in its name; there is .*b\.json.*: give"):
        read_picture_set('', root, 'test')


def test_a_file_of_other_things_or_with_an_id_twice_is_refused(tmp_path):
    root = write_set(tmp_path / 'set', [person(1), person(2, 8)])
    path, = root.glob('annotations/*.json')
    content = json.loads(path.read_text())
    for entry in content['annotations']:
        entry['category_id'] = 99
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match='all of its 2 annotations are of other categories'):
        read_picture_set('', root, empty=True)
    content['images'][1]['id'] = content['images'][0]['id']
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match='same id'):
        read_picture_set('', root)


@pytest.mark.skipif('NEUROPOSE_DATA' not in os.environ,
                    reason='needs real recordings: NEUROPOSE_DATA names no folder')
def test_frames_of_jhmdb_have_the_joints_of_their_time():
    root = Path(os.environ['NEUROPOSE_DATA']) / 'jhmdb'
    train, test = (read_picture_set('jhmdb', root, part) for part in ('train', 'test'))
    assert (train.layout, len(train) + len(test)) == (
        JHMDB15, len(read_picture_set('jhmdb', root)))
    assert not {p.path for p in train.pictures} & {p.path for p in test.pictures}
    findings = Findings()
    wanted = (test.pictures[0], test.pictures[3])
    loaded = list(load_pictures(wanted, findings))
    assert [index for index, _, _ in loaded] == [0, 1] and not len(findings)
    assert (loaded[0][2] != loaded[1][2]).any()
