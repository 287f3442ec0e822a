"""PYSKL pickles: splits by name, the person seen best, what is not known is not a joint."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.pyskl import origin, read_pyskl

from .sequences import points

NAMES = ['v_YoYo_g01_c01', 'v_YoYo_g01_c02', 'v_Archery_g08_c01']


def annotation(name: str, label: int, people: int = 1, frames: int = 4, joints: int = 17,
               seed: int = 0) -> dict:
    stack = np.stack([100 * points(frames, joints, 2 if joints == 17 else 3, seed + m)
                      for m in range(people)])
    entry = {'frame_dir': name, 'label': label, 'img_shape': (240, 320), 'total_frames': frames,
             'original_shape': (240, 320), 'keypoint': stack.astype(np.float16)}
    if joints == 17:
        entry['keypoint_score'] = np.full(stack.shape[:3], 0.5, np.float16)
    return entry


def write(path: Path, annotations: list, split=None) -> Path:
    split = split or {'train1': NAMES[:2], 'test1': NAMES[2:], 'train2': NAMES[1:],
                      'test2': NAMES[:1]}
    path.write_bytes(pickle.dumps({'split': split, 'annotations': annotations}, 4))
    return path


@pytest.fixture
def entries() -> list[dict]:
    return [annotation(name, int('YoYo' not in name), seed=i) for i, name in enumerate(NAMES)]


@pytest.mark.parametrize(('wanted', 'train'), [('', NAMES[:2]), ('1', NAMES[:2]),
                                               ('2', NAMES[1:])])
def test_a_split_is_found_by_its_number(tmp_path, entries, wanted, train):
    findings = Findings()
    split = read_pyskl(write(tmp_path / 'ucf101_2d.pkl', entries), wanted, findings)
    assert [clip.name for clip in split.train.clips] == train
    assert split.protocol == f'train{wanted or 1} -> test{wanted or 1}'
    assert len(findings) == 0
    np.testing.assert_array_equal(
        {c.name: c for c in (*split.train.clips, *split.test.clips)}[NAMES[1]].keypoints,
        entries[1]['keypoint'][0].astype(np.float32))
    assert split.train.clips[-1].scores.min() == 0.5
    assert split.train.labels.labels == ('class_0', 'class_1')


def test_nothing_is_on_both_sides_and_no_split_is_taken_for_another(tmp_path, entries):
    path = write(tmp_path / 'x.pkl', entries, {'train': NAMES[:2], 'val': NAMES[1:]})
    with pytest.raises(DataError, match=f'1 clips .* as {NAMES[1]}'):
        read_pyskl(path)
    write(path, entries, {'train': NAMES[:2], 'val': NAMES[2:]})
    assert len(read_pyskl(path, '1').train) == 2
    with pytest.raises(DataError, match='no split 3; it has train, val'):
        read_pyskl(path, '3')


@pytest.mark.parametrize('sides', [('xsub_train', 'xsub_val'), ('train', 'val')])
def test_other_names_of_sides_are_known(tmp_path, sides):
    names = ['S001C001P001R001A001', 'S001C001P003R001A002']
    path = write(tmp_path / 'ntu60_3d.pkl', [
        annotation(name, i, joints=25) for i, name in enumerate(names)],
        {sides[0]: names[:1], sides[1]: names[1:]})
    split = read_pyskl(path, sides[0].removesuffix('_train') if '_' in sides[0] else '')
    assert [clip.name for clip in split.test.clips] == names[1:]
    assert split.test.layout.name == 'ntu25'
    assert split.test.clips[0].group == 'P003'
    assert split.test.clips[0].scores is None


def test_the_person_seen_best_is_taken_and_zeros_are_no_joints(tmp_path, entries):
    entries[0] = annotation(NAMES[0], 0, people=3, seed=5)
    entries[0]['keypoint_score'][1] = 0.9
    entries[0]['keypoint'][1, 2, 4] = 0
    entries[0]['keypoint_score'][1, 2, 4] = 0
    clip = read_pyskl(write(tmp_path / 'x.pkl', entries)).train.clips[0]
    np.testing.assert_array_equal(clip.keypoints[0],
                                  entries[0]['keypoint'][1, 0].astype(np.float32))
    assert not clip.measured[2, 4]
    assert clip.measured.sum() == clip.measured.size - 1


def test_without_scores_the_person_that_moves_is_taken(tmp_path):
    names = ['S001C001P001R001A001', 'S001C001P003R001A001']
    two = annotation(names[0], 0, people=2, joints=25)
    two['keypoint'][0] = two['keypoint'][0, :1]
    path = write(tmp_path / 'x.pkl', [two, annotation(names[1], 0, joints=25)],
                 {'train': names[:1], 'val': names[1:]})
    clip = read_pyskl(path).train.clips[0]
    np.testing.assert_array_equal(clip.keypoints, two['keypoint'][1].astype(np.float32))


def test_labels_are_named_by_the_file_beside_or_by_the_caller(tmp_path, entries):
    path = write(tmp_path / 'x.pkl', entries)
    (tmp_path / 'x.txt').write_text('YoYo\nArchery\n')
    assert read_pyskl(tmp_path).train.labels.labels == ('YoYo', 'Archery')
    labels = LabelSet('own', ('a', 'b', 'c'))
    assert read_pyskl(path, labels=labels).train.labels == labels
    (tmp_path / 'x.txt').write_text('YoYo\n')
    with pytest.raises(DataError, match=r'1 labels, x\.pkl needs 2'):
        read_pyskl(path)


def test_what_cannot_be_used_is_listed(tmp_path, entries):
    bad = [annotation('nan', 0), annotation('flat', 0), annotation('many', 0, joints=12),
           annotation('minus', -1), annotation('empty', 0, frames=0), annotation('torn', 0),
           annotation('vast', 10 ** 9), annotation('half', 0), annotation(NAMES[0], 1)]
    bad[0]['keypoint'][:] = np.inf
    bad[1]['keypoint'] = bad[1]['keypoint'][0]
    bad[7]['label'] = float('inf')
    bad[5]['keypoint_score'] = bad[5]['keypoint_score'][:, :2]
    nameless = {'label': 1}
    split = {'train': [*NAMES[1:], 'nan', 'flat', 'gone'], 'val': NAMES[:1]}
    findings = Findings()
    read_pyskl(write(tmp_path / 'x.pkl', [*entries, *bad, nameless, 7], split), '', findings)
    names = [item.name for item in findings.items]
    assert sorted(names) == ['empty', 'flat', 'gone', 'half', 'many', 'minus', 'nan', 'torn',
                             NAMES[0], 'vast', 'x.pkl', 'x.pkl']


@pytest.mark.parametrize(('content', 'reason'), [
    ([], 'no dict of split and annotations'),
    ({'split': {}, 'annotations': []}, 'no split'),
    ({'split': {'train1': ['a']}, 'annotations': []}, 'it has train1'),
    ({'split': {'train1': [], 'test1': []}, 'annotations': []}, 'no annotation can be used'),
    ({'split': {'train1': [], 'test1': []}, 'annotations': 3}, 'no list'),
    ({'split': {'train1': None, 'test1': []}, 'annotations': [annotation('a', 0)]}, 'no list'),
    ({'split': {3: [], 'test1': []}, 'annotations': []}, 'it has 3, test1'),
])
def test_a_pickle_of_another_form_is_refused(tmp_path, content, reason):
    (tmp_path / 'x.pkl').write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=reason):
        read_pyskl(tmp_path / 'x.pkl')
    (tmp_path / 'y.pkl').touch()
    with pytest.raises(DataError, match=r'has 2 \.pkl files'):
        read_pyskl(tmp_path)


@pytest.mark.parametrize(('name', 'group'), [
    ('v_YoYo_g01_c01', 'v_YoYo_g01'), ('YoYo/v_YoYo_g01_c01', 'v_YoYo_g01'),
    ('S001C002P003R002A013', 'P003'), ('A_Film_walk_f_cm_np1_fr_med_2', 'A_Film_walk'),
    ('-4wsuPCjDBc_000005_000015', '-4wsuPCjDBc'), ('my_clip', 'my_clip'),
])
def test_names_tell_the_recording(name, group):
    assert origin(name) == group
