"""Running a network with Intel's OpenVINO on the processor, beside any ONNX Runtime."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import ModelError, OutOfMemoryError
from neuropose_ros.inference.checks import checked, fixed_batch
from neuropose_ros.inference.ops.host import HostOps
from neuropose_ros.inference.runtime import Tensors, TensorSpec
from neuropose_ros.inference.threads import thread_budget

REQUIREMENT = 'openvino'
_UNKNOWN_OPERATOR = re.compile(
    r'(?:does not support the following ONNX operations|No conversion rule found for operations)'
    r': ([\w.:-]+(?:, [\w.:-]+)*)')
# Places in its source.
_NOISE = re.compile(r'(?:Exception from|Check \'.*?\' failed at) \S+:\d+:?')


class OpenVinoRuntime:
    """A network loaded by OpenVINO; implements `Runtime`."""

    def __init__(self, model: Path | bytes, *, threads: int = 0) -> None:
        """Load a network.

        Args:
            model: an .onnx file, or its content.
            threads: 0 = what the machine has to spare, see `thread_budget`.

        Raises:
            ModelError: OpenVINO is not installed, or the file cannot be loaded.
        """
        try:
            import openvino
        except ImportError as error:
            raise ModelError(
                f'OpenVINO does not load in this Python ({error}): pip install {REQUIREMENT}'
            ) from error
        self._threads = thread_budget(threads)
        self._title = model.name if isinstance(model, Path) else f'a network of {len(model)} bytes'
        settings = {
            'INFERENCE_NUM_THREADS': self._threads,
            'PERFORMANCE_HINT': 'LATENCY',
            # Some processors would compute in bfloat16 otherwise, with other results.
            'INFERENCE_PRECISION_HINT': 'f32',
            # Several networks of one process would share the cores that one of them is bound to.
            'ENABLE_CPU_PINNING': False,
        }
        core = openvino.Core()
        try:
            network = core.read_model(str(model) if isinstance(model, Path) else model)
            compiled = core.compile_model(network, 'CPU', settings)
            self._inputs = tuple(map(_spec, compiled.inputs))
            self._outputs = tuple(map(_spec, compiled.outputs))
            self._request: Any = compiled.create_infer_request()
        except RuntimeError as error:
            raise _failure(f'OpenVINO cannot load {self._title}', error) from error
        self._ops = HostOps()

    @property
    def name(self) -> str:
        """Runtime and provider."""
        return 'openvino-cpu'

    @property
    def threads(self) -> int:
        """Threads in use."""
        return self._threads

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The inputs, in the network's order."""
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The outputs, in the network's order."""
        return self._outputs

    @property
    def ops(self) -> HostOps:
        """Pre- and post-processing on the host."""
        return self._ops

    @property
    def largest_batch(self) -> int:
        """The fixed first axis of the inputs; 0 = any."""
        return fixed_batch(self._inputs)

    def run(self, inputs: Tensors, into: Tensors | None = None) -> dict[str, NDArray[Any]]:
        """Run once; every output by name.

        Raises:
            ModelError: an array is missing or of the wrong shape or type, or the run fails.
            OutOfMemoryError: there is no memory for these shapes.
        """
        if self._request is None:
            raise ModelError(f'{self._title} is closed')
        arrays = [
            checked(self._title, spec, inputs.get(spec.name), 'input') for spec in self._inputs]
        try:
            values = self._request.infer(
                arrays, share_inputs=True, share_outputs=into is not None).values()
        except (RuntimeError, MemoryError) as error:
            raise _failure(f'{self._title} failed', error) from error
        results = dict(zip((spec.name for spec in self._outputs), values, strict=True))
        if into is None:
            return results
        for spec in self._outputs:
            exact = TensorSpec(spec.name, results[spec.name].shape, spec.dtype)
            np.copyto(
                checked(self._title, exact, into.get(spec.name), 'output'), results[spec.name])
        return dict(into)

    def run_on_device(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Run once; the host is the device."""
        return self.run(inputs)

    def close(self) -> None:
        """Give back the memory."""
        self._request = None


def _spec(port: Any) -> TensorSpec:
    rank = port.get_partial_shape()
    name = port.get_any_name()
    if rank.rank.is_dynamic:
        raise RuntimeError(f'{name} has no fixed number of dimensions: export it with one')
    shape = tuple(None if size.is_dynamic else size.get_length() for size in rank)
    return TensorSpec(name, shape, port.get_element_type().to_dtype().name)


def _failure(where: str, error: Exception) -> ModelError:
    text = ' '.join(str(error).split())
    if isinstance(error, MemoryError) or 'bad_alloc' in text:
        return OutOfMemoryError(f'{where}: there is no memory for it')
    unknown = _UNKNOWN_OPERATOR.search(text)
    if unknown:
        return ModelError(
            f'{where}: it does not know the operators {unknown[1]}: export the network with '
            'standard ONNX operators')
    return ModelError(f'{where}: {" ".join(_NOISE.sub("", text).split())}')
