"""Where people are expected in the next frame: what the tracker says, corrected by feedback.

The refiner filters every joint by itself and knows its velocity and how sure it is; the tracker
knows who is there at all. Both are put together person by person, by track id. A joint that is
further from where the tracker has it than the person is large is not believed: feedback comes by
a topic, from anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import overload

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.clocks import nanoseconds, seconds
from neuropose_ros.core.layouts import conversion_matrix, convert_frame
from neuropose_ros.core.pose import JointState, PersonPose, PoseFrame, TrackState
from neuropose_ros.core.skeleton import SkeletonLayout

# An extrapolation over a longer time says less than the tracker's own, which is damped.
_OLDEST_NS = nanoseconds(0.5)


class Expectation(Sequence[PersonPose]):
    """The people expected in a frame, made when somebody looks.

    An estimator that follows its person by itself never looks and so pays nothing, and its
    result does not claim that feedback was used.
    """

    def __init__(
        self, predict: Callable[[], Sequence[PersonPose]],
        feedback: Callable[[], PoseFrame | None], *, stamp_ns: int = 0,
    ) -> None:
        """Take whom to ask; they are asked in this order, once, and only when somebody looks.

        Args:
            predict: gives the tracker's people, at ``stamp_ns``.
            feedback: gives the refiner's people, at an earlier time, in the estimator's layout,
                as `usable_feedback` let them pass.
            stamp_ns: of the frame.
        """
        self._predict = predict
        self._feedback = feedback
        self._stamp_ns = stamp_ns
        self._made: tuple[PersonPose, ...] | None = None
        self._used_ns = 0

    @property
    def feedback_stamp_ns(self) -> int:
        """Stamp of the feedback that is in what was looked at; 0 = none."""
        return self._used_ns

    @overload
    def __getitem__(self, index: int) -> PersonPose: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[PersonPose, ...]: ...

    def __getitem__(self, index: int | slice) -> PersonPose | tuple[PersonPose, ...]:
        """Return the person or people at an index."""
        return self._people()[index]

    def __len__(self) -> int:
        """Return how many people are expected."""
        return len(self._people())

    def _people(self) -> tuple[PersonPose, ...]:
        if self._made is None:
            predicted, feedback = self._predict(), self._feedback()
            known = {} if feedback is None else {
                person.track_id: person for person in feedback.persons
                if person.track_id >= 0 and person.track_state is not TrackState.LOST}
            self._made = tuple(
                self._merged(one, known.get(one.track_id), feedback) for one in predicted)
        return self._made

    def _merged(
        self, predicted: PersonPose, refined: PersonPose | None, feedback: PoseFrame | None,
    ) -> PersonPose:
        if refined is None or feedback is None:
            return predicted
        moved = extrapolated(refined, seconds(self._stamp_ns - feedback.stamp_ns))
        known = _credible(moved, predicted)
        if not known.any():
            return predicted
        self._used_ns = feedback.stamp_ns
        velocities = moved.keypoint_velocities
        if velocities is not None and predicted.keypoint_velocities is not None:
            velocities = np.where(known[:, None], velocities, predicted.keypoint_velocities)
        covariances = moved.keypoint_covariances
        if covariances is not None:
            covariances = np.where(known[:, None], covariances, np.float32(np.inf))
        return replace(
            predicted, keypoint_covariances=covariances,
            keypoints=np.where(known[:, None], moved.keypoints, predicted.keypoints),
            keypoint_states=np.where(
                known, np.uint8(JointState.PREDICTED), predicted.keypoint_states),
            keypoint_velocities=velocities)


def extrapolated(person: PersonPose, dt_s: float) -> PersonPose:
    """Return the person ``dt_s`` later: every joint goes on with its velocity, if it has one."""
    if person.keypoint_velocities is None:
        return person
    way = np.nan_to_num(person.keypoint_velocities, posinf=0, neginf=0) * np.float32(dt_s)
    with np.errstate(over='ignore'):  # of no use, and of no harm: infinity is far away
        return replace(person, keypoints=person.keypoints + way)


def _credible(moved: PersonPose, predicted: PersonPose) -> NDArray[np.bool_]:
    """Return (K,), which joints of the refiner's lie where the tracker's person can have them."""
    middle = (predicted.box[:2] + predicted.box[2:]) / 2
    known = np.isfinite(predicted.keypoints).all(axis=1, keepdims=True)
    away = np.abs(moved.keypoints - np.where(known, predicted.keypoints, middle)).max(axis=1)
    side = (predicted.box[2:] - predicted.box[:2]).max()
    return np.asarray(np.isfinite(away) & (away <= side))


def usable_feedback(
    feedback: PoseFrame | None, *, stamp_ns: int, epoch: int, given: SkeletonLayout,
    wanted: SkeletonLayout,
) -> PoseFrame | None:
    """Return the feedback in the estimator's layout if it can say something about a frame.

    It must come from the refinement stage in this epoch, be at most 0.5 s old and not from the
    future, and its layout must have every joint of the estimator's: None otherwise. People who
    have not the joints of the layout that the feedback claims are left out.

    Args:
        feedback: the newest.
        stamp_ns: of the frame.
        epoch: of the results.
        given: the layout of the results, in which feedback comes.
        wanted: the estimator's layout.
    """
    if feedback is None or feedback.stage != 'refinement' or feedback.epoch != epoch:
        return None
    if not 0 <= stamp_ns - feedback.stamp_ns <= _OLDEST_NS:
        return None
    if feedback.layout == wanted.id:
        given = wanted
    elif feedback.layout != given.id or not is_lossless(given, wanted):
        return None
    whole = tuple(one for one in feedback.persons if len(one.keypoints) == len(given))
    return convert_frame(replace(feedback, persons=whole), given, wanted)


def is_lossless(source: SkeletonLayout, target: SkeletonLayout) -> bool:
    """Whether every joint of ``target`` is one joint of ``source``, none a mean or a guess."""
    return bool(((conversion_matrix(source, target) > 0).sum(axis=1) == 1).all())
