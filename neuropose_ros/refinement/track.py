"""One person over time: what each joint's value is, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from neuropose_ros.core.pose import Floats, JointState, Origin3D, PersonPose, States, TrackState
from neuropose_ros.refinement.filters import Mask, Values
from neuropose_ros.refinement.motion import Evidence, Outcome, create_motion
from neuropose_ros.refinement.parameters import RefinementParameters

_SIZE_SMOOTHING_S = 0.5
_LEAST_SIZE_PX = 8.0
_FARTHEST = 1e6  # px or m: beyond it is no measurement

# numpy's own scalars: an Enum costs a look-up each time.
_MISSING, _OUT_OF_FRAME, _PREDICTED, _MEASURED, _UNKNOWN = (
    np.uint8(state) for state in (
        JointState.MISSING, JointState.OUT_OF_FRAME, JointState.PREDICTED, JointState.MEASURED,
        JointState.UNKNOWN))

# Upper triangles of the isotropic covariances that the filter has: xx xy yy, xx xy xz yy yz zz.
_AXES_2D = np.array((1, 0, 1), np.float32)
_AXES_3D = np.array((1, 0, 0, 1, 0, 1), np.float32)


def _table(*states: JointState) -> Mask:
    """Return a (256,) table of membership: faster than np.isin for a handful of joints."""
    table = np.zeros(256, bool)
    table[list(states)] = True
    return table


_IS_MEASURED = _table(JointState.MEASURED, JointState.CORRECTED)
_IS_GUESSED = _table(JointState.OCCLUDED, JointState.OUT_OF_FRAME, JointState.UNKNOWN)
_IS_ABSENT = _table(
    JointState.OCCLUDED, JointState.OUT_OF_FRAME, JointState.UNKNOWN, JointState.MISSING)


@dataclass(frozen=True, slots=True)
class View:
    """The image that a person is seen in; a width of 0 = unknown size."""

    width: int
    height: int

    def outside(self, points: Values) -> Mask:
        """Say which of (K, 2+) points lie beyond the edges of the outermost pixels."""
        if self.width <= 0 or self.height <= 0:
            return np.zeros(len(points), bool)
        limit = (self.width - 0.5, self.height - 0.5)
        beyond: Mask = np.any((points[:, :2] < -0.5) | (points[:, :2] > limit), axis=1)
        return beyond


class _Reading(NamedTuple):
    """A person as 2K rows: the joints in the image, then the joints in 3D."""

    values: Values  # (2K, 3), NaN where there is none; 2D rows end in 0
    scores: Values  # (2K,) 0..1
    states: States  # (2K,)
    measured: Mask  # (2K,) measurements
    usable: Mask  # (2K,) measurements and guesses


class Track:
    """The joints of one person; all arrays hold the K joints in the image, then those in 3D."""

    def __init__(self, parameters: RefinementParameters, person: PersonPose) -> None:
        """Get to know ``person``, whose first pose `step` takes."""
        self.count = len(person.keypoints)
        self.unseen_s = 0.0
        self.outliers = 0
        self._parameters = parameters
        self._motion = create_motion(parameters, 2 * self.count, 3)
        self._seen_s = np.full(2 * self.count, np.inf)  # since a measurement or guess
        self._measured_s = np.full(2 * self.count, np.inf)  # since a measurement
        self._scores = np.zeros(2 * self.count)
        self._person = person
        self._size_px = 0.0
        self._has_3d = False
        self._noise = np.log((parameters.noise_confident, parameters.noise_unsure))

    def step(self, person: PersonPose | None, dt_s: float, view: View) -> PersonPose:
        """Go on by ``dt_s`` and return the refined person; None = not seen in this frame."""
        reading = self._read(person, view)
        self._follow_box(person, reading, dt_s, view)
        unseen = self._seen_s > 0.0
        self._seen_s += dt_s
        self._measured_s += dt_s
        gone = unseen & (self._seen_s > self._bridge_s) & self._known()
        if gone.any():
            self._motion.forget(gone)
        outcome = self._motion.step(dt_s, self._evidence(reading), unseen)
        self._seen_s[outcome.used] = 0.0
        self._measured_s[outcome.used & reading.measured] = 0.0
        self._scores = np.where(outcome.used, reading.scores, 0.0)
        self.outliers = int(outcome.outliers[:self.count].sum())  # of this frame
        self.unseen_s = 0.0 if person is not None else self.unseen_s + dt_s
        states, valued = self._judge(reading, outcome, view)
        return self._compose(states, valued, outcome)

    def predicted(self) -> PersonPose | None:
        """Return all that is known now, also of joints beyond the border; None = nothing."""
        valued = self._known() & (self._seen_s <= self._bridge_s)
        if not valued[:self.count].any():
            return None
        states = np.where(valued, _PREDICTED, _MISSING)
        states[valued & (self._measured_s == 0.0)] = _MEASURED
        return self._compose(states, valued)

    @property
    def over(self) -> bool:
        """Whether the person was lost for so long that nothing more can be said."""
        return self.unseen_s > self._bridge_s

    @property
    def _bridge_s(self) -> float:
        """Longest time without a measurement; stamps are rounded to ns, so a bit is forgiven."""
        if self._parameters.mode == 'none':
            return 0.0
        return self._parameters.max_bridge_s + 1e-6

    def _known(self) -> Mask:
        return np.isfinite(self._motion.points.position[:, 0])

    def _read(self, person: PersonPose | None, view: View) -> _Reading:
        """Return what the frame says, with everything impossible taken out."""
        count = self.count
        values = np.full((2 * count, 3), np.nan)
        scores = np.zeros(2 * count)
        states = np.full(2 * count, _MISSING, np.uint8)
        if person is not None:
            values[:count, :2] = person.keypoints
            values[:count, 2] = 0.0
            scores[:count] = np.fmin(np.fmax(person.keypoint_scores, 0.0), 1.0)  # NaN gives 0
            scores[count:] = scores[:count]
            states[:count] = person.keypoint_states
            if person.keypoints_3d is not None:
                values[count:] = person.keypoints_3d
                states[count:] = (person.keypoint_states if person.keypoint_states_3d is None
                                  else person.keypoint_states_3d)
                self._enter_3d(person)
        finite = (np.abs(values) < _FARTHEST).all(axis=1)
        values[~finite] = np.nan
        usable = finite & (_IS_MEASURED[states] | _IS_GUESSED[states])
        beyond = usable[:count] & view.outside(values[:count])
        states[:count][beyond] = _OUT_OF_FRAME
        return _Reading(values, scores, states, usable & _IS_MEASURED[states], usable)

    def _enter_3d(self, person: PersonPose) -> None:
        """Forget 3D joints of another origin: they are in other coordinates."""
        kept = (self._person.origin_3d, self._person.frame_3d)
        if self._has_3d and kept != (person.origin_3d, person.frame_3d):
            self._motion.forget(np.arange(2 * self.count) >= self.count)
            self._seen_s[self.count:] = self._measured_s[self.count:] = np.inf
        self._has_3d = True

    def _evidence(self, reading: _Reading) -> Evidence:
        """Weigh measurements: noise grows from the confident to the unsure geometrically."""
        parameters, count = self._parameters, self.count
        sizes = np.empty(2 * count)
        sizes[:count], sizes[count:] = self._size_px, parameters.body_height_m
        low, high = self._noise
        noise = sizes * np.exp(high + (low - high) * reading.scores)
        noise[reading.usable & ~reading.measured] *= parameters.guess_inflation
        values = np.where(reading.usable[:, None], reading.values, np.nan)
        return Evidence(values, noise * noise, reading.usable, sizes)

    def _judge(self, reading: _Reading, outcome: Outcome, view: View) -> tuple[States, Mask]:
        """Return each joint's state and whether it has a value."""
        count = self.count
        states = np.where(_IS_ABSENT[reading.states], reading.states, _MISSING)
        measured = outcome.used & reading.measured
        guessed = outcome.used & ~reading.measured
        valued = guessed if self._parameters.keep_guesses else np.zeros_like(guessed)
        bridged = (self._known() & (self._measured_s <= self._bridge_s)
                   & (states != _OUT_OF_FRAME))
        valued = valued | bridged
        missed = bridged[:count] & ~measured[:count]
        if missed.any():
            left = missed & view.outside(self._motion.points.position[:count])
            bridged[:count] &= ~left
            valued[:count] &= ~left
            states[:count][left] = _OUT_OF_FRAME
        states[bridged] = _PREDICTED
        states[measured] = reading.states[measured]
        return states, valued | measured

    def _compose(
        self, states: States, valued: Mask, outcome: Outcome | None = None,
    ) -> PersonPose:
        """Return the person with the filter's values where ``valued``, NaN elsewhere."""
        count, points, person = self.count, self._motion.points, self._person
        position = np.where(valued[:, None], points.position, np.nan).astype(np.float32)
        velocity = np.where(valued[:count, None], points.velocity[:count, :2], np.nan)
        variance = np.where(valued, points.position_variance, np.nan).astype(np.float32)
        seen, has_3d = self.unseen_s == 0.0, self._has_3d
        kalman = self._parameters.mode == 'kalman'
        return PersonPose(
            keypoints=position[:count, :2],
            keypoint_scores=np.where(valued, self._scores, 0.0)[:count].astype(np.float32),
            keypoint_states=states[:count],
            box=person.box,
            score=person.score if seen else 0.0,
            track_id=person.track_id,
            track_state=person.track_state if seen else TrackState.LOST,
            keypoint_covariances=variance[:count, None] * _AXES_2D if kalman else None,
            keypoint_velocities=velocity.astype(np.float32),
            keypoint_innovations=None if outcome is None else (
                outcome.innovation[:count, :2].astype(np.float32)),
            keypoints_3d=position[count:] if has_3d else None,
            keypoint_states_3d=states[count:] if has_3d else None,
            keypoint_covariances_3d=(
                variance[count:, None] * _AXES_3D if kalman and has_3d else None),
            origin_3d=person.origin_3d if has_3d else Origin3D.UNKNOWN,
            frame_3d=person.frame_3d if has_3d else '',
            delay_ms=person.delay_ms + (0.0 if outcome is None else outcome.delay_s * 1e3),
        )

    def _follow_box(
        self, person: PersonPose | None, reading: _Reading, dt_s: float, view: View,
    ) -> None:
        """Keep box and body size; while there is no box, the old one moves with the joints."""
        if person is not None:
            box = person.box if _is_box(person.box) else _box_around(
                reading.values[:self.count, :2])
            self._person = replace(person, box=self._person.box if box is None else box)
            if box is not None:
                size_px = max(float(max(box[2] - box[0], box[3] - box[1])), _LEAST_SIZE_PX)
                share = 1.0 - np.exp(-dt_s / _SIZE_SMOOTHING_S) if self._size_px else 1.0
                self._size_px += share * (size_px - self._size_px)
        else:
            known = self._known()[:self.count]
            if known.any():
                velocity = self._motion.points.velocity[:self.count, :2][known].mean(axis=0)
                moved = self._person.box + np.tile(velocity * dt_s, 2)
                self._person = replace(self._person, box=moved.astype(np.float32))
        if not self._size_px:
            self._size_px = max(view.width, view.height, _LEAST_SIZE_PX) / 2.0


