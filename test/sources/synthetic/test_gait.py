"""Walking obeys the floor, the clock and published joint angles."""

from __future__ import annotations

import numpy as np
import pytest

from neuropose_ros.core.layouts import BLAZEPOSE33
from neuropose_ros.sources.synthetic import gait as gaits
from neuropose_ros.sources.synthetic.anatomy import BONE
from neuropose_ros.sources.synthetic.gait import Gait, gait
from neuropose_ros.sources.synthetic.rig import solve

HEIGHT_M = 1.75
STYLES = [(60.0, 0.7), (110.0, 1.3), (140.0, 1.7)]
LEFT_ANKLE, LEFT_HEEL, LEFT_TOE = (
    BLAZEPOSE33.index(f'left_{joint}') for joint in ('ankle', 'heel', 'foot_index'))


def joints_on_floor(walk: Gait, times_s: np.ndarray) -> np.ndarray:
    """Return (T, 33, 3) joints in the room: the walker's own frame moves on at its speed."""
    own = np.stack([solve(walk.posture(t / walk.cycle_s), HEIGHT_M).joints() for t in times_s])
    own[:, :, 0] += (walk.speed_m_s * times_s)[:, np.newaxis]
    return own


@pytest.mark.parametrize(('cadence', 'stride'), STYLES)
def test_the_flat_foot_does_not_slide(cadence, stride):
    walk = gait(cadence, stride, HEIGHT_M)
    times_s = np.linspace(gaits.FLAT_FOOT, gaits.HEEL_OFF, 40) * walk.cycle_s
    feet = joints_on_floor(walk, times_s)[:, [LEFT_ANKLE, LEFT_HEEL, LEFT_TOE]]
    assert np.abs(feet - feet[0]).max() < 1e-9


def test_the_toes_stay_where_they_are_until_they_leave_the_floor():
    walk = gait(110.0, 1.3, HEIGHT_M)
    times_s = np.linspace(gaits.HEEL_OFF, gaits.TOE_OFF, 40) * walk.cycle_s
    toes = joints_on_floor(walk, times_s)[:, LEFT_TOE]
    assert np.abs(toes - toes[0]).max() < 1e-9


def test_step_time_and_stride_are_exactly_those_set():
    walk = gait(110.0, 1.3, HEIGHT_M)
    assert walk.cycle_s == pytest.approx(2 * 60 / 110)
    assert walk.speed_m_s == pytest.approx(1.3 * 110 / 120)
    middle = (gaits.FLAT_FOOT + gaits.HEEL_OFF) / 2
    feet = joints_on_floor(walk, (middle + np.arange(3)) * walk.cycle_s)[:, LEFT_ANKLE]
    assert np.diff(feet[:, 0]) == pytest.approx([1.3, 1.3], abs=1e-9)
    right = joints_on_floor(walk, np.array([middle + 0.5]) * walk.cycle_s)[0, LEFT_ANKLE + 1]
    assert right[0] - feet[0, 0] == pytest.approx(1.3 / 2, abs=1e-9)


def test_the_ankles_step_at_the_cadence():
    walk = gait(97.0, 1.2, HEIGHT_M)
    times_s = np.arange(0, 20 * walk.cycle_s, 1 / 30)
    ankles = np.stack([solve(walk.posture(t / walk.cycle_s), HEIGHT_M).joints()[
        [LEFT_ANKLE, LEFT_ANKLE + 1], 2] for t in times_s]).max(1)
    spectrum = np.abs(np.fft.rfft((ankles - ankles.mean()) * np.hanning(len(ankles))))
    peak_hz = np.fft.rfftfreq(len(ankles), 1 / 30)[spectrum.argmax()]
    assert peak_hz * 60 == pytest.approx(97.0, abs=1.3)


@pytest.mark.parametrize(('cadence', 'stride'), STYLES)
def test_both_feet_are_reached_and_nothing_jumps(cadence, stride):
    walk = gait(cadence, stride, HEIGHT_M)
    cycles = np.linspace(0, 1, 401)
    postures = [walk.posture(c) for c in cycles]
    ankles = np.stack([posture.feet['left'].ankle for posture in postures])
    joints = np.stack([solve(posture, HEIGHT_M).joints() for posture in postures])
    shank = np.stack([pose[LEFT_ANKLE] for pose in joints])
    assert np.abs(shank - ankles).max() < 1e-9
    # The bones are long enough: knee to ankle is one bone's length at any time.
    knee = joints[:, BLAZEPOSE33.index('left_knee')]
    lengths = np.linalg.norm(knee - ankles, axis=1)
    assert np.ptp(lengths) < 0.001
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=2)
    assert steps.max() < 0.04
    assert np.abs(joints[0] - joints[-1]).max() < 1e-6


def test_feet_stay_above_the_floor_and_swing_clear_of_it():
    walk = gait(110.0, 1.3, HEIGHT_M)
    poses = [solve(walk.posture(c), HEIGHT_M).joints() for c in np.linspace(0, 1, 101)]
    heights = np.stack([pose[[LEFT_HEEL, LEFT_TOE], 2] for pose in poses])
    assert heights.min() > 0.004
    swing = heights[[round(100 * c) for c in (0.70, 0.75, 0.80, 0.85)]]
    assert swing.min() > heights[25].min() + 0.005


def test_knee_and_hip_move_as_published():
    walk = gait(110.0, 1.4, HEIGHT_M)
    hips, knees = [], []
    for c in np.linspace(0, 1, 201):
        turns = solve(walk.posture(c), HEIGHT_M).rotations
        thigh, shank = turns[BONE['left_thigh']][:, 2], turns[BONE['left_shank']][:, 2]
        hips.append(np.degrees(np.arctan2(-thigh[0], thigh[2])))
        knees.append(np.degrees(np.arccos(np.clip(thigh @ shank, -1, 1))))
    # Perry and Burnfield: hip about 30 to -10 degrees, knee to about 60 in mid swing and nearly
    # straight before heel strike.
    assert 25 < max(hips) < 42
    assert -20 < min(hips) < -5
    assert 52 < max(knees) < 72
    assert 0.70 < np.argmax(knees) / 200 < 0.85
    assert min(knees) < 8


def test_arms_swing_against_the_legs():
    walk = gait(110.0, 1.3, HEIGHT_M)
    joints = np.stack([solve(walk.posture(c), HEIGHT_M).joints()
                       for c in np.linspace(0, 1, 50, endpoint=False)])
    wrist = joints[:, BLAZEPOSE33.index('left_wrist'), 0]
    ankle = joints[:, LEFT_ANKLE, 0]
    assert np.corrcoef(wrist, ankle)[0, 1] < -0.7


def test_a_series_gives_back_a_curve_of_its_harmonics():
    phase = np.arange(20) / 20
    degrees = 10 + 5 * np.cos(2 * np.pi * phase) - 3 * np.sin(6 * np.pi * phase)
    series = gaits.Series(tuple(degrees))
    at = 0.123
    expected = 10 + 5 * np.cos(2 * np.pi * at) - 3 * np.sin(6 * np.pi * at)
    assert np.degrees(series(at)) == pytest.approx(expected, abs=1e-9)
