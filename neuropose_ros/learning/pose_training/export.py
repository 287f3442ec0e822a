"""From a trained pose network to a folder that the registry takes, measured before it is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neuropose_ros.core.errors import ModelError, ParameterError
from neuropose_ros.inference.precision import half_precision
from neuropose_ros.learning.new_folder import new_folder
from neuropose_ros.learning.onnx_files import written
from neuropose_ros.learning.onnx_shapes import settle_shapes
from neuropose_ros.learning.pose_training.calibration import ScoreCurve, fit_scores
from neuropose_ros.learning.pose_training.entry import write_card, write_entries
from neuropose_ros.learning.pose_training.network import PoseNetwork
from neuropose_ros.learning.pose_training.quantisation import quantised
from neuropose_ros.learning.pose_training.samples import Samples
from neuropose_ros.learning.pose_training.task import pictures_of
from neuropose_ros.learning.pose_training.variants import (
    HALF_FILE,
    INT8_FILE,
    MODEL_FILE,
    OUTPUTS,
    Variant,
    measure,
)
from neuropose_ros.learning.pose_training.weights import FILE_NAME, TrainedPose, save_pose

TOLERANCE = 1e-3
"""Largest difference of a score between the trained network and ONNX in float32."""
_HALF_TOLERANCE = 0.05
_NAME = re.compile(r'[a-z0-9][a-z0-9._-]{0,58}')  # with -int8 it still is a name of the registry
_COMPARED = 32
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
class PoseExport:
    """What was written.

    Attributes:
        variants: float32 first.
        curve: of the scores.
    """

    folder: Path
    name: str
    variants: tuple[Variant, ...]
    curve: ScoreCurve


class _Answers(nn.Module):
    """The network as the decoder ``simcc`` reads it."""

    def __init__(self, network: PoseNetwork, curve: ScoreCurve) -> None:
        super().__init__()
        self.network, self.curve = network, curve

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        found = self.network.nearness(self.network(pictures), self.curve.temperature)
        return self.curve.chances(found.x), self.curve.chances(found.y)


def onnx_of(network: PoseNetwork, curve: ScoreCurve | None = None) -> bytes:
    """Return the network as ONNX, any number of people.

    Args:
        curve: of its scores; None = they are not calibrated.

    Raises:
        ModelError: torch cannot write it.
    """
    config = network.config
    shape = 3, config.height_px, config.width_px
    content = written(
        _Answers(network, curve or ScoreCurve()), (torch.zeros(2, *shape),), ('pictures',),
        OUTPUTS, {name: {0: 'people'} for name in ('pictures', *OUTPUTS)})
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
        ModelError: the network gives no numbers, cannot be written, or answers differently from
            the trained one; what was there before is left as it is.
        ParameterError: the folder's name is no name of a model, and none is given.
    """
    settings = settings or PoseExportSettings()
    name = settings.name or PoseExportSettings(folder.resolve().name.lower()).name
    with new_folder(folder, FILE_NAME, 'pose model') as made:
        curve = _curve(trained.network.cpu().eval(), samples, announce)
        variants = _write_variants(trained.network, curve, made, settings, samples, announce)
        write_entries(trained, made, name, settings.title, settings.licence,
                      [variant.file for variant in variants], curve)
        save_pose(trained, made / FILE_NAME)
        write_card(trained, made, name, settings.licence, variants, curve,
                   samples is not None and samples.held_back)
    return PoseExport(folder, name, tuple(variants), curve)


def _curve(
    network: PoseNetwork, samples: Samples | None, announce: Callable[[str], None],
) -> ScoreCurve:
    curve = ScoreCurve() if samples is None else fit_scores(network, samples)
    if not curve.joints:
        announce('scores are not calibrated: that takes people who were held back, with a '
                 'hundred joints at least, and scores that are higher where joints are right')
    return curve


def _write_variants(
    network: PoseNetwork, curve: ScoreCurve, folder: Path, settings: PoseExportSettings,
    samples: Samples | None, announce: Callable[[str], None],
) -> list[Variant]:
    probes = _probes(network, samples)
    with torch.inference_mode():
        x, y = _Answers(network, curve)(torch.from_numpy(probes[:_COMPARED]))
    if not (torch.isfinite(x).all() and torch.isfinite(y).all()):
        raise ModelError('the trained network gives no numbers: its weights are damaged, train '
                         'again; nothing was written')
    path = folder / MODEL_FILE
    path.write_bytes(onnx_of(network, curve))
    paths = [path]
    if settings.half:
        paths.append(folder / HALF_FILE)
        paths[-1].write_bytes(
            half_precision(path, [{'pictures': probes[:8]}], _HALF_TOLERANCE).content)
    if settings.int8 and samples is None:
        announce('there are no samples beside the weights: no int8 variant, whose ranges would '
                 'have to be seen on pictures')
    elif settings.int8:
        paths.append(folder / INT8_FILE)
        paths[-1].write_bytes(quantised(path, probes[:_MOST_CALIBRATION]))
    found = measure(paths, probes, (x.numpy(), y.numpy()), network.config.bins_per_px, samples,
                    calibrated=bool(curve.joints))
    if not found[0].parity <= TOLERANCE:
        raise ModelError(f'{path.name} differs from the trained network by {found[0].parity:.2g}, '
                         f'more than the {TOLERANCE:g} that are allowed: nothing was written')
    return found


def _probes(network: PoseNetwork, samples: Samples | None) -> NDArray[np.float32]:
    if samples is not None:
        return np.asarray(pictures_of(samples.images).contiguous().numpy(), np.float32)
    config = network.config
    return np.random.default_rng(5).normal(
        0, 1, (8, 3, config.height_px, config.width_px)).astype(np.float32)
