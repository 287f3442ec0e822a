"""The pictures that are kept to be looked at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture
from neuropose_ros.learning.pose_evaluation.examples import Gallery, picture_error
from neuropose_ros.learning.pose_evaluation.models import Answer, true_people

IMAGE = np.full((120, 160, 3), 90, np.uint8)


def truth(number: int, group: str = '', people: int = 1) -> AnnotatedPicture:
    points = np.random.default_rng(number).uniform(30, 90, (people, 17, 2)).astype(np.float32)
    unknown = np.full(people, np.nan, np.float32)
    return AnnotatedPicture(
        Path(f'{number}.png'), COCO17, points, np.ones((people, 17), bool),
        np.tile(np.array([20, 20, 120, 100], np.float32), (people, 1)), unknown, unknown,
        group=group)


def shifted(picture: AnnotatedPicture, share: float) -> Answer:
    people = tuple(replace(person, keypoints=person.keypoints + np.float32([100 * share, 0]))
                   for person in true_people(picture))
    return Answer(people, tuple(range(len(people))), 1.0)


def test_errors_are_shares_of_the_person_and_a_person_not_found_counts_whole():
    picture = truth(1, people=2)
    answer = shifted(picture, 0.2)
    assert picture_error(picture, answer) == pytest.approx(0.2, abs=1e-6)
    assert picture_error(picture, replace(answer, matches=(0, None))) == pytest.approx(0.6)
    assert np.isnan(picture_error(truth(1, people=0), Answer((), (), 1.0)))


def test_the_worst_and_the_best_are_kept_one_of_each_recording():
    gallery = Gallery(2)
    for number, (group, share) in enumerate((
            ('a', 0.1), ('a', 0.5), ('a', 0.4), ('b', 0.3), ('c', 0.02), ('d', 0.2), ('c', 0.01),
            ('e', 0.6))):
        picture = truth(number, group)
        answer = shifted(picture, share)
        gallery.offer(picture, IMAGE, answer, picture_error(picture, answer))
    assert [(item.group, round(item.error, 2)) for item in gallery.worst] == [
        ('e', 0.6), ('a', 0.5)]
    assert [(item.group, round(item.error, 2)) for item in gallery.best] == [
        ('c', 0.01), ('a', 0.1)]
    assert gallery.worst[0].name == '7.png'


def test_the_pictures_show_the_people_with_some_room_and_the_answer_beside():
    gallery = Gallery(1)
    picture = truth(3)
    gallery.offer(picture, IMAGE, shifted(picture, 0.1), 0.1)
    [example] = gallery.worst
    assert example.truth.shape == example.found.shape and example.truth.shape[0] == 260
    assert (example.truth != example.found).any()
    assert not gallery.best  # it is among the worst


def test_nothing_is_kept_where_none_is_wanted_or_nobody_is_there():
    for gallery, error in ((Gallery(0), 0.1), (Gallery(3), float('nan'))):
        gallery.offer(truth(1), IMAGE, shifted(truth(1), 0.1), error)
        assert not gallery.worst and not gallery.best
