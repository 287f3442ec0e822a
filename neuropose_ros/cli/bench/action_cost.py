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


def recompute_ratio(folder: Path, people: int = PEOPLE) -> float:
    """Return how many times a tick the network takes for the window that the tick looks back on.

    Networks alone, without normalisation, which would cost the window more still. The fastest of
    many turns on either side: what else the machine does can only add.
    """
    description = read_description(folder)
    step = OnnxRuntime(folder / STEP_FILE, threads=1)
    clip = OnnxRuntime(folder / CLIP_FILE, threads=1)
    ticks = max(1, round(description.window_s * description.rate_hz))
    window = window_inputs(description, people, ticks)
    tick = _first_tick(window) | {
        name: np.zeros((people, *shape), np.float32)
        for name, shape in description.states.items()}
    streamed, recomputed = [], []
    with one_core():
        for _ in range(_ROUNDS):
            streamed.append(_seconds(lambda: step.run(tick), _STEPS))
            recomputed.append(_seconds(lambda: clip.run(window), 1))
    step.close()
    clip.close()
    return min(recomputed) / min(streamed)


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
    states = {name: np.zeros((people, *shape), np.float32)
              for name, shape in description.states.items()}
    first = _first_tick(inputs)
    worst = 0.0
    for tick in range(ticks):
        at = {name: np.ascontiguousarray(inputs[name][:, tick]) for name in ('keypoints', 'mask')}
        found = step.run({**first, **at, **states})
        states = {name: found[NEXT + name] for name in states}
        worst = max(worst, float(np.abs(whole[:, tick] - found['logits']).max()))
    step.close()
    clip.close()
    return worst


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
