"""A model is measured: what is right, what is missed, what cannot be used and when to stop."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from neuropose_ros.core.errors import DataError, ParameterError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.pose_evaluation.assessment import assess_pose, figures
from neuropose_ros.learning.pose_evaluation.data import PoseData, open_pose_data
from neuropose_ros.learning.pose_evaluation.models import Answer, Asker, create_asker, true_people
from neuropose_ros.learning.pose_evaluation.settings import PoseEvaluationSettings

from .spot_set import annotation, write_network, write_spots

NO_AP = PoseEvaluationSettings(ap=False)


@pytest.fixture(scope='module')
def spots(tmp_path_factory) -> Asker:
    path = write_network(tmp_path_factory.mktemp('network'))
    return create_asker('spots', registry=load_registry(path), announce=lambda _sentence: None)


def opened(root: Path, findings: Findings | None = None) -> PoseData:
    return open_pose_data(f'{root}', findings=findings, empty=True)


def test_a_network_that_is_right_is_said_to_be(spots, tmp_path):
    pytest.importorskip('pycocotools', reason='needs pycocotools')
    people = [annotation(n, (n + 1) // 2) for n in range(1, 9)]
    seen = []
    report = assess_pose(spots, opened(write_spots(tmp_path / 'set', people, 4)),
                         watch=seen.append)
    values = figures(report)
    assert seen == [1, 2, 3, 4]
    assert (values['pck@0.05'], values['ap'], values['missed']) == (1.0, 1.0, 0.0)
    assert values['oks'] > 0.99
    assert values['joints_compared'] == ['red', 'green', 'blue']
    assert values['pck_by_joint']['blue'] == {'0.05': 1.0, '0.1': 1.0, '0.2': 1.0}
    assert (values['pictures'], values['people'], values['regions']) == (4, 8, 'truth')
    assert (values['pckh@0.5'], values['left_out']) == (None, 0)
    assert values['ms'] > 0 and values['peak_mb'] > 10
    json.dumps(values, allow_nan=False)


def test_annotations_that_are_off_cost_what_they_are_off(spots, tmp_path):
    # 6.8 px of a box whose larger side is 68 px
    people = [annotation(1, 1), annotation(2, 1, shift=(0, 7.2)), annotation(3, 2),
              annotation(4, 2)]
    report = assess_pose(spots, opened(write_spots(tmp_path / 'set', people)), NO_AP)
    assert [share.value for share in report.pck] == [0.75, 0.75, 1.0]
    assert report.ap is None
    assert report.worst[0].name == '1.png' and report.worst[0].error > report.worst[1].error


def test_offsets_of_the_training_part_are_taken_out(spots, tmp_path):
    shift = (5.0, -4.0)
    train = write_spots(tmp_path / 'train', [annotation(n, n, shift) for n in (1, 2)])
    test = write_spots(tmp_path / 'test', [annotation(n, n, shift) for n in (1, 2)])
    settings = replace(NO_AP, offsets=True)
    report = assess_pose(spots, opened(test), settings, training=opened(train))
    assert [share.value for share in report.as_found] == [0.0, 1.0, 1.0]
    assert [share.value for share in report.pck] == [1.0, 1.0, 1.0]
    assert figures(report)['pck@0.05_as_found'] == 0.0
    assert report.offsets == pytest.approx(np.tile([5 / 68.27, -4 / 68.27], (3, 1)), abs=0.01)
    with pytest.raises(DataError, match='training part'):
        assess_pose(spots, opened(test), settings)


BAD = {
    'empty box': annotation(40, 1, bbox=[20, 20, 0, 68]),
    'wrong count': annotation(41, 1, keypoints=[1, 2, 2] * 4),
    'outside': annotation(42, 1, keypoints=[1, 2, 2, 400, 5, 2, 30, 40, 2]),
    'no picture': annotation(43, 99),
}


@pytest.mark.parametrize('what', BAD)
def test_what_cannot_be_used_is_listed_counted_and_skipped(spots, tmp_path, what):
    good = [annotation(n, n) for n in range(1, 5)]
    root = write_spots(tmp_path / 'set', [*good, BAD[what]], 4)
    findings = Findings()
    settings = replace(NO_AP, skipped_share=0.3)
    report = assess_pose(spots, opened(root, findings), settings, findings=findings)
    assert len(report.findings) == 1 and report.pictures == 4
    assert figures(report)['left_out'] == 1
    kept = {'outside': 15}.get(what, 12)
    assert report.people.truth.shape[0] == kept // 3
    findings = Findings()
    with pytest.raises(DataError, match='pictures cannot be used, more than the allowed 5%'):
        assess_pose(spots, opened(root, findings), NO_AP, findings=findings)


def test_pictures_may_be_grey_deep_of_mixed_sizes_but_not_corrupt(spots, tmp_path):
    root = write_spots(tmp_path / 'set', [annotation(n, n) for n in range(1, 6)], 5)
    drawn = cv2.imread(str(root / 'images' / '1.png'))
    cv2.imwrite(str(root / 'images' / '1.png'), drawn.astype(np.uint16) * 257)  # 16 bits
    cv2.imwrite(str(root / 'images' / '2.png'), drawn[..., 0])  # grey: one spot is left of three
    wide = np.pad(drawn, ((0, 30), (0, 50), (0, 0)))
    cv2.imwrite(str(root / 'images' / '3.png'), wide)
    (root / 'images' / '4.png').write_bytes((root / 'images' / '5.png').read_bytes()[:200])
    content = json.loads((root / 'spots.json').read_text())
    content['images'][2] |= {'width': 210, 'height': 150}
    (root / 'spots.json').write_text(json.dumps(content))
    findings = Findings()
    report = assess_pose(spots, opened(root, findings), replace(NO_AP, skipped_share=0.3),
                         findings=findings)
    assert [item.name for item in report.findings] == ['4.png']
    right = (report.people.distances <= 0.05).all(1)
    assert right.tolist() == [True, False, True, True]


def test_a_picture_of_another_size_than_is_said_is_left_out(spots, tmp_path):
    root = write_spots(tmp_path / 'set', [annotation(n, n) for n in range(1, 5)], 4)
    drawn = cv2.imread(str(root / 'images' / '1.png'))
    cv2.imwrite(str(root / 'images' / '1.png'), cv2.resize(drawn, (320, 240)))
    report = assess_pose(spots, opened(root), replace(NO_AP, skipped_share=0.3))
    assert '320x240' in report.findings[0].problem and report.pictures == 3


class Told:
    """Answers the truth, changed by a function."""

    model, knows_boxes = 'told', True

    def __init__(self, change, layout: SkeletonLayout | None = None) -> None:
        self._change = change
        self.layout = layout or SkeletonLayout('spots', ('red', 'green', 'blue'), (), ())

    def ask(self, truth, image) -> Answer:
        people, matches = self._change(true_people(truth))
        unknown = sum(int(np.isnan(person.keypoints).any(1).sum()) for person in people)
        return Answer(people, matches, 1.0, unknown, 3 * len(people))

    def close(self) -> None:
        pass


def test_a_network_that_gives_no_numbers_stops_the_run(tmp_path):
    root = write_spots(tmp_path / 'set', [annotation(n, n) for n in (1, 2)])

    def nothing(people):
        return tuple(replace(p, keypoints=p.keypoints * np.nan) for p in people), (0,)

    with pytest.raises(DataError, match=r'told gives no number for 100% of its joints'):
        assess_pose(Told(nothing), opened(root), NO_AP)
    report = assess_pose(Told(nothing), opened(root), replace(NO_AP, skipped_share=1.0))
    assert report.unknown_joints == 1 and report.pck[-1].value == 0


def test_a_joint_that_nobody_has_and_a_model_with_other_joints(tmp_path):
    blue = [annotation(n, n, keypoints=[20, 30, 2, 40, 30, 2, 0, 0, 0]) for n in (1, 2)]
    root = write_spots(tmp_path / 'set', blue)

    def right(people):
        return tuple(replace(p, keypoints=np.nan_to_num(p.keypoints)) for p in people), (0,)

    report = assess_pose(Told(right), opened(root), NO_AP)
    assert [joint.name for joint in report.joints] == ['red', 'green']
    with pytest.raises(DataError, match='cannot be compared'):
        assess_pose(Told(right, COCO17), opened(root), NO_AP)


def test_people_who_were_not_found_and_finds_that_are_nobody(tmp_path):
    root = write_spots(tmp_path / 'set', [annotation(n, n) for n in (1, 2)])

    def strangers(people):
        return people * 3, (None,) if people[0].keypoints[0, 0] < 60 else (1,)

    report = assess_pose(Told(strangers), opened(root), NO_AP)
    assert (report.missed.value, report.extra) == (0.5, 2.5)
    assert report.pck[0].value == 0.5
    assert report.calibration.ece == pytest.approx(0)  # sure of the right one, 0 for the other


def test_a_category_of_nothing_but_other_things_is_said(tmp_path):
    root = write_spots(tmp_path / 'set', [annotation(1, 1, category_id=2)])
    with pytest.raises(DataError, match='of other categories'):
        open_pose_data(f'{root}')


def test_metres_are_measured_where_truth_and_model_have_them():
    data = open_pose_data('synthetic:walk?seconds=0.2&rate=20&width=160&height=120')

    class Metric:
        model, knows_boxes, layout = 'metric', True, data.layout

        def ask(self, truth, image) -> Answer:
            person = true_people(truth)[0]
            turned = truth.keypoints_3d[0] @ np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1.0]])
            return Answer((replace(person, keypoints_3d=turned.astype(np.float32)),), (0,), 1.0)

        def close(self) -> None:
            pass

    values = figures(assess_pose(Metric(), data, NO_AP))
    assert values['mpjpe_m'] > 0.1 and values['pa_mpjpe_m'] == pytest.approx(0, abs=1e-5)
    assert values['pck@0.05'] == 1.0


@pytest.mark.parametrize('wrong', [
    {'thresholds': ()}, {'thresholds': (0.0,)}, {'bins': 0}, {'skipped_share': 1.5},
    {'most_pictures': -1},
])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ParameterError):
        PoseEvaluationSettings(**wrong)


def test_figures_that_are_not_known_are_null(tmp_path):
    root = write_spots(tmp_path / 'set', [annotation(1, 1)], 1)
    values = figures(assess_pose(Told(lambda people: (people, (0,))), opened(root), NO_AP))
    assert values['pck@0.1_interval'] == [None, None]
    assert not any(isinstance(value, float) and math.isnan(value) for value in values.values())
