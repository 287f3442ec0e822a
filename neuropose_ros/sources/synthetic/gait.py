"""Walking: where feet, pelvis and arms are at each moment of the gait cycle.

Joint angles are Fourier series through published normative curves: hip and knee after Winter,
Biomechanics and motor control of human gait (2nd ed. 1991) and Perry and Burnfield, Gait
analysis (2nd ed. 2010); pelvis and trunk after Saunders, Inman and Eberhart (1953) and Perry;
shoulder and elbow after Murray, Sepic and Barnard (1967). A cycle goes from one heel strike to
the next of the same foot; stance ends at 62 %.

In stance the foot obeys the floor and not the curves: it rolls over a fixed heel, lies flat
without moving, then rolls over a fixed ball. In swing the ankle follows the curves, with a
correction that leaves the floor and meets it again with the right place and speed. So step
length and step time are exactly those set and no foot slides.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.sources.synthetic.anatomy import (
    ANKLE_Z,
    BALL_X,
    BALL_Z,
    HEEL_X,
    HIP_Y,
    SHANK,
    THIGH,
    TOE_X,
)
from neuropose_ros.sources.synthetic.rig import Arm, Foot, Posture, turn_x, turn_y, turn_z

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FLAT_FOOT, HEEL_OFF, TOE_OFF = 0.10, 0.40, 0.62
_STEPS = 500
# Every 5 % of the cycle, degrees, flexion positive; shoulder and elbow from the same side's
# heel strike.
_HIP = (28, 27, 25, 21, 16, 11, 6, 1, -4, -8, -10, -8, -2, 8, 17, 24, 29, 31, 31, 30)
_KNEE = (5, 10, 16, 18, 17, 13, 9, 6, 4, 5, 9, 19, 34, 50, 60, 60, 51, 36, 18, 6)
_SHOULDER = (-22, -21.5, -20, -17, -13, -8, -3, 2, 7, 11, 13.5, 14, 12.5, 9, 5, 0, -6, -12, -17,
             -20.5)
_ELBOW = (18, 17, 16, 16, 17, 19, 22, 26, 30, 34, 37, 38.5, 38, 36, 33, 30, 27, 24, 22, 20)
# Foot to floor, degrees, toes up positive (Winter 1991): share of the cycle, angle.
_PITCH = ((0.0, 20), (0.05, 9), (FLAT_FOOT, 0), (HEEL_OFF, 0), (0.46, -5), (0.50, -13),
          (0.54, -26), (0.58, -43), (TOE_OFF, -60), (0.67, -62), (0.74, -42), (0.81, -16),
          (0.88, 6), (0.95, 20), (1.0, 20))
_CLEARANCE = 0.005


class Series:
    """A periodic curve as a truncated Fourier series."""

    def __init__(self, degrees: tuple[float, ...], harmonics: int = 6) -> None:
        """Fit the series to samples (degrees) spread evenly over one cycle."""
        spectrum = np.fft.rfft(np.radians(degrees)) / len(degrees)
        self._mean = float(spectrum[0].real)
        self._terms = 2 * spectrum[1:harmonics + 1]
        self._orders = 2j * np.pi * np.arange(1, harmonics + 1)

    def __call__(self, phase: Array | float) -> Array:
        """Return the angle (rad) at phases (cycles), same shape."""
        turns = np.exp(np.multiply.outer(np.asarray(phase), self._orders))
        return np.asarray(self._mean + (turns @ self._terms).real)


HIP, KNEE = Series(_HIP), Series(_KNEE)
SHOULDER, ELBOW = Series(_SHOULDER, 3), Series(_ELBOW, 3)


def _smooth_through(knots: Array, values: Array, at: Array) -> Array:
    """Return a monotone cubic through knots (Fritsch and Carlson 1980), flat at both ends."""
    step = np.diff(knots)
    slope = np.diff(values) / step
    inner = slope[:-1] * slope[1:] > 0
    tangent = np.zeros(len(knots))
    with np.errstate(divide='ignore', invalid='ignore'):
        mean = 2 / (1 / slope[:-1] + 1 / slope[1:])
    tangent[1:-1] = np.where(inner, mean, 0)
    i = np.clip(np.searchsorted(knots, at, side='right') - 1, 0, len(step) - 1)
    t = (at - knots[i]) / step[i]
    return np.asarray(
        values[i] * (1 + 2 * t) * (1 - t)**2 + tangent[i] * step[i] * t * (1 - t)**2
        + values[i + 1] * t**2 * (3 - 2 * t) + tangent[i + 1] * step[i] * t**2 * (t - 1))


def foot_pitch(phase: Array) -> Array:
    """Return the angle of the foot to the floor (rad, toes up positive) at phases in 0..1."""
    knots, degrees = np.asarray(_PITCH, float).T
    return _smooth_through(knots, np.radians(degrees), phase)


def toe_bend(phase: Array, pitch: Array) -> Array:
    """Return the upward bend of the toes (rad): flat on the floor until they leave it."""
    return np.asarray(np.maximum(-pitch, 0) * np.clip((0.78 - phase) / (0.78 - TOE_OFF), 0, 1))


@dataclass(frozen=True)
class Gait:
    """A way of walking.

    Attributes:
        cadence_steps_per_min: steps (of both feet) per minute.
        stride_m: way from one heel strike to the next of the same foot.
        height_m: standing height.
        step_width_m: sideways distance of the ankles.
    """

    cadence_steps_per_min: float
    stride_m: float
    height_m: float
    step_width_m: float = 0.10
    toe_out: float = 0.10
    arm_swing: float = 1.0

    @property
    def cycle_s(self) -> float:
        """Duration of one gait cycle, two steps."""
        return 120 / self.cadence_steps_per_min

    @property
    def speed_m_s(self) -> float:
        """Walking speed."""
        return self.stride_m / self.cycle_s

    def _pelvis_shape(self, phase: Array) -> tuple[Array, Array, Array, Array]:
        """Return bob (m), sway to the left (m), turn to the left and drop of the left (rad).

        ``phase`` counts from the left heel strike; amplitudes grow with stride length.
        """
        size = self.stride_m / (0.8 * self.height_m)
        turn = 2 * np.pi * phase
        bob = -0.026 * size**1.5 * np.cos(2 * (turn - 2 * np.pi * 0.04))
        sway = 0.020 * np.sin(turn - 2 * np.pi * 0.03)
        yaw = -np.radians(4.5) * size * np.cos(turn)
        drop = -np.radians(3.0) * np.sin(turn - 2 * np.pi * 0.05)
        return bob, sway, yaw, drop

    @cached_property
    def _ankle_cycle(self) -> tuple[Array, float]:
        """Return the ankle (3, steps: forward, outward, up; m) and the mean pelvis height.

        Forward is relative to the body, outward to half the step width.
        """
        phase = np.arange(_STEPS + 1) / _STEPS
        h = self.height_m
        pitch = foot_pitch(phase)
        stance = phase <= TOE_OFF
        x, y, z = self._stance_ankle(phase, pitch)
        hip, knee = HIP(phase), KNEE(phase)
        size = self.stride_m / (0.8 * h)
        mean = float(hip.mean())
        hip = mean + (hip - mean) * size
        free_x = h * (THIGH * np.sin(hip) + SHANK * np.sin(hip - knee))
        free_z = -h * (THIGH * np.cos(hip) + SHANK * np.cos(hip - knee))
        pelvis = self._pelvis_height(phase, x, z, stance)
        free_z = free_z + pelvis + self._pelvis_shape(phase)[0]
        swing = ~stance
        x = self._swing(phase, x, free_x, swing)
        y = self._swing(phase, y, np.zeros_like(y), swing)
        z = self._swing(phase, z, free_z, swing)
        lowest = self._lowest(z, phase, pitch)
        gap = np.where(swing, _CLEARANCE * h - lowest, 0)
        share = np.clip((phase - TOE_OFF) / (1 - TOE_OFF), 0, 1)
        rise = np.sin(np.pi * share)**2
        middle = (share > 0.2) & (share < 0.8)
        z = z + rise * max(0.0, float((gap[middle] / rise[middle]).max()))
        # Where the leg would have to be longer than it is, the foot is lifted instead.
        within = pelvis + self._reach(phase, x, self.step_width_m / 2 + y, 0.9985)
        z = np.where(swing, np.maximum(z, within), z)
        return np.stack((x, y, z)), pelvis

    def _stance_ankle(self, phase: Array, pitch: Array) -> tuple[Array, Array, Array]:
        """Return the ankle of a foot that rolls over its heel, lies flat, rolls over its ball."""
        h = self.height_m
        pivot_x = np.where(phase < FLAT_FOOT, HEEL_X, BALL_X) * h
        pivot_z = np.where(phase < FLAT_FOOT, -ANKLE_Z, BALL_Z) * h
        # The ankle seen from the pivot, turned by the pitch about the sideways axis.
        cos, sin = np.cos(pitch), np.sin(pitch)
        roll = pivot_x - pivot_x * cos + pivot_z * sin
        z = ANKLE_Z * h + pivot_z - pivot_x * sin - pivot_z * cos
        x = 0.270 * self.stride_m + roll * np.cos(self.toe_out) - self.stride_m * phase
        return x, roll * np.sin(self.toe_out), z

    def _pelvis_height(self, phase: Array, x: Array, z: Array, stance: Mask) -> float:
        """Return the greatest mean height of the hip joints from which both feet reach."""
        lowest = self._reach(phase, x, np.asarray(self.step_width_m / 2), 0.996)
        return float((z - lowest)[stance].min())

    def _reach(self, phase: Array, x: Array, y: Array, share: float) -> Array:
        """Return how high (m) over the mean pelvis an ankle at x, y has to be to be reached.

        ``share`` of the leg's length is used.
        """
        bob, sway, yaw, drop = self._pelvis_shape(phase)
        side = HIP_Y * self.height_m
        hip_x, hip_y, hip_z = -side * np.sin(yaw), side + sway, bob + side * np.sin(drop)
        leg = (THIGH + SHANK) * self.height_m * share
        return np.asarray(hip_z - np.sqrt(
            np.maximum(leg**2 - (x - hip_x)**2 - (y - hip_y)**2, 0.0)))

    def _swing(self, phase: Array, floor: Array, free: Array, swing: Mask) -> Array:
        """Return the floor's path in stance, and in swing the free one led to meet it smoothly."""
        off, on = round(TOE_OFF * _STEPS), _STEPS
        span = 1 - TOE_OFF
        t = np.clip((phase - TOE_OFF) / span, 0, 1)
        # After a whole cycle the body frame has moved by a stride, and so has the foot.
        first = floor[off] - free[off]
        last = floor[0] - free[0]
        step = 1 / _STEPS
        rate_first = ((floor[off] - floor[off - 1]) - (free[off] - free[off - 1])) / step * span
        rate_last = ((floor[1] - floor[0]) - (free[on] - free[on - 1])) / step * span
        lead = first * (1 + 2 * t) * (1 - t)**2 + rate_first * t * (1 - t)**2 \
            + last * t**2 * (3 - 2 * t) + rate_last * t**2 * (t - 1)
        return np.asarray(np.where(swing, free + lead, floor))

    def _lowest(self, z: Array, phase: Array, pitch: Array) -> Array:
        """Return the height (m) of the lowest of heel, ball and tip of the toes."""
        sole = -ANKLE_Z * np.cos(pitch)
        ball = BALL_X * np.sin(pitch) + sole
        tip = ball + (TOE_X - BALL_X) * np.sin(pitch + toe_bend(phase, pitch))
        heel = HEEL_X * np.sin(pitch) + sole
        return np.asarray(z + self.height_m * np.minimum(np.minimum(ball, tip), heel))

    def _foot(self, phase: float, sign: float) -> Foot:
        phase %= 1.0
        pitch = float(foot_pitch(np.asarray(phase)))
        if phase <= TOE_OFF:
            x, y, z = (float(v) for v in self._stance_ankle(np.asarray(phase), np.asarray(pitch)))
        else:
            at = phase * _STEPS
            low = min(int(at), _STEPS - 1)
            path = self._ankle_cycle[0]
            x, y, z = path[:, low] + (at - low) * (path[:, low + 1] - path[:, low])
        toes = float(toe_bend(np.asarray(phase), np.asarray(pitch)))
        turn = turn_z(sign * self.toe_out) @ turn_y(-pitch)
        return Foot(np.array([x, sign * (self.step_width_m / 2 + y), z]), turn, toes)

    def posture(self, cycles: float) -> Posture:
        """Return the posture after a number of gait cycles since a left heel strike.

        The origin moves with the walker at ``speed_m_s``.
        """
        bob, sway, yaw, drop = (float(v) for v in self._pelvis_shape(np.asarray(cycles % 1.0)))
        height = self._ankle_cycle[1] + bob
        shoulder = (SHOULDER(cycles), SHOULDER(cycles + 0.5))
        elbow = (ELBOW(cycles), ELBOW(cycles + 0.5))
        arms = {
            side: Arm(flexion=0.05 + self.arm_swing * (float(flexion) + 0.03), abduction=0.13,
                      rotation=0.15, elbow=float(bend), pronation=0.35, finger_curl=0.35)
            for side, flexion, bend in zip(('left', 'right'), shoulder, elbow, strict=True)
        }
        pelvis = turn_z(yaw) @ turn_x(drop) @ turn_y(np.radians(3))
        return Posture(
            np.array([0.0, sway, float(height)]),
            {'left': self._foot(cycles, 1.0), 'right': self._foot(cycles + 0.5, -1.0)},
            arms,
            pelvis_turn=pelvis,
            spine=turn_x(-0.6 * drop) @ turn_z(-0.8 * yaw),
            chest=turn_x(-0.5 * drop) @ turn_z(-0.9 * yaw) @ turn_y(np.radians(2)),
            neck=turn_z(0.35 * yaw),
            head=turn_z(0.35 * yaw) @ turn_y(np.radians(-4)),
        )


@lru_cache(maxsize=64)
def gait(cadence_steps_per_min: float, stride_m: float, height_m: float) -> Gait:
    """Return a way of walking; equal arguments give the same object with its cycle computed."""
    return Gait(cadence_steps_per_min, stride_m, height_m)
