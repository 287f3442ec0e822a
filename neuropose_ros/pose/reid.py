"""What people look like, as vectors: a second opinion where motion leaves it open who is who."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.pose import Floats
from neuropose_ros.inference.batching import Announce, announce_on_stderr
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.models import ensure_models
from neuropose_ros.inference.ops.device import Picture, Tensor
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.inference.runtime import Runtime
from neuropose_ros.inference.select import create_runtime
from neuropose_ros.pose.geometry import Warp
from neuropose_ros.pose.network import PictureNetwork

DECODER = 'embedding'


class PersonEncoder(Protocol):
    """Turns people in a picture into vectors that are alike where the people are."""

    def encode(self, picture: Picture, boxes: Floats) -> Floats:
        """Return (N, D) unit vectors of the people in (N, 4) boxes, px."""
        ...

    def close(self) -> None:
        """Give back memory and devices."""
        ...


class NetworkPersonEncoder:
    """A network that was trained to tell people apart; implements `PersonEncoder`."""

    def __init__(self, runtime: Runtime, entry: ModelEntry) -> None:
        """Take a loaded network, which is closed with the encoder.

        Args:
            runtime: the network.
            entry: what the registry says of it; decoder ``embedding``.

        Raises:
            ModelError: it does not take the picture that the registry describes, or does not
                put out one vector.
        """
        self._network = PictureNetwork(runtime, entry)
        self._output = self._network.vector(DECODER)
        if len(self._network.shapes[self._output]) < 2:
            raise self._network.misfit('a vector for each person (N, D)')

    @property
    def model(self) -> str:
        """Id of model and runtime."""
        return self._network.model

    def encode(self, picture: Picture, boxes: Floats) -> Floats:
        """Return (N, D) unit vectors; each box is stretched to the network's size, as is usual."""
        target = self._network.entry.input
        size = int(np.prod(self._network.shapes[self._output]))
        if not len(boxes):
            return np.zeros((0, size), np.float32)
        warps = stretching_warps(boxes, target.width, target.height)
        vectors, _ = self._network.read_crops(picture, warps, self._read)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        units: Floats = (vectors / np.maximum(lengths, np.float32(1e-9))).astype(np.float32)
        return units

    def close(self) -> None:
        """Give back memory and devices."""
        self._network.close()

    def _read(self, outputs: Mapping[str, Tensor]) -> tuple[Floats, Floats]:
        values = self._network.download(outputs[self._output])
        vectors = np.asarray(values, np.float32).reshape(len(values), -1)
        return vectors, np.ones(len(vectors), np.float32)


def stretching_warps(boxes: ArrayLike, width: int, height: int) -> Warp:
    """Return (N, 2, 3) maps from px of a crop to px of the picture that fill it with each box.

    Args:
        boxes: (N, 4) px.
        width, height: of the crop, px.
    """
    corners = np.asarray(boxes, np.float64).reshape(-1, 4)
    scale = np.maximum(corners[:, 2:] - corners[:, :2], 1.0) / (width, height)
    warps = np.zeros((len(corners), 2, 3))
    warps[:, [0, 1], [0, 1]] = scale
    # The outer edges of the crop's pixels lie on those of the box.
    warps[:, :, 2] = corners[:, :2] + 0.5 * scale
    return warps


def reid_models(registry: Mapping[str, ModelEntry] | None = None) -> tuple[str, ...]:
    """Return the names that `create_reid` knows."""
    known = load_registry() if registry is None else registry
    return tuple(name for name, entry in known.items() if entry.kind == 'reid')


def create_reid(
    name: str, *, runtime: str = 'auto', precision: str = 'fp16', threads: int = 0,
    batch: int = 20, registry: Mapping[str, ModelEntry] | None = None,
    announce: Announce = announce_on_stderr,
) -> NetworkPersonEncoder:
    """Return a person encoder, its network fetched on first use.

    Args:
        name: one of `reid_models`.
        runtime, precision, threads: see `create_runtime`.
        batch: the largest number of people at once.
        registry: None = the package's list and the user's.
        announce: takes one sentence for people.

    Raises:
        ParameterError: the name is unknown.
        ModelError: the model cannot be had or loaded.
    """
    known = load_registry() if registry is None else registry
    entry = known.get(name)
    if entry is None or entry.kind != 'reid':
        raise ParameterError(
            f'unknown re-identification model {name!r}; known are '
            f'{", ".join(reid_models(known)) or "none"}')
    [path] = ensure_models(name, registry=known)
    loaded = create_runtime(
        path, runtime=runtime, precision=precision, batch=batch, input=entry.input,
        threads=threads, announce=announce)
    try:
        return NetworkPersonEncoder(loaded, entry)
    except Exception:
        loaded.close()
        raise
