"""Poses per person as arrays, for formats that know people as columns or groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.pose import Floats, JointState, Origin3D, PersonPose, PoseFrame, States
from neuropose_ros.recording.arrays import individual

_MOST_SLOTS = 50_000_000


@dataclass(frozen=True)
class PersonTrack:
    """One person in the n frames that have them; K joints.

    Attributes:
        name: ``track_3``; ``epoch_1_track_3`` where the recording restarted, since nothing says
            that it is the same person; ``untracked_0`` is whoever comes first in a frame and
            has no identity.
        rows: (n,) index into the frames.
        person_scores: (n,).
        keypoints: (n, K, 2) px.
        scores: (n, K).
        states: (n, K) uint8.
        keypoints_3d: (n, K, 3) m, NaN where there are none; None = never any.
        states_3d: (n, K) uint8, where there are 3D points.
        residuals_3d: (n, K) m, root of the mean variance of the axes, NaN = not known.
        origins_3d: the kinds of origin that occur.
    """

    name: str
    epoch: int
    track_id: int
    rows: NDArray[np.int64]
    person_scores: Floats
    keypoints: Floats
    scores: Floats
    states: States
    keypoints_3d: Floats | None
    states_3d: States | None
    residuals_3d: Floats | None
    origins_3d: frozenset[Origin3D]


@dataclass(frozen=True)
class Tracks:
    """All people of an export.

    Attributes:
        stamps_ns: (T,) int64, of every frame, also those without people.
        frame_seqs: (T,) int64.
        epochs: (T,) int64.
        image_size: width and height, px, of the first frame that knows; (0, 0) = not known.
        model: of the first frame with people.
        stage: as ``model``.
    """

    stamps_ns: NDArray[np.int64]
    frame_seqs: NDArray[np.int64]
    epochs: NDArray[np.int64]
    people: tuple[PersonTrack, ...]
    image_size: tuple[int, int]
    model: str
    stage: str

    def need_ascending_time(self) -> None:
        """Check that a time axis can be made.

        Raises:
            SessionError: time goes back or stands still.
        """
        self._need_ascending(self.stamps_ns, 'time')

    def slots(self) -> NDArray[np.int64]:
        """Return (T,) frame numbers that begin with 0: a frame that was lost keeps its place.

        Raises:
            SessionError: the numbers do not ascend.
        """
        self._need_ascending(self.frame_seqs, 'the number of frames')
        slots = self.frame_seqs - (self.frame_seqs[0] if len(self.frame_seqs) else 0)
        if len(slots) and slots[-1] >= _MOST_SLOTS:
            raise SessionError(
                f'the frames are numbered over a range of {slots[-1] + 1}: this format has a row '
                'for each number, which is too many; choose one epoch')
        return slots

    def rate_hz(self) -> float:
        """Return frames per second, lost ones included; 0 where there are less than two."""
        slots = self.slots()
        if len(slots) < 2:
            return 0.0
        self.need_ascending_time()
        return float(slots[-1]) * NS_PER_S / float(self.stamps_ns[-1] - self.stamps_ns[0])

    def _need_ascending(self, values: NDArray[np.int64], what: str) -> None:
        back = np.flatnonzero(np.diff(values) <= 0)
        if not len(back):
            return
        before, after = int(back[0]), int(back[0]) + 1
        epochs = sorted({int(epoch) for epoch in self.epochs})
        hint = (f'the recording restarted there; export one epoch of {epochs}'
                if self.epochs[before] != self.epochs[after] else
                'this format needs it to ascend; csv, json, parquet and mcap do not')
        raise SessionError(
            f'{what} goes from {values[before]} to {values[after]} between frames {before} and '
            f'{after}: {hint}')


def gather(frames: Iterable[PoseFrame]) -> Tracks:
    """Return the people of frames of one layout.

    Raises:
        SessionError: there is no frame.
    """
    taken = tuple(frames)
    if not taken:
        raise SessionError('there is no frame to export')
    found: dict[tuple[int, bool, int], list[_Seen]] = defaultdict(list)
    for row, frame in enumerate(taken):
        for key, seen in _told_apart(row, frame):
            found[key].append(seen)
    restarted = len({frame.epoch for frame in taken}) > 1
    peopled = next((frame for frame in taken if frame.persons), taken[0])
    sized = next((frame for frame in taken if frame.image_width), taken[0])
    return Tracks(
        np.array([frame.stamp_ns for frame in taken], np.int64),
        np.array([frame.frame_seq for frame in taken], np.int64),
        np.array([frame.epoch for frame in taken], np.int64),
        tuple(_track(found[key], restarted) for key in sorted(found)),
        (sized.image_width, sized.image_height), peopled.model, peopled.stage)


class _Seen(NamedTuple):
    """A person in a frame."""

    row: int
    frame: PoseFrame
    rank: int
    person: PersonPose


def _told_apart(row: int, frame: PoseFrame) -> Iterator[tuple[tuple[int, bool, int], _Seen]]:
    """Yield people by epoch and track id, or by epoch and index those without.

    A track id that occurs twice in a frame tells nobody apart: the second one has none.
    """
    taken: set[int] = set()
    for rank, given in enumerate(frame.persons):
        person = replace(given, track_id=-1) if given.track_id in taken else given
        tracked = person.track_id >= 0
        if tracked:
            taken.add(person.track_id)
        yield ((frame.epoch, not tracked, person.track_id if tracked else rank),
               _Seen(row, frame, rank, person))


def _track(poses: list[_Seen], restarted: bool) -> PersonTrack:
    first, people = poses[0], [seen.person for seen in poses]
    has_3d = any(person.keypoints_3d is not None for person in people)

    def stacked(field: str, kind: type[np.generic]) -> Any:
        return np.stack([getattr(person, field) for person in people]).astype(kind)

    return PersonTrack(
        name=individual(first.frame, first.rank, first.person, restarted),
        epoch=first.frame.epoch,
        track_id=first.person.track_id,
        rows=np.array([seen.row for seen in poses], np.int64),
        person_scores=np.array([person.score for person in people], np.float32),
        keypoints=stacked('keypoints', np.float32),
        scores=stacked('keypoint_scores', np.float32),
        states=stacked('keypoint_states', np.uint8),
        keypoints_3d=np.stack([_points_3d(p) for p in people]) if has_3d else None,
        states_3d=np.stack([states_3d(p) for p in people]) if has_3d else None,
        residuals_3d=np.stack([_residuals(p) for p in people]) if has_3d else None,
        origins_3d=frozenset(p.origin_3d for p in people if p.keypoints_3d is not None),
    )


def _points_3d(person: PersonPose) -> Floats:
    if person.keypoints_3d is None:
        return np.full((len(person.keypoints), 3), np.nan, np.float32)
    return person.keypoints_3d


def states_3d(person: PersonPose) -> States:
    """Return (K,) states of 3D points, MISSING where there are none."""
    if person.keypoints_3d is None:
        return np.full(len(person.keypoints), JointState.MISSING, np.uint8)
    if person.keypoint_states_3d is None:
        return np.full(len(person.keypoints), JointState.UNKNOWN, np.uint8)
    return person.keypoint_states_3d


def _residuals(person: PersonPose) -> Floats:
    """xx, yy and zz are the 1st, 4th and 6th of a covariance."""
    if person.keypoint_covariances_3d is None:
        return np.full(len(person.keypoints), np.nan, np.float32)
    root: Floats = np.sqrt(person.keypoint_covariances_3d[:, (0, 3, 5)].mean(1))
    return root
