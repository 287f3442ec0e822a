"""The refinement stage: from detected poses to filtered ones, person by person, causally."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from neuropose_ros.core.clocks import Timeline, seconds
from neuropose_ros.core.errors import LayoutError
from neuropose_ros.core.layouts import layout
from neuropose_ros.core.pose import PersonPose, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.refinement.body import Body, body_of
from neuropose_ros.refinement.noise import JointNoise, NoiseModel, generic_curve, joint_noise
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.people import People
from neuropose_ros.refinement.reading import View, checked_person

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Counters:
    """What happened to the stage, for diagnostics.

    Attributes:
        restarts: times that all tracks were dropped: time ran back, or a new epoch.
        layout_changes: times that all tracks were dropped because the joints are other ones.
        repeats: frames of the very stamp before: not new evidence.
        unstamped: frames without a time; passed on unfiltered.
        untracked: people without an identity of their own, or without joints; passed on
            unfiltered.
        outliers: measurements of joints refused.
        swapped: joints put back to their side.
        lost: people given up after ``max_bridge_s``.
    """

    restarts: int = 0
    layout_changes: int = 0
    repeats: int = 0
    unstamped: int = 0
    untracked: int = 0
    outliers: int = 0
    swapped: int = 0
    lost: int = 0

    def __str__(self) -> str:
        """Return the counters that are not 0."""
        counts = ((item.name, getattr(self, item.name)) for item in fields(self))
        return ', '.join(f'{name} {count}' for name, count in counts if count) or 'nothing'


class RefinementStage:
    """Refines the people of one camera, frame by frame; no look-ahead."""

    def __init__(
        self, parameters: RefinementParameters | None = None, *,
        noise: NoiseModel | None = None, layouts: Callable[[str], SkeletonLayout] = layout,
    ) -> None:
        """Start without people.

        Args:
            parameters: None = the defaults.
            noise: of detectors, as it was learnt; of others the parameters tell it.
            layouts: finds the joints of poses by the id of their layout; raises LayoutError.
        """
        self._parameters = parameters or RefinementParameters()
        self._noise = noise
        self._layouts = layouts
        self.counters = Counters()
        self._timeline = Timeline()
        self._people: dict[int, People] = {}  # by the number of their joints
        self._newest: PoseFrame | None = None

    @property
    def parameters(self) -> RefinementParameters:
        """The parameters; new ones let every track's filter begin anew."""
        return self._parameters

    @parameters.setter
    def parameters(self, parameters: RefinementParameters) -> None:
        self._parameters = parameters
        self._people.clear()

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

    def flush(self) -> list[PoseFrame]:
        """Return the frames that still wait for later ones."""
        return []

    def feedback(self) -> PoseFrame | None:
        """Return the people as they are expected at the newest stamp, with velocities.

        Joints without a measurement are PREDICTED, also beyond the image's border; None before
        the first frame.
        """
        if self._newest is None:
            return None
        return replace(self._newest, persons=tuple(
            person for people in self._people.values() for person in people.predicted()))

    def _forget(self) -> None:
        self._people.clear()
        self._newest = None

    def _answer(self, pose: PoseFrame, people: tuple[PersonPose, ...]) -> PoseFrame:
        return replace(pose, stage='refinement', persons=people)

    def _refine(self, pose: PoseFrame, dt_s: float) -> tuple[PersonPose, ...]:
        view = View(pose.image_width, pose.image_height)
        tracked: dict[int, PersonPose] = {}
        unfiltered: list[PersonPose] = []
        for person in pose.persons:
            if person.track_id < 0 or person.track_id in tracked or not len(person.keypoints):
                unfiltered.append(person)
            else:
                tracked[person.track_id] = person
        counts = {len(person.keypoints) for person in tracked.values()} | self._people.keys()
        refined: dict[int, PersonPose] = {}
        missed: list[PersonPose] = []
        for count in sorted(counts):
            alike = [one for one in tracked.values() if len(one.keypoints) == count]
            people = self._of(count, pose)
            found, predicted = people.step(alike, dt_s, view, self._noise_of(pose, people.body))
            refined |= {person.track_id: person for person in found}
            missed += predicted
            self.counters.outliers += people.outliers
            self.counters.swapped += people.swapped
            self.counters.lost += people.lost
        self.counters.untracked += len(unfiltered)
        return (*(refined[track_id] for track_id in tracked),
                *(person for person in missed if person.track_id not in tracked),
                *(checked_person(person, view) for person in unfiltered))

    def _of(self, count: int, pose: PoseFrame) -> People:
        if count not in self._people:
            self._people[count] = People(self._parameters, self._body(count, pose))
        return self._people[count]

    def _body(self, count: int, pose: PoseFrame) -> Body:
        """Return what is known of the joints; nothing if their layout is unknown or another."""
        try:
            known = self._layouts(pose.layout)
        except LayoutError as error:
            _log.warning('every joint is refined by itself: %s', error)
            return body_of(None, count)
        return body_of(known if len(known) == count else None, count)

    def _noise_of(self, pose: PoseFrame, body: Body) -> JointNoise:
        return joint_noise(self._noise, pose.model, body.names, generic_curve(
            self._parameters.noise_confident, self._parameters.noise_unsure))
