"""The refinement stage: from detected poses to filtered ones, person by person, causally."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Protocol

from neuropose_ros.core.action import Action, ActionFrame
from neuropose_ros.core.clocks import NS_PER_S, Timeline, seconds
from neuropose_ros.core.errors import LayoutError
from neuropose_ros.core.layouts import layout
from neuropose_ros.core.pose import PersonPose, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.refinement.backward import Step, smoothed
from neuropose_ros.refinement.body import Body, body_of
from neuropose_ros.refinement.evidence import EvidenceNetwork
from neuropose_ros.refinement.filters import Values
from neuropose_ros.refinement.noise import NoiseModel, joint_noise
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.people import People
from neuropose_ros.refinement.reading import View, checked_person

_log = logging.getLogger(__name__)


class ActionContext(Protocol):
    """What actions say about movement.

    Attributes:
        label_set: id of the labels that it knows.
    """

    @property
    def label_set(self) -> str: ...

    def __call__(self, action: Action, names: tuple[str, ...]) -> Values:
        """Return (K,) factors on the variance of the joints' acceleration; 1 = no say."""
        ...


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


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A frame on its way out.

    Attributes:
        pose: as it came.
        steps: people by the number of their joints, as known after this frame.
        order: their track ids as they came.
        unfiltered: people who pass as they are.
        run: frames of one run know of each other; a restart begins another.
    """

    pose: PoseFrame
    steps: dict[int, Step]
    order: tuple[int, ...]
    unfiltered: tuple[PersonPose, ...]
    run: int


class RefinementStage:
    """Refines the people of one camera, frame by frame; looks ahead by ``lag_frames`` at most."""

    def __init__(
        self, parameters: RefinementParameters | None = None, *,
        network: EvidenceNetwork | None = None, noise: NoiseModel | None = None,
        context: ActionContext | None = None,
        layouts: Callable[[str], SkeletonLayout] = layout, chained: bool = False,
    ) -> None:
        """Start without people.

        Args:
            parameters: None = the defaults.
            network: for this stage alone, with its state; None = there is none.
            noise: of detectors, as it was learnt; of others the parameters tell it.
            context: what actions say about movement.
            layouts: finds the joints of poses by the id of their layout; raises LayoutError.
            chained: whether later frames have a say though there is no lag: for `put`.
        """
        self._parameters = parameters or RefinementParameters()
        self._network = network
        self._noise = noise
        self._context = context
        self._layouts = layouts
        self._chained = chained
        self.counters = Counters()
        self._timeline = Timeline()
        self._people: dict[int, People] = {}  # by the number of their joints
        self._look_again_ns = 0  # for a layout that is not known
        self._unknown: set[str] = set()
        self._actions: ActionFrame | None = None
        self._newest: _Waiting | None = None
        self._waiting: deque[_Waiting] = deque()
        self._run = 0

    @property
    def parameters(self) -> RefinementParameters:
        """The parameters; new ones let every filter begin anew, and drop what waits."""
        return self._parameters

    @parameters.setter
    def parameters(self, parameters: RefinementParameters) -> None:
        self._parameters = parameters
        self._people.clear()
        self._waiting.clear()

    @property
    def restarts(self) -> int:
        """Times that time ran back or a new epoch began."""
        return self.counters.restarts

    def reset(self) -> None:
        """Forget all people, all time, and what waits."""
        self._timeline = Timeline()
        self._waiting.clear()
        self._actions = None
        self._forget()

    def process(self, pose: PoseFrame) -> PoseFrame | None:
        """Return the people of the frame ``lag_frames`` before ``pose``, refined; None = not yet.

        There is one answer for each frame, in order, with the frame's own stamp. Everybody known
        is in it: who is not in the frame is LOST and predicted, up to ``max_bridge_s``. The
        status is that of the frame: predictions are no evidence.
        """
        self.put(pose)
        if len(self._waiting) <= self._parameters.lag_frames:
            return None
        return self.release(1)[0]

    def put(self, pose: PoseFrame) -> None:
        """Take a frame in; `release` or `flush` gives its answer."""
        self._waiting.append(self._take(pose))

    def flush(self) -> list[PoseFrame]:
        """Return the frames that still wait for later ones."""
        return self.release(len(self._waiting))

    def release(self, count: int) -> list[PoseFrame]:
        """Return the ``count`` frames that wait longest, each by all that is known of it."""
        answers: list[PoseFrame] = []
        while len(answers) < count:
            first = self._waiting[0]
            run = [one for one in self._waiting if one.run == first.run]
            wanted = min(count - len(answers), len(run))
            answers += self._answers(run, wanted)
            for _ in range(wanted):
                self._waiting.popleft()
        return answers

    def put_actions(self, actions: ActionFrame) -> None:
        """Take what people were found to do; it counts for the frames of the next second."""
        self._actions = actions

    def feedback(self) -> PoseFrame | None:
        """Return the people as they are expected at the newest stamp, with velocities.

        Joints without a measurement are PREDICTED, also beyond the image's border; None before
        the first frame. A lag does not delay it.
        """
        if self._newest is None:
            return None
        return replace(self._newest.pose, stage='refinement', persons=tuple(
            person for people in self._people.values() for person in people.predicted()))

    def _take(self, pose: PoseFrame) -> _Waiting:
        """Refine a frame by all that is known so far."""
        if pose.stamp_ns <= 0:
            self.counters.unstamped += 1
            view = View(pose.image_width, pose.image_height)
            return _Waiting(pose, {}, (), tuple(
                checked_person(person, view) for person in pose.persons), self._run)
        newest = self._newest
        if newest is not None and self._timeline.repeated(pose.stamp_ns, pose.epoch):
            self.counters.repeats += 1
            return replace(newest, pose=pose)
        before_ns = self._timeline.newest_ns
        if self._timeline.restarted(pose.stamp_ns, pose.epoch, pose.frame_seq):
            self.counters.restarts += 1
            self._forget()
        elif newest is not None and newest.pose.layout != pose.layout:
            self.counters.layout_changes += 1
            self._forget()
        dt_s = seconds(pose.stamp_ns - before_ns) if self._newest and before_ns else 0.0
        self._newest = self._refine(pose, dt_s)
        return self._newest

    def _answers(self, run: list[_Waiting], count: int) -> list[PoseFrame]:
        """Return the first ``count`` frames of a run, by all of it."""
        if len(run) == 1:
            return [self._answer(run[0], list(run[0].steps.values()), 0.0)]
        known: dict[int, Step] = {}  # as `smoothed` knows it, by the step as it was taken
        for joints in {joints for one in run for joints in one.steps}:
            steps = [one.steps[joints] for one in run if joints in one.steps]
            # A repeated frame holds the step of the one before.
            steps = [one for one, before in zip(steps, [None, *steps], strict=False)
                     if one is not before]
            known |= {id(one): better for one, better in zip(
                steps, smoothed(steps), strict=True)}
        newest_ns = run[-1].pose.stamp_ns
        return [self._answer(waiting, [known[id(one)] for one in waiting.steps.values()],
                             seconds(newest_ns - waiting.pose.stamp_ns) * 1e3)
                for waiting in run[:count]]

    def _answer(self, waiting: _Waiting, steps: list[Step], lag_ms: float) -> PoseFrame:
        present: dict[int, PersonPose] = {}
        missed: list[PersonPose] = []
        for step in steps:
            found, predicted = step.told
            present |= found
            missed += predicted
        people = [*(present[one] for one in waiting.order),
                  *(one for one in missed if one.track_id not in present)]
        if self._parameters.lag_frames and lag_ms > 0.0:
            people = [replace(one, delay_ms=one.delay_ms + lag_ms) for one in people]
        return replace(
            waiting.pose, stage='refinement', persons=(*people, *waiting.unfiltered))

    def _forget(self) -> None:
        self._people.clear()
        self._newest = None
        self._run += 1

    def _refine(self, pose: PoseFrame, dt_s: float) -> _Waiting:
        view = View(pose.image_width, pose.image_height)
        tracked: dict[int, PersonPose] = {}
        unfiltered: list[PersonPose] = []
        for person in pose.persons:
            if person.track_id < 0 or person.track_id in tracked or not len(person.keypoints):
                unfiltered.append(checked_person(person, view))
            else:
                tracked[person.track_id] = person
        self.counters.untracked += len(unfiltered)
        steps = {}
        for count in sorted({len(one.keypoints) for one in tracked.values()} | {*self._people}):
            alike = [one for one in tracked.values() if len(one.keypoints) == count]
            people = self._of(count, pose)
            noise = joint_noise(
                self._noise, pose.model, people.body.names, self._parameters.noise_confident,
                self._parameters.noise_unsure)
            steps[count] = people.step(
                alike, dt_s, view, noise, self._liveliness(alike, pose, people.body))
            self.counters.outliers += people.outliers
            self.counters.swapped += people.swapped
            self.counters.lost += people.lost
        return _Waiting(pose, steps, tuple(tracked), tuple(unfiltered), self._run)

    def _of(self, count: int, pose: PoseFrame) -> People:
        if self._look_again_ns and pose.stamp_ns >= self._look_again_ns:
            self._look_again_ns = 0
            if self._find(pose) is not None:
                self._people.clear()
        if count not in self._people:
            known = self._find(pose)
            body = body_of(known if known is not None and len(known) == count else None, count)
            network = None if self._people else self._network
            self._people[count] = People(
                self._parameters, body, network,
                chained=self._chained or self._parameters.lag_frames > 0)
        return self._people[count]

    def _find(self, pose: PoseFrame) -> SkeletonLayout | None:
        """Return the layout; None = not known yet, then every joint is refined by itself."""
        try:
            return self._layouts(pose.layout)
        except LayoutError as error:
            if pose.layout not in self._unknown:
                _log.warning('every joint is refined by itself: %s', error)
            self._unknown.add(pose.layout)
            self._look_again_ns = pose.stamp_ns + NS_PER_S
            return None

    def _liveliness(
        self, people: list[PersonPose], pose: PoseFrame, body: Body,
    ) -> dict[int, Values]:
        """Return how lively the joints of people are who were found to do something."""
        actions, context = self._actions, self._context
        if actions is None or context is None or not self._parameters.use_action_context:
            return {}
        age_ns = pose.stamp_ns - actions.stamp_ns
        if (actions.epoch != pose.epoch or not 0 <= age_ns <= NS_PER_S
                or actions.label_set != context.label_set):
            return {}
        known = {person.track_id for person in people}
        return {action.track_id: context(action, body.names)
                for action in actions.actions if action.track_id in known}
