"""A recogniser's step network, loaded and checked: one tick of many people in one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.action.description import STEP_FILE, RecogniserDescription, read_description
from neuropose_ros.action.normalisation import Normalisation, from_dict
from neuropose_ros.core.errors import DataError, LabelError, ModelError
from neuropose_ros.core.pose import Floats
from neuropose_ros.inference.batching import Announce, announce_on_stderr
from neuropose_ros.inference.download import check_listed_file
from neuropose_ros.inference.runtime import Runtime, TensorSpec
from neuropose_ros.inference.select import create_runtime

States = Mapping[str, Floats]
NEXT = 'next_'
"""What precedes the name of a state in the outputs of a step network."""


def variant(file_name: str, precision: str) -> str:
    """Return the name of a network's file in a precision, as ``step_fp16.onnx``."""
    path = Path(file_name)
    return file_name if precision == 'fp32' else f'{path.stem}_{precision}{path.suffix}'


@dataclass(frozen=True, slots=True)
class Step:
    """What one tick gave for N people.

    Attributes:
        probabilities: (N, C) float32, rows sum to 1.
        unknown: (N,) float32, 0..1: how unlike all known actions.
        completed: (N, K, D) float32, normalised; missing joints as the network expects them.
        error: (N, K) float32, by how much it expects to be wrong there.
        attention: as the network gives it, first axis N; None = it gives none.
        states: for the next tick.
    """

    probabilities: Floats
    unknown: Floats
    completed: Floats
    error: Floats
    attention: Floats | None
    states: dict[str, Floats]


class Recogniser:
    """A step network with its description."""

    def __init__(self, runtime: Runtime, description: RecogniserDescription) -> None:
        """Take a loaded network, which is closed with the recogniser.

        Raises:
            ModelError: it does not take or give what the description says.
        """
        self._runtime = runtime
        self._description = description
        try:
            self._normalisation = from_dict(description.normalisation)
        except DataError as error:
            raise ModelError(f'{description.name}: {error}') from error
        if not self._normalisation.causal:
            raise ModelError(f'{description.name}: it was trained on keypoints normalised by '
                             'whole clips, which a stream does not know: train one with '
                             'network.causal and sampling.causal true')
        _check_network(runtime, description)

    @property
    def description(self) -> RecogniserDescription:
        """What the recogniser says of itself."""
        return self._description

    @property
    def normalisation(self) -> Normalisation:
        """How keypoints are normalised for it."""
        return self._normalisation

    def initial_states(self, people: int) -> dict[str, Floats]:
        """Return the states of people who have not been seen yet."""
        return {name: np.zeros((people, *shape), np.float32)
                for name, shape in self._description.states.items()}

    def step(
        self, keypoints: Floats, mask: Floats, states: States, scene: Floats | None = None,
    ) -> Step:
        """Run one tick.

        Args:
            keypoints: (N, K, D), normalised, 0 where missing.
            mask: (N, K), 1 = measured.
            states: from `initial_states` or the last step, in the same order of people.
            scene: (E,) of the place where all of them are; None = not known.

        Raises:
            ModelError: the network fails, or gives values that are not numbers.
        """
        inputs: dict[str, Floats] = {'keypoints': keypoints, 'mask': mask, **states}
        people, size = len(keypoints), self._description.scene_size
        if size:
            vector = np.zeros(size, np.float32) if scene is None else scene
            inputs['scene'] = np.ascontiguousarray(np.broadcast_to(vector, (people, size)))
            inputs['scene_mask'] = np.full((people, 1), scene is not None, np.float32)
        outputs = self._runtime.run(inputs)
        logits, unknown = outputs['logits'], outputs['unknown'][:, 0]
        if not (np.isfinite(logits).all() and np.isfinite(unknown).all()):
            raise ModelError(f'{self._description.name} gave values that are not numbers')
        return Step(
            softmax(logits), np.clip(unknown, 0, 1), outputs['completed'], outputs['error'],
            outputs.get('attention'), {name: outputs[NEXT + name] for name in states})

    def close(self) -> None:
        """Give back the memory."""
        self._runtime.close()


