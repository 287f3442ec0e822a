"""The live graph on clips, and the tally of what happened."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from neuropose_ros.cli.bench.many_tracking import scene_of
from neuropose_ros.cli.bench.refinement_live_clips import Clip
from neuropose_ros.core.identities import identity_scores
from neuropose_ros.core.layouts import BLAZEPOSE33, convert_person, layout
from neuropose_ros.core.pose import Image, JointState, PersonPose, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.pipeline import Pipeline
from neuropose_ros.pose.estimator import PersonDetector, RegionEstimator
from neuropose_ros.pose.geometry import box_around
from neuropose_ros.pose.many import ManyPeople
from neuropose_ros.pose.stage import PoseStage
from neuropose_ros.refinement.loading import Refiner
from neuropose_ros.refinement.parameters import RefinementParameters

WATCHED = 30
"""Frames in which somebody must be found again."""
_NEAR = 0.1
_LEAST_MEASURED = 0.5
# Somebody new was not in view for so long.
_AWAY_FRAMES = 5


@dataclass(frozen=True)
class Setting:
    """How the graph runs."""

    name: str
    use_feedback: bool
    detect_every: int


@dataclass
class Tally:
    """What happened in one setting.

    Attributes:
        delays: frames until the right person was found again; None = not within `WATCHED`.
        ghosts, hidden: frames with the hidden person reported as measured, of how many.
        kept, others: finds of the others under their ids meanwhile, of how many.
        frames, looks: of the clips as they are: frames, and looks of the detector.
        trial_frames, trial_looks: the same from an occlusion's begin to the recovery.
        near, joints: joints in view within .1 of the box (diagonal) of the truth, of how many.
        switches: of identities, in clips as they are.
        entries: frames until somebody new in view was found; None = never.
    """

    delays: list[int | None] = field(default_factory=list)
    ghosts: int = 0
    hidden: int = 0
    kept: int = 0
    others: int = 0
    frames: int = 0
    looks: int = 0
    trial_frames: int = 0
    trial_looks: int = 0
    near: int = 0
    joints: int = 0
    switches: int = 0
    entries: list[int | None] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add another tally to this one."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    @property
    def recovery_frames(self) -> float:
        """Mean frames until somebody hidden was found again; `WATCHED` for who was not."""
        return _mean_frames(self.delays)

    @property
    def newcomer_frames(self) -> float:
        """Mean frames until somebody new was found; `WATCHED` for who was not."""
        return _mean_frames(self.entries)

    @property
    def recovered(self) -> float:
        """Share of those hidden who were found again."""
        return sum(one is not None for one in self.delays) / max(len(self.delays), 1)

    @property
    def at_once(self) -> float:
        """Share of those hidden who were found in the first frame."""
        return self.delays.count(0) / max(len(self.delays), 1)

    @property
    def kept_share(self) -> float:
        """Share of finds of the others that had their ids."""
        return self.kept / max(self.others, 1)

    @property
    def pck(self) -> float:
        """Share of joints near the truth."""
        return self.near / max(self.joints, 1)


def _mean_frames(delays: Sequence[int | None]) -> float:
    return statistics.mean(
        [min(WATCHED if one is None else one, WATCHED) for one in delays] or [0])


class Runner:
    """Runs frames through the graph in one setting."""

    def __init__(
        self, setting: Setting, detector: PersonDetector, estimator: RegionEstimator,
        refiner: Refiner,
    ) -> None:
        """Take the networks, which are not closed."""
        self._people = ManyPeople(detector, estimator, detect_every=setting.detect_every)
        self._pipeline = Pipeline(
            PoseStage(self._people), refiner.stage(RefinementParameters(), layout),
            use_feedback=setting.use_feedback)
        self.layout = estimator.layout

    @property
    def looks(self) -> int:
        """How often the detector looked so far."""
        return self._people.detector_runs

    def run(
        self, clip: Clip, first: int = 0, stop: int | None = None,
        shown: Callable[[int], Image | None] = lambda _: None,
    ) -> Iterator[PoseFrame]:
        """Give the poses of the frames, one after the other, from a new start.

        Args:
            shown: gives the picture of a frame where it is another one.
        """
        self._pipeline.reset()
        for index in range(first, len(clip.images) if stop is None else stop):
            result = self._pipeline.process(clip.frame(index, shown(index)))
            assert result is not None, 'without a lag there is an answer to each frame'
            yield result.poses


def person_of(frame: PoseFrame, track_id: int) -> PersonPose | None:
    """Return the person with an id, None if nobody has it."""
    return next((one for one in frame.persons if one.track_id == track_id), None)


def named_near(frame: PoseFrame, person: PersonPose) -> int | None:
    """Return the id of whoever is found where ``person`` is, None if nobody is."""
    best, name = _NEAR, None
    for one in frame.persons:
        distance = distance_to(one, person)
        if one.track_id >= 0 and distance <= best:
            best, name = distance, one.track_id
    return name


def is_measured(person: PersonPose) -> bool:
    """Whether at least half of the joints are."""
    return float((person.keypoint_states == JointState.MEASURED).mean()) >= _LEAST_MEASURED


def distance_to(found: PersonPose, reference: PersonPose) -> float:
    """Return the mean distance of the joints that the reference measured, share of its box.

    Infinite where too few of them are measured.
    """
    known = reference.keypoint_states == JointState.MEASURED
    box = box_around(reference.keypoints[known])
    if not known.any() or not np.isfinite(box).all():
        return float('inf')
    if (found.keypoint_states[known] == JointState.MEASURED).mean() < _LEAST_MEASURED:
        return float('inf')
    away = np.linalg.norm(found.keypoints[known] - reference.keypoints[known], axis=-1)
    size = float(np.hypot(*(box[2:] - box[:2])))
    return float(np.nanmean(away)) / max(size, 1.0)


def score_truth(
    clip: Clip, poses: Sequence[PoseFrame], found: SkeletonLayout, tally: Tally,
) -> None:
    """Count joints near the truth, switches of identities and how late newcomers are found."""
    last_seen: dict[int, int] = {}
    waiting: dict[int, int] = {}
    scenes = []
    for index, (truth, frame) in enumerate(zip(clip.truth, poses, strict=False)):
        ids = [one.track_id for one in frame.persons]
        scenes.append(scene_of(truth, frame.persons, ids, found))
        for true in truth:
            one = convert_person(true, BLAZEPOSE33, found)
            shown = one.keypoint_states == JointState.MEASURED
            if shown.mean() < _LEAST_MEASURED:
                continue
            if index and index - last_seen.get(true.track_id, -_AWAY_FRAMES) >= _AWAY_FRAMES:
                waiting[true.track_id] = index
            last_seen[true.track_id] = index
            near = _near_truth(frame, one, shown, true)
            tally.joints += int(shown.sum())
            tally.near += near
            if near >= _LEAST_MEASURED * shown.sum() and true.track_id in waiting:
                tally.entries.append(index - waiting.pop(true.track_id))
    tally.entries += [None] * len(waiting)
    tally.switches += identity_scores(scenes).switches if scenes else 0


def _near_truth(
    frame: PoseFrame, true: PersonPose, shown: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    whole: PersonPose,
) -> int:
    """Return how many joints of the best find lie near the truth."""
    limit = _NEAR * float(np.hypot(*(whole.box[2:] - whole.box[:2])))
    counts = [int((np.linalg.norm(one.keypoints - true.keypoints, axis=-1)[shown]
                   <= limit).sum()) for one in frame.persons]
    return max(counts, default=0)
