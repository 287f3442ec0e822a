"""What a streaming recogniser costs on one core, beside recomputing its window for each frame.

Times are of the processor, of all threads of this process: what else the machine does is not in
them.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.action.description import STEP_FILE, RecogniserDescription, read_description
from neuropose_ros.action.recogniser import NEXT, load_recogniser
from neuropose_ros.action.stage import ActionStage
from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.layouts import BLAZEPOSE33
from neuropose_ros.core.pose import FrameStatus, JointState, PersonPose, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.learning.export import CLIP_FILE

PEOPLE = 8
_WARM_UP, _FRAMES = 30, 300
_ROUNDS, _STEPS = 60, 5
_LONGEST = 300  # ticks
_SAME = 1e-4
_START_NS = NS_PER_S


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on one core for a while."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def stage_cost(folder: Path, people: int = PEOPLE) -> float:
    """Return ms per person and frame of the whole stage, poses in and answers out; the median.

    The poses are those of the package's default estimator, so that their conversion counts.
    """
    recogniser = load_recogniser(folder, announce=lambda _: None)
    stage = ActionStage(recogniser)
    frames = crowd(recogniser.description, people, _WARM_UP + _FRAMES)
    times_ms = []
    with one_core():
        for frame in frames:
            begin = time.process_time()
            stage.process(frame)
            times_ms.append(1e3 * (time.process_time() - begin))
    stage.close()
    return statistics.median(times_ms[_WARM_UP:]) / people


@dataclass(frozen=True)
class Recomputation:
    """What it costs to recompute for each frame what an answer depends on.

    Attributes:
        ticks: fewest that give the streamed answer, to 1e-4 in the logits.
        ratio: processor time of the networks, of that window to one tick.
        ratio_of_pooled: the same of the pooled window alone, which gives another answer.
    """

    ticks: int
    ratio: float
    ratio_of_pooled: float


def recomputation(folder: Path, people: int = PEOPLE) -> Recomputation:
    """Measure it.

    Networks alone, without normalisation, which would cost the window more still. The fastest of
    many turns on either side: what else the machine does can only add.
    """
    description = read_description(folder)
    step = OnnxRuntime(folder / STEP_FILE, threads=1)
    clip = OnnxRuntime(folder / CLIP_FILE, threads=1)
    ticks = _ticks_needed(step, clip, description)
    pooled = max(1, round(description.window_s * description.rate_hz))
    windows = [window_inputs(description, people, count) for count in (ticks, pooled)]
    tick = _first_tick(windows[0]) | _fresh(description, people)
    times: list[list[float]] = [[], [], []]
    with one_core():
        for _ in range(_ROUNDS):
            times[0].append(_seconds(lambda: step.run(tick), _STEPS))
            for window, taken in zip(windows, times[1:], strict=True):
                taken.append(_seconds(partial(clip.run, window), 1))
    step.close()
    clip.close()
    streamed, needed, short = map(min, times)
    return Recomputation(ticks, needed / streamed, short / streamed)


def _ticks_needed(step: OnnxRuntime, clip: OnnxRuntime, description: RecogniserDescription) -> int:
    """Return how many of the last ticks the clip network needs for the streamed answer."""
    inputs = window_inputs(description, 2, _LONGEST)
    *_, streamed = _streamed(step, inputs, description)

    def differs(ticks: int) -> bool:
        last = {name: value[:, -ticks:] for name, value in inputs.items()
                if name in ('keypoints', 'mask')}
        found = clip.run({**inputs, **{name: np.ascontiguousarray(value) for name, value
                                       in last.items()}, 'lengths': np.full(2, ticks, np.int64)})
        return float(np.abs(found['logits'] - streamed).max()) > _SAME

    few, many = 0, _LONGEST
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (middle, many) if differs(middle) else (few, middle)
    return many


def window_inputs(
    description: RecogniserDescription, people: int, ticks: int,
) -> dict[str, NDArray[Any]]:
    """Return what a clip network reads of a window in which everything was measured."""
    shape = people, ticks, len(description.layout)
    inputs: dict[str, NDArray[Any]] = {
        'keypoints': np.random.default_rng(0).normal(
            0, 1, (*shape, description.dimensions)).astype(np.float32),
        'mask': np.ones(shape, np.float32), 'lengths': np.full(people, ticks, np.int64)}
    if description.scene_size:
        inputs |= {'scene': np.zeros((people, 1, description.scene_size), np.float32),
                   'scene_mask': np.ones((people, 1), np.float32)}
    return inputs


def stream_difference(folder: Path, people: int = PEOPLE, ticks: int = 90) -> float:
    """Return the largest difference of logits, streamed and of the whole clip, both exported."""
    description = read_description(folder)
    step = OnnxRuntime(folder / STEP_FILE, threads=1)
    clip = OnnxRuntime(folder / CLIP_FILE, threads=1)
    inputs = window_inputs(description, people, ticks)
    rng = np.random.default_rng(1)
    inputs['mask'] = (rng.random(inputs['mask'].shape) >= 0.2).astype(np.float32)
    inputs['keypoints'] *= inputs['mask'][..., None]
    if description.scene_size:
        inputs['scene'] = rng.normal(0, 1, inputs['scene'].shape).astype(np.float32)
    whole = clip.run(inputs)['frame_logits']
    worst = max(float(np.abs(whole[:, tick] - logits).max())
                for tick, logits in enumerate(_streamed(step, inputs, description)))
    step.close()
    clip.close()
    return worst


def _streamed(
    step: OnnxRuntime, window: Mapping[str, NDArray[Any]], description: RecogniserDescription,
) -> Iterator[NDArray[Any]]:
    """Yield the logits of a window, tick by tick."""
    first = _first_tick(window)
    states = _fresh(description, len(window['mask']))
    for tick in range(window['mask'].shape[1]):
        at = {name: np.ascontiguousarray(window[name][:, tick]) for name in ('keypoints', 'mask')}
        found = step.run({**first, **at, **states})
        states = {name: found[NEXT + name] for name in states}
        yield found['logits']


def _fresh(description: RecogniserDescription, people: int) -> dict[str, NDArray[Any]]:
    return {name: np.zeros((people, *shape), np.float32)
            for name, shape in description.states.items()}


def _first_tick(window: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return what a step network reads of a window's first tick, states aside."""
    tick = {name: np.ascontiguousarray(window[name][:, 0]) for name in ('keypoints', 'mask')}
    if 'scene' in window:
        tick |= {'scene': window['scene'][:, 0], 'scene_mask': window['scene_mask']}
    return tick


