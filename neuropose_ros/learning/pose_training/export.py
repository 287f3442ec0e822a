"""From a trained pose network to a folder that the registry takes, measured before it is there."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neuropose_ros.core.errors import ModelError, ParameterError
from neuropose_ros.core.pose import Floats
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.inference.precision import half_precision
from neuropose_ros.learning.new_folder import new_folder
from neuropose_ros.learning.onnx_files import written
from neuropose_ros.learning.onnx_shapes import settle_shapes
from neuropose_ros.learning.pose_training.entry import write_card, write_entries
from neuropose_ros.learning.pose_training.network import PoseNetwork
from neuropose_ros.learning.pose_training.quantisation import quantised
from neuropose_ros.learning.pose_training.samples import Samples
from neuropose_ros.learning.pose_training.task import LIMITS, pictures_of
from neuropose_ros.learning.pose_training.weights import FILE_NAME, TrainedPose, save_pose

MODEL_FILE, HALF_FILE, INT8_FILE = 'model.onnx', 'model_fp16.onnx', 'model_int8.onnx'
TOLERANCE = 1e-3
"""Largest difference of a score between the trained network and ONNX in float32."""
_HALF_TOLERANCE = 0.05
_NAME = re.compile(r'[a-z0-9][a-z0-9._-]{0,58}')  # with -int8 it still is a name of the registry
_AT_ONCE = 32
_TIMED_RUNS = 30
_MOST_CALIBRATION = 128


@dataclass(frozen=True)
class PoseExportSettings:
    """What the weights do not say themselves.

    Attributes:
        name: of the model in the registry; '' = the folder's.
        title: for people; '' = made of what is known.
        licence: of the weights: the terms of the pictures bind it, too.
        half: also write the variant in half precision.
        int8: also write the variant in int8; needs the samples that training left.
    """

    name: str = ''
    title: str = ''
    licence: str = "the user's own"
    half: bool = True
    int8: bool = True

    def __post_init__(self) -> None:
        """Check the name.

        Raises:
            ParameterError: it cannot be one of the registry.
        """
        if self.name and not _NAME.fullmatch(self.name):
            raise ParameterError(f'name is {self.name!r}; small letters, digits, dots, dashes and '
                                 'underscores are allowed, 59 in all')


@dataclass(frozen=True)
class Variant:
    """One of the files, measured.

    Attributes:
        parity: largest difference of a score from the trained network.
        pck: limit -> share of the samples' joints, {} = there are no samples.
        ms: for one person on one thread of this processor, median; NaN = it does not run here.
    """

    file: str
    megabytes: float
    parity: float
    pck: Mapping[float, float]
    ms: float


@dataclass(frozen=True)
class PoseExport:
    """What was written.

    Attributes:
        variants: float32 first.
    """

    folder: Path
    name: str
    variants: tuple[Variant, ...]


class _Answers(nn.Module):
    """The network as the decoder ``simcc`` reads it."""

    def __init__(self, network: PoseNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        found = self.network.closeness(pictures)
        return found.x, found.y


def onnx_of(network: PoseNetwork) -> bytes:
    """Return the network as ONNX, any number of people.

    Raises:
        ModelError: torch cannot write it.
    """
    config = network.config
    shape = 3, config.height_px, config.width_px
    content = written(
        _Answers(network), (torch.zeros(2, *shape),), ('pictures',), ('simcc_x', 'simcc_y'),
        {name: {0: 'people'} for name in ('pictures', 'simcc_x', 'simcc_y')})
    return settle_shapes(content, {'pictures': np.zeros((2, *shape), np.float32)},
                         {'pictures': np.zeros((4, *shape), np.float32)})


def export_pose(
    trained: TrainedPose, folder: Path, settings: PoseExportSettings | None = None,
    samples: Samples | None = None, announce: Callable[[str], None] = print,
) -> PoseExport:
    """Write a model's folder; an earlier one there is replaced once the new one is whole.

    Args:
        samples: people on whom the variants are measured and the ranges of int8 seen.
        announce: takes one sentence for people.

    Raises:
        ModelError: the network cannot be written, or answers differently from the trained one;
            what was there before is left as it is.
        ParameterError: the folder's name is no name of a model, and none is given.
    """
    settings = settings or PoseExportSettings()
    name = settings.name or PoseExportSettings(folder.resolve().name.lower()).name
    with new_folder(folder, FILE_NAME, 'pose model') as made:
        variants = _write_variants(trained, made, settings, samples, announce)
        write_entries(trained, made, name, settings.title, settings.licence,
                      [variant.file for variant in variants])
        save_pose(trained, made / FILE_NAME)
        write_card(trained, made, name, settings.licence, [
            (variant.file, variant.megabytes, variant.parity, variant.pck, variant.ms)
            for variant in variants], samples is not None and samples.held_back)
    return PoseExport(folder, name, tuple(variants))


def _write_variants(
    trained: TrainedPose, folder: Path, settings: PoseExportSettings, samples: Samples | None,
    announce: Callable[[str], None],
) -> list[Variant]:
    network = trained.network.cpu().eval()
    probes = _probes(network, samples)
    path = folder / MODEL_FILE
    path.write_bytes(onnx_of(network))
    found = [_measured(path, network, probes, samples)]
    if not found[0].parity <= TOLERANCE:
        raise ModelError(f'{path.name} differs from the trained network by {found[0].parity:.2g}, '
                         f'more than the {TOLERANCE:g} that are allowed: nothing was written')
    if settings.half:
        half = half_precision(path, [{'pictures': probes[:8]}], _HALF_TOLERANCE)
        (folder / HALF_FILE).write_bytes(half.content)
        found.append(_measured(folder / HALF_FILE, network, probes, samples))
    if settings.int8 and samples is None:
        announce('there are no samples beside the weights: no int8 variant, whose ranges would '
                 'have to be seen on pictures')
    elif settings.int8:
        (folder / INT8_FILE).write_bytes(quantised(path, probes[:_MOST_CALIBRATION]))
        found.append(_measured(folder / INT8_FILE, network, probes, samples))
    return found


def _probes(network: PoseNetwork, samples: Samples | None) -> NDArray[np.float32]:
    if samples is not None:
        return np.asarray(pictures_of(samples.images).contiguous().numpy(), np.float32)
    config = network.config
    return np.random.default_rng(5).normal(
        0, 1, (8, 3, config.height_px, config.width_px)).astype(np.float32)


def _measured(
    path: Path, network: PoseNetwork, probes: NDArray[np.float32], samples: Samples | None,
) -> Variant:
    runtime = OnnxRuntime(path, threads=1)
    try:
        answers, points = _ask(runtime, probes, network.config.bins_per_px)
        with torch.inference_mode():
            truth = network.closeness(torch.from_numpy(probes[:_AT_ONCE]))
        parity = max(
            float(np.abs(mine[:_AT_ONCE] - wanted.numpy()).max())
            for mine, wanted in zip(answers, truth, strict=True))
        times = []
        for _ in range(_TIMED_RUNS):
            begin = time.perf_counter()
            runtime.run({'pictures': probes[:1]})
            times.append(time.perf_counter() - begin)
    finally:
        runtime.close()
    pck = {} if samples is None else {limit: samples.pck(points, limit) for limit in LIMITS}
    return Variant(path.name, path.stat().st_size / 1e6, parity, pck,
                   float(np.median(times)) * 1e3)


def _ask(
    runtime: OnnxRuntime, pictures: NDArray[np.float32], bins_per_px: int,
) -> tuple[tuple[Floats, Floats], Floats]:
    """Return the (N, K, B) answers along x and y, and the (N, K, 2) points."""
    parts = [runtime.run({'pictures': pictures[begin:begin + _AT_ONCE]})
             for begin in range(0, len(pictures), _AT_ONCE)]
    x, y = (np.concatenate([part[name] for part in parts]) for name in ('simcc_x', 'simcc_y'))
    points = np.stack([x.argmax(-1), y.argmax(-1)], -1) / np.float32(bins_per_px)
    return (x, y), points.astype(np.float32)
