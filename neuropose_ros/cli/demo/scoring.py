"""From a recording to figures: accuracy, cadence and latency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.cli.demo.recording import Recording, Segment
from neuropose_ros.core.layouts import convert_frame, layout
from neuropose_ros.core.metrics import (
    match_people,
    mean_distance_pct,
    pck,
    percentiles,
    relative_distances,
)
from neuropose_ros.core.pose import JointState, PoseFrame
from neuropose_ros.movement.cadence import Cadence, cadence, main_track

PCK_THRESHOLD = 0.1


@dataclass(frozen=True)
class Accuracy:
    """Distances of the visible true joints to the estimate, as shares of the true box.

    Attributes:
        distances: (N,) one per visible true joint; NaN where nothing was estimated.
    """

    distances: NDArray[np.float64]

    @property
    def pck(self) -> float:
        """Share of the joints within a tenth of the larger side of the true box."""
        return pck(self.distances, PCK_THRESHOLD)

    @property
    def mean_error_pct(self) -> float:
        """Mean distance in % of the larger side of the true box."""
        return mean_distance_pct(self.distances)


@dataclass(frozen=True)
class SceneScore:
    """One scene.

    Attributes:
        accuracy: None without truth.
        cadence: of the person seen most; None if nobody was tracked.
        true_steps_per_min: None where it is not known.
        actions: label -> share of the answers about everybody seen; empty = nobody tells any.
    """

    scene: str
    frames: int
    dropped: int
    accuracy: Accuracy | None
    cadence: Cadence | None
    true_steps_per_min: float | None
    actions: Mapping[str, float] = field(default_factory=dict)

    @property
    def cadence_error_pct(self) -> float | None:
        """Error of the cadence; NaN if there is a true one and none was found."""
        if self.true_steps_per_min is None:
            return None
        if self.cadence is None or not self.cadence.valid:
            return float('nan')
        difference = abs(self.cadence.steps_per_min - self.true_steps_per_min)
        return 100 * difference / self.true_steps_per_min


@dataclass(frozen=True)
class Score:
    """The whole run.

    Attributes:
        frames: declared by the camera, dropped ones included.
        fps: answers per second of their arrival.
        latencies_ms: (p50, p99) per stage.
    """

    frames: int
    dropped: int
    fps: float
    latencies_ms: Mapping[str, tuple[float, float]]
    scenes: tuple[SceneScore, ...]

    @property
    def accuracy(self) -> Accuracy | None:
        """Of all scenes together; None without truth."""
        known = [scene.accuracy.distances for scene in self.scenes if scene.accuracy is not None]
        return Accuracy(np.concatenate(known)) if known else None

    @property
    def cadence_error_pct(self) -> float | None:
        """The worst scene's; NaN if a scene with a true cadence has none; None without truth."""
        errors = [scene.cadence_error_pct for scene in self.scenes]
        known = [error for error in errors if error is not None]
        return float(np.max(known)) if known else None


def score(recording: Recording, true_cadences: Mapping[str, float]) -> Score:
    """Compute the figures of a run.

    Args:
        true_cadences: steps per minute by scene.
    """
    scenes = tuple(_score_scene(segment, true_cadences.get(segment.scene))
                   for segment in recording.segments())
    arrivals_ns = sorted(item.arrival_ns for item in recording.refined.values())
    span_s = (arrivals_ns[-1] - arrivals_ns[0]) / 1e9 if len(arrivals_ns) > 1 else 0.0
    fps = (len(arrivals_ns) - 1) / span_s if span_s > 0 else 0.0
    return Score(
        len(recording.declared), recording.dropped, fps, latencies_ms(recording), scenes)


def latencies_ms(recording: Recording) -> dict[str, tuple[float, float]]:
    """Return p50 and p99 per stage, as the messages and their arrival tell.

    receive: acquisition to arrival at the pose node; refinement: the stage's own time; the
    difference to end_to_end (acquisition to arrival here) is waiting and delivery.
    """
    poses = [item.frame for item in recording.poses.values()]
    refined = recording.refined.values()
    samples = {
        'receive': [frame.receive_ms for frame in poses],
        'preprocess': [frame.preprocess_ms for frame in poses],
        'inference': [frame.inference_ms for frame in poses],
        'postprocess': [frame.postprocess_ms for frame in poses],
        'refinement': [
            item.frame.preprocess_ms + item.frame.inference_ms + item.frame.postprocess_ms
            for item in refined],
        'end_to_end': [item.end_to_end_ms for item in refined],
    }
    pairs = {stage: percentiles(values) for stage, values in samples.items()}
    return {stage: (p50, p99) for stage, (p50, p99) in pairs.items()}


def _score_scene(segment: Segment, true_steps_per_min: float | None) -> SceneScore:
    frames = [item.frame for item in segment.refined]
    track = main_track(frames)
    return SceneScore(
        scene=segment.scene, frames=len(segment.declared), dropped=segment.dropped,
        accuracy=_accuracy(frames, segment.truth) if segment.truth else None,
        cadence=None if track is None else cadence(frames, track),
        true_steps_per_min=true_steps_per_min if segment.truth else None,
        actions=_shares(segment))


def _shares(segment: Segment) -> dict[str, float]:
    """Return each label's share of the answers, the largest first."""
    labels = Counter(
        action.top_label for frame in segment.actions for action in frame.actions)
    return {label: count / labels.total() for label, count in labels.most_common()}


def _accuracy(frames: list[PoseFrame], truth: Mapping[int, PoseFrame]) -> Accuracy:
    """Compare every answered frame with its truth; unanswered ones are counted as dropped."""
    distances = [_visible_distances(frame, truth[frame.stamp_ns])
                 for frame in frames if frame.stamp_ns in truth]
    return Accuracy(np.concatenate(distances) if distances else np.zeros(0))


def _visible_distances(frame: PoseFrame, truth: PoseFrame) -> NDArray[np.float64]:
    truth = convert_frame(truth, layout(truth.layout), layout(frame.layout))
    rows = [np.zeros(0)]
    matches = match_people(frame.persons, truth.persons)
    for true, match in zip(truth.persons, matches, strict=True):
        visible = true.keypoint_states == JointState.MEASURED
        if match is None:
            rows.append(np.full(int(visible.sum()), np.nan))
            continue
        found = relative_distances(
            frame.persons[match].keypoints, true.keypoints, true.box, 'larger_side')
        rows.append(found[visible])
    return np.concatenate(rows)
