"""Running a network with ONNX Runtime on the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.ops.host import HostOps
from neuropose_ros.inference.runtime import Tensors, TensorSpec
from neuropose_ros.inference.threads import thread_budget

_DTYPES = {
    'tensor(float)': 'float32', 'tensor(float16)': 'float16', 'tensor(double)': 'float64',
    'tensor(uint8)': 'uint8', 'tensor(int8)': 'int8', 'tensor(int32)': 'int32',
    'tensor(int64)': 'int64', 'tensor(bool)': 'bool',
}


class OnnxRuntime:
    """A network loaded by ONNX Runtime; implements `Runtime`."""

    def __init__(self, model: Path | bytes, *, threads: int = 0) -> None:
        """Load a network.

        Args:
            model: an .onnx file, or its content.
            threads: 0 = what the machine has to spare, see `thread_budget`.

        Raises:
            ModelError: ONNX Runtime is not installed, or the file cannot be loaded.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise ModelError(
                'ONNX Runtime is not installed in this Python: pip install onnxruntime'
            ) from error
        self._threads = thread_budget(threads)
        self._title = model.name if isinstance(model, Path) else 'the network'
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        # Threads that spin while they wait burn a processor that the rest of the graph needs.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(model) if isinstance(model, Path) else model, options,
                providers=['CPUExecutionProvider'])
        except Exception as error:  # its exceptions share no base
            raise ModelError(
                f'ONNX Runtime {onnxruntime.__version__} cannot load {model_name(model)}: {error}'
            ) from error
        self._inputs = tuple(map(_spec, self._session.get_inputs()))
        self._outputs = tuple(map(_spec, self._session.get_outputs()))
        self._names = [spec.name for spec in self._outputs]
        self._ops = HostOps()

    @property
    def name(self) -> str:
        """Runtime and provider."""
        return 'onnxruntime-cpu'

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
        return min((spec.shape[0] or 0 for spec in self._inputs if spec.shape), default=0)

    def run(self, inputs: Tensors, into: Tensors | None = None) -> dict[str, NDArray[Any]]:
        """Run once; every output by name.

        Raises:
            ModelError: an array is missing or of the wrong shape or type, or the run fails.
        """
        if self._session is None:
            raise ModelError(f'{self._title} is closed')
        for spec in self._inputs:
            self._check(spec, inputs.get(spec.name), 'input')
        try:
            if into is not None:
                return self._run_into(inputs, into)
            values = self._session.run(self._names, dict(inputs))
        except ModelError:
            raise
        except Exception as error:  # its exceptions share no base
            raise ModelError(f'{self._title} failed: {error}') from error
        return dict(zip(self._names, values, strict=True))

    def run_on_device(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Run once; the host is the device."""
        return self.run(inputs)

    def _run_into(self, inputs: Tensors, into: Tensors) -> dict[str, NDArray[Any]]:
        binding = self._session.io_binding()
        for spec in self._inputs:
            array = inputs[spec.name]
            binding.bind_input(
                spec.name, 'cpu', 0, array.dtype, array.shape, array.ctypes.data)
        for spec in self._outputs:
            self._check(spec, into.get(spec.name), 'output')
            array = into[spec.name]
            binding.bind_output(
                spec.name, 'cpu', 0, array.dtype, array.shape, array.ctypes.data)
        self._session.run_with_iobinding(binding)
        return dict(into)

    def close(self) -> None:
        """Give back the memory."""
        self._session = None

    def _check(self, spec: TensorSpec, value: NDArray[Any] | None, role: str) -> None:
        if not isinstance(value, np.ndarray):
            raise ModelError(f'{self._title} needs the {role} {spec.name} as an array')
        fits = len(value.shape) == len(spec.shape) and all(
            expected in {None, got} for expected, got in zip(spec.shape, value.shape, strict=True))
        if not fits or value.dtype != spec.dtype or not value.flags.c_contiguous:
            raise ModelError(
                f'{self._title} needs the {role} {spec.name} as contiguous {spec.dtype} '
                f'{spec.shape}, not {value.dtype} {value.shape}')


def model_name(model: Path | bytes) -> str:
    """Name a model for people."""
    return str(model) if isinstance(model, Path) else f'a network of {len(model)} bytes'


def _spec(node: Any) -> TensorSpec:
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    return TensorSpec(node.name, shape, _DTYPES.get(node.type, node.type))
