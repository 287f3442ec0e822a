"""The action stage: people over time in, what each of them does out, or why that is not known."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from neuropose_ros.action import reasons
from neuropose_ros.action.description import RecogniserDescription
from neuropose_ros.action.grid import TimeGrid
from neuropose_ros.action.parameters import ActionParameters
from neuropose_ros.action.phase import PhaseState, advance
from neuropose_ros.action.recogniser import Recogniser
from neuropose_ros.action.scenes import SceneMemory
from neuropose_ros.action.tracks import Evidence, Tracks
from neuropose_ros.core.action import UNKNOWN_LABEL, Action, ActionFrame, LabelSet
from neuropose_ros.core.clocks import Timeline, nanoseconds, seconds
from neuropose_ros.core.errors import LayoutError, NeuroposeError
from neuropose_ros.core.layouts import convert_points, layout
from neuropose_ros.core.pose import (
    Floats,
    FrameStatus,
    JointState,
    PersonPose,
    PoseFrame,
    SceneEmbedding,
)
from neuropose_ros.core.skeleton import SkeletonLayout

_LOG = logging.getLogger(__name__)
_NOBODY_LOOKED = (FrameStatus.SKIPPED, FrameStatus.ERROR)
_MEASURED = (JointState.MEASURED, JointState.CORRECTED)
_FEWEST_FRAMES = 4
"""A slow camera's ticks lie between few frames: what so few tell is no movement yet."""
_FARTHEST = 1e6
"""px or m. A joint beyond is a mistake, and would be in the mean place of the body for long."""


@dataclass(slots=True)
class Counters:
    """What happened to the stage, for diagnostics.

    Attributes:
        frames: taken, of whatever status.
        people: in them.
        answers: about people whose action is known.
        ticks: of time run.
        restarts: times that everybody was forgotten: time ran back, or a new epoch.
        layout_changes: times that everybody was forgotten because the joints are other ones.
        repeats: frames of the very stamp before: not new evidence.
        refused_scenes: embeddings that cannot be used.
        crowded_out: people forgotten, or not followed at all, because they were too many.
        reasons: why how many answers were unknown.
    """

    frames: int = 0
    people: int = 0
    answers: int = 0
    ticks: int = 0
    restarts: int = 0
    layout_changes: int = 0
    repeats: int = 0
    refused_scenes: int = 0
    crowded_out: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


