"""Offline, tremor passes whole, from the first second on, whatever the filter does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.pose import JointState
from neuropose_ros.refinement.calming import Calmed
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.smoothing import smooth
from neuropose_ros.refinement.stage import RefinementStage

BODY_PX, RATE_HZ, COUNT = 400.0, 30.0, 360
SHAKING = np.arange(5, 11)


def recording(person, frame, hz=9.0, count=COUNT):
    """Return frames of a person who sways, arms trembling, (T, 17, 2) the truth and the tremor."""
    rng = np.random.default_rng(0)
    times_s = np.arange(count) / RATE_HZ
    tremor, truth, frames = np.zeros((count, 17, 2)), [], []
    tremor[:, SHAKING, 0] = 0.02 * BODY_PX * np.sin(2 * np.pi * hz * times_s)[:, None]
    for index in range(count):
        truth.append(person((40.0 * np.sin(index / 15.0), 0.0)).keypoints)
        found = truth[-1] + tremor[index] + rng.normal(0.0, 0.01 * BODY_PX, (17, 2))
        frames.append(frame(index, person(points=found)))
    return frames, np.array(truth), tremor


def kept(frames, truth, tremor, when=slice(None)):
    moved = np.array([poses.persons[0].keypoints for poses in frames]) - truth
    return (moved * tremor)[when].sum() / (tremor * tremor)[when].sum()


@pytest.mark.parametrize('hz', [5.0, 9.0])
def test_tremor_passes_from_the_first_second_on(person, frame, hz):
    frames, truth, tremor = recording(person, frame, hz)
    answers = smooth(frames)
    for when in (slice(None), slice(0, 30), slice(-30, None)):
        assert 0.9 < kept(answers, truth, tremor, when) < 1.1
    stage = RefinementStage()
    causal = [stage.process(poses) for poses in frames]
    erased = smooth(frames, RefinementParameters(protect_tremor=False))
    assert abs(kept(causal, truth, tremor, slice(0, 30)) - 1) > 0.15
    assert kept(erased, truth, tremor) < 0.8


def test_the_others_are_as_they_were(person, frame):
    frames, _, _ = recording(person, frame, count=120)
    still = np.setdiff1d(np.arange(17), SHAKING)
    for one, other in zip(frames, Calmed(frames, 1.7).frames, strict=True):
        assert (one.persons[0].keypoints[still] == other.persons[0].keypoints[still]).all()
        assert one.stamp_ns == other.stamp_ns


def test_what_is_taken_off_is_laid_over_again(person, frame):
    frames, _, _ = recording(person, frame, count=150)
    frames.insert(100, replace(frames[99], frame_seq=500))
    frames.insert(50, replace(frames[49], stamp_ns=0))
    frames[120] = replace(frames[120], persons=())
    twin = replace(frames[70].persons[0])
    frames[70] = replace(frames[70], persons=(*frames[70].persons, twin))
    calmed = Calmed(frames, 1.7)
    changed = 0
    for one, calm, back in zip(
            frames, calmed.frames, calmed.shaken(calmed.frames), strict=True):
        for raw, less, again in zip(one.persons, calm.persons, back.persons, strict=True):
            changed += not np.array_equal(raw.keypoints, less.keypoints)
            np.testing.assert_allclose(again.keypoints, raw.keypoints, atol=1e-3)
    assert changed > 120
    assert calmed.frames[70].persons[1] is twin
    assert calmed.frames[50] == frames[50]
    assert np.array_equal(calmed.frames[101].persons[0].keypoints,
                          calmed.frames[100].persons[0].keypoints)


def test_joints_in_3d_keep_theirs(person, frame):
    frames, _, tremor = recording(person, frame)
    deep = np.concatenate((tremor, tremor[..., :1]), -1) / BODY_PX * 1.7
    frames = [replace(poses, persons=(replace(
        poses.persons[0], keypoints_3d=(there + 1.0).astype(np.float32),
        keypoint_states_3d=np.full(17, JointState.MEASURED, np.uint8)),))
        for poses, there in zip(frames, deep, strict=True)]
    answers = np.array([poses.persons[0].keypoints_3d for poses in smooth(frames)]) - 1.0
    assert (answers * deep).sum() / (deep * deep).sum() > 0.9


def test_a_jump_in_a_tremor_is_none_of_it(person, frame):
    frames, truth, tremor = recording(person, frame)
    for index in range(150, 153):
        frames[index].persons[0].keypoints[SHAKING] += 0.6 * BODY_PX
    calm = Calmed(frames, 1.7)
    taken = np.array([one.persons[0].keypoints - other.persons[0].keypoints
                      for one, other in zip(frames, calm.frames, strict=True)])
    assert np.abs(taken - tremor)[140:165].max() < 0.015 * BODY_PX
    assert len(truth) == len(taken)
