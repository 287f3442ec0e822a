"""How the points of people move: the filters with their state, behind one Protocol."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.refinement import filters
from neuropose_ros.refinement.filters import Mask, Points, Values
from neuropose_ros.refinement.parameters import RefinementParameters

Rows = NDArray[np.intp]

# The time for which an acceleration of RefinementParameters lasts.
_ACCELERATION_LASTS_S = 1 / 30
# An outlier is forgotten after this: a later one says nothing about it.
_PENDING_S = 0.25
_SPEED_CUTOFF_HZ = np.float64(1.0)  # the One-Euro paper's derivative cut-off
# Innovations are averaged over about this long, two frames of a camera, to see where they go.
_SURPRISE_S = 0.067
# So many times the mean square that noise alone has is still calm.
_CALM = 1.5


class Evidence(NamedTuple):
    """What one frame says about N points.

    Attributes:
        measured: (N, D), NaN where not usable.
        variance: (N,) per axis, of the part of the error that changes from frame to frame.
        slow: (N,) variance per axis of the part that stays.
        usable: (N,).
        sizes: (N,) body size in the unit of each point.
    """

    measured: Values
    variance: Values
    slow: Values
    usable: Mask
    sizes: Values


class Verdict(NamedTuple):
    """Which evidence is believed.

    Attributes:
        fits: (N,) it agrees with the prediction.
        starting: (N,) the point begins there: it was unknown, or a jump has been confirmed.
        innovation: (N, D) measured minus predicted, NaN where one of them is unknown.
        distance: (N,) length of the innovation in standard deviations.
        filtered: (N,) it comes from a network that has filtered already: it is followed closely.
    """

    fits: Mask
    starting: Mask
    innovation: Values
    distance: Values
    filtered: Mask


def without(evidence: Evidence, tremor: Values | None) -> Evidence:
    """Return the evidence of the movement below ``tremor`` (N, D); None = there is none."""
    if tremor is None:
        return evidence
    return evidence._replace(measured=evidence.measured - tremor)


def again(verdict: Verdict, evidence: Evidence, predicted: Points) -> Verdict:
    """Return the verdict with the innovation of other evidence."""
    return verdict._replace(innovation=evidence.measured - predicted.position)


class Motion(Protocol):
    """Follows N points of P people, step by step: `predict`, `gate`, `adapt`, `correct`."""

    points: Points

    def arrange(self, rows: Rows) -> None:
        """Put the points into another order; -1 = a point of which nothing is known."""
        ...

    def forget(self, gone: Mask) -> None:
        """Know nothing more of the points (N,) in ``gone``."""
        ...

    def carry(self, rows: Mask, position: Values, velocity: Values) -> None:
        """Put the points (N,) in ``rows`` at ``position`` (N, D), with ``velocity`` (N, D)."""
        ...

    def predict(
        self, dt_s: float, sizes: Values, unseen: Mask, drift: Values | None,
        liveliness: Values | None,
    ) -> Points:
        """Return the points after ``dt_s`` > 0.

        Args:
            dt_s: since the last step.
            sizes: (N,) body sizes.
            unseen: (N,) points that had neither measurement nor guess in the last step.
            drift: (N, D) velocities that they take up; None = all are seen.
            liveliness: (N,) factors on the acceleration that is expected; None = 1.
        """
        ...

    def gate(self, dt_s: float, predicted: Points, evidence: Evidence) -> Verdict:
        """Say which evidence is believed."""
        ...

    def adapt(
        self, dt_s: float, predicted: Points, evidence: Evidence, verdict: Verdict,
    ) -> Points:
        """Return the prediction as unsure as the evidence shows it to be."""
        ...

    def correct(
        self, dt_s: float, predicted: Points, evidence: Evidence, verdict: Verdict,
    ) -> Values:
        """Take the believed evidence in; return (P,) group delays over the points that fit, s.

        To be called again with the same prediction if ``verdict`` becomes another.
        """
        ...


class _Points:
    """The state that all motions share."""

    def __init__(self, parameters: RefinementParameters, rows: int, dimensions: int) -> None:
        self._parameters = parameters
        self._rows = rows
        self.points = filters.unknown_points(0, dimensions)

    def arrange(self, rows: Rows) -> None:
        """Put the points into another order; see `Motion.arrange`."""
        self.points = filters.arrange(self.points, rows)

    def forget(self, gone: Mask) -> None:
        """Know nothing more of the points (N,) in ``gone``."""
        self.points = filters.select(
            gone, filters.unknown_points(*self.points.position.shape), self.points)

    def carry(self, rows: Mask, position: Values, velocity: Values) -> None:
        """Put points elsewhere; see `Motion.carry`."""
        points, wide = self.points, rows[:, None]
        self.points = Points(
            np.where(wide, position, points.position), np.where(wide, velocity, points.velocity),
            points.position_variance, points.cross_variance, points.velocity_variance)

    def adapt(
        self, dt_s: float, predicted: Points, evidence: Evidence, verdict: Verdict,  # noqa: ARG002
    ) -> Points:
        """Return the prediction as it is; see `Motion.adapt`."""
        return predicted

    def _per_person(self, fits: Mask, *shares: Values) -> Values:
        """Return (S, P) means of each of S ``shares`` (N,) over the points that fit, 1 if none."""
        grouped = fits.reshape(-1, self._rows)
        count = grouped.sum(axis=1)
        sums = np.where(
            grouped, np.array(shares).reshape(len(shares), *grouped.shape), 0.0).sum(axis=2)
        return np.where(count == 0, 1.0, sums / np.maximum(count, 1))

    def _taken(self, evidence: Evidence, predicted: Points) -> Verdict:
        """Believe everything."""
        known = np.isfinite(self.points.position[:, 0])
        return Verdict(
            evidence.usable & known, evidence.usable & ~known,
            evidence.measured - predicted.position, np.zeros_like(evidence.sizes),
            np.zeros_like(known))


class KalmanMotion(_Points):
    """Constant velocity, disturbed by white acceleration; refuses single outliers.

    The acceleration that is expected jumps from calm to lively while innovations go on in one
    direction: then the point moves in a way that was not foreseen, and noise does not do that.
    """

    def __init__(self, parameters: RefinementParameters, rows: int, dimensions: int) -> None:
        """Know nothing yet."""
        super().__init__(parameters, rows, dimensions)
        # How many times more variance a lively acceleration has, beyond the calm one's.
        self._liveliest = (parameters.acceleration / parameters.calm_acceleration) ** 2 - 1.0
        self._density = np.zeros(0)  # of the calm acceleration
        self._unseen = np.zeros(0, bool)
        self._surprise = np.zeros((0, dimensions))
        self._axes = np.zeros(0)
        self._pending = np.zeros((0, dimensions))
        self._pending_variance = np.zeros(0)
        self._pending_s = np.zeros(0)

    def arrange(self, rows: Rows) -> None:
        """Put the points into another order; see `Motion.arrange`."""
        super().arrange(rows)
        self._surprise = filters.rearranged(self._surprise, rows, 0.0)
        flat = self._rows // 2
        self._axes = np.tile(np.repeat((2.0, 3.0), flat), len(rows) // max(self._rows, 1))
        self._pending = filters.rearranged(self._pending, rows, np.nan)
        self._pending_variance = filters.rearranged(self._pending_variance, rows, np.nan)
        self._pending_s = filters.rearranged(self._pending_s, rows, 0.0)

    def predict(
        self, dt_s: float, sizes: Values, unseen: Mask, drift: Values | None,
        liveliness: Values | None,
    ) -> Points:
        """Return the points after ``dt_s``; see `Motion.predict`."""
        parameters = self._parameters
        self._unseen = unseen
        acceleration = parameters.calm_acceleration * sizes
        if liveliness is not None:
            acceleration *= liveliness
        self._density = acceleration ** 2 * _ACCELERATION_LASTS_S
        return filters.predict(
            self.points, dt_s, self._density, drift, unseen, parameters.bridge_decay_s)

    def gate(self, dt_s: float, predicted: Points, evidence: Evidence) -> Verdict:
        """Say which evidence is believed; see `Motion.gate`."""
        innovation = evidence.measured - predicted.position
        known = np.isfinite(predicted.position_variance)
        # Whether a jump is one is asked of a point that may have begun to move in this frame.
        begun = self._density * (self._liveliest * dt_s ** 3 / 3.0)
        distance = filters.distance_sd(
            innovation, predicted.position_variance + evidence.variance + evidence.slow + begun)
        far = evidence.usable & known & (distance > self._parameters.gate)
        fits = evidence.usable & known & ~far
        starting = evidence.usable & ~known
        self._pending_s += dt_s
        if filters.some(far):
            alone, together = self._jumps(innovation, evidence)
            back = self._unseen & np.isnan(self._pending_variance)  # after a gap, not a refusal
            starting |= far & (together | back | (alone & self._confirmed(evidence)))
            fits |= far & ~alone & ~starting
            self._remember(evidence, evidence.usable & ~fits & ~starting)
        expired = fits | starting | (self._pending_s > _PENDING_S)
        self._pending_variance[expired] = np.nan  # no variance: nothing is pending
        return Verdict(fits, starting, innovation, distance, np.zeros(len(fits), bool))

    def adapt(
        self, dt_s: float, predicted: Points, evidence: Evidence, verdict: Verdict,
    ) -> Points:
        """Expect more acceleration where innovations go on one way; see `Motion.adapt`."""
        parameters = self._parameters
        if not self._liveliest or dt_s <= 0.0:
            return predicted
        sd = np.sqrt(predicted.position_variance + evidence.variance)
        # A single innovation says little about the way a point goes, however large it is.
        sd *= np.fmax(verdict.distance / parameters.soft_gate, 1.0)
        way = np.where(verdict.fits[:, None], verdict.innovation / sd[:, None], 0.0)
        share = -math.expm1(-dt_s / _SURPRISE_S)
        self._surprise += share * (way - self._surprise)
        if filters.some(verdict.starting):
            self._surprise[verdict.starting] = 0.0
        # The mean square of such a mean of noise is known; what is beyond is movement.
        squared = np.einsum('nd,nd->n', self._surprise, self._surprise)
        calm = _CALM * share / (2.0 - share) * self._axes
        lively = 1.0 - np.exp(-np.maximum(squared / calm - 1.0, 0.0))
        # Nobody knows what a point does that is not seen.
        lively[~verdict.fits | verdict.filtered] = 1.0
        return filters.inflate(predicted, dt_s, self._density * (self._liveliest * lively))

    def correct(
        self, dt_s: float, predicted: Points, evidence: Evidence, verdict: Verdict,
    ) -> Values:
        """Take the believed evidence in; see `Motion.correct`."""
        fits, starting = verdict.fits, verdict.starting
        # Huber's weights: beyond the soft gate an innovation counts as from a noisier detector.
        excess = np.maximum(verdict.distance / self._parameters.soft_gate, 1.0)
        self.points, gain = filters.correct(
            predicted, np.where(fits[:, None], verdict.innovation, 0.0),
            np.where(fits, evidence.variance * excess * excess, np.inf))
        if filters.some(starting):
            self.points = filters.select(starting, filters.start(
                evidence.measured, evidence.variance,
                self._parameters.initial_speed * evidence.sizes), self.points)
        alpha, beta = self._per_person(fits, *gain)
        return filters.group_delays_s(alpha, beta * dt_s, dt_s)

    def _jumps(self, innovation: Values, evidence: Evidence) -> tuple[Mask, Mask]:
        """Say which points have gone far from the others, and which have jumped with them."""
        axes = innovation.shape[1]
        usable = evidence.usable & np.isfinite(innovation[:, 0])
        each = np.where(usable[:, None], innovation, np.nan).reshape(-1, self._rows // 2, axes)
        some = usable.reshape(each.shape[:2]).any(axis=1)
        middle = np.zeros((len(each), axes))
        middle[some] = np.nanmedian(each[some], axis=1)
        middle = np.repeat(middle, each.shape[1], axis=0)
        apart = innovation - middle
        apart2, middle2 = (np.einsum('nd,nd->n', way, way) for way in (apart, middle))
        least2 = (self._parameters.least_jump * evidence.sizes) ** 2
        return apart2 > least2, apart2 < middle2 / 4.0

    def _confirmed(self, evidence: Evidence) -> Mask:
        """Say which measurements agree with the outlier before: then it was none."""
        apart = evidence.measured - self._pending
        apart_sd = np.sqrt(evidence.variance + self._pending_variance)
        tolerance = (self._parameters.gate * apart_sd + self._parameters.initial_speed
                     * evidence.sizes * self._pending_s)
        agrees: Mask = np.einsum('nd,nd->n', apart, apart) <= tolerance * tolerance
        return agrees

    def _remember(self, evidence: Evidence, outliers: Mask) -> None:
        self._pending[outliers] = evidence.measured[outliers]
        self._pending_variance[outliers] = evidence.variance[outliers]
        self._pending_s[outliers] = 0.0


class OneEuroMotion(_Points):
    """A low-pass filter whose cut-off rises with speed."""

    def __init__(self, parameters: RefinementParameters, rows: int, dimensions: int) -> None:
        """Know nothing yet."""
        super().__init__(parameters, rows, dimensions)
        self._unseen = np.zeros(0, bool)

    def predict(
        self, dt_s: float, sizes: Values, unseen: Mask, drift: Values | None,
        liveliness: Values | None,  # noqa: ARG002
    ) -> Points:
        """Return the points after ``dt_s``; see `Motion.predict`."""
        self._unseen = unseen
        return filters.predict(
            self.points, dt_s, np.zeros_like(sizes), drift, unseen,
            self._parameters.bridge_decay_s)

    def gate(self, dt_s: float, predicted: Points, evidence: Evidence) -> Verdict:  # noqa: ARG002
        """Believe everything; see `Motion.gate`."""
        return self._taken(evidence, predicted)

    def correct(
        self, dt_s: float, predicted: Points, evidence: Evidence, verdict: Verdict,
    ) -> Values:
        """Take the evidence in; see `Motion.correct`."""
        parameters, before, none = self._parameters, self.points, np.zeros_like(evidence.sizes)
        # After a gap the filter goes on from where the point was predicted to be.
        origin = np.where(self._unseen[:, None], predicted.position, before.position)
        smooth = filters.low_pass_share(_SPEED_CUTOFF_HZ, dt_s)
        velocity = before.velocity + smooth * (
            (evidence.measured - before.position) / max(dt_s, 1e-9) - before.velocity)
        speed = np.sqrt(np.einsum('nd,nd->n', velocity, velocity)) / evidence.sizes
        share = filters.one_euro_gain(
            speed, dt_s, parameters.min_cutoff_hz, parameters.cutoff_slope)
        position = origin + share[:, None] * (evidence.measured - origin)
        moved = Points(position, velocity, none, none, none)
        fresh = filters.start(evidence.measured, none, none)
        self.points = filters.select(
            verdict.fits, moved, filters.select(verdict.starting, fresh, predicted))
        return filters.low_pass_delays_s(self._per_person(verdict.fits, share)[0], dt_s)


class RawMotion(_Points):
    """The measurements themselves; velocities are differences."""

    def predict(
        self, dt_s: float, sizes: Values, unseen: Mask, drift: Values | None,  # noqa: ARG002
        liveliness: Values | None,  # noqa: ARG002
    ) -> Points:
        """Return the points after ``dt_s``; see `Motion.predict`."""
        return filters.predict(self.points, dt_s, np.zeros_like(sizes))

    def gate(self, dt_s: float, predicted: Points, evidence: Evidence) -> Verdict:  # noqa: ARG002
        """Believe everything; see `Motion.gate`."""
        return self._taken(evidence, predicted)

    def correct(
        self, dt_s: float, predicted: Points, evidence: Evidence, verdict: Verdict,  # noqa: ARG002
    ) -> Values:
        """Take the evidence in; see `Motion.correct`."""
        none = np.zeros_like(evidence.sizes)
        moved = evidence.measured - self.points.position
        fresh = Points(evidence.measured, moved / max(dt_s, 1e-9), none, none, none)
        unknown = filters.unknown_points(*evidence.measured.shape)
        self.points = filters.select(evidence.usable, fresh, unknown)
        return np.zeros(len(none) // self._rows)


def create_motion(parameters: RefinementParameters, rows: int, dimensions: int) -> Motion:
    """Return the motion that ``parameters.mode`` names, of nobody yet.

    Args:
        rows: points of each person.
    """
    motions: dict[str, type[KalmanMotion | OneEuroMotion | RawMotion]] = {
        'kalman': KalmanMotion, 'one_euro': OneEuroMotion, 'none': RawMotion}
    return motions[parameters.mode](parameters, rows, dimensions)
