"""Clips of pairs as what a refiner gets, frame by frame, and its answers as arrays again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.pose import (
    Floats,
    FrameStatus,
    JointState,
    PersonPose,
    PoseFrame,
    States,
    TrackState,
)
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.refiner.pairs import (
    FOUND_LAYOUT,
    IMAGE_HEIGHT,
    IMAGE_WIDTH,
    MODEL,
    RATE_HZ,
    Pair,
)
from neuropose_ros.pose.people import make_person
from neuropose_ros.refinement.stage import RefinementStage

Refine = Callable[[Sequence[PoseFrame]], Sequence[PoseFrame]]
"""Refines a clip: one answer for each frame, with its stamp."""

_BEGIN_NS = 10 ** 9
_TRACK_ID = 1


class Refined(NamedTuple):
    """One person's joints over time.

    Attributes:
        points: (T, K, 2) px, NaN where nothing is known.
        states: (T, K) `JointState`.
        covariances: (T, K, 3) px^2: xx xy yy, NaN where not known.
    """

    points: Floats
    states: States
    covariances: Floats


def detected_frames(pair: Pair) -> list[PoseFrame]:
    """Return the detections of a clip as the pose node publishes them."""
    return [_frame(index, FOUND_LAYOUT, make_person(points, scores, IMAGE_WIDTH, IMAGE_HEIGHT),
                   IMAGE_WIDTH, IMAGE_HEIGHT, MODEL)
            for index, (points, scores) in enumerate(zip(pair.found, pair.scores, strict=True))]


def known_frames(
    points: Floats, layout: SkeletonLayout, scores: Floats | None = None, model: str = '',
    rate_hz: float = RATE_HZ,
) -> list[PoseFrame]:
    """Return joints as frames of an image without borders: NaN = MISSING, others MEASURED.

    Args:
        points: (T, K, 2) px.
        layout: of K joints.
        scores: (T, K); None = 1 of every known joint.
        model: id of the detector; '' = none in particular.
        rate_hz: frames per second.
    """
    frames = []
    box = np.zeros(4, np.float32)
    for index, joints in enumerate(np.asarray(points, np.float32)):
        known = np.isfinite(joints).all(-1)
        if known.sum() > 1:
            box = np.concatenate((joints[known].min(0), joints[known].max(0)))
        sure = np.ones(len(joints), np.float32) if scores is None else scores[index]
        frames.append(_frame(index, layout, PersonPose(
            joints, np.where(known, sure, 0).astype(np.float32),
            np.where(known, JointState.MEASURED, JointState.MISSING).astype(np.uint8),
            box, float(known.any())), 0, 0, model, rate_hz))
    return frames


def causally(make_stage: Callable[[], RefinementStage]) -> Refine:
    """Return what a fresh stage makes of each clip."""
    def refine(frames: Sequence[PoseFrame]) -> list[PoseFrame]:
        stage = make_stage()
        answers = [stage.process(frame) for frame in frames]
        return [*(answer for answer in answers if answer is not None), *stage.flush()]

    return refine


def refined(refine: Refine, frames: Sequence[PoseFrame]) -> Refined:
    """Refine a clip and return its person's joints.

    Raises:
        DataError: there is not one answer for each frame.
    """
    answers = refine(frames)
    if [answer.stamp_ns for answer in answers] != [frame.stamp_ns for frame in frames]:
        raise DataError(f'{len(frames)} frames went in and {len(answers)} came out, not one for '
                        'each of them')
    count = len(frames[0].persons[0].keypoints)
    points = np.full((len(frames), count, 2), np.nan, np.float32)
    covariances = np.full((len(frames), count, 3), np.nan, np.float32)
    states = np.full((len(frames), count), JointState.MISSING, np.uint8)
    for index, answer in enumerate(answers):
        for person in answer.persons:
            if person.track_id == _TRACK_ID:
                points[index], states[index] = person.keypoints, person.keypoint_states
                if person.keypoint_covariances is not None:
                    covariances[index] = person.keypoint_covariances
    return Refined(points, states, covariances)


def _frame(
    index: int, layout: SkeletonLayout, person: PersonPose, width: int, height: int, model: str,
    rate_hz: float = RATE_HZ,
) -> PoseFrame:
    tracked = PersonPose(
        person.keypoints, person.keypoint_scores, person.keypoint_states, person.box,
        person.score, _TRACK_ID, TrackState.CONFIRMED)
    return PoseFrame(
        stamp_ns=_BEGIN_NS + round(index * 1e9 / rate_hz), frame_seq=index, layout=layout.id,
        image_width=width, image_height=height, epoch=1, status=FrameStatus.OK, stage='pose',
        model=model, persons=(tracked,))
