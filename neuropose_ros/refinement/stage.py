"""The refinement stage: from detected poses to filtered ones, person by person, causally."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from neuropose_ros.core.clocks import Timeline, seconds
from neuropose_ros.core.pose import JointState, PersonPose, PoseFrame
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.track import Track, View, checked_person


@dataclass(slots=True)
class Counters:
    """What happened to the stage, for diagnostics.

    Attributes:
        restarts: times that all tracks were dropped: time ran back, or a new epoch.
        layout_changes: times that all tracks were dropped because the joints are other ones.
        repeats: frames of the very stamp before: not new evidence.
        unstamped: frames without a time; passed on unfiltered.
        untracked: people without an identity of their own; passed on unfiltered.
        outliers: measurements of joints refused.
        lost: people given up after ``max_bridge_s``.
    """

    restarts: int = 0
    layout_changes: int = 0
    repeats: int = 0
    unstamped: int = 0
    untracked: int = 0
    outliers: int = 0
    lost: int = 0

    def __str__(self) -> str:
        """Return the counters that are not 0."""
        counts = ((item.name, getattr(self, item.name)) for item in fields(self))
        return ', '.join(f'{name} {count}' for name, count in counts if count) or 'nothing'


class RefinementStage:
    """Refines the people of one camera, frame by frame; no look-ahead."""

    def __init__(self, parameters: RefinementParameters | None = None) -> None:
        """Start without people."""
        self._parameters = parameters or RefinementParameters()
        self.counters = Counters()
        self._timeline = Timeline()
        self._tracks: dict[int, Track] = {}
        self._newest: PoseFrame | None = None

    @property
    def parameters(self) -> RefinementParameters:
        """The parameters; new ones let every track's filter begin anew."""
        return self._parameters

    @parameters.setter
    def parameters(self, parameters: RefinementParameters) -> None:
        self._parameters = parameters
        self._tracks.clear()

    @property
    def restarts(self) -> int:
        """Times that time ran back or a new epoch began."""
        return self.counters.restarts

    def reset(self) -> None:
        """Forget all people and all time."""
        self._timeline = Timeline()
        self._forget()

    def process(self, pose: PoseFrame) -> PoseFrame:
        """Return the people of ``pose``, refined.

        Everybody known is in the answer: who is not in ``pose`` is LOST and predicted, up to
        ``max_bridge_s``. The status is that of ``pose``: predictions are no evidence.
        """
        if pose.stamp_ns <= 0:
            self.counters.unstamped += 1
            view = View(pose.image_width, pose.image_height)
            return self._answer(pose, tuple(
                checked_person(person, view) for person in pose.persons))
        if self._newest is not None and self._timeline.repeated(pose.stamp_ns, pose.epoch):
            self.counters.repeats += 1
            return self._answer(pose, self._newest.persons)
        before_ns = self._timeline.newest_ns
        if self._timeline.restarted(pose.stamp_ns, pose.epoch, pose.frame_seq):
            self.counters.restarts += 1
            self._forget()
        elif self._newest is not None and self._newest.layout != pose.layout:
            self.counters.layout_changes += 1
            self._forget()
        dt_s = seconds(pose.stamp_ns - before_ns) if self._newest and before_ns else 0.0
        self._newest = self._answer(pose, self._refine(pose, dt_s))
        return self._newest

    def feedback(self) -> PoseFrame | None:
        """Return the people as they are expected at the newest stamp, with velocities.

        Joints without a measurement are PREDICTED, also beyond the image's border; None before
        the first frame.
        """
        if self._newest is None:
            return None
        people = (track.predicted() for track in self._tracks.values())
        return replace(
            self._newest, persons=tuple(person for person in people if person is not None))

    def _forget(self) -> None:
        self._tracks.clear()
        self._newest = None

    def _answer(self, pose: PoseFrame, people: tuple[PersonPose, ...]) -> PoseFrame:
        return replace(pose, stage='refinement', persons=people)

    def _refine(self, pose: PoseFrame, dt_s: float) -> tuple[PersonPose, ...]:
        view = View(pose.image_width, pose.image_height)
        people: list[PersonPose] = []
        unfiltered: list[PersonPose] = []
        seen: set[int] = set()
        for person in pose.persons:
            if person.track_id < 0 or person.track_id in seen:
                unfiltered.append(person)
            else:
                seen.add(person.track_id)
                people.append(self._step(self._track(person), person, dt_s, view))
        for track_id in [known for known in self._tracks if known not in seen]:
            track = self._tracks[track_id]
            lost = self._step(track, None, dt_s, view)
            if track.over:
                del self._tracks[track_id]
                self.counters.lost += 1
            elif (lost.keypoint_states == JointState.PREDICTED).any():
                people.append(lost)
        self.counters.untracked += len(unfiltered)
        return (*people, *(checked_person(person, view) for person in unfiltered))

    def _step(
        self, track: Track, person: PersonPose | None, dt_s: float, view: View,
    ) -> PersonPose:
        refined = track.step(person, dt_s, view)
        self.counters.outliers += track.outliers
        return refined

    def _track(self, person: PersonPose) -> Track:
        track = self._tracks.get(person.track_id)
        if track is None or track.count != len(person.keypoints):
            track = self._tracks[person.track_id] = Track(self._parameters, person)
        return track
