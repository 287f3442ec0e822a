"""A recording without its tremor, and the tremor to lay over what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.clocks import Timeline, seconds
from neuropose_ros.core.pose import Floats, PersonPose, PoseFrame
from neuropose_ros.refinement.filters import Values
from neuropose_ros.refinement.reading import IS_MEASURED, is_box
from neuropose_ros.refinement.tremor_offline import offline_tremor

# The phase of a tremor is not known any more after such a gap.
_LONGEST_GAP_S = 0.25

Seen = list[tuple[int, PersonPose]]
Joints = Callable[[PersonPose], tuple[Floats, NDArray[np.bool_]]]
Tremors = dict[tuple[int, int, bool], Values]
"""(K, D) px or m by number of the frame, track id, and whether it is of the joints in 3D."""


class Calmed:
    """The frames of a recording with the tremor of its people taken off.

    Attributes:
        frames: as they came, but for the tremor.
    """

    def __init__(self, frames: Sequence[PoseFrame], body_height_m: float) -> None:
        """Find the tremor; ``body_height_m`` is the body size in 3D."""
        self._tremors: Tremors = {}
        self._same: dict[int, int] = {}  # number of the frame that one repeats
        for run in self._runs(frames):
            for (track_id, *_), seen in _people(frames, run).items():
                for spell in _spells(seen, frames):
                    self._note(frames, track_id, spell, False, _flat, _size_px(spell))
            for (track_id, *_), seen in _people_3d(frames, run).items():
                for spell in _spells(seen, frames):
                    self._note(frames, track_id, spell, True, _deep, body_height_m)
        self.frames = [self._moved(number, frame, -1.0) for number, frame in enumerate(frames)]

    def shaken(self, answers: Iterable[PoseFrame]) -> Iterator[PoseFrame]:
        """Return what became of each of the frames, with the tremor."""
        for number, frame in enumerate(answers):
            yield self._moved(number, frame, 1.0)

    def _runs(self, frames: Sequence[PoseFrame]) -> list[list[int]]:
        """Return the numbers of the frames between restarts; those without news are left out."""
        runs: list[list[int]] = [[]]
        timeline = Timeline()
        for number, frame in enumerate(frames):
            if frame.stamp_ns <= 0:
                continue
            if runs[-1] and timeline.repeated(frame.stamp_ns, frame.epoch):
                self._same[number] = runs[-1][-1]
                continue
            restarted = timeline.restarted(frame.stamp_ns, frame.epoch, frame.frame_seq)
            if runs[-1] and (restarted or frame.layout != frames[runs[-1][-1]].layout):
                runs.append([])
            runs[-1].append(number)
        return runs

    def _note(
        self, frames: Sequence[PoseFrame], track_id: int, seen: Seen, deep: bool, joints: Joints,
        size: float,
    ) -> None:
        """Find the tremor of one person; frames without the person lie in between."""
        numbers = [number for number in range(seen[0][0], seen[-1][0] + 1)
                   if number not in self._same and frames[number].stamp_ns > 0]
        row = {number: index for index, number in enumerate(numbers)}
        points, _ = joints(seen[0][1])
        measured = np.full((len(numbers), *points.shape), np.nan)
        valid = np.zeros(measured.shape[:2], bool)
        for number, person in seen:
            measured[row[number]], valid[row[number]] = joints(person)
        begin_ns = frames[numbers[0]].stamp_ns
        tremor = offline_tremor(
            measured, valid, np.array([seconds(frames[number].stamp_ns - begin_ns)
                                       for number in numbers]), np.full(points.shape[0], size))
        for number, there in zip(numbers, tremor, strict=True):
            if there.any():
                self._tremors[number, track_id, deep] = there

    def _moved(self, number: int, frame: PoseFrame, sign: float) -> PoseFrame:
        number = self._same.get(number, number)
        persons: list[PersonPose] = []
        met: set[int] = set()
        for person in frame.persons:
            moved = person
            if person.track_id not in met:
                flat = self._tremors.get((number, person.track_id, False))
                deep = self._tremors.get((number, person.track_id, True))
                if flat is not None and len(flat) == len(person.keypoints):
                    moved = replace(moved, keypoints=_plus(person.keypoints, sign * flat))
                if deep is not None and person.keypoints_3d is not None:
                    moved = replace(moved, keypoints_3d=_plus(person.keypoints_3d, sign * deep))
            met.add(person.track_id)
            persons.append(moved)
        return replace(frame, persons=tuple(persons))


def _tracked(frame: PoseFrame) -> Iterator[PersonPose]:
    """Return the people that are followed; of two with one id, that is the first."""
    met: set[int] = set()
    for person in frame.persons:
        if person.track_id >= 0 and person.track_id not in met and len(person.keypoints):
            met.add(person.track_id)
            yield person


def _people(
    frames: Sequence[PoseFrame], run: Iterable[int],
) -> dict[tuple[int, int], Seen]:
    found: dict[tuple[int, int], Seen] = {}
    for number in run:
        for person in _tracked(frames[number]):
            found.setdefault((person.track_id, len(person.keypoints)), []).append(
                (number, person))
    return found


def _people_3d(
    frames: Sequence[PoseFrame], run: Iterable[int],
) -> dict[tuple[int, int, object, str], Seen]:
    """Return those with joints in 3D, apart by what these refer to."""
    found: dict[tuple[int, int, object, str], Seen] = {}
    for number in run:
        for person in _tracked(frames[number]):
            if person.keypoints_3d is not None:
                found.setdefault((person.track_id, len(person.keypoints), person.origin_3d,
                                  person.frame_3d), []).append((number, person))
    return found


def _spells(seen: Seen, frames: Sequence[PoseFrame]) -> Iterator[Seen]:
    """Divide it where somebody was away for long."""
    begin = 0
    for index in range(1, len(seen) + 1):
        if index == len(seen) or seconds(
                frames[seen[index][0]].stamp_ns - frames[seen[index - 1][0]].stamp_ns,
        ) > _LONGEST_GAP_S:
            yield seen[begin:index]
            begin = index


def _plus(points: Floats, moved: Values) -> Floats:
    return np.asarray(points + moved, np.float32)


def _flat(person: PersonPose) -> tuple[Floats, NDArray[np.bool_]]:
    return person.keypoints, _measured(person.keypoints, person.keypoint_states)


def _deep(person: PersonPose) -> tuple[Floats, NDArray[np.bool_]]:
    points = person.keypoints_3d
    assert points is not None
    states = person.keypoint_states_3d
    return points, _measured(points, person.keypoint_states if states is None else states)


def _measured(points: Floats, states: NDArray[np.uint8]) -> NDArray[np.bool_]:
    measured: NDArray[np.bool_] = np.isfinite(points).all(axis=1) & IS_MEASURED[states]
    return measured


def _size_px(seen: Seen) -> float:
    """Return the body size: the median of the longer sides of the boxes."""
    sides = [max(person.box[2] - person.box[0], person.box[3] - person.box[1])
             for _, person in seen if is_box(person.box)]
    if not sides:
        known = np.concatenate([person.keypoints for _, person in seen])
        known = known[np.isfinite(known).all(axis=1)]
        sides = [np.ptp(known, axis=0).max()] if len(known) else []
    return max(float(np.median(sides)) if sides else 0.0, 1.0)
