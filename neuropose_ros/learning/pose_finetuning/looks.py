"""How a network of the registry looks at people, and how far its outputs are from the truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuropose_ros.core.layouts import conversion_matrix
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.ops.device import PictureInput
from neuropose_ros.learning.pose_training.augmentation import Person

Outputs = Mapping[str, Tensor]


class LookBatch(NamedTuple):
    """N crops of people with K annotated joints.

    Attributes:
        pictures: as the network takes them.
        clean: the same crops in their own light, for what is kept.
        points: (N, K, 2) px of the crops; anything where the weight is 0.
        weights: (N, K).
    """

    pictures: Tensor
    clean: Tensor
    points: Tensor
    weights: Tensor


class Look(Protocol):
    """What a decoder means to training."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the network's input, px."""
        ...

    @property
    def room(self) -> float:
        """Share of the larger side of a person's box that a plain crop shows."""
        ...

    def cut(self, person: Person, rng: np.random.Generator) -> Person:
        """Return an augmented crop, in its own light."""
        ...

    def lit(self, crop: Person, rng: np.random.Generator) -> Person:
        """Return a crop in other light."""
        ...

    def losses(self, found: Outputs, batch: LookBatch) -> dict[str, Tensor]:
        """Return how far the outputs are from the truth: scalars to be made small."""
        ...

    def changed(self, found: Outputs, before: Outputs) -> Tensor:
        """Return how far what nobody annotated is from what it was: a scalar to be made small.

        Args:
            found: outputs of the network that learns.
            before: those of the network as it was, for the same people.
        """
        ...


class Joints(NamedTuple):
    """Which annotated joints teach which of the network's.

    Attributes:
        taught: (J,) the network's.
        annotated: (J,) those of the data that teach them.
        kept: the network's that nobody annotated: they are to stay as they were.
        unused: names of annotated joints that the network does not have.
    """

    taught: list[int]
    annotated: list[int]
    kept: list[int]
    unused: tuple[str, ...]


def joints_of(data: SkeletonLayout, network: SkeletonLayout) -> Joints:
    """Match joints by name: those that follow from others of the network teach nothing."""
    rows = conversion_matrix(network, data)
    single = [row for row in range(len(data)) if (rows[row] > 0).sum() == 1]
    taught = [int(rows[row].argmax()) for row in single]
    kept = [index for index in range(len(network)) if index not in taught]
    return Joints(taught, single, kept, tuple(
        name for row, name in enumerate(data.names) if row not in single))


def network_input(images: NDArray[np.uint8], target: PictureInput) -> Tensor:
    """Return (N, H, W, 3) uint8 BGR pictures as a network takes them."""
    ordered = images if target.channels == 'bgr' else images[..., ::-1]
    values = torch.from_numpy(np.ascontiguousarray(ordered))
    if target.dtype != 'uint8':
        values = values.float().sub_(torch.tensor(target.mean)).div_(torch.tensor(target.std))
    return values if target.axes == 'nhwc' else values.permute(0, 3, 1, 2)
