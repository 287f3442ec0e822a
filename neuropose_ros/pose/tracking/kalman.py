"""How one body moves: a Kalman filter of its middle and its height.

Position and velocity along x, along y, and of the logarithm of the height are three filters of
two states each. Accelerations are white noise in body heights, so a person far away and one
close by are treated alike; velocities die away slowly, because nobody walks straight on for
ever. One step over a gap equals many small ones, so a body that is not seen costs nothing and
irregular frames need no care.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MotionModel:
    """How bodies move.

    Attributes:
        acceleration: (3,) spectral density of the white acceleration: heights^2/s^3 for x and
            y, 1/s^3 for the logarithm of the height.
        velocity_memory_s: time constant with which velocities die away.
        start_velocity: (3,) standard deviation of unknown velocities: heights/s, 1/s.
        posture: (3,) standard deviation of how fast somebody not seen may sit down or rise:
            heights/s, 1/s.
        posture_s: how long that lasts.
    """

    acceleration: tuple[float, float, float] = (1.0, 0.10, 0.01)
    velocity_memory_s: float = 2.0
    start_velocity: tuple[float, float, float] = (0.7, 0.15, 0.10)
    posture: tuple[float, float, float] = (0.0, 0.4, 0.4)
    posture_s: float = 0.7


@dataclass(frozen=True, slots=True)
class Motion:
    """What is known of a body's motion at one time.

    Attributes:
        position: (3,) x and y of the middle, px; logarithm of the height in px.
        velocity: (3,) px/s, px/s, 1/s.
        pp, pv, vv: (3,) variances and covariance of position and velocity.
    """

    position: Array
    velocity: Array
    pp: Array
    pv: Array
    vv: Array

    @property
    def height_px(self) -> float:
        """The body's height."""
        return float(np.exp(self.position[2]))

    def predicted(self, dt_s: float, model: MotionModel) -> Motion:
        """Return the motion ``dt_s`` later."""
        if dt_s <= 0:
            return self
        stay = float(np.exp(-dt_s / model.velocity_memory_s))
        way = model.velocity_memory_s * (1.0 - stay)
        noise = np.asarray(model.acceleration) * _unit(self.height_px) ** 2
        return Motion(
            position=self.position + way * self.velocity,
            velocity=stay * self.velocity,
            pp=self.pp + way * (2 * self.pv + way * self.vv) + noise * dt_s**3 / 3,
            pv=stay * (self.pv + way * self.vv) + noise * dt_s**2 / 2,
            vv=stay**2 * self.vv + noise * dt_s)

    def doubt(self, dt_s: float, model: MotionModel) -> Array:
        """Return (3,), what a change of posture may add to the variance ``dt_s`` later."""
        speed = np.asarray(model.posture) * _unit(self.height_px)
        doubt: Array = (speed * min(dt_s, model.posture_s)) ** 2
        return doubt

    def corrected(self, measured: Array, variance: Array) -> Motion:
        """Return the motion after a measurement (3,) of the position."""
        total = self.pp + variance
        gain_p, gain_v = self.pp / total, self.pv / total
        innovation = measured - self.position
        return Motion(
            position=self.position + gain_p * innovation,
            velocity=self.velocity + gain_v * innovation,
            pp=(1 - gain_p) * self.pp,
            pv=(1 - gain_p) * self.pv,
            vv=self.vv - gain_v * self.pv)


def first_motion(measured: Array, variance: Array, model: MotionModel) -> Motion:
    """Return the motion of a body that is seen for the first time."""
    spread = np.asarray(model.start_velocity) * _unit(float(np.exp(measured[2])))
    return Motion(measured, np.zeros(3), variance, np.zeros(3), spread**2)


def resumed(
    last: Motion, measured: Array, variance: Array, gap_s: float, step_s: float,
    model: MotionModel,
) -> Motion:
    """Return the motion of a body that is seen again after a gap.

    As if it had been seen all along on the straight way between the two places
    (observation-centric re-update: Cao et al. 2023, OC-SORT), so that a velocity that was wrong
    when it was lost does not send it away again.

    Args:
        last: when it was last seen.
        measured: (3,) now.
        variance: (3,) of the measurement.
        gap_s: from then to now.
        step_s: time between the imagined measurements.
    """
    steps = max(1, min(round(gap_s / max(step_s, 1e-3)), _MOST_STEPS))
    start = last.position
    motion = last
    for step in range(1, steps + 1):
        between = start + (measured - start) * (step / steps)
        motion = motion.predicted(gap_s / steps, model).corrected(between, variance)
    return motion


def _unit(height_px: float) -> Array:
    return np.array((height_px, height_px, 1.0))


_MOST_STEPS = 10
