"""Gives people identities and says where everybody is expected next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.clocks import nanoseconds
from neuropose_ros.core.metrics import oks_sigmas
from neuropose_ros.core.pose import Floats, PersonPose, TrackState
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.pose.tracking.association import AssociationModel, Pairs, choose, compare
from neuropose_ros.pose.tracking.kalman import MotionModel, first_motion, resumed
from neuropose_ros.pose.tracking.levels import LevelModel, first_levels
from neuropose_ros.pose.tracking.naming import Naming, NamingModel
from neuropose_ros.pose.tracking.observations import Observations, observe
from neuropose_ros.pose.tracking.similarity import box_cover
from neuropose_ros.pose.tracking.track import Forecast, Track, forecast

Array = NDArray[np.float64]

_TORSO = ('left_shoulder', 'right_shoulder', 'left_hip', 'right_hip')
_SIGMA = 0.079  # where the layout is not known: COCO's of the shoulders
_LONG_GAP_FRAMES = 2.5
_LOOK_SHARE = 0.1
# So much likelier than any other track (logarithm), a match needs no second opinion; so little
# covered by others, a crop shows one person.
_CLEAR_GAIN, _ALONE = 3.0, 0.1
# How much a new box changes a track's: alone, and where others cover this much of it.
_BOX_SHARE, _CROWDED_BOX_SHARE, _CROWD, _CROWD_DOUBT = 0.4, 0.05, 0.3, 15.0
# Logarithm of a detector's box over the body in it at first, and how much a find changes it.
_BOX_RATIO, _RATIO_SHARE, _LARGEST_RATIO = 0.1, 0.02, 0.4
# A find that lies so much within a known person's box may be that person's other half.
_MOST_COVER = 0.7
# Who was seen only once or twice may be nobody: such a track is given up sooner.
_TENTATIVE_S, _TENTATIVE_FRAMES = 0.2, 3.0


class Tracker:
    """Gives people identities.

    A person who was lost for no longer than the memory and comes back where motion can have
    brought them keeps the id; later it is a new one. Ids are never used twice, also not after a
    reset: whoever missed the reset must not join two people into one.
    """

    def __init__(
        self, layout: SkeletonLayout | None = None, *, memory_s: float = 2.0,
        confirm_frames: int = 3, sure_score: float = 0.05, begin_score: float = 0.3,
        motion: MotionModel | None = None,
        association: AssociationModel | None = None, levels: LevelModel | None = None,
        naming: NamingModel | None = None,
    ) -> None:
        """Start with nobody.

        Args:
            layout: of the people; None = any, all joints count alike.
            memory_s: how long a lost person is remembered.
            confirm_frames: frames until a track is CONFIRMED.
            sure_score: people with at least this score are matched before the others.
            begin_score: people with less only continue what is there.
            motion: how bodies move.
            association: how finds come about.
            levels: how those of a box change.
            naming: when somebody new gets an id.
        """
        self._layout = layout
        self._memory_ns = nanoseconds(memory_s)
        self._confirm_frames = confirm_frames
        self._sure_score, self._begin_score = sure_score, begin_score
        self._motion = motion or MotionModel()
        self._association = association or AssociationModel()
        self._levels = levels or LevelModel()
        self._naming = Naming(self._motion, self._levels, naming or NamingModel())
        self._tracks: list[Track] = []
        self._next_id = 1
        self._newest_ns = 0
        self._step_s = 1 / 30
        self._box_ratio = _BOX_RATIO
        self._joints = 0
        self._torso: NDArray[np.intp] = np.zeros(0, np.intp)
        self._sigmas: Array = np.zeros(0)

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The remembered tracks, lost ones too."""
        return tuple(self._tracks)

    def reset(self) -> None:
        """Forget everybody."""
        self._tracks = []
        self._newest_ns = 0

    def predict(self, stamp_ns: int) -> tuple[PersonPose, ...]:
        """Return everybody who is remembered, where they are expected at ``stamp_ns``.

        Joints are PREDICTED and have velocities; the state says who is LOST.
        """
        return tuple(
            track.expected(track.motion.predicted(track.gap_s(stamp_ns), self._motion))
            for track in self._tracks if self._remembered(track, stamp_ns))

    def update(
        self, people: Sequence[PersonPose], stamp_ns: int,
        embeddings: Sequence[Floats | None] | None = None,
    ) -> tuple[PersonPose, ...]:
        """Return the people with their track ids and states, in the given order.

        A second find of somebody is left out. Somebody whom one cannot follow (no box, or
        unsure and not continuing a track) has the id -1. Where a network took the joints of
        whoever stands in front, the person's own are PREDICTED, with score 0.

        Args:
            people: of one frame.
            stamp_ns: of the frame.
            embeddings: unit vectors of looks, one for each of the people; None = not known.
        """
        self._tracks = [track for track in self._tracks if self._remembered(track, stamp_ns)]
        self._enter(people, stamp_ns)
        seen, expected, pairs = self._compare(people, stamp_ns, embeddings)
        matched = self._match(seen, pairs)
        for track in self._tracks:
            track.state = TrackState.LOST
        ids: dict[int, Track] = {}
        for row, column in matched.items():
            index = int(seen.indices[row])
            ids[index] = self._follow(
                seen, row, column, pairs, expected, people[index], stamp_ns)
        for row in self._newcomers(seen, matched, pairs.twice):
            index = int(seen.indices[row])
            ids[index] = self._begin(seen, row, pairs, people[index], stamp_ns)
        self._tracks = self._naming.name(self._tracks, stamp_ns)
        astray = {int(seen.indices[row]) for row, column in matched.items()
                  if not pairs.trusted[row, column]}
        # A second find of somebody is nobody.
        doubles = {int(seen.indices[row]) for row in np.flatnonzero(pairs.twice.any(1))} - set(ids)
        for index, track in ids.items():
            _remember_look(track, None if embeddings is None else embeddings[index])
        return tuple(
            _named(person, ids.get(i), i in astray)
            for i, person in enumerate(people) if i not in doubles)

    def unclear(self, people: Sequence[PersonPose], stamp_ns: int) -> list[int]:
        """Return whose looks would help `update`, as indices into ``people``.

        Those who could be two people, or nobody known, or somebody who was lost; and who stands
        alone and whose looks are not known yet.
        """
        if people and len(people[0].keypoints) != self._joints:
            return list(range(len(people)))
        seen, _, pairs = self._compare(people, stamp_ns, None)
        rows = []
        for row in range(len(seen)):
            order = np.argsort(-pairs.gain[row])
            gains = pairs.gain[row][order]
            if not len(order) or gains[0] <= 0:
                rows.append(row)
                continue
            best = self._tracks[order[0]]
            rivals = len(order) > 1 and gains[1] > gains[0] - _CLEAR_GAIN
            alone = pairs.crowd[row, order[0]] < _ALONE
            if rivals or best.state is TrackState.LOST or (best.look is None and alone):
                rows.append(row)
        return [int(seen.indices[row]) for row in rows]

    def _compare(
        self, people: Sequence[PersonPose], stamp_ns: int,
        embeddings: Sequence[Floats | None] | None,
    ) -> tuple[Observations, Forecast, Pairs]:
        seen = observe(people, self._joints)
        expected = forecast(
            self._tracks, stamp_ns, self._joints, self._motion, self._confirm_frames, self._levels)
        return seen, expected, compare(
            seen, expected, self._torso, self._sigmas, self._association,
            self._box_ratio, self._levels, _cosines(seen, self._tracks, embeddings))

    def _remembered(self, track: Track, stamp_ns: int) -> bool:
        memory_ns = self._memory_ns
        if track.frames < self._confirm_frames:
            frames_ns = nanoseconds(_TENTATIVE_FRAMES * self._step_s)
            memory_ns = min(memory_ns, max(nanoseconds(_TENTATIVE_S), frames_ns))
        return stamp_ns - track.seen_ns <= memory_ns

    def _enter(self, people: Sequence[PersonPose], stamp_ns: int) -> None:
        """Take the frame's time and number of joints."""
        if self._newest_ns and stamp_ns > self._newest_ns:
            step_s = (stamp_ns - self._newest_ns) / 1e9
            self._step_s += 0.1 * (min(step_s, 1.0) - self._step_s)
        self._newest_ns = stamp_ns
        joints = len(people[0].keypoints) if people else self._joints
        if joints == self._joints:
            return
        self._joints, self._tracks = joints, []
        self._torso, self._sigmas = np.arange(joints), np.full(joints, _SIGMA)
        if self._layout is not None and len(self._layout) == joints:
            self._sigmas = oks_sigmas(self._layout)
            names = self._layout.names
            torso = [names.index(name) for name in _TORSO if name in names]
            self._torso = np.array(torso or range(joints), np.intp)

    def _match(self, seen: Observations, pairs: Pairs) -> dict[int, int]:
        """Return the track of each find that has one: sure finds choose first."""
        matched: dict[int, int] = {}
        # Whom the detector did not see although it looked, a network may have made up.
        backed = seen.is_boxed | ~seen.is_boxed.any()
        sure = (seen.scores >= self._sure_score) & backed
        crowded = pairs.crowd >= _CROWD
        gain_of = np.where(backed[:, None] | ~crowded, pairs.gain, -np.inf)
        for stage in (sure, ~sure):
            taken = pairs.twice[:, list(matched)].any(1)
            rows = np.flatnonzero(stage & ~taken)
            columns = np.setdiff1d(np.arange(pairs.gain.shape[1]), list(matched.values()))
            gain, twice = gain_of[np.ix_(rows, columns)], pairs.twice[np.ix_(rows, rows)]
            for row, column in choose(gain, twice):
                matched[int(rows[row])] = int(columns[column])
        return matched

    def _newcomers(
        self, seen: Observations, matched: dict[int, int], twice: NDArray[np.bool_],
    ) -> list[int]:
        """Return the finds that begin a track: sure ones who stand apart from those known."""
        known = list(matched)
        new: list[int] = []
        for row in np.argsort(-seen.scores, kind='stable'):
            if row in matched or seen.scores[row] < self._begin_score:
                continue
            if seen.is_boxed.any() and not seen.is_boxed[row]:
                continue
            if twice[row, known + new].any():
                continue
            if known and box_cover(seen.bodies[[row]], seen.bodies[known]).max() >= _MOST_COVER:
                continue
            new.append(int(row))
        return sorted(new)

    def _follow(
        self, seen: Observations, row: int, column: int, pairs: Pairs, expected: Forecast,
        person: PersonPose, stamp_ns: int,
    ) -> Track:
        track = self._tracks[column]
        measured, variance = pairs.measured[row, column], pairs.variance[row, column].copy()
        # A box that people share is around both: it says little of the one's height.
        crowded = min(pairs.crowd[row, column] / _CROWD, 1.0)
        variance[2] *= 1.0 + crowded * _CROWD_DOUBT
        gap_s = track.gap_s(stamp_ns)
        if gap_s > _LONG_GAP_FRAMES * self._step_s:
            track.motion = resumed(
                track.motion, measured, variance, gap_s, self._step_s, self._motion)
        else:
            track.motion = expected.motions[column].corrected(measured, variance)
        if not pairs.trusted[row, column] and pairs.own[row] and crowded < 1:
            measured = self._body(seen, row)
            track.motion = replace(track.motion, position=measured)
            pairs.trusted[row, column] = True
        if pairs.trusted[row, column]:
            self._learn_ratio(seen, row, crowded)
            track.place(
                measured, seen.keypoints[row], seen.weights[row], seen.boxes[row],
                _BOX_SHARE * (1.0 - crowded) + _CROWDED_BOX_SHARE * crowded)
        self._note_box(track, seen, row, crowded, gap_s)
        track.is_clear = crowded < 1 and bool(pairs.own[row] or not seen.is_boxed[row])
        track.person, track.seen_ns, track.frames = person, stamp_ns, track.frames + 1
        confirmed = track.frames >= self._confirm_frames
        track.state = TrackState.CONFIRMED if confirmed else TrackState.TENTATIVE
        return track

    def _body(self, seen: Observations, row: int) -> Array:
        """Return (3,) where the joints have the body and how tall."""
        body = seen.bodies[row]
        middle = np.nanmean(seen.keypoints[row, self._torso], axis=0)
        return np.array((*middle, np.log(body[3] - body[1])))

    def _note_box(
        self, track: Track, seen: Observations, row: int, crowded: float, gap_s: float,
    ) -> None:
        before = None if track.levels is None else track.levels.predicted(gap_s, self._levels)
        track.levels = before
        if seen.is_boxed[row]:
            ends, doubt = seen.boxes[row, [1, 3]], 1.0 + crowded * _CROWD_DOUBT
            track.levels = (
                first_levels(ends, doubt, self._levels) if before is None
                else before.corrected(ends, doubt, self._levels))

    def _learn_ratio(self, seen: Observations, row: int, crowded: float) -> None:
        """Learn how much taller the detector's boxes are than bodies, from those who are alone."""
        if seen.is_boxed[row] and not crowded:
            box, body = seen.boxes[row], seen.bodies[row]
            ratio = float(np.log((box[3] - box[1]) / (body[3] - body[1])))
            if abs(ratio) < _LARGEST_RATIO:
                self._box_ratio += _RATIO_SHARE * (ratio - self._box_ratio)

    def _begin(
        self, seen: Observations, row: int, pairs: Pairs, person: PersonPose, stamp_ns: int,
    ) -> Track:
        points, box = seen.keypoints[row], seen.boxes[row]
        middle = (box[:2] + box[2:]) / 2
        torso = points[self._torso]
        height_log = float(np.log(box[3] - box[1]))
        if seen.is_boxed[row]:
            height_log -= self._box_ratio
        if len(torso) and np.isfinite(torso).all() and not pairs.astray[row]:
            *middle, height_log = self._body(seen, row)
        measured = np.array((*middle, height_log))
        height, model = float(np.exp(measured[2])), self._association
        noise = np.array((
            model.place_noise * height, model.place_noise * height, model.height_noise))
        crowd = float(pairs.crowd[row].max(initial=0.0))
        crowded = min(crowd / _CROWD, 1.0)
        noise[2] *= np.sqrt(1.0 + crowded * _CROWD_DOUBT)
        track = Track(
            self._next_id, person, stamp_ns, first_motion(measured, noise**2, self._motion),
            np.full((self._joints, 2), np.nan), np.zeros(self._joints), np.zeros(4))
        track.place(measured, points, seen.weights[row], box, 1.0)
        self._note_box(track, seen, row, crowded, 0.0)
        track.named = crowded < 1 and not self._naming.must_wait(track, self._tracks, stamp_ns)
        if self._confirm_frames <= 1:
            track.state = TrackState.CONFIRMED
        self._next_id += 1
        self._tracks.append(track)
        return track


