"""What a frame says about people: arrays of joints, with everything impossible taken out.

Rows of P people are (P, 2K): the K joints in the image, then the K joints in 3D.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Floats, JointState, PersonPose, States
from neuropose_ros.refinement.filters import Mask, Values

FARTHEST = 1e6
"""px or m: beyond it is no measurement."""

# numpy's own scalars: an Enum costs a look-up each time.
MISSING, OUT_OF_FRAME, PREDICTED, INTERPOLATED, MEASURED, UNKNOWN = (
    np.uint8(state) for state in (
        JointState.MISSING, JointState.OUT_OF_FRAME, JointState.PREDICTED,
        JointState.INTERPOLATED, JointState.MEASURED, JointState.UNKNOWN))


def _table(*states: JointState) -> Mask:
    """Return a (256,) table of membership: faster than np.isin for a handful of joints."""
    table = np.zeros(256, bool)
    table[list(states)] = True
    return table


IS_MEASURED = _table(JointState.MEASURED, JointState.CORRECTED)
IS_ABSENT = _table(
    JointState.OCCLUDED, JointState.OUT_OF_FRAME, JointState.UNKNOWN, JointState.MISSING)
_IS_USABLE = _table(
    JointState.MEASURED, JointState.CORRECTED, JointState.OCCLUDED, JointState.OUT_OF_FRAME,
    JointState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class View:
    """The image that a person is seen in; a width of 0 = unknown size."""

    width: int
    height: int

    def outside(self, points: Values) -> Mask:
        """Say which of (..., 2+) points lie beyond the edges of the outermost pixels."""
        if self.width <= 0 or self.height <= 0:
            return np.zeros(points.shape[:-1], bool)
        flat = points[..., :2]
        beyond = (flat < -0.5) | (flat > (self.width - 0.5, self.height - 0.5))
        outside: Mask = beyond[..., 0] | beyond[..., 1]
        return outside


class Reading(NamedTuple):
    """P people as (P, 2K) rows.

    Attributes:
        values: (P, 2K, 3), NaN where there is none; rows of the image end in 0.
        scores: (P, 2K) 0..1.
        states: (P, 2K).
        measured: (P, 2K) measurements.
        usable: (P, 2K) measurements and guesses.
    """

    values: Values
    scores: Values
    states: States
    measured: Mask
    usable: Mask


def read_people(people: list[PersonPose | None], count: int, view: View) -> Reading:
    """Return what the frame says of P people with K = ``count`` joints; None = not seen."""
    shape = (len(people), 2 * count)
    values = np.full((*shape, 3), np.nan)
    scores = np.zeros(shape)
    states = np.full(shape, MISSING, np.uint8)
    for slot, person in enumerate(people):
        if person is None:
            continue
        values[slot, :count, :2] = person.keypoints
        values[slot, :count, 2] = 0.0
        scores[slot, :count] = person.keypoint_scores
        states[slot, :count] = person.keypoint_states
        if person.keypoints_3d is not None:
            values[slot, count:] = person.keypoints_3d
            states[slot, count:] = (person.keypoint_states if person.keypoint_states_3d is None
                                    else person.keypoint_states_3d)
    np.fmin(np.fmax(scores, 0.0, out=scores), 1.0, out=scores)  # NaN gives 0
    scores[:, count:] = scores[:, :count]
    near = np.abs(values) < FARTHEST
    finite = near[..., 0] & near[..., 1] & near[..., 2]  # faster than all() of three
    values[~finite] = np.nan
    usable = finite & _IS_USABLE[states]
    states[:, :count][usable[:, :count] & view.outside(values[:, :count])] = OUT_OF_FRAME
    return Reading(values, scores, states, usable & IS_MEASURED[states], usable)


def rearranged(reading: Reading, order: NDArray[np.intp]) -> Reading:
    """Return the reading with row ``order[p, i]`` (P, 2K) at i, for each person p."""
    people = np.arange(len(order))[:, None]
    return Reading(
        reading.values[people, order], reading.scores[people, order],
        reading.states[people, order], reading.measured[people, order],
        reading.usable[people, order])


def checked_person(person: PersonPose, view: View) -> PersonPose:
    """Return ``person`` unfiltered, without values or states that cannot be."""
    def cleaned(points: Floats, states: States, flat: bool) -> tuple[Floats, States]:
        finite: Mask = np.all(np.abs(points) < FARTHEST, axis=1)
        states = np.where(states > MEASURED, UNKNOWN, states)
        states = np.where(finite | IS_ABSENT[states], states, MISSING)
        if flat:
            beyond = view.outside(points.astype(np.float64)) & IS_MEASURED[states]
            states = np.where(beyond, OUT_OF_FRAME, states)
        valued = finite & (states != MISSING)
        return np.where(valued[:, None], points, np.float32(np.nan)), states

    keypoints, states = cleaned(person.keypoints, person.keypoint_states, True)
    scores = np.fmin(np.fmax(person.keypoint_scores, np.float32(0)), np.float32(1))  # NaN gives 0
    person = replace(
        person, keypoints=keypoints, keypoint_states=states, keypoint_scores=scores)
    if person.keypoints_3d is None:
        return person
    states_3d = states if person.keypoint_states_3d is None else person.keypoint_states_3d
    keypoints_3d, states_3d = cleaned(person.keypoints_3d, states_3d, False)
    return replace(person, keypoints_3d=keypoints_3d, keypoint_states_3d=states_3d)


def is_box(box: Floats) -> bool:
    """Whether a box has a size that a body can have."""
    x_min, y_min, x_max, y_max = box.tolist()
    near = max(abs(x_min), abs(y_min), abs(x_max), abs(y_max)) < FARTHEST
    return bool(near and x_max > x_min and y_max > y_min)


def box_around(points: Values) -> Floats | None:
    """Return the box of the known points (K, 2); None if they span nothing."""
    known = points[np.isfinite(points).all(axis=1)]
    if len(known) < 2:
        return None
    box = np.concatenate((known.min(axis=0), known.max(axis=0))).astype(np.float32)
    return box if is_box(box) else None