class ActionStage:
    """Recognises what the people of one camera do, frame by frame; no look-ahead.

    Attributes:
        counters: what happened so far.
        last_error: one sentence on what was wrong with the last frame, empty if nothing.
    """

    def __init__(
        self, recogniser: Recogniser, *, parameters: ActionParameters | None = None,
        layouts: Callable[[str], SkeletonLayout] = layout,
    ) -> None:
        """Begin without people.

        Args:
            recogniser: is closed with the stage.
            parameters: None = the defaults.
            layouts: finds the joints of an id, or raises `LayoutError`.
        """
        self.parameters = parameters or ActionParameters()
        self.counters = Counters()
        self.last_error = ''
        self._recogniser = recogniser
        self._layouts = layouts
        self._timeline = Timeline()
        self._grid = TimeGrid(recogniser.description.rate_hz)
        self._tracks = Tracks(recogniser)
        self._scenes = SceneMemory(recogniser.description)
        self._layout = self._noted = ''
        self._last: ActionFrame | None = None
        self._scene: SceneEmbedding | None = None

    @property
    def description(self) -> RecogniserDescription:
        """What the recogniser says of itself."""
        return self._recogniser.description

    @property
    def label_set(self) -> LabelSet:
        """The actions that it knows."""
        return self.description.labels

    @property
    def model(self) -> str:
        """Id of the network."""
        return self.description.name

    @property
    def uses_scene(self) -> bool:
        """Whether scene embeddings are read."""
        return self.parameters.use_scene and self.description.scene_size > 0

    @property
    def scene_model(self) -> str:
        """The encoder whose embeddings it reads; '' = none."""
        return self.description.scene_model if self.uses_scene else ''

    @property
    def restarts(self) -> int:
        """Times that time ran back or a new epoch began."""
        return self.counters.restarts

    @property
    def tracks(self) -> int:
        """How many people are remembered."""
        return len(self._tracks)

    def process(self, poses: PoseFrame, scene: SceneEmbedding | None = None) -> ActionFrame:
        """Return what the people of a frame do; whatever happens, nobody is left out.

        A frame of a new epoch, or from before the last one, makes the stage begin anew.

        Args:
            poses: the next frame.
            scene: the newest embedding; None = no new one, the last is used until it is too old.
        """
        self.counters.frames += 1
        self.last_error = ''
        if poses.stamp_ns <= 0:
            return self._unknown(poses, reasons.NO_TIME)
        if self._last is not None and self._timeline.repeated(poses.stamp_ns, poses.epoch):
            self.counters.repeats += 1
            return self._last
        if self._timeline.restarted(poses.stamp_ns, poses.epoch, poses.frame_seq):
            self.counters.restarts += 1
            self._forget()
        self._take_scene(scene, poses)
        self._last = self._answer(poses)
        return self._last

    def reset(self) -> None:
        """Forget all people and all time."""
        self._timeline = Timeline()
        self._forget()

    def close(self) -> None:
        """Give back what the network holds."""
        self._recogniser.close()

    def _forget(self) -> None:
        self._tracks.clear()
        self._grid.reset()
        self._scenes.clear()
        self._last = None

    def _take_scene(self, scene: SceneEmbedding | None, poses: PoseFrame) -> None:
        self._scene = None
        if not self.uses_scene:
            return
        if scene is not None:
            self.last_error = self._scenes.take(scene, poses.epoch)
            self.counters.refused_scenes = self._scenes.refused
        self._scene = self._scenes.at(poses.stamp_ns, self.parameters.scene_age_s)

    def _answer(self, poses: PoseFrame) -> ActionFrame:
        followed: dict[int, PersonPose] = {}
        for person in poses.persons:
            if person.track_id >= 0:
                followed.setdefault(person.track_id, person)
        try:
            if poses.status not in _NOBODY_LOOKED:
                self._advance(poses, followed)
        except LayoutError as error:
            self.last_error = str(error)
            return self._unknown(poses, reasons.NO_LAYOUT)
        except Exception as error:  # noqa: BLE001 - one frame must not end all others
            self._note(error)
            self._forget()
            return self._unknown(poses, reasons.ERROR)
        return self._frame(poses, tuple(
            self._action(person, poses) if followed.get(person.track_id) is person
            else self._nothing(person, poses, reasons.NO_TRACK) for person in poses.persons))

    def _advance(self, poses: PoseFrame, followed: Mapping[int, PersonPose]) -> None:
        """Run the ticks that the frame makes due; people who are new begin with the last one."""
        if poses.layout != self._layout and followed:
            self.counters.layout_changes += bool(self._layout)
            self._tracks.clear()
            self._layout = poses.layout
        points = self._points(poses.layout, followed)
        oldest_ns = poses.stamp_ns - nanoseconds(self.parameters.memory_s)
        self._tracks.forget_unseen_since(oldest_ns)
        before = len(self._tracks.row.keys() | points)
        points = self._tracks.make_room(points, self.parameters.most_people)
        self.counters.crowded_out += before - len(self._tracks.row.keys() | points)
        if self._grid.newest_ns is not None and self._grid.newest_ns < oldest_ns:
            self._grid.reset()
        due = self._grid.due(poses.stamp_ns)
        scene = self._scene.embedding if self._scene is not None else None
        self._tracks.begin_frame(poses.stamp_ns, points)
        for tick in due:
            if tick is due[-1] and tick.newest_is_near:
                self._tracks.add(points)
            self._tracks.run(tick, scene)
        self._tracks.add(points)
        self.counters.ticks += len(due)

    def _points(self, name: str, people: Mapping[int, PersonPose]) -> dict[int, Floats]:
        """Return id -> (K, D) in the recogniser's layout; NaN where not measured.

        Raises:
            LayoutError: it is not known which joints they are.
        """
        if not people:
            return {}
        source, target = self._layouts(name), self.description.layout
        known = np.stack([
            _measured_points(person, source, self.description.dimensions)
            for person in people.values()])
        if source.id != target.id:
            known = convert_points(known, source, target)
        return dict(zip(people, known, strict=True))

    def _action(self, person: PersonPose, poses: PoseFrame) -> Action:
        """Return the answer about somebody who is followed."""
        track_id = person.track_id
        row = self._tracks.row.get(track_id)
        if row is None:
            full = len(self._tracks) >= self.parameters.most_people
            return self._nothing(
                person, poses, reasons.TOO_MANY if full else reasons.TOO_SHORT)
        evidence = self._tracks.evidence(track_id)
        probabilities = self._tracks.rows.probabilities[row]
        unknown = float(self._tracks.rows.unknown[row])
        best = int(probabilities.argmax())
        reason = self._objection(person, evidence, unknown, poses.stamp_ns)
        top_index = -1 if reason else best
        state, phase = advance(
            self._tracks.phases.get(track_id, PhaseState()), top_index,
            float(probabilities[best]), poses.stamp_ns,
            settle_s=self.parameters.phase_settle_s, onset_s=self.parameters.phase_onset_s)
        self._tracks.phases[track_id] = state
        self._count(reason)
        return Action(
            track_id, evidence.start_ns, evidence.end_ns, evidence.frames, evidence.coverage,
            probabilities, top_index, UNKNOWN_LABEL if reason else self.label_set.labels[best],
            unknown, reason, phase, entropy(probabilities), self.description.decision_delay_s)

    def _objection(
        self, person: PersonPose, evidence: Evidence, unknown: float, stamp_ns: int,
    ) -> str:
        limits, description = self.parameters, self.description
        if not evidence.frames:
            lacks_3d = description.dimensions == 3 and person.keypoints_3d is None
            if lacks_3d:
                return reasons.NO_3D
            return reasons.THIN_COVERAGE if evidence.ticks else reasons.TOO_SHORT
        if seconds(stamp_ns - evidence.end_ns) > limits.max_age_s:
            return reasons.STALE
        if evidence.ticks < limits.least_evidence_s * description.rate_hz:
            return reasons.TOO_SHORT
        if evidence.coverage < limits.least_coverage:
            return reasons.THIN_COVERAGE
        if evidence.frames < min(_FEWEST_FRAMES, self._tracks.window):
            return reasons.TOO_SHORT
        own = description.unknown_threshold
        threshold = own if limits.unknown_threshold < 0 else limits.unknown_threshold
        return reasons.UNLIKE_KNOWN if unknown >= threshold else ''

    def _nothing(self, person: PersonPose, poses: PoseFrame, reason: str) -> Action:
        """Return that nothing at all is known: every action is as probable as the others."""
        self._count(reason)
        count = len(self.label_set)
        probabilities = np.full(count, 1 / count, np.float32)
        return Action(
            person.track_id, poses.stamp_ns, poses.stamp_ns, 0, 0.0, probabilities,
            unknown_score=1.0, reason=reason, entropy=entropy(probabilities),
            decision_delay_s=self.description.decision_delay_s)

    def _unknown(self, poses: PoseFrame, reason: str) -> ActionFrame:
        return self._frame(
            poses, tuple(self._nothing(person, poses, reason) for person in poses.persons))

    def _frame(self, poses: PoseFrame, actions: tuple[Action, ...]) -> ActionFrame:
        self.counters.people += len(actions)
        return ActionFrame(
            stamp_ns=poses.stamp_ns, frame_seq=poses.frame_seq, label_set=self.label_set.id,
            model=self.model, frame_id=poses.frame_id, epoch=poses.epoch,
            scene_stamp_ns=self._scene.stamp_ns if self._scene is not None else 0,
            actions=actions)

    def _count(self, reason: str) -> None:
        if reason:
            self.counters.reasons[reason] += 1
        else:
            self.counters.answers += 1

    def _note(self, error: Exception) -> None:
        """Keep what went wrong; a mistake of the program's own is shown with its place, once."""
        known = isinstance(error, NeuroposeError)
        sentence = str(error) if known else f'{type(error).__name__}: {error}'
        if not known and sentence != self._noted:
            _LOG.error('the people of a frame could not be looked at', exc_info=error)
        self.last_error = self._noted = sentence


def entropy(probabilities: Floats) -> float:
    """Return the entropy in nat."""
    some = probabilities[probabilities > 0].astype(np.float64)
    return float(-(some * np.log(some)).sum())


def _measured_points(person: PersonPose, source: SkeletonLayout, dimensions: int) -> Floats:
    """Return (K, D) with NaN where a joint was not measured.

    Raises:
        LayoutError: the number of joints is not that of the layout.
    """
    if len(person.keypoints) != len(source):
        raise LayoutError(f'a person has {len(person.keypoints)} joints, {source.id} has '
                          f'{len(source)}: the publisher must name the layout that it uses')
    points, states = person.keypoints, person.keypoint_states
    if dimensions == 3:
        if person.keypoints_3d is None:
            return np.full((len(source), 3), np.nan, np.float32)
        points = person.keypoints_3d
        states = states if person.keypoint_states_3d is None else person.keypoint_states_3d
    measured = np.isin(states, _MEASURED) & (np.abs(points) <= _FARTHEST).all(-1)
    return np.where(measured[:, np.newaxis], points, np.float32(np.nan))
