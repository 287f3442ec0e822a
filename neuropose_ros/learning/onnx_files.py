"""A trained network as ONNX: one for single ticks of a stream, one for whole clips."""

from __future__ import annotations

import io
import logging
import math
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from neuropose_ros.action.recogniser import NEXT
from neuropose_ros.core.errors import ModelError
from neuropose_ros.learning.networks.recogniser import Recogniser
from neuropose_ros.learning.onnx_shapes import settle_shapes

OPSET = 17  # what TensorRT 8.6 and ONNX Runtime 1.16 read
MEMORY = 'memory'
STEP_OUTPUTS = ('logits', 'unknown', 'completed', 'error', 'attention')
CLIP_OUTPUTS = ('logits', 'frame_logits', 'unknown', 'completed', 'error', 'attention')
_PEOPLE, _TICKS, _SCENES = 'people', 'ticks', 'scenes'
# Traced with sizes that differ from each other and from 1: no axis is taken for another.
_N, _T, _S = 3, 7, 2


def step_network(network: Recogniser) -> bytes:
    """Return a causal network's step as `action.description` wants it; any number of people.

    Raises:
        ModelError: torch cannot write it.
    """
    joints, depth, size = len(network.layout), network.dimensions, network.config.scene_size
    given = {'keypoints': torch.zeros(_N, joints, depth), 'mask': torch.ones(_N, joints)}
    if size:
        given |= {'scene': torch.zeros(_N, size), 'scene_mask': torch.ones(_N, 1)}
    given[MEMORY] = pack(network, network.initial_state(_N))
    outputs = (*STEP_OUTPUTS, NEXT + MEMORY)
    content = written(
        _Step(network), tuple(given.values()), tuple(given), outputs,
        {name: {0: _PEOPLE} for name in (*given, *outputs)})
    few = {name: value.numpy() for name, value in given.items()}
    return settle_shapes(
        content, few, {name: np.concatenate([value, value]) for name, value in few.items()})


def step_states(network: Recogniser) -> dict[str, tuple[int, ...]]:
    """Return the states of the exported step, as a description names them."""
    return {MEMORY: (sum(map(math.prod, network.states().values())),)}


def pack(network: Recogniser, state: Mapping[str, Tensor]) -> Tensor:
    """Return all states as one (N, S): a tensor more costs a runtime as much as an operator."""
    return torch.cat([state[name].flatten(1) for name in network.states()], 1)


def unpack(network: Recogniser, memory: Tensor) -> dict[str, Tensor]:
    """Return what `pack` packed."""
    shapes = network.states()
    parts = memory.split([math.prod(shape) for shape in shapes.values()], 1)
    return {name: part if len(shape) == 1 else part.reshape(-1, *shape)
            for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def clip_network(network: Recogniser) -> bytes:
    """Return a network for N clips of T ticks, and S scene vectors each; all of them any number.

    Raises:
        ModelError: torch cannot write it.
    """
    joints, depth, size = len(network.layout), network.dimensions, network.config.scene_size
    given = {
        'keypoints': torch.zeros(_N, _T, joints, depth), 'mask': torch.ones(_N, _T, joints),
        'lengths': torch.tensor([_T, _T - 2, 1])}
    if size:
        given |= {'scene': torch.zeros(_N, _S, size), 'scene_mask': torch.ones(_N, _S)}
    axes = {name: {0: _PEOPLE} for name in ('lengths', 'logits', 'unknown')}
    axes |= {name: {0: _PEOPLE, 1: _TICKS} for name in (
        'keypoints', 'mask', 'frame_logits', 'completed', 'error', 'attention')}
    if size:
        axes |= {name: {0: _PEOPLE, 1: _SCENES} for name in ('scene', 'scene_mask')}
    return written(_Clip(network), tuple(given.values()), tuple(given), CLIP_OUTPUTS, axes)


class _Step(nn.Module):
    """The step with all states in one tensor."""

    def __init__(self, network: Recogniser) -> None:
        super().__init__()
        self.network = network

    def forward(self, keypoints: Tensor, mask: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        scene, scene_mask = rest[:2] if self.network.config.scene_size else (None, None)
        found, after = self.network.step(
            keypoints, mask, scene, scene_mask, unpack(self.network, rest[-1]))
        return (*(getattr(found, name) for name in STEP_OUTPUTS), pack(self.network, after))


class _Clip(nn.Module):
    """The whole network with what is published of its outputs."""

    def __init__(self, network: Recogniser) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, keypoints: Tensor, mask: Tensor, lengths: Tensor, *scene: Tensor,
    ) -> tuple[Tensor, ...]:
        found = self.network(keypoints, mask, lengths, *scene)
        return tuple(getattr(found, name) for name in CLIP_OUTPUTS)


def written(
    module: nn.Module, given: tuple[Tensor, ...], inputs: Sequence[str], outputs: Sequence[str],
    axes: dict[str, dict[int, str]],
) -> bytes:
    """Return a module as ONNX.

    Args:
        given: what it is traced with.
        inputs, outputs: names.
        axes: name -> axis -> name, of those whose length may vary.

    Raises:
        ModelError: torch cannot write it.
    """
    memory = io.BytesIO()
    logger = logging.getLogger('torch.onnx')
    level = logger.level
    try:
        logger.setLevel(logging.ERROR)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # parity is checked, which is what they are about
            torch.onnx.export(
                module.eval(), given, memory, input_names=list(inputs),
                output_names=list(outputs), dynamic_axes=axes, opset_version=OPSET, dynamo=False)
    except Exception as error:  # torch's own have no common base
        words = ' '.join(str(error).split())[:300]
        raise ModelError(f'the network cannot be written as ONNX: {words}') from error
    finally:
        logger.setLevel(level)
    return memory.getvalue()
