"""COCO and MPII: annotations in their official forms."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import COCO17, MPII16
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.pictures import find_coco, find_mpii, read_coco, read_mpii

from .sequences import touch


def coco_person(image: int, **change) -> dict:
    keypoints = [v for k in range(17) for v in (10 + k, 20 + k, 2)]
    keypoints[3:6] = [0, 0, 0]  # not labelled
    keypoints[8] = 1  # labelled, hidden
    return {'id': 7, 'image_id': image, 'iscrowd': 0, 'num_keypoints': 16, 'area': 1234.5,
            'bbox': [5, 6, 100, 200], 'category_id': 1, 'keypoints': keypoints, **change}


def write_coco(root, annotations: list) -> None:
    touch(root, 'val2017/one.jpg', 'annotations/person_keypoints_val2017.json')
    (root / 'annotations' / 'person_keypoints_val2017.json').write_text(json.dumps({
        'images': [{'id': 1, 'file_name': 'one.jpg', 'width': 640, 'height': 480},
                   {'id': 2, 'file_name': 'gone.jpg', 'width': 640, 'height': 480}],
        'annotations': annotations, 'categories': []}))


def test_people_of_coco_have_joints_boxes_and_areas(tmp_path):
    write_coco(tmp_path, [
        coco_person(1), coco_person(1, iscrowd=1), coco_person(1, num_keypoints=0),
        coco_person(1, area=99)])
    findings = Findings()
    picture, = find_coco(tmp_path, findings)
    assert picture.path == tmp_path / 'val2017' / 'one.jpg'
    assert (picture.layout, picture.keypoints.shape) == (COCO17, (2, 17, 2))
    assert picture.keypoints[0, 0].tolist() == [10, 20]
    assert np.isnan(picture.keypoints[0, 1]).all()
    assert picture.visible[0, :3].tolist() == [True, False, False]
    assert picture.boxes[0].tolist() == [5, 6, 105, 206]
    assert picture.areas.tolist() == [1234.5, 99]
    assert len(findings) == 0


def test_annotations_that_cannot_be_used_are_listed(tmp_path):
    write_coco(tmp_path, [
        coco_person(1), coco_person(2), coco_person(3, id=30), coco_person(1, keypoints=[1, 2],
                                                                           id=31), 'text'])
    findings = Findings()
    assert len(find_coco(tmp_path, findings)) == 1
    assert {item.name for item in findings.items} == {
        'gone.jpg', 'annotation 30', 'annotation 31', 'annotation ?'}


@pytest.mark.parametrize('text', ['', '[]', '{"images": []}', '{"images": [1]}'])
def test_a_file_that_is_not_coco_is_refused(tmp_path, text):
    path = tmp_path / 'x.json'
    path.write_text(text)
    with pytest.raises(DataError, match=r'x\.json'):
        read_coco(path, tmp_path)


def test_people_of_mpii_are_read_from_the_common_json(tmp_path):
    touch(tmp_path, 'images/one.jpg', 'annot/valid.json')
    joints = [[101.0 + k, 201.0 + k] for k in range(16)]
    person = {'image': 'one.jpg', 'joints': joints, 'joints_vis': [0] + [1] * 15,
              'center': [100, 200], 'scale': 2.0}
    (tmp_path / 'annot' / 'valid.json').write_text(json.dumps(
        [person, person, {'image': 'one.jpg'}, {**person, 'image': 'gone.jpg'}]))
    findings = Findings()
    picture, = find_mpii(tmp_path, findings)
    assert (picture.layout, picture.keypoints.shape) == (MPII16, (2, 16, 2))
    assert picture.keypoints[0, 1].tolist() == [101, 201]  # MATLAB counts pixels from 1
    assert np.isnan(picture.keypoints[0, 0]).all()
    assert {item.name for item in findings.items} == {'annotation 2', 'gone.jpg'}
    assert picture.boxes[0].tolist() == [-101, 29, 299, 429]  # 200 px each way, 30 px down
    assert np.isnan(picture.head_sizes).all()


def test_heads_of_the_common_json_lie_beside_it(tmp_path):
    savemat = pytest.importorskip('scipy.io', reason='needs scipy').savemat
    touch(tmp_path, 'images/one.jpg', 'annot/valid.json')
    person = {'image': 'one.jpg', 'joints': [[9.0, 9.0]] * 16, 'joints_vis': [1] * 16,
              'center': [10, 20], 'scale': 1.0}
    (tmp_path / 'annot' / 'valid.json').write_text(json.dumps([person, person]))
    boxes = np.array([[[10, 0], [20, 0]], [[40, 6], [60, 8]]], float)
    savemat(tmp_path / 'annot' / 'gt_valid.mat', {'headboxes_src': boxes})
    picture, = find_mpii(tmp_path, Findings())
    assert picture.head_sizes == pytest.approx([30, 6])
    savemat(tmp_path / 'annot' / 'gt_valid.mat', {'headboxes_src': boxes[..., :1]})
    with pytest.raises(DataError, match=r'heads of 1 people, but valid\.json has 2'):
        find_mpii(tmp_path, Findings())


def test_people_of_mpii_are_read_from_the_release(tmp_path):
    savemat = pytest.importorskip('scipy.io', reason='needs scipy').savemat

    def points(ids):
        return {'point': [{'x': 11.0 + i, 'y': 21.0 + i, 'id': i,
                           'is_visible': i % 2 if i < 8 else np.zeros((0, 0))} for i in ids]}
    head = {'x1': 10.0, 'y1': 20.0, 'x2': 40.0, 'y2': 60.0, 'scale': 3.0}
    rects = np.empty(2, object)
    place = {'objpos': {'x': 101.0, 'y': 51.0}}
    rects[:] = [{**head, **place, 'annopoints': points(range(16))},
                {**head, 'annopoints': points((3, 9))}]
    pictures = np.empty(3, object)
    pictures[:] = [
        {'image': {'name': 'one.jpg'}, 'annorect': rects},
        {'image': {'name': 'head.jpg'}, 'annorect': head},
        {'image': {'name': 'test.jpg'}, 'annorect': np.zeros((0, 0))}]
    savemat(tmp_path / 'mpii_human_pose_v1_u12_1.mat', {'RELEASE': {'annolist': pictures}})
    touch(tmp_path, 'images/one.jpg', 'images/head.jpg', 'images/test.jpg')
    findings = Findings()
    picture, = find_mpii(tmp_path, findings)
    assert picture.path.name == 'one.jpg'
    assert picture.keypoints[0].tolist() == [[10 + i, 20 + i] for i in range(16)]
    assert picture.visible[0].tolist() == [i % 2 == 1 or i >= 8 for i in range(16)]
    assert np.isfinite(picture.keypoints[1]).all(-1).nonzero()[0].tolist() == [3, 9]
    assert picture.head_sizes == pytest.approx([30, 30])  # 0.6 of a diagonal of 50
    assert picture.boxes[0].tolist() == [-200, -205, 400, 395]
    assert np.isnan(picture.boxes[1]).all()
    assert len(findings) == 0


def test_a_file_that_is_not_mpii_is_refused(tmp_path):
    savemat = pytest.importorskip('scipy.io', reason='needs scipy').savemat
    savemat(tmp_path / 'x.mat', {'other': 1})
    for name, content in (('x.json', b'{}'), ('y.json', b'no'), ('x.mat', None), ('y.mat', b'')):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=name.replace('.', r'\.')):
            read_mpii(tmp_path / name, tmp_path)


def test_the_real_ones_have_their_people(data_folder):
    folder = data_folder / 'images'
    coco = read_coco(folder / 'coco' / 'test_coco.json', folder / 'coco')
    assert (len(coco), sum(len(picture.areas) for picture in coco)) == (4, 12)
    mpii = read_mpii(folder / 'mpii' / 'test_mpii.json', folder / 'mpii')
    assert sum(len(picture.keypoints) for picture in mpii) == 5
    for picture in coco:
        inside = (picture.keypoints >= picture.boxes[:, None, :2] - 1) & (
            picture.keypoints <= picture.boxes[:, None, 2:] + 1)
        assert inside[np.isfinite(picture.keypoints)].mean() > 0.95
