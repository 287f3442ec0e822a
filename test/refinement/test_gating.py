"""Left taken for right: put back, and never where the sides are right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import JointState
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.stage import RefinementStage

LEGS = ('hip', 'knee', 'ankle')


def exchanged(someone, parts):
    """Return ``someone`` with left and right of ``parts`` exchanged, scores too."""
    order = np.arange(17)
    for left, right in COCO17.mirror_pairs:
        if COCO17.names[left].partition('_')[2] in parts:
            order[[left, right]] = right, left
    return replace(
        someone, keypoints=someone.keypoints[order],
        keypoint_scores=someone.keypoint_scores[order],
        keypoint_states=someone.keypoint_states[order])


def body(index, stride=0.0):
    """A person 400 px tall who faces the camera, or strides past it (px of a step)."""
    points = np.zeros((17, 2))
    for joint, name in enumerate(COCO17.names):
        side = -1.0 if 'left' in name else 1.0 if 'right' in name else 0.0
        height = {'shoulder': 100, 'elbow': 170, 'wrist': 240, 'hip': 250, 'knee': 350,
                  'ankle': 450}.get(name.rpartition('_')[2], 60)
        swing = side * stride * np.sin(2 * np.pi * index / 30.0) * (height - 100) / 350.0
        points[joint] = 300.0 + (swing if stride else 45.0 * side) + 2.0 * index, height
    return points


def run(person, frame, wrong, parts, stage, *, stride=0.0, frames=60, noise_px=1.0):
    """Return (T, 17) distances to the true place; sides of ``parts`` are ``wrong`` at times."""
    rng, errors = np.random.default_rng(0), []
    for index in range(frames):
        truth = body(index, stride)
        someone = person(points=truth + rng.normal(0.0, noise_px, truth.shape), score=0.9)
        if index in wrong:
            someone = exchanged(someone, parts)
        found = stage.process(frame(index, someone)).persons[0]
        assert (found.keypoint_states == JointState.MEASURED).all()
        errors.append(np.linalg.norm(found.keypoints - truth, axis=1))
    return np.array(errors)


@pytest.mark.parametrize('lasts', [1, 5, 15])
@pytest.mark.parametrize('parts', [('wrist',), ('knee', 'ankle'), (
    'shoulder', 'elbow', 'wrist', *LEGS), LEGS])
def test_sides_are_put_back(person, frame, parts, lasts):
    stage = RefinementStage()
    errors = run(person, frame, range(25, 25 + lasts), parts, stage)
    assert errors[5:].max() < 10.0
    assert stage.counters.swapped == 2 * len(parts) * lasts
    kept = RefinementStage(RefinementParameters(use_swap_repair=False))
    assert run(person, frame, range(25, 25 + lasts), parts, kept)[25:].max() > 15.0
    assert kept.counters.swapped == 0


@pytest.mark.parametrize('stride', [60.0, 120.0])
@pytest.mark.parametrize('noise_px', [0.5, 4.0])
def test_legs_that_cross_are_not_exchanged(person, frame, stride, noise_px):
    stage = RefinementStage()
    errors = run(person, frame, (), LEGS, stage, stride=stride, frames=90, noise_px=noise_px)
    assert stage.counters.swapped == 0
    assert errors[5:].mean() < 2.0 * noise_px + 2.0


def test_hands_that_clap_are_not_exchanged(person, frame):
    stage = RefinementStage()
    rng = np.random.default_rng(1)
    for index in range(90):
        points = body(0)
        apart = 60.0 * abs(np.sin(2 * np.pi * index / 20.0))
        for name, side in (('left_wrist', -1.0), ('right_wrist', 1.0)):
            points[COCO17.index(name), 0] = 300.0 + side * apart
        stage.process(frame(index, person(points=points + rng.normal(0.0, 1.0, points.shape))))
    assert stage.counters.swapped == 0


def test_who_keeps_the_sides_so_is_believed(person, frame):
    stage = RefinementStage()
    run(person, frame, range(30, 90), LEGS, stage, frames=90)
    assert 0 < stage.counters.swapped < 6 * 35
    errors = run(person, frame, range(90), LEGS, stage, frames=1)
    assert errors.shape == (1, 17)


def test_a_layout_that_is_not_known_has_no_sides(person, frame):
    stage = RefinementStage()
    for index in range(20):
        someone = person(points=body(index))
        found = stage.process(frame(index, someone, layout='of_another_house@0000')).persons[0]
    assert (found.keypoint_states == JointState.MEASURED).all()
    assert stage.counters.swapped == 0
