"""Identities of four people in the same clothes who cross and come back, from rendered pixels.

Every frame goes through the person detector, the estimator and the tracker in one `PoseStage`,
the same objects as in the pose node. The people that the estimator found are handed to the
trackers of roboflow's ``trackers`` as well, with their defaults, in an environment of its own: the
same finds of the same frames, and the same scoring.

Scoring: identity switches of CLEAR MOT. A find is of a person from an object keypoint similarity
(COCO's) of 0.5; the area that COCO would have annotated is taken as 0.53 of the box around the
true joints. Of whom more than half the box lies behind the boxes of people who are nearer, nothing
is asked in that frame; afterwards the old id is.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from neuropose_ros.cli.bench import reference
from neuropose_ros.cli.bench.many_models import load_networks
from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.core.identities import Scene, identity_scores
from neuropose_ros.core.layouts import BLAZEPOSE33, convert_person
from neuropose_ros.core.metrics import object_keypoint_similarity, oks_sigmas
from neuropose_ros.core.pose import Frame, PersonPose, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.pose.estimator import PoseEstimator
from neuropose_ros.pose.many import ManyPeople
from neuropose_ros.pose.stage import PoseStage
from neuropose_ros.sources.synthetic.source import open_synthetic

Array = NDArray[np.float64]

PAIR = ('rtmdet-nano-512', 'blazepose')
_WORKER = Path(__file__).with_name('trackers_worker.py')
_SECONDS, _RATE_HZ = 8.5, 30.0
_START_NS = 1_000_000_000
_FILLED, _HIDDEN = 0.53, 0.5


@dataclass(frozen=True)
class Run:
    """One seed.

    Attributes:
        switches: ours.
        idf1: ours.
        oracle_switches: by name of the other tracker.
        people: tracks that ours began.
        ms_per_frame: detector, estimator and tracker.
    """

    seed: int
    switches: int
    idf1: float
    oracle_switches: dict[str, int]
    people: int
    ms_per_frame: float


@dataclass(frozen=True)
class TrackingResult:
    """All seeds.

    Attributes:
        pair: detector and estimator.
        oracle: the other tracker with the fewest switches.
        id_switches, oracle_id_switches: sums over the seeds.
        seconds: the whole run took.
    """

    pair: tuple[str, str]
    runs: tuple[Run, ...]
    oracle: str
    id_switches: int
    oracle_id_switches: int
    seconds: float


class _Noted:
    """Notes whom the estimator found, before anybody has an id."""

    def __init__(self, estimator: PoseEstimator) -> None:
        self._estimator = estimator
        self.found: tuple[PersonPose, ...] = ()

    @property
    def layout(self) -> SkeletonLayout:
        return self._estimator.layout

    @property
    def model(self) -> str:
        return self._estimator.model

    @property
    def uses_expected(self) -> bool:
        return self._estimator.uses_expected

    def estimate(self, frame: Frame, expected: Sequence[PersonPose] = ()) -> PoseFrame:
        result = self._estimator.estimate(frame, expected)
        self.found = result.persons
        return result

    def reset(self) -> None:
        self.found = ()
        self._estimator.reset()

    def close(self) -> None:
        self._estimator.close()


@dataclass(frozen=True)
class _Moment:
    truth: tuple[PersonPose, ...]
    found: tuple[PersonPose, ...]
    named: tuple[PersonPose, ...]


def run_tracking(
    data: Path, seeds: Sequence[int], progress: bool = True, *,
    pair: tuple[str, str] = PAIR, threads: int = 0,
) -> TrackingResult:
    """Run the seeds and score ours beside the other trackers.

    Args:
        data: folder with ``models``.
        seeds: of the scene ``synthetic:crossing``.
        progress: show it on stderr.
        pair: detector and estimator, of `many_models`.
        threads: of the networks; 0 = what the machine has to spare.

    Raises:
        NeuroposeError: a network or the other trackers cannot be had.
    """
    begun = time.perf_counter()
    python = reference.trackers_python()
    networks = load_networks(data, threads, (pair[0],), (pair[1],))
    if networks.absent:
        raise NeuroposeError('; '.join(f'{name}: {why}' for name, why in networks.absent.items()))
    estimator = _Noted(ManyPeople(networks.detectors[pair[0]], networks.estimators[pair[1]]))
    runs = []
    try:
        total = len(seeds) * round(_SECONDS * _RATE_HZ)
        with tqdm(total=total, disable=not progress, unit='frame', desc='crossing') as bar:
            for seed in seeds:
                runs.append(_run(seed, estimator, python, bar))
    finally:
        estimator.close()
    sums = {name: sum(run.oracle_switches[name] for run in runs)
            for name in (runs[0].oracle_switches if runs else {})}
    oracle = min(sums, key=lambda name: sums[name], default='')
    return TrackingResult(
        pair, tuple(runs), oracle, sum(run.switches for run in runs), sums.get(oracle, 0),
        time.perf_counter() - begun)


def _run(seed: int, estimator: _Noted, python: Path, bar: tqdm[Any]) -> Run:
    start = time.perf_counter()
    moments = []
    for moment in _moments(seed, estimator):
        moments.append(moment)
        bar.update()
    elapsed_s = time.perf_counter() - start
    layout = estimator.layout
    ours = identity_scores([
        scene_of(m.truth, m.named, [one.track_id for one in m.named], layout) for m in moments])
    others = {}
    for name, ids in _others(python, [moment.found for moment in moments]).items():
        scenes = [scene_of(m.truth, m.found, named, layout)
                  for m, named in zip(moments, ids, strict=True)]
        others[name] = identity_scores(scenes).switches
    people = {one.track_id for moment in moments for one in moment.named if one.track_id >= 0}
    return Run(
        seed, ours.switches, ours.idf1, others, len(people), 1e3 * elapsed_s / len(moments))


def _moments(seed: int, estimator: _Noted) -> Iterator[_Moment]:
    source = open_synthetic(
        f'synthetic:crossing?seed={seed}&seconds={_SECONDS}&rate={_RATE_HZ}')
    stage = PoseStage(estimator)
    stage.reset()
    index = 0
    while (picture := source.read()) is not None:
        result = stage.process(Frame(picture.image, _START_NS + picture.time_ns, index))
        if stage.last_error:
            raise NeuroposeError(stage.last_error)
        truth = picture.truth.persons if picture.truth else ()
        yield _Moment(truth, estimator.found, result.persons)
        index += 1
    source.close()


def scene_of(
    truth: Sequence[PersonPose], found: Sequence[PersonPose], ids: Sequence[int],
    layout: SkeletonLayout,
) -> Scene:
    """Return who is there and who was found, for `identity_scores`.

    Args:
        truth: of BlazePose's joints.
        found: in ``layout``.
        ids: of the people found; negative = no identity: left out.
        layout: of the people found.
    """
    asked = [one for one, hidden in zip(truth, hidden_shares(truth), strict=True)
             if hidden <= _HIDDEN]
    named = [(one, name) for one, name in zip(found, ids, strict=True) if name >= 0]
    similarity = np.zeros((len(asked), len(named)))
    sigmas = oks_sigmas(layout)
    for i, one in enumerate(asked):
        true = convert_person(one, BLAZEPOSE33, layout)
        sides = (one.box[2:] - one.box[:2]).astype(float)
        for j, (person, _) in enumerate(named):
            similarity[i, j] = object_keypoint_similarity(
                person.keypoints, true.keypoints, _FILLED * sides.prod(), sigmas)
    return Scene(
        [one.track_id for one in asked], [name for _, name in named],
        np.nan_to_num(similarity))


def hidden_shares(truth: Sequence[PersonPose]) -> list[float]:
    """Return how much of each true person's box lies behind the box of one who is nearer."""
    shares = []
    for one in truth:
        area = float((one.box[2:] - one.box[:2]).prod())
        covers = [0.0]
        for other in truth:
            if _depth_m(other) < _depth_m(one):
                low = np.maximum(one.box[:2], other.box[:2])
                high = np.minimum(one.box[2:], other.box[2:])
                covers.append(float(np.clip(high - low, 0, None).prod()) / max(area, 1e-9))
        shares.append(max(covers))
    return shares


