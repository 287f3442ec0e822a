"""Running a .tflite network with LiteRT (formerly TensorFlow Lite) on the processor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import ModelError, OutOfMemoryError
from neuropose_ros.inference.checks import checked, fixed_batch
from neuropose_ros.inference.ops.host import HostOps
from neuropose_ros.inference.runtime import Tensors, TensorSpec
from neuropose_ros.inference.threads import thread_budget

REQUIREMENT = 'ai-edge-litert'


@dataclass(frozen=True)
class _Port:
    """An input or output.

    Attributes:
        spec: as the caller sees it.
        index: LiteRT's number of the tensor.
        stored: numpy dtype in the network.
        scale, zero_point: real value = (stored - zero_point) * scale; scale 0 = not quantised.
    """

    spec: TensorSpec
    index: int
    stored: np.dtype[Any]
    scale: float
    zero_point: int

    def quantised(self, values: NDArray[Any]) -> NDArray[Any]:
        limits = np.iinfo(self.stored)
        levels = np.rint(values / np.float32(self.scale)) + self.zero_point
        array: NDArray[Any] = levels.clip(limits.min, limits.max).astype(self.stored)
        return array

    def real(self, stored: NDArray[Any]) -> NDArray[Any]:
        if not self.scale:
            return stored
        values: NDArray[np.float32] = stored.astype(np.float32)
        values -= np.float32(self.zero_point)
        values *= np.float32(self.scale)
        return values


class LiteRtRuntime:
    """A network loaded by LiteRT; implements `Runtime`.

    Quantised outputs come as float32. A quantised input takes its own integers, such as the
    bytes of a picture, as they are; float32 values are quantised by its scale and zero point.
    Axes that the file leaves open may change from run to run.
    """

    def __init__(self, model: Path | bytes, *, threads: int = 0) -> None:
        """Load a network.

        Args:
            model: a .tflite file, or its content.
            threads: 0 = what the machine has to spare, see `thread_budget`.

        Raises:
            ModelError: LiteRT is not installed, or the file cannot be loaded.
        """
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ModelError(
                f'LiteRT, which runs .tflite networks, does not load ({error}): '
                f'pip install {REQUIREMENT}') from error
        self._threads = thread_budget(threads)
        self._title = model.name if isinstance(model, Path) else 'the network'
        source: dict[str, Any] = (
            {'model_path': str(model)} if isinstance(model, Path) else {'model_content': model})
        try:
            self._interpreter: Any = Interpreter(num_threads=self._threads, **source)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f'LiteRT cannot load {self._title}: {error}') from error
        self._in = tuple(
            _port(details, is_input=True) for details in self._interpreter.get_input_details())
        self._out = tuple(
            _port(details, is_input=False) for details in self._interpreter.get_output_details())
        self._ops = HostOps()

    @property
    def name(self) -> str:
        """Runtime and provider."""
        return 'litert-cpu'

    @property
    def threads(self) -> int:
        """Threads in use."""
        return self._threads

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The inputs, in the network's order."""
        return tuple(port.spec for port in self._in)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The outputs, in the network's order; quantised ones as float32."""
        return tuple(port.spec for port in self._out)

    @property
    def ops(self) -> HostOps:
        """Pre- and post-processing on the host."""
        return self._ops

    @property
    def largest_batch(self) -> int:
        """The fixed first axis of the inputs; 0 = any."""
        return fixed_batch(self.inputs)

    def run(self, inputs: Tensors, into: Tensors | None = None) -> dict[str, NDArray[Any]]:
        """Run once; every output by name.

        Raises:
            ModelError: an array is missing or of the wrong shape or type, or the run fails.
            OutOfMemoryError: there is no memory for these shapes.
        """
        if self._interpreter is None:
            raise ModelError(f'{self._title} is closed')
        stored = [self._stored(port, inputs.get(port.spec.name)) for port in self._in]
        try:
            self._resize(stored)
            for port, array in zip(self._in, stored, strict=True):
                self._interpreter.set_tensor(port.index, array)
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f'{self._title} failed: {error}') from error
        except MemoryError as error:
            raise OutOfMemoryError(f'{self._title}: no memory for these shapes') from error
        results = {
            port.spec.name: port.real(self._interpreter.get_tensor(port.index))
            for port in self._out}
        return results if into is None else self._written(results, into)

    def run_on_device(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Run once; the host is the device."""
        return self.run(inputs)

    def close(self) -> None:
        """Give back the memory."""
        self._interpreter = None

    def _stored(self, port: _Port, value: NDArray[Any] | None) -> NDArray[Any]:
        if port.scale and isinstance(value, np.ndarray) and value.dtype == np.float32:
            real = replace(port.spec, dtype='float32')
            return port.quantised(checked(self._title, real, value, 'input'))
        return checked(self._title, port.spec, value, 'input')

    def _resize(self, arrays: list[NDArray[Any]]) -> None:
        """Give the open axes the sizes of these arrays; strict = no other axis moves."""
        now = self._interpreter.get_input_details()
        changed = [
            (port.index, array.shape) for port, array, details in
            zip(self._in, arrays, now, strict=True) if tuple(details['shape']) != array.shape]
        for index, shape in changed:
            self._interpreter.resize_tensor_input(index, shape, strict=True)
        if changed:
            self._interpreter.allocate_tensors()

    def _written(
        self, results: Mapping[str, NDArray[Any]], into: Tensors,
    ) -> dict[str, NDArray[Any]]:
        for port in self._out:
            name, result = port.spec.name, results[port.spec.name]
            exact = replace(port.spec, shape=result.shape)
            np.copyto(checked(self._title, exact, into.get(name), 'output'), result)
        return dict(into)


def _port(details: Mapping[str, Any], *, is_input: bool) -> _Port:
    declared = details.get('shape_signature', details['shape'])
    shape = tuple(None if size < 0 else int(size) for size in declared)
    scale, zero_point = details['quantization']
    stored = np.dtype(details['dtype'])
    if stored.kind not in 'iu':
        scale = 0.0
    dtype = stored if is_input or not scale else np.dtype(np.float32)
    return _Port(
        TensorSpec(details['name'], shape, dtype.name), int(details['index']), stored,
        float(scale), int(zero_point))
