"""From a trained refiner to its folder, checked before it is there."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.download import file_sha256
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.learning.new_folder import new_folder
from neuropose_ros.learning.onnx_files import written
from neuropose_ros.learning.refiner.card import refiner_card
from neuropose_ros.learning.refiner.network import Frame, RefinerNetwork, State
from neuropose_ros.learning.refiner.skeletal import true_columns
from neuropose_ros.learning.refiner.training import TrainedRefiner
from neuropose_ros.refinement.canonical import CORE_JOINTS
from neuropose_ros.refinement.description import (
    FILE_NAME,
    STEP_FILE,
    RefinerDescription,
    write_description,
)
from neuropose_ros.refinement.network import FRAME_INPUTS, STEP, state_size

JOINTS = len(CORE_JOINTS)
CARD_FILE = 'MODEL_CARD.md'
TOLERANCE = 1e-3
"""Largest difference, in shares of the body size, between the exported and the trained step."""
_PEOPLE = 'people'
_WORTH_HALVING = 1024  # numbers
_OUTPUTS = ('position', 'log_variance', 'next_state')


class _Step(nn.Module):
    """The step with its whole state in one tensor."""

    def __init__(self, network: RefinerNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, *given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        *frame, state = given
        position, log_variance, after = self.network.step(
            Frame(*frame), unpacked(state, self.network.hidden))
        return position, log_variance, torch.cat([part.flatten(1) for part in after], 1)


def unpacked(state: Tensor, hidden: int) -> State:
    """Return the parts of (N, S) packed states."""
    memory, position, velocity, known = state.split((hidden, 2 * JOINTS, 2 * JOINTS, 1), 1)
    return State(memory, position.unflatten(1, (JOINTS, 2)), velocity.unflatten(1, (JOINTS, 2)),
                 known)


def export_refiner(
    trained: TrainedRefiner, folder: Path, name: str, training: Mapping[str, Any],
) -> RefinerDescription:
    """Write a refiner's folder; an earlier refiner there is replaced once the new one is whole.

    Raises:
        ModelError: the network cannot be written, or answers differently from the trained one.
    """
    network = trained.network.eval()
    skeleton = trained.skeleton
    with new_folder(folder, FILE_NAME, 'refiner') as made:
        step = made / STEP_FILE
        step.write_bytes(step_network(network))
        _check(step, network)
        description = RefinerDescription(
            name, CORE_JOINTS, told_joints(), network.hidden,
            {part: np.round(getattr(skeleton, part), 8).tolist()
             for part in ('mean', 'shape', 'walk')},
            {STEP: trained.spread}, trained.noise.to_json(),
            {step.name: file_sha256(step)}, dict(training))
        write_description(description, made)
        (made / CARD_FILE).write_text(refiner_card(description), 'utf-8')
        if folder.exists():
            _keep_others(folder, made)
    return description


def _keep_others(before: Path, made: Path) -> None:
    """Take over what others keep in the folder."""
    for path in before.iterdir():
        if path.is_file() and not (made / path.name).exists():
            shutil.copy2(path, made)


def told_joints() -> tuple[str, ...]:
    """Return the core joints whose truth is known."""
    return tuple(name for name, column in zip(CORE_JOINTS, true_columns(), strict=True)
                 if column >= 0)


def step_network(network: RefinerNetwork) -> bytes:
    """Return the step as ONNX, for any number of people.

    Raises:
        ModelError: torch cannot write it.
    """
    given = _probe(network.hidden, 3, 0)
    return halved(written(
        _Step(network), tuple(given.values()), tuple(given), _OUTPUTS,
        {name: {0: _PEOPLE} for name in (*given, *_OUTPUTS)}))


def halved(content: bytes) -> bytes:
    """Return an ONNX file whose weights are stored in half precision; it computes in single.

    Of weights that half precision can hold, nothing is lost: runtimes widen them as they load.
    """
    model = onnx.load_from_string(content)
    weights, casts = [], []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.size >= _WORTH_HALVING:
            stored = f'{weight.name}_half'
            casts.append(helper.make_node(
                'Cast', [stored], [weight.name], to=onnx.TensorProto.FLOAT))
            weight = numpy_helper.from_array(values.astype(np.float16), stored)  # noqa: PLW2901
        weights.append(weight)
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(weights)
    model.graph.node.extend(nodes)
    halves: bytes = model.SerializeToString()
    return halves


def _probe(hidden: int, people: int, seed: int) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(seed)

    def spread(*shape: int) -> Tensor:
        return torch.rand(people, *shape, generator=random)

    given = {
        'measured': 200 * spread(JOINTS, 2), 'seen': (spread(JOINTS) > 0.2).float(),
        'sd': 0.01 + 0.1 * spread(JOINTS), 'filtered': 200 * spread(JOINTS, 2),
        'filtered_sd': 0.01 + 0.1 * spread(JOINTS), 'age_s': spread(JOINTS),
        'centre': 80 + 40 * spread(2), 'size': 150 + 50 * spread(), 'dt_s': 0.02 + 0.02 * spread(),
        'state': spread(state_size(hidden))}
    given['state'][:, -1] = (given['state'][:, -1] > 0.3).float()
    return {name: given[name] for name in (*FRAME_INPUTS, 'dt_s', 'state')}


def _check(path: Path, network: RefinerNetwork) -> None:
    runtime = OnnxRuntime(path, threads=1)
    try:
        given = _probe(network.hidden, 5, 1)
        found = runtime.run({name: value.numpy() for name, value in given.items()})
        with torch.inference_mode():
            wanted = _Step(network)(*given.values())
    finally:
        runtime.close()
    size = given['size'].numpy()[:, None, None]
    position = np.abs(found['position'] - wanted[0].numpy()) / size
    unsure = np.abs(found['log_variance'] - wanted[1].numpy())
    worst = float(max(position.max(), unsure.max()))
    if not worst <= TOLERANCE:
        raise ModelError(f'{path.name} differs from the trained network by {worst:.2g}: nothing '
                         'was written')