def _cosines(
    seen: Observations, tracks: Sequence[Track], embeddings: Sequence[Floats | None] | None,
) -> Array | None:
    """Return (N, T) how alike finds and tracks look, NaN where not known."""
    if embeddings is None:
        return None
    alike = np.full((len(seen), len(tracks)), np.nan)
    for row, index in enumerate(seen.indices):
        look = embeddings[index]
        for column, track in enumerate(tracks):
            if look is not None and track.look is not None:
                alike[row, column] = float(look @ track.look)
    return alike


def _named(person: PersonPose, track: Track | None, astray: bool) -> PersonPose:
    """Return the person with id and state; joints of somebody else give way to expected ones."""
    if track is None or not track.named:
        return replace(person, track_id=-1, track_state=TrackState.UNKNOWN)
    if not astray:
        return replace(person, track_id=track.track_id, track_state=track.state)
    expected = track.expected(track.motion)
    return replace(
        expected, box=person.box, score=person.score, track_state=track.state,
        keypoint_scores=np.zeros_like(person.keypoint_scores), keypoint_velocities=None)


def _remember_look(track: Track, look: Floats | None) -> None:
    if look is None:
        return
    mean = look if track.look is None else (
        (1 - _LOOK_SHARE) * track.look + _LOOK_SHARE * look)
    track.look = (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)
