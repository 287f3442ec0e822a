"""What refining a person costs on one core."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.learning.refiner.pairs import FOUND_LAYOUT, MODEL, RATE_HZ
from neuropose_ros.learning.refiner.protocol import known_frames
from neuropose_ros.refinement.stage import RefinementStage

_FRAMES = 300
_WARM_UP = 30


def ms_per_person_frame(make_stage: Callable[[], RefinementStage], people: int) -> float:
    """Return the median over frames of a thread's time in the stage, per person.

    The time is that of this thread, so other work on the machine counts little.
    """
    stage, costs = make_stage(), []
    for frame in _crowd(people):
        begin_ns = time.thread_time_ns()
        stage.process(frame)
        costs.append((time.thread_time_ns() - begin_ns) / 1e6 / people)
    return float(np.median(costs[_WARM_UP:]))


def _crowd(people: int) -> list[PoseFrame]:
    """Return frames of people who walk about, with noise and gaps."""
    rng = np.random.default_rng(0)
    clips = []
    for _ in range(people):
        body = rng.uniform(0.0, 200.0, (len(FOUND_LAYOUT), 2))
        path = np.cumsum(rng.normal(0.0, 2.0, (_FRAMES, 1, 2)), 0) + rng.uniform(0, 900, 2)
        points = body + path + rng.normal(0.0, 1.5, (_FRAMES, len(FOUND_LAYOUT), 2))
        points[rng.random(points.shape[:2]) < 0.1] = np.nan
        scores = rng.uniform(0.3, 0.9, points.shape[:2])
        clips.append(known_frames(points.astype(np.float32), FOUND_LAYOUT,
                                  scores.astype(np.float32), MODEL, RATE_HZ))
    return [replace(frames[0], persons=tuple(
        replace(frame.persons[0], track_id=number) for number, frame in enumerate(frames)))
        for frames in zip(*clips, strict=True)]
