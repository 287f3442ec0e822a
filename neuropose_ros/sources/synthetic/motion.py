"""Movements: the posture of a person as a pure function of time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.sources.synthetic.anatomy import (
    ANKLE_Z,
    HIP_Z,
    KNEE_Z,
    SHOULDER_Y,
    SHOULDER_Z,
    WRIST_Z,
)
from neuropose_ros.sources.synthetic.gait import gait
from neuropose_ros.sources.synthetic.rig import (
    IDENTITY,
    Arm,
    Foot,
    Posture,
    turn_x,
    turn_y,
    turn_z,
)

Array = NDArray[np.float64]
Movement = Callable[[float], Posture]

# Height of the hip joints above a seat: half the thickness of the thighs.
_SEAT_TO_HIP = 0.050
# How far behind the ankles the hips are when seated.
SEAT_X = -0.235


def seat_height(height_m: float) -> float:
    """Return the height (m) of a seat that fits: that of the knee less a little."""
    return (KNEE_Z - 0.018) * height_m


def walk(cadence_steps_per_min: float, stride_m: float, height_m: float, phase: float) -> Movement:
    """Walk; ``phase`` in gait cycles at time 0. The origin moves along with the walker."""
    style = gait(cadence_steps_per_min, stride_m, height_m)
    return lambda time_s: style.posture(phase + time_s / style.cycle_s)


def _standing_feet(height_m: float, apart: float = 0.062) -> dict[str, Foot]:
    return {
        side: Foot(np.array([0.0, sign * apart * height_m, ANKLE_Z * height_m]),
                   turn_z(sign * 0.16))
        for side, sign in (('left', 1.0), ('right', -1.0))
    }


@dataclass(frozen=True, slots=True)
class _Balance:
    """The small movements of a standing body: sway and breath (m, rad)."""

    forward: float
    left: float
    breath: float


def _balance(time_s: float, phase: float) -> _Balance:
    turn = 2 * np.pi * (time_s + 7 * phase)
    return _Balance(0.004 * np.sin(0.31 * turn) + 0.002 * np.sin(0.83 * turn),
                    0.006 * np.sin(0.23 * turn + 1), 0.008 * np.sin(0.26 * turn))


def _hanging_arm(sway: float = 0.0) -> Arm:
    return Arm(flexion=0.04 + sway, abduction=0.13, rotation=0.15, elbow=0.22, pronation=0.35,
               finger_curl=0.35)


def wave(height_m: float, wave_hz: float, phase: float) -> Movement:
    """Stand and wave the raised right hand at ``wave_hz``."""
    def posture(time_s: float) -> Posture:
        sway = _balance(time_s, phase)
        swing = np.sin(2 * np.pi * (wave_hz * time_s + phase))
        raised = Arm(flexion=0.25, abduction=1.30, rotation=1.45 + 0.10 * swing,
                     elbow=1.75 + 0.42 * swing, pronation=0.0,
                     hand=turn_x(0.0) @ turn_y(-0.10 * swing), finger_curl=-0.08)
        return Posture(
            np.array([0.01 + sway.forward, sway.left, (HIP_Z - 0.006) * height_m]),
            _standing_feet(height_m), {'left': _hanging_arm(), 'right': raised},
            spine=turn_x(0.03), chest=turn_y(sway.breath) @ turn_x(0.03),
            head=turn_x(-0.04 + 0.02 * swing) @ turn_y(0.03))
    return posture


def _eased(share: float) -> float:
    """Return minimum-jerk progress (Flash and Hogan 1985) for a share of the time in 0..1."""
    t = min(max(share, 0.0), 1.0)
    return t**3 * (10 - 15 * t + 6 * t * t)


def sit_to_stand(height_m: float, cycle_s: float, phase: float) -> Movement:
    """Stand up from a stool and sit down again, once per ``cycle_s``.

    The trunk bends forward first and straightens while the hips rise, after Schenkman et al.
    (Phys. Ther. 70, 1990).
    """
    seated = np.array([SEAT_X * height_m, 0.0, seat_height(height_m) + _SEAT_TO_HIP * height_m])
    upright = np.array([0.008 * height_m, 0.0, (HIP_Z - 0.005) * height_m])

    def posture(time_s: float) -> Posture:
        part = (time_s / cycle_s + phase) % 1.0
        mirrored = part if part < 0.5 else 1 - part
        # 0..0.5: sit, lean, rise, stand; then the same backwards.
        lean_in = _eased((mirrored - 0.06) / 0.14)
        rise = _eased((mirrored - 0.14) / 0.26)
        lean_out = _eased((mirrored - 0.22) / 0.20)
        lean = 0.06 + 0.72 * (lean_in - lean_out) - 0.06 * rise
        forward = _eased((mirrored - 0.13) / 0.22)
        pelvis = seated + (upright - seated) * np.array([forward, 1, rise])
        reach = lean * 0.75
        arm = Arm(flexion=0.62 * (1 - rise) + reach * 0.4, abduction=0.10, rotation=0.25,
                  elbow=0.90 - 0.65 * rise, pronation=0.9 - 0.5 * rise, finger_curl=0.30)
        return Posture(
            pelvis, _standing_feet(height_m, 0.068), {'left': arm, 'right': arm},
            pelvis_turn=turn_y(lean * 0.62 - 0.10 * (1 - rise)), spine=turn_y(lean * 0.25),
            chest=turn_y(lean * 0.30 + 0.03), neck=turn_y(-lean * 0.25),
            head=turn_y(-lean * 0.35))
    return posture


def tremor(
    height_m: float, tremor_hz: float, amplitude_m: float, kind: str, phase: float,
) -> Movement:
    """Let both hands tremble: each wrist and all of its hand move as an exact sinusoid.

    Args:
        height_m: standing height.
        tremor_hz: frequency.
        amplitude_m: half the way from one end to the other.
        kind: ``postural``: standing, arms held out, up and down; ``rest``: seated, hands on the
            thighs, sideways.
        phase: cycles at time 0 of the right hand; the left follows a quarter later.
    """
    seated = kind == 'rest'
    if seated:
        pelvis = np.array([SEAT_X * height_m, 0.0,
                           seat_height(height_m) + _SEAT_TO_HIP * height_m])
        rest = np.array([0.155, 0.100, 0.090]) * height_m + pelvis
        axis, hand = np.array([0.0, 1.0, 0.0]), turn_y(-1.42)
        towards = (-0.8, 0.6, -0.5)
    else:
        pelvis = np.array([0.008, 0.0, HIP_Z - 0.006]) * height_m
        reach = (SHOULDER_Z - WRIST_Z) * 0.90
        rest = np.array([0.82 * reach, SHOULDER_Y + 0.12 * reach,
                         SHOULDER_Z - 0.50 * reach]) * height_m
        axis, hand = np.array([0.0, 0.0, 1.0]), turn_y(-1.25)
        towards = (-0.35, 0.55, -1.0)

    def posture(time_s: float) -> Posture:
        arms = {}
        for side, sign, lag in (('right', -1.0, 0.0), ('left', 1.0, 0.25)):
            shift = amplitude_m * np.sin(2 * np.pi * (tremor_hz * time_s + phase - lag))
            wrist = rest * (1, sign, 1) + axis * shift
            palm_down = hand @ turn_z(-sign * 1.35)
            arms[side] = Arm(wrist=wrist, hand=palm_down, finger_curl=0.15 if seated else 0.02,
                             elbow_towards=towards)
        # Nothing else moves: the wrists are relative to the floor, the shoulders must reach.
        breath = _balance(time_s, phase).breath
        return Posture(pelvis, _standing_feet(height_m, 0.068 if seated else 0.062), arms,
                       pelvis_turn=turn_y(-0.05) if seated else IDENTITY,
                       chest=turn_y(0.02 + breath), head=turn_y(0.04))
    return posture