def crowd(
    description: RecogniserDescription, people: int, frames: int,
) -> Iterator[PoseFrame]:
    """Yield frames at the recogniser's rate with people who move at random."""
    plane = description.dimensions == 2
    layout = BLAZEPOSE33 if plane else description.layout
    rng = np.random.default_rng(2)
    places = rng.uniform(100, 900, (people, 1, 2)) + rng.normal(0, 60, (people, len(layout), 2))
    for index in range(frames):
        places += rng.normal(0, 2, places.shape)
        yield PoseFrame(
            _START_NS + round(index * NS_PER_S / description.rate_hz), index, layout.id, 1280, 720,
            status=FrameStatus.OK, persons=tuple(
                _person(track_id, points.astype(np.float32), layout, plane)
                for track_id, points in enumerate(places)))


def _person(
    track_id: int, points: NDArray[np.float32], layout: SkeletonLayout, plane: bool,
) -> PersonPose:
    states = np.full(len(layout), JointState.MEASURED, np.uint8)
    metres = None if plane else np.concatenate([points, points[:, :1]], 1) / np.float32(300)
    return PersonPose(
        points, np.ones(len(layout), np.float32), states, np.zeros(4, np.float32), 1.0, track_id,
        keypoints_3d=metres, keypoint_states_3d=None if plane else states)


def _seconds(run: Callable[[], object], times: int) -> float:
    begin = time.process_time()
    for _ in range(times):
        run()
    return (time.process_time() - begin) / times
