"""Models are asked in known boxes or by themselves; who is who is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import JointState
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture
from neuropose_ros.learning.pose_evaluation.data import open_pose_data
from neuropose_ros.learning.pose_evaluation.models import (
    ByItself,
    InBoxes,
    create_asker,
    person_boxes,
    true_people,
)
from neuropose_ros.pose.many import ManyPeople

from ...pose import marker_networks as networks
from .spot_set import annotation, truth_points, write_network, write_spots


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('spots')
    write_network(root)
    return write_spots(root / 'set', [annotation(1, 1), annotation(2, 1)], 1)


def pictures(folder: Path) -> list[tuple[AnnotatedPicture, np.ndarray]]:
    return list(open_pose_data(f'{folder}').load(Findings()))


def create(folder: Path, *arguments, **options):
    return create_asker(
        'spots', *arguments, registry=load_registry(folder.parent / 'models.yaml'),
        announce=lambda _sentence: None, **options)


def test_people_in_known_boxes_come_in_the_order_of_the_truth(folder):
    [(truth, image)] = pictures(folder)
    asker = create(folder)
    answer = asker.ask(truth, image)
    asker.close()
    assert isinstance(asker, InBoxes) and answer.matches == (0, 1)
    found = np.array([person.keypoints for person in answer.people])
    assert np.abs(found - truth_points()[::-1]).max() < 1
    assert (answer.joints, answer.unknown_joints) == (6, 0)
    assert answer.ms > 0


class TwoBoxes:
    """Sees the second person and a place where nobody is."""

    model = 'boxes'

    def detect(self, picture):
        from neuropose_ros.pose.estimator import Detections

        boxes = np.array([[105, 25, 156, 93], [60, 80, 90, 118]], np.float32)
        return Detections(boxes, np.array([0.9, 0.8], np.float32))

    def close(self):
        pass


def test_whoever_is_found_is_matched_to_the_nearest_true_person(folder):
    [(truth, image)] = pictures(folder)
    known = create(folder)
    asker = ByItself(ManyPeople(TwoBoxes(), known._estimator))
    answer = asker.ask(truth, image)
    asker.close()
    assert answer.matches[1] is None  # the left one, whom the detector does not see
    assert answer.matches[0] is not None
    assert np.abs(answer.people[answer.matches[0]].keypoints - truth_points()[1]).max() < 1


def test_numbers_that_a_network_does_not_give_are_counted(folder):
    [(truth, image)] = pictures(folder)

    class Broken:
        layout, model = networks.SPOTS, 'broken'

        def estimate(self, picture, regions):
            people = create(folder)._estimator.estimate(picture, regions)
            points = people[0].keypoints.copy()
            points[1] = np.nan
            return [replace(people[0], keypoints=points), people[1]]

    answer = InBoxes(Broken()).ask(truth, image)
    assert (answer.unknown_joints, answer.joints) == (1, 6)


def test_a_model_is_told_no_more_than_boxes_and_only_where_it_reads_them(folder):
    registry = load_registry()
    with pytest.raises(ParameterError, match='finds people by itself'):
        create_asker('rtmo-s', 'truth', registry=registry)
    with pytest.raises(ParameterError, match='unknown pose model'):
        create_asker('nonesuch', registry=registry)


def test_boxes_that_are_not_annotated_are_a_tenth_larger_than_the_joints():
    points = np.full((2, 17, 2), np.nan, np.float32)
    points[0, 0], points[0, 1], points[1, 0] = (10, 20), (110, 60), (5, 5)
    unknown = np.full(2, np.nan, np.float32)
    truth = AnnotatedPicture(
        Path('a.png'), COCO17, points, np.isfinite(points).all(-1) & (np.arange(17) < 1),
        np.full((2, 4), np.nan, np.float32), unknown, unknown)
    boxes = person_boxes(truth)
    assert boxes[0].tolist() == [0, 10, 120, 70]
    assert boxes[1].tolist() == [5, 5, 6, 6]  # one joint: small, not empty
    states = true_people(truth)[0].keypoint_states
    assert states[:3].tolist() == [JointState.MEASURED, JointState.OCCLUDED, JointState.MISSING]