def _depth_m(person: PersonPose) -> float:
    if person.keypoints_3d is None:
        raise NeuroposeError('a true person has no place in space: the source is no synthetic one')
    return float(person.keypoints_3d[:, 2].mean())


def _others(
    python: Path, frames: Sequence[Sequence[PersonPose]],
) -> dict[str, list[list[int]]]:
    """Return the ids that the other trackers give to the people of each frame."""
    boxes = [one.box for people in frames for one in people]
    counts = [len(people) for people in frames]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'found.npz'
        np.savez(
            path, counts=counts, boxes=np.array(boxes, float).reshape(-1, 4), rate_hz=_RATE_HZ,
            scores=[one.score for people in frames for one in people])
        done = subprocess.run(
            [str(python), str(_WORKER), str(path)], check=False,
            capture_output=True, text=True, errors='replace', timeout=600)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ['no reason']
        raise NeuroposeError(f'the other trackers failed: {lines[-1]}')
    ends = np.cumsum(counts)[:-1]
    return {name: [part.tolist() for part in np.split(np.array(ids, int), ends)]
            for name, ids in json.loads(done.stdout).items()}


def report(result: TrackingResult) -> str:
    """Return the result for people."""
    lines = [f'four people in the same clothes cross and come back, {" > ".join(result.pair)}:']
    for run in result.runs:
        others = ', '.join(f'{name} {count}' for name, count in run.oracle_switches.items())
        lines.append(
            f'  seed {run.seed}: {run.switches} identity switches (IDF1 {run.idf1:.3f}, '
            f'{run.people} ids); {others}')
    lines.append(
        f'  all: {result.id_switches} identity switches; {result.oracle or "no other"} '
        f'{result.oracle_id_switches}; '
        f'{statistics.mean([run.ms_per_frame for run in result.runs] or [0]):.0f} ms per frame')
    return '\n'.join(lines)


def as_json(result: TrackingResult) -> dict[str, Any]:
    """Return the result for programs."""
    return {
        'id_switches': result.id_switches,
        'oracle_id_switches': result.oracle_id_switches,
        'oracle': result.oracle,
        'tracking_pair': '>'.join(result.pair),
        'tracking_seconds': round(result.seconds, 1),
        'tracking': [asdict(run) for run in result.runs],
    }
