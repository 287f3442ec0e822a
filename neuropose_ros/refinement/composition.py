"""From the filters' arrays back to a person: values, uncertainty, and honest states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from neuropose_ros.core.pose import Origin3D, PersonPose, States, TrackState
from neuropose_ros.refinement.filters import Mask, Values, some
from neuropose_ros.refinement.reading import (
    IS_ABSENT,
    MISSING,
    OUT_OF_FRAME,
    PREDICTED,
    Reading,
    View,
)

# Upper triangles of the isotropic covariances that the filter has: xx xy yy, xx xy xz yy yz zz.
_AXES_2D = np.array((1, 0, 1), np.float32)
_AXES_3D = np.array((1, 0, 0, 1, 0, 1), np.float32)


class Rows(NamedTuple):
    """What is told of P people, as (P, 2K) rows; NaN where a joint has no value.

    Attributes:
        position: (P, 2K, 3).
        velocity: (P, 2K, 3), per s.
        variance: (P, 2K) per axis, of the whole error; None = the filter knows none.
        innovation: (P, 2K, 3); None = there is none to tell.
        scores: (P, 2K).
        states: (P, 2K).
        valued: (P, 2K) whether the joint has a value.
        delay_s: (P,) of the filter.
    """

    position: Values
    velocity: Values
    variance: Values | None
    innovation: Values | None
    scores: Values
    states: States
    valued: Mask
    delay_s: Values


class Judged(NamedTuple):
    """(P, 2K) states, and whether there is a value."""

    states: States
    valued: Mask


def judge(
    reading: Reading, used: Mask, known: Mask, bridged: Mask, position: Values, view: View,
    *, keep_guesses: bool,
) -> Judged:
    """Return each joint's state and whether it has a value.

    Args:
        reading: of this frame.
        used: (P, 2K) measurements and guesses that are part of the position.
        known: (P, 2K) joints of which this frame says something, seen or not.
        bridged: (P, 2K) joints that are known well enough without one.
        position: (P, 2K, 3), NaN where unknown.
        view: what lies beyond it was not predicted but is out of the frame.
        keep_guesses: whether joints that are only guessed by the estimator have a value.
    """
    count = used.shape[1] // 2
    states = np.where(IS_ABSENT[reading.states], reading.states, MISSING)
    measured = used & reading.measured
    bridged = bridged & (states != OUT_OF_FRAME)
    valued = bridged | (used & ~reading.measured) if keep_guesses else bridged.copy()
    unseen = bridged[:, :count] & ~measured[:, :count]
    if some(unseen):
        outside = unseen & view.outside(position[:, :count])
        # What is beyond the border was not predicted; it has a value where something says so.
        bridged[:, :count] &= ~outside
        valued[:, :count] &= ~(outside & ~known[:, :count])
        states[:, :count][outside] = OUT_OF_FRAME
    states = np.where(measured, reading.states, np.where(bridged, PREDICTED, states))
    return Judged(states, valued | measured)


def compose(
    rows: Rows, people: Sequence[PersonPose], seen: Mask, has_3d: Mask,
) -> list[PersonPose]:
    """Return the people as they are told.

    Args:
        rows: of all people.
        people: as they were last seen: box, identity, origin of 3D.
        seen: (P,) who is in this frame.
        has_3d: (P,) who has joints in 3D.
    """
    count = rows.states.shape[1] // 2
    told_rows = slice(None) if some(has_3d) else slice(count)
    valued = rows.valued[:, told_rows]
    position = np.where(
        valued[..., None], rows.position[:, told_rows], np.nan).astype(np.float32)
    velocity = np.where(
        rows.valued[..., None], rows.velocity, np.nan)[:, :count, :2].astype(np.float32)
    variance = None if rows.variance is None else np.where(
        valued, rows.variance[:, told_rows], np.nan).astype(np.float32)
    covariance = None if variance is None else variance[:, :count, None] * _AXES_2D
    innovation = None if rows.innovation is None else (
        rows.innovation[:, :count, :2].astype(np.float32))
    scores = np.where(valued[:, :count], rows.scores[:, :count], 0.0).astype(np.float32)
    delays_s = rows.delay_s.tolist()
    told = []
    for slot, person in enumerate(people):
        deep = bool(has_3d[slot])
        told.append(PersonPose(
            keypoints=position[slot, :count, :2],
            keypoint_scores=scores[slot],
            keypoint_states=rows.states[slot, :count],
            box=person.box,
            score=person.score if seen[slot] else 0.0,
            track_id=person.track_id,
            track_state=person.track_state if seen[slot] else TrackState.LOST,
            keypoint_covariances=None if covariance is None else covariance[slot],
            keypoint_velocities=velocity[slot],
            keypoint_innovations=None if innovation is None else innovation[slot],
            keypoints_3d=position[slot, count:] if deep else None,
            keypoint_states_3d=rows.states[slot, count:] if deep else None,
            keypoint_covariances_3d=(
                None if variance is None or not deep else variance[slot, count:, None] * _AXES_3D),
            origin_3d=person.origin_3d if deep else Origin3D.UNKNOWN,
            frame_3d=person.frame_3d if deep else '',
            delay_ms=person.delay_ms + delays_s[slot] * 1e3,
        ))
    return told
