"""Who is who from frame to frame.

Similarity of two poses: object keypoint similarity (Lin et al. 2014, COCO) with one tolerance
for all joints, and the overlap of the boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from neuropose_ros.core.clocks import nanoseconds
from neuropose_ros.core.pose import PersonPose, TrackState

# Share of the body's size that a joint may move between frames at half similarity or so.
_TOLERANCE = 0.2


@dataclass(slots=True)
class Track:
    """One identity.

    Attributes:
        person: as last seen.
        seen_ns: when.
        frames: how often.
        state: TENTATIVE, CONFIRMED, or LOST while it is not seen.
    """

    track_id: int
    person: PersonPose
    seen_ns: int = 0
    frames: int = 0
    state: TrackState = TrackState.TENTATIVE


class Tracker:
    """Gives people identities.

    A person who was lost for no longer than the memory and comes back near the same place keeps
    the id; later it is a new one. Ids are never used twice, also not after a reset: whoever
    missed the reset must not join two people into one.
    """

    def __init__(
        self, *, memory_s: float = 1.0, confirm_frames: int = 3, least_similarity: float = 0.2,
    ) -> None:
        """Start with nobody.

        Args:
            memory_s: how long a lost person is remembered.
            confirm_frames: frames until a track is CONFIRMED.
            least_similarity: 0..1, below which two poses are not the same person.
        """
        self._memory_ns = nanoseconds(memory_s)
        self._confirm_frames = confirm_frames
        self._least_similarity = least_similarity
        self._tracks: list[Track] = []
        self._next_id = 1

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The remembered tracks, lost ones too."""
        return tuple(self._tracks)

    def reset(self) -> None:
        """Forget everybody."""
        self._tracks = []

    def predict(self, stamp_ns: int) -> tuple[PersonPose, ...]:
        """Return everybody who is remembered at ``stamp_ns``."""
        return tuple(
            replace(track.person, track_id=track.track_id, track_state=track.state)
            for track in self._tracks if stamp_ns - track.seen_ns <= self._memory_ns)

    def update(self, people: Sequence[PersonPose], stamp_ns: int) -> tuple[PersonPose, ...]:
        """Return the people with their track ids and states, in the given order."""
        self._tracks = [
            track for track in self._tracks if stamp_ns - track.seen_ns <= self._memory_ns]
        matched = self._match(people)
        for track in self._tracks:
            track.state = TrackState.LOST
        out = []
        for i, person in enumerate(people):
            track = matched.get(i) or self._begin(person)
            track.person, track.seen_ns, track.frames = person, stamp_ns, track.frames + 1
            confirmed = track.frames >= self._confirm_frames
            track.state = TrackState.CONFIRMED if confirmed else TrackState.TENTATIVE
            out.append(replace(person, track_id=track.track_id, track_state=track.state))
        return tuple(out)

    def _begin(self, person: PersonPose) -> Track:
        track = Track(self._next_id, person)
        self._next_id += 1
        self._tracks.append(track)
        return track

    def _match(self, people: Sequence[PersonPose]) -> dict[int, Track]:
        """Return the track of each person that has one; the most similar pair goes first."""
        pairs = sorted(
            ((similarity(person, track.person), i, j)
             for i, person in enumerate(people) for j, track in enumerate(self._tracks)),
            key=lambda pair: (-pair[0], pair[1], pair[2]))
        matched: dict[int, Track] = {}
        used: set[int] = set()
        for value, i, j in pairs:
            if value >= self._least_similarity and i not in matched and j not in used:
                matched[i] = self._tracks[j]
                used.add(j)
        return matched


def similarity(a: PersonPose, b: PersonPose) -> float:
    """Return 0..1: the larger of keypoint similarity and overlap of the boxes."""
    return max(keypoint_similarity(a, b), box_overlap(a, b))


def keypoint_similarity(a: PersonPose, b: PersonPose) -> float:
    """Return the object keypoint similarity 0..1 over the joints that both have."""
    sides = np.maximum(a.box[2:] - a.box[:2], b.box[2:] - b.box[:2])
    area = max(float(sides.prod()), 1.0)
    squared = ((a.keypoints - b.keypoints) ** 2).sum(-1)
    known = np.isfinite(squared)
    if not known.any():
        return 0.0
    return float(np.exp(-squared[known] / (2 * area * _TOLERANCE**2)).mean())


def box_overlap(a: PersonPose, b: PersonPose) -> float:
    """Return the intersection over union of the boxes."""
    low, high = np.maximum(a.box[:2], b.box[:2]), np.minimum(a.box[2:], b.box[2:])
    common = float(np.clip(high - low, 0, None).prod())
    areas = [float(np.clip(person.box[2:] - person.box[:2], 0, None).prod()) for person in (a, b)]
    union = sum(areas) - common
    return common / union if union > 0 else 0.0
