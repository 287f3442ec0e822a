"""How the points of one person move: the filters with their state, behind one Protocol."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from neuropose_ros.refinement import filters
from neuropose_ros.refinement.filters import Mask, Points, Values
from neuropose_ros.refinement.parameters import RefinementParameters

# The time for which an acceleration of RefinementParameters.acceleration lasts.
_ACCELERATION_LASTS_S = 1 / 30
# An outlier is forgotten after this: a later one says nothing about it.
_PENDING_S = 0.25
_SPEED_CUTOFF_HZ = np.float64(1.0)  # the One-Euro paper's derivative cut-off


class Evidence(NamedTuple):
    """What one frame says about N points.

    Attributes:
        measured: (N, D), NaN where not usable.
        variance: (N,) per axis.
        usable: (N,).
        sizes: (N,) body size in the unit of each point.
    """

    measured: Values
    variance: Values
    usable: Mask
    sizes: Values


class Outcome(NamedTuple):
    """What became of the evidence.

    Attributes:
        used: (N,) the measurement is part of the new position.
        outliers: (N,) the measurement was refused.
        innovation: (N, D) measured minus predicted, NaN where one of them is unknown.
        delay_s: group delay of the filter over the measured points.
    """

    used: Mask
    outliers: Mask
    innovation: Values
    delay_s: float


class Motion(Protocol):
    """Follows N points; the first half and the second half belong together (image and 3D)."""

    points: Points

    def step(self, dt_s: float, evidence: Evidence, unseen: Mask) -> Outcome:
        """Go on by ``dt_s`` and take the evidence in.

        Args:
            dt_s: since the last step, > 0.
            evidence: of this frame.
            unseen: (N,) points that had neither measurement nor guess in the last step.
        """
        ...

    def forget(self, gone: Mask) -> None:
        """Know nothing more of the points (N,) in ``gone``."""
        ...


class _Points:
    """The state that all motions share."""

    def __init__(self, parameters: RefinementParameters, count: int, dimensions: int) -> None:
        self._parameters = parameters
        self._unknown = filters.unknown_points(count, dimensions)
        self._body_velocity = np.zeros((2, dimensions))
        self.points = self._unknown

    def forget(self, gone: Mask) -> None:
        """Know nothing more of the points (N,) in ``gone``."""
        self.points = filters.select(gone, self._unknown, self.points)

    def _drift(self, unseen: Mask) -> Values | None:
        """Return (N, D) velocities of the seen rest of the body; its last one if none is seen."""
        if not unseen.any():
            return None
        count = len(unseen) // 2
        seen = ~unseen & np.isfinite(self.points.position[:, 0])
        for half, rows in enumerate((slice(None, count), slice(count, None))):
            if seen[rows].any():
                self._body_velocity[half] = self.points.velocity[rows][seen[rows]].mean(axis=0)
        return np.repeat(self._body_velocity, count, axis=0)


class KalmanMotion(_Points):
    """Constant velocity, disturbed by white acceleration; refuses single outliers."""

    def __init__(self, parameters: RefinementParameters, count: int, dimensions: int) -> None:
        """Know nothing yet."""
        super().__init__(parameters, count, dimensions)
        self._pending = np.full((count, dimensions), np.nan)
        self._pending_variance = np.full(count, np.nan)
        self._pending_s = np.zeros(count)

    def step(self, dt_s: float, evidence: Evidence, unseen: Mask) -> Outcome:
        """Go on by ``dt_s`` and take the evidence in; see `Motion.step`."""
        parameters = self._parameters
        density = (parameters.acceleration * evidence.sizes) ** 2 * _ACCELERATION_LASTS_S
        predicted = filters.predict(
            self.points, dt_s, density, self._drift(unseen), unseen, parameters.bridge_decay_s)
        innovation = evidence.measured - predicted.position
        known = np.isfinite(predicted.position_variance)
        distance = filters.distance_sd(
            innovation, predicted.position_variance + evidence.variance)
        fits = evidence.usable & known & (distance <= parameters.gate)
        # Huber's weights: beyond the soft gate an innovation counts as from a noisier detector.
        excess = np.maximum(distance / parameters.soft_gate, 1.0)
        self.points, gain = filters.correct(
            predicted, np.where(fits[:, None], innovation, 0.0),
            np.where(fits, evidence.variance * excess * excess, np.inf))
        starting = evidence.usable & ~fits
        if starting.any():
            starting &= ~known | self._confirmed(dt_s, evidence)
            self.points = filters.select(starting, filters.start(
                evidence.measured, evidence.variance,
                parameters.initial_speed * evidence.sizes), self.points)
        used = fits | starting
        outliers = evidence.usable & ~used
        self._remember(dt_s, evidence, used, outliers)
        return Outcome(used, outliers, innovation, self._delay_s(fits, gain, dt_s))

    def _confirmed(self, dt_s: float, evidence: Evidence) -> Mask:
        """Say which measurements agree with the outlier before: then it was none."""
        apart = evidence.measured - self._pending
        apart_sd = np.sqrt(evidence.variance + self._pending_variance)
        tolerance = (self._parameters.gate * apart_sd + self._parameters.initial_speed
                     * evidence.sizes * (self._pending_s + dt_s))
        agrees: Mask = np.einsum('nd,nd->n', apart, apart) <= tolerance * tolerance
        return agrees

    def _remember(self, dt_s: float, evidence: Evidence, used: Mask, outliers: Mask) -> None:
        self._pending_s += dt_s
        expired = used | (self._pending_s > _PENDING_S)
        self._pending_variance[expired] = np.nan  # no variance: nothing is pending
        if outliers.any():
            self._pending[outliers] = evidence.measured[outliers]
            self._pending_variance[outliers] = evidence.variance[outliers]
            self._pending_s[outliers] = 0.0

    @staticmethod
    def _delay_s(fits: Mask, gain: filters.Gain, dt_s: float) -> float:
        count = int(fits.sum())
        if count == 0:
            return 0.0
        alpha, beta = (float(share[fits].sum()) / count for share in gain)
        return filters.group_delay_s(alpha, beta * dt_s, dt_s)


class OneEuroMotion(_Points):
    """A low-pass filter whose cut-off rises with speed."""

    def step(self, dt_s: float, evidence: Evidence, unseen: Mask) -> Outcome:
        """Go on by ``dt_s`` and take the evidence in; see `Motion.step`."""
        parameters, before = self._parameters, self.points
        none = np.zeros_like(evidence.sizes)
        predicted = filters.predict(
            before, dt_s, none, self._drift(unseen), unseen, parameters.bridge_decay_s)
        innovation = evidence.measured - predicted.position
        known = np.isfinite(before.position[:, 0])
        # After a gap the filter goes on from where the point was predicted to be.
        origin = np.where(unseen[:, None], predicted.position, before.position)
        smooth = filters.low_pass_share(_SPEED_CUTOFF_HZ, dt_s)
        velocity = before.velocity + smooth * (
            (evidence.measured - before.position) / dt_s - before.velocity)
        speed = np.sqrt(np.einsum('nd,nd->n', velocity, velocity)) / evidence.sizes
        share = filters.one_euro_gain(
            speed, dt_s, parameters.min_cutoff_hz, parameters.cutoff_slope)
        position = origin + share[:, None] * (evidence.measured - origin)
        used = evidence.usable
        moved = Points(position, velocity, none, none, none)
        fresh = filters.start(evidence.measured, none, none)
        self.points = filters.select(
            used, filters.select(known, moved, fresh), predicted)
        followed = used & known
        delay_s = 0.0
        if followed.any():
            delay_s = filters.low_pass_delay_s(float(share[followed].mean()), dt_s)
        return Outcome(used, np.zeros_like(used), innovation, delay_s)


class RawMotion(_Points):
    """The measurements themselves; velocities are differences."""

    def step(self, dt_s: float, evidence: Evidence, unseen: Mask) -> Outcome:  # noqa: ARG002
        """Go on by ``dt_s`` and take the evidence in; see `Motion.step`."""
        before, none = self.points, np.zeros_like(evidence.sizes)
        moved = evidence.measured - before.position
        fresh = Points(evidence.measured, moved / max(dt_s, 1e-9), none, none, none)
        self.points = filters.select(evidence.usable, fresh, self._unknown)
        innovation = moved - before.velocity * dt_s
        return Outcome(evidence.usable, np.zeros_like(evidence.usable), innovation, 0.0)


def create_motion(parameters: RefinementParameters, count: int, dimensions: int) -> Motion:
    """Return the motion that ``parameters.mode`` names, for ``count`` points."""
    motions: dict[str, type[KalmanMotion | OneEuroMotion | RawMotion]] = {
        'kalman': KalmanMotion, 'one_euro': OneEuroMotion, 'none': RawMotion}
    return motions[parameters.mode](parameters, count, dimensions)
