"""Cadence of closed-form walkers in several views, with noise, gaps, swaps, and of no walkers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17
from neuropose_ros.core.pose import FrameStatus, JointState, PersonPose, PoseFrame
from neuropose_ros.movement.cadence import cadence, main_track
from neuropose_ros.sources.open import open_source

SCALE_PX = 100.0  # length of the trunk
Walker = Callable[[float, float], dict[str, tuple[float, float]]]


def side_view(time_s: float, phase: float) -> dict[str, tuple[float, float]]:
    """Walks to the right; feet swing forward and back, the trunk bobs once per step."""
    x, bob = 100 + 80 * time_s, 3 * math.cos(2 * phase)
    joints = {}
    for side, shift, shoulder in (('left', 0.0, 4), ('right', math.pi, -4)):
        angle = phase + shift
        joints[f'{side}_shoulder'] = (x + shoulder, 100 + bob)
        joints[f'{side}_hip'] = (x + shoulder / 2, 200 + bob)
        joints[f'{side}_knee'] = (x + 30 * math.sin(angle), 245 + bob)
        joints[f'{side}_ankle'] = (
            x + 55 * math.sin(angle), 290 - 12 * max(0.0, math.cos(angle)))
    return joints


def front_view(time_s: float, phase: float) -> dict[str, tuple[float, float]]:
    """Comes nearer; feet rise in turn, the trunk sways once per stride and bobs once per step."""
    zoom = 1 + 0.12 * time_s
    sway, bob = 4 * math.sin(phase), 3 * math.cos(2 * phase)
    joints = {}
    for side, shift, x in (('left', 0.0, 18), ('right', math.pi, -18)):
        lift = max(0.0, math.cos(phase + shift))
        joints[f'{side}_shoulder'] = (320 + zoom * (x + sway), 150 + zoom * (bob - 100))
        joints[f'{side}_hip'] = (320 + zoom * (x / 2 + sway), 150 + zoom * bob)
        joints[f'{side}_knee'] = (320 + zoom * x / 2, 150 + zoom * (45 - 8 * lift))
        joints[f'{side}_ankle'] = (320 + zoom * x / 2, 150 + zoom * (90 - 12 * lift))
    return joints


def frames_of(
    walker: Walker, steps_per_min: float, seconds: float = 4.0, rate_hz: float = 30.0,
    noise_px: float = 0.0, seed: int = 1, layout=COCO17, phase: float = 0.3,
) -> list[PoseFrame]:
    rng = np.random.default_rng(seed)
    frames = []
    for number in range(round(seconds * rate_hz)):
        time_s = number / rate_hz
        points = np.full((len(layout), 2), np.nan, np.float32)
        joints = walker(time_s, 2 * math.pi * steps_per_min / 120 * time_s + phase)
        for name, point in joints.items():
            points[layout.index(name)] = np.asarray(point) + rng.normal(0, noise_px, 2)
        states = np.where(
            np.isfinite(points[:, 0]), JointState.MEASURED, JointState.MISSING).astype(np.uint8)
        person = PersonPose(
            points, np.ones(len(layout), np.float32), states, np.zeros(4, np.float32), track_id=5)
        frames.append(PoseFrame(
            1_700_000_000_000_000_000 + round(time_s * 1e9), number, layout.id, 640, 480,
            status=FrameStatus.OK, persons=(person,)))
    return frames


def with_person(frame: PoseFrame, **changes) -> PoseFrame:
    return replace(frame, persons=(replace(frame.persons[0], **changes),))


@pytest.mark.parametrize('walker', [side_view, front_view])
@pytest.mark.parametrize('steps_per_min', [60, 87.3, 110, 125, 170])
def test_exact_movement_gives_the_exact_cadence(walker, steps_per_min):
    result = cadence(frames_of(walker, steps_per_min), 5)
    assert result.valid, result.reason
    assert result.steps_per_min == pytest.approx(steps_per_min, rel=0.01)
    assert result.frames_used == 120
    assert result.window_s == pytest.approx(119 / 30, abs=1e-6)


@pytest.mark.parametrize('walker', [side_view, front_view])
@pytest.mark.parametrize('seed', range(8))
def test_noise_of_a_detector_costs_less_than_three_percent(walker, seed):
    steps_per_min = 80 + 9.3 * seed
    frames = frames_of(walker, steps_per_min, noise_px=4, seed=seed, phase=seed)
    result = cadence(frames, 5)
    assert result.valid, result.reason
    assert result.steps_per_min == pytest.approx(steps_per_min, rel=0.03)


def test_uncertainty_is_neither_boast_nor_excuse():
    deviations = []
    for seed in range(24):
        result = cadence(frames_of(front_view, 110, noise_px=5, seed=seed, phase=seed), 5)
        deviations.append((result.steps_per_min - 110) / result.uncertainty_steps_per_min)
    spread = float(np.sqrt(np.mean(np.square(deviations))))
    assert 0.2 < spread < 1.5


def test_joints_without_a_measurement_are_gaps_even_if_they_carry_a_guess():
    frames = frames_of(side_view, 104, noise_px=2)
    wild = np.random.default_rng(3)
    for number, frame in enumerate(frames):
        if 40 <= number < 60 or number % 7 == 0:
            points = frame.persons[0].keypoints + wild.normal(0, 80, (17, 2)).astype(np.float32)
            states = np.full(17, JointState.PREDICTED, np.uint8)
            frames[number] = with_person(frame, keypoints=points, keypoint_states=states)
    result = cadence(frames, 5)
    assert result.valid, result.reason
    assert result.steps_per_min == pytest.approx(104, rel=0.02)


def test_lost_frames_and_people_are_gaps():
    frames = frames_of(side_view, 96, noise_px=2)
    frames = [replace(frame, persons=()) if 50 <= number < 65 else frame
              for number, frame in enumerate(frames) if number % 3]
    result = cadence(frames, 5)
    assert result.valid, result.reason
    assert result.steps_per_min == pytest.approx(96, rel=0.02)


def test_one_hidden_leg_is_enough():
    frames = frames_of(side_view, 118, noise_px=2)
    for number, frame in enumerate(frames):
        states = frame.persons[0].keypoint_states.copy()
        for name in ('right_knee', 'right_ankle', 'right_hip', 'right_shoulder'):
            states[COCO17.index(name)] = JointState.OCCLUDED
        frames[number] = with_person(frame, keypoint_states=states)
    result = cadence(frames, 5)
    assert result.valid, result.reason
    assert result.steps_per_min == pytest.approx(118, rel=0.02)


def test_feet_confused_for_a_third_of_the_time_do_not_change_it():
    frames = frames_of(side_view, 112, noise_px=2)
    swapped = list(range(17))
    for part in ('hip', 'knee', 'ankle'):
        left, right = COCO17.index(f'left_{part}'), COCO17.index(f'right_{part}')
        swapped[left], swapped[right] = right, left
    for number in range(len(frames)):
        if number % 30 < 10:
            points = frames[number].persons[0].keypoints[swapped]
            frames[number] = with_person(frames[number], keypoints=points)
    assert cadence(frames, 5).steps_per_min == pytest.approx(112, rel=0.03)


def test_any_layout_with_legs_and_trunk_will_do():
    frames = frames_of(front_view, 101, layout=BLAZEPOSE33)
    assert cadence(frames, 5).steps_per_min == pytest.approx(101, rel=0.01)


@pytest.mark.parametrize('seed', range(5))
def test_a_standing_person_has_no_cadence(seed):
    def standing(time_s: float, phase: float) -> dict[str, tuple[float, float]]:
        return side_view(0, 0.7)

    result = cadence(frames_of(standing, 100, noise_px=1.5, seed=seed), 5)
    assert not result.valid
    assert result.reason


@pytest.mark.parametrize('seed', range(5))
def test_a_wandering_estimate_of_a_standing_person_has_no_cadence(seed):
    frames = frames_of(lambda time_s, phase: front_view(0, 0.7), 100, seed=seed)
    rng = np.random.default_rng(seed)
    walk = rng.normal(0, 0.25, (len(frames), 17, 2)).cumsum(0).astype(np.float32)
    frames = [with_person(frame, keypoints=frame.persons[0].keypoints + offset)
              for frame, offset in zip(frames, walk, strict=True)]
    assert not cadence(frames, 5).valid


@pytest.mark.parametrize('frames, reason', [
    ([], 'are needed'),
    (frames_of(side_view, 100, seconds=1), r'only 1\.0 s'),
    (frames_of(side_view, 100, rate_hz=5), 'only 20 frames'),
    (frames_of(side_view, 100, seconds=150, rate_hz=10), 'too long'),
])
def test_thin_evidence_is_refused_with_a_reason(frames, reason):
    result = cadence(frames, 5)
    assert not result.valid
    assert math.isnan(result.steps_per_min)
    assert re.search(reason, result.reason)


def test_unmeasured_legs_are_refused_with_a_reason():
    frames = frames_of(side_view, 100)
    states = np.full(17, JointState.PREDICTED, np.uint8)
    frames = [with_person(frame, keypoint_states=states) for frame in frames]
    assert cadence(frames, 5).reason == 'neither feet nor knees were measured often enough'


def test_frames_of_two_epochs_or_out_of_order_are_refused():
    frames = frames_of(side_view, 100)
    with pytest.raises(ValueError, match='one epoch'):
        cadence([*frames[:-1], replace(frames[-1], epoch=1)], 5)
    with pytest.raises(ValueError, match='order of time'):
        cadence(frames[::-1], 5)


def test_the_main_track_is_the_one_seen_most():
    frames = frames_of(side_view, 100, seconds=1)
    frames[3] = with_person(frames[3], track_id=9)
    assert main_track(frames) == 5
    assert main_track([replace(frame, persons=()) for frame in frames]) is None
    assert main_track([with_person(frame, track_id=-1) for frame in frames]) is None


@pytest.mark.parametrize('scene, steps_per_min', [('side_walk', 93), ('passing_occluder', 127)])
def test_the_synthetic_walkers_cadence_is_found_behind_whatever_hides_him(scene, steps_per_min):
    source = open_source(
        f'synthetic:{scene}?cadence={steps_per_min}&seconds=4&rate=15&width=160&height=120')
    pictures = iter(source.read, None)
    frames = [replace(picture.truth, stamp_ns=10**18 + picture.time_ns) for picture in pictures]
    states = np.concatenate([frame.persons[0].keypoint_states for frame in frames])
    assert (states == JointState.OCCLUDED).mean() > 0.05
    result = cadence(frames, frames[0].persons[0].track_id)
    assert result.valid, result.reason
    assert result.steps_per_min == pytest.approx(steps_per_min, rel=0.01)