def checked_person(person: PersonPose, view: View) -> PersonPose:
    """Return ``person`` unfiltered, without values or states that cannot be."""
    def cleaned(points: Floats, states: States, flat: bool) -> tuple[Floats, States]:
        finite: Mask = np.all(np.abs(points) < _FARTHEST, axis=1)
        states = np.where(states > _MEASURED, _UNKNOWN, states)
        states = np.where(
            finite | _IS_ABSENT[states], states, _MISSING)
        if flat:
            beyond = view.outside(points.astype(np.float64)) & _IS_MEASURED[states]
            states = np.where(beyond, _OUT_OF_FRAME, states)
        valued = finite & (states != _MISSING)
        return np.where(valued[:, None], points, np.float32(np.nan)), states

    keypoints, states = cleaned(person.keypoints, person.keypoint_states, True)
    person = replace(person, keypoints=keypoints, keypoint_states=states)
    if person.keypoints_3d is None:
        return person
    states_3d = states if person.keypoint_states_3d is None else person.keypoint_states_3d
    keypoints_3d, states_3d = cleaned(person.keypoints_3d, states_3d, False)
    return replace(person, keypoints_3d=keypoints_3d, keypoint_states_3d=states_3d)


def _is_box(box: Floats) -> bool:
    """Whether a box has a size that a body can have."""
    return bool((np.abs(box) < _FARTHEST).all() and box[2] > box[0] and box[3] > box[1])


def _box_around(points: Values) -> Floats | None:
    """Return the box of the known points (K, 2); None if they span nothing."""
    known = points[np.isfinite(points).all(axis=1)]
    if len(known) < 2:
        return None
    box = np.concatenate((known.min(axis=0), known.max(axis=0))).astype(np.float32)
    return box if _is_box(box) else None
