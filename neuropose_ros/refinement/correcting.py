"""Corrections laid over refined poses: what they say changes in their window, and nothing else.

They never enter a filter, which would carry them beyond their window: frames before and after one
are the same to the bit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.events import Correction, CorrectionKind
from neuropose_ros.core.pose import (
    Floats,
    FrameStatus,
    JointState,
    PersonPose,
    PoseFrame,
    TrackState,
)
from neuropose_ros.refinement.corrections import CorrectionLog

_OF_JOINTS = (CorrectionKind.KEYPOINTS, CorrectionKind.REJECT)
_EVERYBODY = -1
_LONG_S = 60


@dataclass(slots=True)
class CorrectionCounters:
    """What became of the corrections, for diagnostics.

    Attributes:
        corrected_frames: frames that differ from what the refiner said.
        misfits: times that a correction met its person in a layout that it is not of.
    """

    corrected_frames: int = 0
    misfits: int = 0


class _Index:
    """Corrections by the seconds that their windows reach into: there may be one per frame."""

    def __init__(self, corrections: tuple[Correction, ...]) -> None:
        self.corrections = corrections
        self._long: list[int] = []
        self._short: dict[tuple[int, int], list[int]] = {}
        for number, one in enumerate(corrections):
            first_s, last_s = one.window_start_ns // NS_PER_S, one.window_end_ns // NS_PER_S
            if one.window_end_ns == 0 or last_s - first_s > _LONG_S:
                self._long.append(number)
                continue
            for second in range(first_s, last_s + 1):
                self._short.setdefault((one.epoch, second), []).append(number)

    def near(self, pose: PoseFrame) -> list[Correction]:
        """Return those that may cover a frame, by the time of saying."""
        short = self._short.get((pose.epoch, pose.stamp_ns // NS_PER_S), [])
        return [self.corrections[number] for number in sorted((*self._long, *short))]


class Corrector:
    """Applies a log of corrections, frame by frame."""

    def __init__(self, log: CorrectionLog, *, as_said: bool = False) -> None:
        """Take the log, which may grow.

        Args:
            as_said: what was said holds for frames acquired since, as in a live flow, whose past
                is over; else for the whole window.
        """
        self.log = log
        self.counters = CorrectionCounters()
        self._as_said = as_said
        self._newest: tuple[int, int] | None = None
        self._used: Counter[str] = Counter()
        self._index = _Index(())

    def apply(self, pose: PoseFrame) -> PoseFrame:
        """Return the frame as corrected; the very same one where nothing is said of it."""
        self._newest = pose.epoch, pose.stamp_ns
        if not len(self.log):
            return pose
        held = self.log.holding(pose.stamp_ns if self._as_said else None)
        if held is not self._index.corrections:
            self._index = _Index(held)
        said = [one for one in self._index.near(pose) if covers(one, pose)]
        if not said:
            return pose
        changed: dict[int, PersonPose] = {}
        for correction in said:
            if correction.kind in _OF_JOINTS:
                self._judge(correction, pose, changed)
        persons = tuple(changed.get(index, person) for index, person in enumerate(pose.persons))
        persons, renamed = self._renamed(said, persons)
        unusable = self._unusable(said)
        if not (changed or renamed or unusable):
            return pose
        self.counters.corrected_frames += 1
        return replace(
            pose, persons=persons, status=FrameStatus.UNKNOWN if unusable else pose.status)

    def is_past(self, correction: Correction) -> bool:
        """Whether its window was over before the newest frame: nothing of it is to come."""
        if self._newest is None or correction.kind is CorrectionKind.UNKNOWN:
            return False
        epoch, stamp_ns = self._newest
        end_ns = correction.window_end_ns
        return correction.epoch < epoch or (
            correction.epoch == epoch and 0 < end_ns < stamp_ns)

    def unused(self) -> tuple[str, ...]:
        """Return the ids of corrections of poses that hold and have met nobody so far."""
        return tuple(one.id for one in self.log.holding() if one.kind in (
            *_OF_JOINTS, CorrectionKind.IDENTITY) and not self._used[one.id])

    def _judge(
        self, correction: Correction, pose: PoseFrame, changed: dict[int, PersonPose],
    ) -> None:
        """Correct the people that are meant, on top of what was said before."""
        for index, person in enumerate(pose.persons):
            if correction.track_id not in (person.track_id, _EVERYBODY):
                continue
            if correction.kind is CorrectionKind.REJECT:
                changed[index] = rejected(person)
            elif _fits(correction, pose, person):
                changed[index] = with_keypoints(changed.get(index, person), correction)
            else:
                self.counters.misfits += 1
                continue
            self._used[correction.id] += 1
            if correction.track_id != _EVERYBODY:
                return

    def _unusable(self, said: Iterable[Correction]) -> bool:
        """Whether the whole frame is rejected, also where nobody is in it."""
        names = [one.id for one in said
                 if one.kind is CorrectionKind.REJECT and one.track_id == _EVERYBODY]
        self._used.update(names)
        return bool(names)

    def _renamed(
        self, said: Iterable[Correction], persons: tuple[PersonPose, ...],
    ) -> tuple[tuple[PersonPose, ...], bool]:
        """Give people their right ids; who had such an id gets that of the other one."""
        present = {person.track_id for person in persons}
        right: dict[int, int] = {}
        for correction in said:
            if correction.kind is CorrectionKind.IDENTITY and correction.track_id in present:
                # What is said last holds, also of two who are said to be the same.
                meant = int(correction.label)
                right = {old: new for old, new in right.items() if new != meant}
                right[correction.track_id] = meant
                self._used[correction.id] += 1
        for old, new in tuple(right.items()):
            if new in present and new not in right:
                right[new] = _free_id(old, right)
        if not right:
            return persons, False
        return tuple(replace(person, track_id=right.get(person.track_id, person.track_id))
                     for person in persons), True


def covers(correction: Correction, pose: PoseFrame) -> bool:
    """Whether a frame lies in the window; both ends are part of it, and an end of 0 is open."""
    return (correction.epoch == pose.epoch and correction.window_start_ns <= pose.stamp_ns
            and (pose.stamp_ns <= correction.window_end_ns or correction.window_end_ns == 0))


def with_keypoints(person: PersonPose, correction: Correction) -> PersonPose:
    """Return a person with the joints where they are said to be, as CORRECTED.

    A joint that is said not to be seen is MISSING. Of both kinds nothing more is known: neither
    velocity nor covariance nor the place in 3D, which was told from the wrong place.
    """
    assert correction.keypoint_indices is not None and correction.keypoints is not None
    indices = correction.keypoint_indices.astype(np.intp)
    seen = np.isfinite(correction.keypoints).all(axis=1)
    keypoints, scores = person.keypoints.copy(), person.keypoint_scores.copy()
    states = person.keypoint_states.copy()
    keypoints[indices] = correction.keypoints
    scores[indices] = seen
    states[indices] = np.where(seen, JointState.CORRECTED, JointState.MISSING)
    states_3d = person.keypoint_states_3d
    if states_3d is not None:
        states_3d = states_3d.copy()
        states_3d[indices] = JointState.MISSING
    return replace(
        person, keypoints=keypoints, keypoint_scores=scores, keypoint_states=states,
        keypoint_states_3d=states_3d,
        keypoint_covariances=_without(person.keypoint_covariances, indices),
        keypoint_velocities=_without(person.keypoint_velocities, indices),
        keypoint_innovations=_without(person.keypoint_innovations, indices),
        keypoints_3d=_without(person.keypoints_3d, indices),
        keypoint_covariances_3d=_without(person.keypoint_covariances_3d, indices))


def rejected(person: PersonPose) -> PersonPose:
    """Return a person of whom only the identity and the box are left; all joints are UNKNOWN."""
    unknown = np.full(len(person.keypoints), JointState.UNKNOWN, np.uint8)
    flat = person.keypoints_3d is None
    return PersonPose(
        keypoints=np.full_like(person.keypoints, np.nan),
        keypoint_scores=np.zeros_like(person.keypoint_scores),
        keypoint_states=unknown, box=person.box, track_id=person.track_id,
        track_state=TrackState.UNKNOWN,
        keypoints_3d=None if flat else np.full_like(person.keypoints_3d, np.nan),
        keypoint_states_3d=None if flat else unknown,
        origin_3d=person.origin_3d, frame_3d=person.frame_3d, delay_ms=person.delay_ms)


def _without(values: Floats | None, indices: NDArray[np.intp]) -> Floats | None:
    if values is None:
        return None
    left: Floats = values.copy()
    left[indices] = np.nan
    return left


def _fits(correction: Correction, pose: PoseFrame, person: PersonPose) -> bool:
    assert correction.keypoint_indices is not None
    return (correction.label in {'', pose.layout}
            and int(correction.keypoint_indices.max()) < len(person.keypoints))


def _free_id(old: int, right: dict[int, int]) -> int:
    """Return the id that a chain of renamings, which ends in ``right[old]``, leaves free."""
    before = {new: one for one, new in right.items()}
    while old in before:
        old = before[old]
    return old