def load_recogniser(
    folder: Path, *, runtime: str = 'cpu', precision: str = 'fp32', threads: int = 1,
    label_set: str = '', announce: Announce = announce_on_stderr,
) -> Recogniser:
    """Load the step network of a recogniser's folder.

    Args:
        folder: from `store.find_recogniser`.
        runtime: see `create_runtime`; a step of less than a millisecond gains nothing from
            travelling to a GPU.
        precision: ``fp32``, or ``fp16`` where the folder has that variant.
        threads: of the processor; so small a network gains nothing from more than one.
        label_set: id (``name@hash``) or name that the classes must have; '' = any.
        announce: takes one sentence for people.

    Raises:
        ModelError: a file is missing or damaged, or does not fit the description.
        LabelError: the classes are others than ``label_set``.
    """
    description = read_description(folder)
    check_label_set(description, label_set)
    path = folder / variant(STEP_FILE, precision)
    check_file(path, description)
    loaded = create_runtime(
        path, runtime=runtime, precision=precision, threads=threads, announce=announce)
    try:
        return Recogniser(loaded, description)
    except Exception:
        loaded.close()
        raise


def check_label_set(description: RecogniserDescription, pinned: str) -> None:
    """Refuse a recogniser with other classes than a pinned label set; '' = none is pinned.

    Raises:
        LabelError: name or hash differ.
    """
    labels = description.labels
    if pinned and pinned not in (labels.id, labels.name):
        raise LabelError(
            f'recogniser {description.name} tells apart {labels.id} ({", ".join(labels.labels)}), '
            f'but {pinned} is asked for: take the recogniser of {pinned}, or ask for {labels.id}')


def check_file(path: Path, description: RecogniserDescription) -> None:
    """Refuse a network that is not the one which the description was written for.

    Raises:
        ModelError: it is missing, not in the description, or its sha256 differs.
    """
    check_listed_file(path, description.networks, 'recogniser', 'export')


def softmax(logits: NDArray[np.floating]) -> Floats:
    """Return (..., C) probabilities."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(-1, keepdims=True), np.float32)


def _check_network(runtime: Runtime, description: RecogniserDescription) -> None:
    """Compare names and sizes on both sides; the first axis is the people, any number."""
    joints, depth = len(description.layout), description.dimensions
    inputs = {'keypoints': (joints, depth), 'mask': (joints,), **description.states}
    if description.scene_size:
        inputs |= {'scene': (description.scene_size,), 'scene_mask': (1,)}
    outputs = {
        'logits': (len(description.labels),), 'unknown': (1,), 'completed': (joints, depth),
        'error': (joints,),
        **{NEXT + name: shape for name, shape in description.states.items()}}
    _check_side(description.name, 'takes', runtime.inputs, inputs)
    _check_side(description.name, 'gives', runtime.outputs, outputs)
    extra = {spec.name for spec in runtime.inputs} - inputs.keys()
    if extra:
        raise ModelError(f'{description.name}: its network takes {", ".join(sorted(extra))}, of '
                         'which its description knows nothing: export it again')


def _check_side(
    name: str, verb: str, found: tuple[TensorSpec, ...], wanted: Mapping[str, tuple[int, ...]],
) -> None:
    shapes = {spec.name: spec.shape for spec in found}
    for tensor, shape in wanted.items():
        if tensor not in shapes:
            raise ModelError(f'{name}: its description says that the network {verb} {tensor}, '
                             'which it does not: export it again')
        people, *rest = shapes[tensor]
        if people is not None or len(rest) != len(shape) or any(
                size not in (None, want) for size, want in zip(rest, shape, strict=True)):
            raise ModelError(
                f'{name}: its network {verb} {tensor} of {shapes[tensor]}, its description says '
                f'any number of {shape}: classes, joints or states are those of another '
                'recogniser; export it again')
