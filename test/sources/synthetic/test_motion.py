"""Waving, standing up and trembling."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from neuropose_ros.core.layouts import BLAZEPOSE33
from neuropose_ros.sources.synthetic import motion
from neuropose_ros.sources.synthetic.rig import solve, two_bones

HEIGHT_M = 1.75
HAND = [BLAZEPOSE33.index(f'right_{joint}') for joint in ('wrist', 'pinky', 'index', 'thumb')]


def joints(movement: motion.Movement, times_s: np.ndarray) -> np.ndarray:
    """Return (T, 33, 3) m."""
    return np.stack([solve(movement(t), HEIGHT_M).joints() for t in times_s])


@pytest.mark.parametrize(('kind', 'axis'), [('postural', 2), ('rest', 1)])
@pytest.mark.parametrize(('tremor_hz', 'amplitude_m'), [(3.0, 0.05), (5.3, 0.02), (12.0, 0.004)])
def test_the_hand_trembles_as_an_exact_sinusoid(kind, axis, tremor_hz, amplitude_m):
    times_s = np.arange(0, 2, 1 / 120)
    moved = joints(motion.tremor(HEIGHT_M, tremor_hz, amplitude_m, kind, 0.0), times_s)[:, HAND]
    rest = joints(motion.tremor(HEIGHT_M, tremor_hz, 0.0, kind, 0.0), times_s)[:, HAND]
    shift = moved - rest
    expected = amplitude_m * np.sin(2 * np.pi * tremor_hz * times_s)
    assert np.abs(shift[:, :, axis] - expected[:, np.newaxis]).max() < 1e-9
    others = np.delete(shift, axis, axis=2)
    assert np.abs(others).max() < 1e-9


def test_a_trembling_arm_keeps_the_length_of_its_bones():
    moved = joints(motion.tremor(HEIGHT_M, 5.0, 0.08, 'postural', 0.0), np.arange(0, 1, 1 / 60))
    ends = [BLAZEPOSE33.index(f'right_{joint}') for joint in ('shoulder', 'elbow', 'wrist')]
    for first, second in pairwise(ends):
        assert np.ptp(np.linalg.norm(moved[:, first] - moved[:, second], axis=1)) < 1e-9


def test_the_raised_hand_waves_at_its_frequency():
    times_s = np.arange(0, 8, 1 / 50)
    wrist = joints(motion.wave(HEIGHT_M, 1.5, 0.0), times_s)[:, HAND[0]]
    spectrum = np.abs(np.fft.rfft(wrist[:, 1] - wrist[:, 1].mean()))
    assert np.fft.rfftfreq(len(wrist), 1 / 50)[spectrum.argmax()] == pytest.approx(1.5, abs=0.07)
    shoulder = joints(motion.wave(HEIGHT_M, 1.5, 0.0), times_s)[
        :, BLAZEPOSE33.index('right_shoulder')]
    assert (wrist[:, 2] > shoulder[:, 2] + 0.1).all()


def test_sitting_and_standing_alternate_and_the_feet_stay():
    cycle_s = 4.0
    times_s = np.linspace(0, 2 * cycle_s, 161)
    moved = joints(motion.sit_to_stand(HEIGHT_M, cycle_s, 0.0), times_s)
    hips = moved[:, [BLAZEPOSE33.index('left_hip'), BLAZEPOSE33.index('right_hip')], 2].mean(1)
    seated = motion.seat_height(HEIGHT_M)
    assert seated < hips[0] < seated + 0.13
    assert hips[40] > 0.5 * HEIGHT_M
    assert hips[80] == pytest.approx(hips[0])
    ankles = moved[:, [BLAZEPOSE33.index('left_ankle'), BLAZEPOSE33.index('right_ankle')]]
    assert np.abs(ankles - ankles[0]).max() < 1e-9
    # Leaning forward comes before the hips leave the seat.
    nose = moved[:, BLAZEPOSE33.index('nose'), 0]
    leant = int(np.argmax(nose[:40] - nose[0] > 0.15))
    risen = int(np.argmax(hips[:40] - hips[0] > 0.05))
    assert 0 < leant < risen


def test_the_middle_joint_of_two_bones_is_at_both_lengths_and_on_its_side():
    start, end = np.array([0.0, 0, 1]), np.array([0.2, 0.1, 0.4])
    middle, first, second = two_bones(start, end, 0.4, 0.35, np.array([1.0, 0, 0]))
    assert np.linalg.norm(middle - start) == pytest.approx(0.4)
    assert np.linalg.norm(end - middle) == pytest.approx(0.35)
    assert middle[0] > 0.1
    for turn, near, far, length in ((first, start, middle, 0.4), (second, middle, end, 0.35)):
        assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-12)
        assert np.linalg.det(turn) == pytest.approx(1)
        assert near - length * turn[:, 2] == pytest.approx(far)
