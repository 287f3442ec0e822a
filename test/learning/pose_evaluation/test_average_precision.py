"""COCO's figures: mmpose's published toy results, and pycocotools on the file itself."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason='needs pycocotools')

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import PersonPose
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture, read_coco
from neuropose_ros.learning.pose_evaluation.average_precision import average_precision
from neuropose_ros.learning.pose_evaluation.models import Answer

EVERY = np.ones(17, bool)
NAMES = ('AP', 'AP .5', 'AP .75', 'AP (M)', 'AP (L)', 'AR', 'AR .5', 'AR .75', 'AR (M)', 'AR (L)')
# mmpose 204b69d5, tests/test_evaluation/test_metrics/test_coco_metric.py, test_topdown_alignment,
# case 1: every annotated joint at 0.98 x and 1.02 y.
PUBLISHED = (
    0.5287458745874587, 0.9042904290429042, 0.5009900990099009, 0.42475247524752474,
    0.6219554455445544, 0.5833333333333333, 0.9166666666666666, 0.5833333333333334,
    0.44000000000000006, 0.6857142857142857)


def answer(people: list[tuple[np.ndarray, float]]) -> Answer:
    found = tuple(
        PersonPose(points.astype(np.float32), np.ones(len(points), np.float32),
                   np.full(len(points), 7, np.uint8), np.zeros(4, np.float32), score)
        for points, score in people)
    return Answer(found, (), 1.0)


def stats(asked) -> np.ndarray:
    return np.array(astuple(average_precision(COCO17, EVERY, asked))[2:])


@pytest.fixture(scope='module')
def toy(data_folder: Path) -> tuple[Path, tuple[AnnotatedPicture, ...]]:
    path = data_folder / 'images' / 'coco' / 'test_coco.json'
    return path, read_coco(path, path.parent, empty=True)


def shifted(path: Path, picture: int, right: bool) -> list[tuple[np.ndarray, float]]:
    """The answers of mmpose's case in its order: best first, of equals the last one."""
    people = []
    for entry in json.loads(path.read_text())['annotations']:
        if entry['image_id'] == picture:
            table = np.array(entry['keypoints'], np.float32).reshape(17, 3)
            scores = table[:, 2] * np.float32(0.8)
            sure = scores[scores > 0.2]
            score = np.float32(0.98) * (sum(sure) / len(sure) if len(sure) else 0)
            factor = np.array([1, 1] if right else [0.98, 1.02], np.float32)
            people.append((table[:, :2] * factor, float(score)))
    order = np.argsort([score for _, score in people])[::-1]
    return [people[i] for i in order]


def test_published_toy_results_are_met_to_the_last_digit(toy):
    path, pictures = toy
    asked = [(picture, answer(shifted(path, picture.picture_id, False))) for picture in pictures]
    assert dict(zip(NAMES, stats(asked), strict=True)) == pytest.approx(
        dict(zip(NAMES, PUBLISHED, strict=True)), abs=1e-12)
    found = average_precision(COCO17, EVERY, asked)
    assert (found.people, found.finds) == (12, 14)


def test_the_truth_itself_is_perfect(toy):
    path, pictures = toy
    asked = [(picture, answer(shifted(path, picture.picture_id, True))) for picture in pictures]
    assert stats(asked).tolist() == [1.0] * 10


def made(rng: np.random.Generator, folder: Path) -> Path:
    """A file with crowds, people without joints, small and large ones, and an empty picture."""
    annotations = []
    for number in range(1, 31):
        side = float(rng.choice([30, 80, 200]))
        corner = rng.uniform(0, 200, 2)
        table = np.concatenate(
            (corner + rng.uniform(0, side, (17, 2)), rng.integers(0, 3, (17, 1))), 1).round(2)
        bare = number % 9 == 0
        if bare:
            table[:] = 0
        table[table[:, 2] == 0] = 0
        annotations.append({
            'id': number, 'image_id': number % 5 + 1, 'category_id': 1,
            'iscrowd': int(number == 18), 'area': round(side * side * 0.6, 2),
            'num_keypoints': int((table[:, 2] > 0).sum()), 'bbox': [*corner.round(2), side, side],
            'keypoints': table.ravel().tolist()})
    path = folder / 'made.json'
    path.write_text(json.dumps({
        'images': [{'id': i, 'file_name': f'{i}.png', 'width': 500, 'height': 500}
                   for i in range(1, 7)],
        'annotations': annotations, 'categories': [{'id': 1, 'name': 'person'}]}))
    for i in range(1, 7):
        (folder / f'{i}.png').touch()
    return path


def test_figures_are_those_of_pycocotools_on_the_file(tmp_path):
    rng = np.random.default_rng(5)
    path = made(rng, tmp_path)
    pictures = read_coco(path, tmp_path, empty=True)
    assert len(pictures) == 6
    finds = {picture.picture_id: [] for picture in pictures}
    for entry in json.loads(path.read_text())['annotations']:
        table = np.array(entry['keypoints']).reshape(17, 3)[:, :2]
        table = table if entry['num_keypoints'] else rng.uniform(0, 400, (17, 2))
        noisy = (table + rng.normal(0, entry['bbox'][2] * 0.05, (17, 2))).astype(np.float32)
        finds[entry['image_id']].append((noisy, float(rng.uniform())))
    finds[6].append((rng.uniform(0, 400, (17, 2)).astype(np.float32), 0.9))  # nobody is there
    asked = [(picture, answer(finds[picture.picture_id])) for picture in pictures]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(path))
        results = truth.loadRes([
            {'image_id': index, 'category_id': 1, 'score': score,
             'keypoints': np.column_stack((points, np.ones(17))).ravel().tolist()}
            for index, people in finds.items() for points, score in people])
        reference = COCOeval(truth, results, 'keypoints')
        reference.evaluate()
        reference.accumulate()
        reference.summarize()
    assert 0.05 < reference.stats[0] < 0.95
    assert stats(asked) == pytest.approx(reference.stats, abs=1e-9)


def test_finds_where_nobody_is_cost_precision(tmp_path):
    pictures = read_coco(made(np.random.default_rng(5), tmp_path), tmp_path, empty=True)
    right = [(picture, answer([(points, 0.5) for points in picture.keypoints]))
             for picture in pictures]
    nobody = [*right[:-1], (right[-1][0], answer([(np.full((17, 2), 50.0), 0.9)]))]
    assert not len(pictures[-1].keypoints)
    assert stats(nobody)[0] < stats(right)[0]
    assert stats(nobody)[5] == stats(right)[5]  # recall


def test_joints_that_were_not_found_or_are_not_of_the_model(tmp_path):
    pictures = read_coco(made(np.random.default_rng(5), tmp_path), tmp_path)
    halves = []
    for picture in pictures:
        points = picture.keypoints.copy()
        points[:, 9:] = np.nan
        halves.append((picture, answer([(person, 0.5) for person in points])))
    assert stats(halves)[0] < 0.5
    corner = [(replace(picture, keypoints=picture.keypoints * np.float32(0.01)), found)
              for picture, found in halves]  # nor is a joint at the origin found by chance
    nowhere = [(truth, replace(found, people=tuple(
        replace(person, keypoints=person.keypoints * np.float32(np.nan))
        for person in found.people))) for truth, found in corner]
    assert stats(nowhere)[5] == 0
    partly = average_precision(COCO17, np.arange(17) < 9, halves)
    assert partly.ar == pytest.approx(1.0)
