"""The one way in which the rest of the package runs a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class TensorSpec:
    """Name, shape (None = dynamic) and numpy dtype name of one input or output."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


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

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Run once; every output by name. The arrays belong to the caller.

        Raises:
            ModelError: an input is missing or of the wrong shape or type.
        """
        ...

    def close(self) -> None:
        """Give back the memory; the runtime is not used again."""
        ...
