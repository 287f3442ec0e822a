"""From a trained network to a recogniser's folder, checked before it is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from neuropose_ros.action.description import (
    STEP_FILE,
    RecogniserDescription,
    write_description,
)
from neuropose_ros.action.recogniser import variant
from neuropose_ros.core.errors import ModelError, ParameterError
from neuropose_ros.inference.download import file_sha256
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.inference.precision import Probe, half_precision
from neuropose_ros.learning.config import within
from neuropose_ros.learning.model_card import model_card
from neuropose_ros.learning.networks.recogniser import Recogniser
from neuropose_ros.learning.new_folder import new_folder
from neuropose_ros.learning.onnx_files import clip_network, step_network, step_states
from neuropose_ros.learning.parity import (
    Difference,
    clip_difference,
    clip_inputs,
    step_difference,
    step_inputs,
    stream_difference,
)
from neuropose_ros.learning.weights import FILE_NAME, TrainedRecogniser, save_recogniser

CLIP_FILE, CARD_FILE = 'clip.onnx', 'MODEL_CARD.md'
TOLERANCE = 1e-4
"""Largest relative difference of any output in float32, see `parity.Difference`."""
HALF_TOLERANCE = 1e-2
"""Largest difference of a probability or unknown score in half precision."""
_PROBE_EVERY = 12  # ticks


@dataclass(frozen=True)
class ExportSettings:
    """What the weights do not say themselves.

    Attributes:
        name: id of the recogniser; '' = that of the label set.
        scene_model: encoder of the scene vectors it was trained with; '' = what the weights say.
        unknown_threshold: an unknown score from here on makes the answer unknown.
        half: also write the variants in half precision.
        terms: of the data, for the card; '' = what the weights say.
        figures: measured on the test part, for the card.
    """

    name: str = ''
    scene_model: str = ''
    unknown_threshold: float = 0.5
    half: bool = True
    terms: str = ''
    figures: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ParameterError: the threshold is outside 0..1, or the name cannot be a folder's.
        """
        within(0, 1, unknown_threshold=self.unknown_threshold)
        if self.name and (Path(self.name).name != self.name or self.name.startswith('.')):
            raise ParameterError(f'name is {self.name!r}; a plain name for a folder is allowed')


@dataclass(frozen=True)
class Export:
    """A recogniser that was written.

    Attributes:
        parity: ``step.onnx``, ``step_fp16.onnx``, ... and ``stream`` -> largest absolute
            difference.
    """

    folder: Path
    description: RecogniserDescription
    parity: Mapping[str, float]


def export(
    trained: TrainedRecogniser, folder: Path, settings: ExportSettings | None = None,
    announce: Callable[[str], None] = print,
) -> Export:
    """Write a recogniser's folder; an earlier one there is replaced once the new one is whole.

    Args:
        trained: a causal network gives ``step.onnx`` and ``clip.onnx``, another the latter.
        folder: to write; its parent is made.
        announce: takes one sentence for people.

    Raises:
        ModelError: the networks cannot be written, or answer differently from the trained one;
            what was there before is left as it is.
        ParameterError: it reads scenes, and their encoder is not named.
    """
    settings = settings or ExportSettings()
    description = _description(trained, settings)
    with new_folder(folder, FILE_NAME, 'recogniser') as made:
        parity = _write_networks(trained.network.cpu().eval(), made, settings, announce)
        description = replace(description, networks={
            path.name: file_sha256(path) for path in sorted(made.glob('*.onnx'))})
        write_description(description, made)
        save_recogniser(trained, made / FILE_NAME)
        figures = settings.figures or trained.trained_on.get('figures')
        terms = settings.terms or str(trained.trained_on.get('terms', ''))
        (made / CARD_FILE).write_text(
            model_card(description, parity, terms=terms, figures=figures), 'utf-8')
    return Export(folder, description, parity)


def _description(trained: TrainedRecogniser, settings: ExportSettings) -> RecogniserDescription:
    network, sampling = trained.network, trained.recipe.sampling
    config = network.config
    scene_model = settings.scene_model or str(trained.trained_on.get('scene_model', ''))
    if config.scene_size and not scene_model:
        raise ParameterError('scene_model is missing: the network reads scene vectors, and those '
                             'of another encoder would mislead it; name the encoder')
    window_s = config.window / sampling.rate_hz if config.causal else 0.0
    stated = {name: value for name, value in trained.trained_on.items()
              if name not in ('figures', 'terms', 'scene_model')}
    return RecogniserDescription(
        name=settings.name or trained.labels.name, layout=trained.layout,
        dimensions=trained.dimensions, labels=trained.labels, rate_hz=sampling.rate_hz,
        window_s=window_s, states=step_states(network) if config.causal else {},
        normalisation=sampling.normalisation.as_dict(),
        unknown_threshold=settings.unknown_threshold,
        scene_model=scene_model if config.scene_size else '', scene_size=config.scene_size,
        # The answer pools the window: on average it is about its middle.
        decision_delay_s=max(0.0, window_s - 1 / sampling.rate_hz) / 2, training=stated)


def _write_networks(
    network: Recogniser, folder: Path, settings: ExportSettings,
    announce: Callable[[str], None],
) -> dict[str, float]:
    """Write and check all networks; return their differences."""
    parity: dict[str, float] = {}
    if network.config.causal:
        path = folder / STEP_FILE
        path.write_bytes(step_network(network))
        parity[path.name] = _checked(path, network, step_difference, TOLERANCE)
        step = OnnxRuntime(path, threads=1)
        streamed = stream_difference(network, step)
        step.close()
        parity['stream'] = _accepted('the stream', streamed, TOLERANCE, 'the whole clip')
        if settings.half:
            probes = list(step_inputs(network, 3, 5 * _PROBE_EVERY))[::_PROBE_EVERY]
            parity |= _halved(path, network, step_difference, probes, announce)
    path = folder / CLIP_FILE
    path.write_bytes(clip_network(network))
    parity[path.name] = _checked(path, network, clip_difference, TOLERANCE)
    if settings.half:
        parity |= _halved(
            path, network, clip_difference, [clip_inputs(network, 4, 40)], announce)
    return parity


def _halved(
    path: Path, network: Recogniser, difference: Callable[..., Difference], probes: list[Probe],
    announce: Callable[[str], None],
) -> dict[str, float]:
    """Write the variant in half precision; none where there is nothing to halve."""
    half = half_precision(path, probes, HALF_TOLERANCE)
    if not half.layers_float16:
        announce(f'{path.name}: no layer gains from half precision; there is no such variant')
        return {}
    target = path.with_name(variant(path.name, 'fp16'))
    target.write_bytes(half.content)
    return {target.name: _checked(target, network, difference, HALF_TOLERANCE, True)}


def _checked(
    path: Path, network: Recogniser, difference: Callable[..., Difference], tolerance: float,
    answers_only: bool = False,
) -> float:
    runtime = OnnxRuntime(path, threads=1)
    try:
        found = difference(network, runtime, answers_only=answers_only)
    finally:
        runtime.close()
    return _accepted(path.name, found, tolerance, 'the trained network')


def _accepted(what: str, found: Difference, tolerance: float, whom: str) -> float:
    if not found.relative <= tolerance:
        raise ModelError(f'{what} differs from {whom} by {found.absolute:.2g} (relative to its '
                         f'largest value {found.relative:.2g}), more than the {tolerance:g} that '
                         'are allowed: nothing was written')
    return found.absolute
