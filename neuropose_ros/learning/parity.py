"""Whether exported networks answer as the trained one does, and the stream as the whole clip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neuropose_ros.action.recogniser import NEXT, softmax
from neuropose_ros.core.pose import Floats
from neuropose_ros.inference.runtime import Runtime
from neuropose_ros.learning.networks.recogniser import Recogniser
from neuropose_ros.learning.onnx_files import CLIP_OUTPUTS, MEMORY, STEP_OUTPUTS, pack

Arrays = Mapping[str, NDArray[Any]]
TICKS = 60
_BY_TICK = ('frame_logits', 'completed', 'error', 'attention')
_PEOPLE = 5
_MISSING = 0.2
_SEED = 20


@dataclass(frozen=True)
class Difference:
    """How far two networks are apart at most.

    Attributes:
        absolute: of any value.
        relative: the same, an output being measured by its largest value where that is above 1:
            float32 has 7 digits, however sharply calibration spreads the logits.
    """

    absolute: float = 0.0
    relative: float = 0.0

    def __or__(self, other: Difference) -> Difference:
        """Return the larger of each."""
        return Difference(
            max(self.absolute, other.absolute), max(self.relative, other.relative))


def moving_people(
    network: Recogniser, people: int, ticks: int, seed: int = _SEED,
) -> tuple[Floats, Floats]:
    """Return normalised random walks, (N, T, K, D) and mask (N, T, K), with joints missing."""
    rng = np.random.default_rng(seed)
    joints, depth = len(network.layout), network.dimensions
    places = rng.normal(0, 2, (people, 1, joints, depth))
    walks = places + np.cumsum(rng.normal(0, 0.1, (people, ticks, joints, depth)), 1)
    mask = (rng.random((people, ticks, joints)) >= _MISSING).astype(np.float32)
    return np.asarray(walks * mask[..., None], np.float32), mask


def scenes(network: Recogniser, people: int, count: int) -> Floats:
    """Return (N, S, E) random scene vectors."""
    rng = np.random.default_rng(_SEED + 1)
    shape = (people, count, network.config.scene_size)
    return np.asarray(rng.normal(0, 1, shape), np.float32)


def step_inputs(network: Recogniser, people: int, ticks: int) -> Iterator[Arrays]:
    """Yield what a step network reads tick by tick, the states as the trained one gives them."""
    points, mask = map(_by_tick, moving_people(network, people, ticks))
    state = network.initial_state(people)
    scene = scenes(network, people, 1)[:, 0]
    for tick in range(ticks):
        inputs: dict[str, NDArray[Any]] = {
            'keypoints': points[tick], 'mask': mask[tick]}
        if network.config.scene_size:
            seen = tick >= ticks // 3  # the scene comes later than the people
            inputs |= {'scene': scene * seen, 'scene_mask': np.full((people, 1), seen, np.float32)}
        yield inputs | {MEMORY: pack(network, state).numpy()}
        state = _stepped(network, inputs, state)[1]


def clip_inputs(network: Recogniser, people: int, ticks: int, tokens: int = 3) -> Arrays:
    """Return what a clip network reads: clips of different lengths."""
    points, mask = moving_people(network, people, ticks)
    lengths = np.linspace(ticks, min(3, ticks), people).round().astype(np.int64)
    inputs: dict[str, NDArray[Any]] = {'keypoints': points, 'mask': mask, 'lengths': lengths}
    if network.config.scene_size:
        there = np.ones((people, tokens), np.float32)
        there[0, 1:] = 0
        inputs |= {'scene': scenes(network, people, tokens), 'scene_mask': there}
    return inputs


def step_difference(
    network: Recogniser, runtime: Runtime, *, answers_only: bool = False,
) -> Difference:
    """Return the largest difference of any output, states included, over a stream.

    The exported network goes on from its own states: what small differences grow to counts.

    Args:
        answers_only: compare probabilities and unknown scores alone.
    """
    worst = Difference()
    for people in (1, _PEOPLE):
        state = network.initial_state(people)
        memory = pack(network, state).numpy()
        for inputs in step_inputs(network, people, TICKS):
            found = runtime.run({**inputs, MEMORY: memory})
            expected, state = _stepped(network, inputs, state)
            memory = found[NEXT + MEMORY]
            if not answers_only:
                expected[NEXT + MEMORY] = pack(network, state).numpy()
            worst |= _largest(expected, found, answers_only)
    return worst


def clip_difference(
    network: Recogniser, runtime: Runtime, *, answers_only: bool = False,
) -> Difference:
    """Return the largest difference of any output over clips of several sizes.

    Ticks after the end of a clip are not compared: they mean nothing.
    """
    worst = Difference()
    for people, ticks, tokens in ((1, TICKS, 1), (_PEOPLE, 40, 3), (2, 5, 2)):
        inputs = clip_inputs(network, people, ticks, tokens)
        with torch.no_grad():
            found = network(*(torch.from_numpy(value) for value in inputs.values()))
        inside = np.arange(ticks) < inputs['lengths'][:, None]
        exported = runtime.run(inputs)
        expected = {name: getattr(found, name).numpy() for name in CLIP_OUTPUTS}
        for side in (expected, exported):
            side |= {name: side[name][inside] for name in _BY_TICK}
        worst |= _largest(expected, exported, answers_only)
    return worst


def stream_difference(network: Recogniser, step: Runtime) -> Difference:
    """Return by how much the logits of streamed ticks differ from those of the whole clip."""
    points, mask = moving_people(network, _PEOPLE, TICKS)
    inputs: dict[str, NDArray[Any]] = {}
    scene: tuple[torch.Tensor, ...] = ()
    if network.config.scene_size:
        vectors = scenes(network, _PEOPLE, 1)
        scene = (torch.from_numpy(vectors), torch.ones(_PEOPLE, 1))
        inputs = {'scene': vectors[:, 0], 'scene_mask': np.ones((_PEOPLE, 1), np.float32)}
    with torch.no_grad():
        whole = network(torch.from_numpy(points), torch.from_numpy(mask),
                        torch.full((_PEOPLE,), TICKS), *scene).frame_logits.numpy()
    memory = pack(network, network.initial_state(_PEOPLE)).numpy()
    worst = Difference()
    for tick in range(TICKS):
        found = step.run({
            'keypoints': _by_tick(points)[tick], 'mask': _by_tick(mask)[tick], **inputs,
            MEMORY: memory})
        memory = found[NEXT + MEMORY]
        worst |= _apart(whole[:, tick], found['logits'])
    return worst


def _stepped(
    network: Recogniser, inputs: Arrays, state: Mapping[str, torch.Tensor],
) -> tuple[dict[str, NDArray[Any]], dict[str, torch.Tensor]]:
    tensors = {name: torch.from_numpy(np.asarray(value, np.float32))
               for name, value in inputs.items()}
    with torch.no_grad():
        found, after = network.step(
            tensors['keypoints'], tensors['mask'], tensors.get('scene'),
            tensors.get('scene_mask'), state)
    return {name: getattr(found, name).numpy() for name in STEP_OUTPUTS}, after


def _by_tick(values: Floats) -> Floats:
    """(N, T, ...) -> (T, N, ...)."""
    return np.ascontiguousarray(values.swapaxes(0, 1))


def _largest(expected: Arrays, found: Arrays, answers_only: bool) -> Difference:
    if answers_only:
        return (_apart(softmax(expected['logits']), softmax(found['logits']))
                | _apart(expected['unknown'], found['unknown']))
    worst = Difference()
    for name, value in expected.items():
        worst |= _apart(value, found[name])
    return worst


def _apart(expected: NDArray[Any], found: NDArray[Any]) -> Difference:
    """NaN counts as infinitely far."""
    gap = float(np.abs(np.subtract(expected, found, dtype=np.float64)).max(initial=0.0))
    if not np.isfinite(gap):
        return Difference(float('inf'), float('inf'))
    return Difference(gap, gap / max(1.0, float(np.abs(expected).max(initial=0.0))))
