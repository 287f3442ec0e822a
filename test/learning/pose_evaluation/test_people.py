"""Answers beside the truth: sizes, areas, layouts, and people who were not found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17, JHMDB15
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture
from neuropose_ros.learning.pose_evaluation.models import Answer, true_people
from neuropose_ros.learning.pose_evaluation.people import gather


def annotated(layout=COCO17, people: int = 2, **change) -> AnnotatedPicture:
    points = np.random.default_rng(1).uniform(10, 90, (people, len(layout), 2)).astype(np.float32)
    boxes = np.tile(np.array([0, 0, 100, 50], np.float32), (people, 1))
    return replace(AnnotatedPicture(
        Path('a.png'), layout, points, np.ones(points.shape[:2], bool), boxes,
        np.array([900, np.nan], np.float32)[:people], np.full(people, np.nan, np.float32)),
        **change)


def test_rows_are_people_and_who_was_not_found_has_a_row_too():
    truth = annotated()
    person = true_people(truth)[1]
    found = gather(COCO17, COCO17, [(annotated(people=0), Answer((), (), 1.0)),
                                    (truth, Answer((person,), (None, 0), 1.0))])
    assert (len(found), found.pictures.tolist()) == (2, [1, 1])
    assert np.isnan(found.found[0]).all() and np.isinf(found.distances[0]).all()
    assert not found.scores[0].any() and not found.distances[1].any()
    assert found.areas[0] == 900 and np.isnan(found.areas[1])
    assert len(found.only(np.array([0]))) == 1 and found.only(np.array([0])).areas[0] == 900


def test_sizes_are_those_of_the_data_set_unless_others_are_asked_for():
    own = annotated(sizes_px=np.array([30, 40], np.float32))
    people = true_people(own)
    answer = Answer(people, (0, 1), 1.0)
    for size, expected in (('auto', [30, 40]), ('larger_side', [100, 100]),
                           ('diagonal', [np.float32(np.hypot(100, 50))] * 2)):
        assert gather(COCO17, COCO17, [(own, answer)], size).sizes_px.tolist() == expected
    plain = annotated()
    assert gather(COCO17, COCO17, [(plain, answer)]).sizes_px.tolist() == [100, 100]


def test_what_a_model_cannot_know_is_not_comparable():
    truth = annotated(JHMDB15, 1)
    answer = Answer((), (None,), 1.0)
    assert gather(JHMDB15, COCO17, [(truth, answer)]).comparable.all()
    of_blazepose = annotated(BLAZEPOSE33, 1)
    comparable = gather(BLAZEPOSE33, COCO17, [(of_blazepose, answer)]).comparable
    assert comparable.sum() == 17 and not comparable[BLAZEPOSE33.index('left_heel')]


def test_nobody_at_all():
    found = gather(COCO17, COCO17, [])
    assert (len(found), found.truth.shape, found.distances.shape) == (0, (0, 17, 2), (0, 17))
