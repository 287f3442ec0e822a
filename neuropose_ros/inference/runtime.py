"""The one way in which the rest of the package runs a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.inference.ops.device import DeviceOps, Tensor

Tensors = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class TensorSpec:
    """Name, shape (None = dynamic) and numpy dtype name of one input or output."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


def output_arrays(runtime: Runtime, batch: int = 1) -> dict[str, NDArray[Any]]:
    """Return an array for each output of a network whose outputs vary in the batch at most."""
    return {
        spec.name: np.empty(
            [batch if size is None else size for size in spec.shape], spec.dtype)
        for spec in runtime.outputs
    }


class Runtime(Protocol):
    """A loaded network."""

    @property
    def name(self) -> str:
        """Runtime and provider, as ``onnxruntime-cpu``."""
        ...

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The inputs, in the network's order."""
        ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The outputs, in the network's order."""
        ...

    @property
    def ops(self) -> DeviceOps:
        """Pre- and post-processing beside the network."""
        ...

    @property
    def largest_batch(self) -> int:
        """The largest first axis of the inputs; 0 = any."""
        ...

    def run(self, inputs: Tensors, into: Tensors | None = None) -> dict[str, NDArray[Any]]:
        """Run once; every output by name. The arrays belong to the caller.

        Args:
            inputs: every input by name.
            into: arrays to write the outputs into, from `output_arrays`: a caller that is done
                with the last results saves making new ones. None = new arrays.

        Raises:
            ModelError: an array is missing or of the wrong shape or type.
            OutOfMemoryError: the device has no room for these shapes.
        """
        ...

    def run_on_device(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run once on arrays that `ops` made; the outputs stay there.

        The outputs are valid until the next run.

        Raises:
            ModelError: an array is missing or of the wrong shape or type.
            OutOfMemoryError: the device has no room for these shapes.
        """
        ...

    def close(self) -> None:
        """Give back the memory; the runtime is not used again."""
        ...
