"""Running a network with ONNX Runtime, on the processor or through another provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from neuropose_ros.core.errors import ModelError, OutOfMemoryError
from neuropose_ros.inference.cache import cache_folder
from neuropose_ros.inference.checks import checked, fixed_batch
from neuropose_ros.inference.ops.device import DeviceOps, Tensor
from neuropose_ros.inference.ops.host import HostOps
from neuropose_ros.inference.providers import (
    PROVIDERS,
    TITLES,
    import_onnxruntime,
    preload_cuda,
    provider_missing,
    provider_settings,
)
from neuropose_ros.inference.runtime import Tensors, TensorSpec
from neuropose_ros.inference.threads import thread_budget

_DTYPES = {
    'tensor(float)': 'float32', 'tensor(float16)': 'float16', 'tensor(double)': 'float64',
    'tensor(uint8)': 'uint8', 'tensor(int8)': 'int8', 'tensor(int32)': 'int32',
    'tensor(int64)': 'int64', 'tensor(bool)': 'bool',
}
_UNKNOWN_OPERATOR = re.compile(
    r'No Op registered for (\S+)|(\S+?)\(-?\d+\) is not a registered function/op|'
    r'Could not find an implementation for (\S+?)\(')
_NO_MEMORY = re.compile(
    r'[Ff]ailed to allocate memory|out of memory|bad_alloc|OUT_OF_MEMORY|'
    r'smaller than requested bytes')
# Its error code, and the place in its source.
_NOISE = re.compile(r'^\[ONNXRuntimeError\] : \d+ : \w+ : |/\S*onnxruntime\S*:\d+ .*?\) ')


class OnnxRuntime:
    """A network loaded by ONNX Runtime; implements `Runtime`.

    Beside a GPU, pre- and post-processing is done there when torch sees it.
    """

    def __init__(
        self, model: Path | bytes, *, threads: int = 0, provider: str = 'cpu',
        precision: str = 'fp16', cache: Path | None = None, device: int = 0,
    ) -> None:
        """Load a network.

        Args:
            model: an .onnx file, or its content.
            threads: 0 = what the machine has to spare, see `thread_budget`.
            provider: one of `PROVIDERS`.
            precision: ``fp16`` or ``fp32``; only TensorRT heeds it.
            cache: where TensorRT keeps its engines; None = in the user's cache.
            device: number of the GPU.

        Raises:
            ModelError: ONNX Runtime or the provider is not there, or the file cannot be loaded.
            OutOfMemoryError: the device has no room for the network.
        """
        missing = provider_missing(provider)
        if missing:
            raise ModelError(f'ONNX Runtime cannot use {TITLES[provider]}: {missing}')
        self._provider = provider
        self._threads = thread_budget(threads)
        self._title = model.name if isinstance(model, Path) else f'a network of {len(model)} bytes'
        if isinstance(model, Path) and not model.is_file():
            raise ModelError(f'ONNX Runtime cannot load {model}: there is no such file')
        folder = cache or (cache_folder() if provider == 'tensorrt' else Path())
        self._session = self._load(model, provider_settings(
            provider, self._threads, precision, folder / 'onnxruntime-tensorrt', device))
        self._inputs = tuple(map(_spec, self._session.get_inputs()))
        self._outputs = tuple(map(_spec, self._session.get_outputs()))
        for node in (*self._session.get_inputs(), *self._session.get_outputs()):
            if not node.type.startswith('tensor('):
                raise ModelError(
                    f'{self._title}: its {node.name} is a {node.type}, not a tensor: export it '
                    'with tensors alone')
        for spec in self._inputs:
            if not spec.shape:
                raise ModelError(
                    f'{self._title}: its input {spec.name} has no fixed number of dimensions: '
                    'export it with one')
        self._names = [spec.name for spec in self._outputs]
        self._ops = self._device_ops(device)

    @property
    def name(self) -> str:
        """Runtime and provider."""
        return f'onnxruntime-{self._provider}'

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
    def ops(self) -> DeviceOps:
        """Pre- and post-processing beside the network."""
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
        session = self._open()
        arrays = {spec.name: checked(self._title, spec, inputs.get(spec.name), 'input')
                  for spec in self._inputs}
        try:
            if into is not None:
                return self._run_into(session, arrays, into)
            values = session.run(self._names, arrays)
        except ModelError:
            raise
        except Exception as error:  # its exceptions share no base
            raise _failure(f'{self._title} failed', error) from error
        return dict(zip(self._names, values, strict=True))

    def run_on_device(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run once on arrays that `ops` made; the outputs stay there.

        Raises:
            ModelError: an array is missing or of the wrong shape or type, or the run fails.
            OutOfMemoryError: there is no memory for these shapes.
        """
        if isinstance(self._ops, HostOps):
            return self.run(inputs)
        from neuropose_ros.inference.onnx_tensors import run_on_tensors
        session = self._open()
        try:
            return run_on_tensors(session, self._title, self._inputs, self._names, inputs)
        except ModelError:
            raise
        except Exception as error:  # its exceptions share no base
            raise _failure(f'{self._title} failed', error) from error

    def close(self) -> None:
        """Give back the memory."""
        self._session = None

    def _open(self) -> Any:
        if self._session is None:
            raise ModelError(f'{self._title} is closed')
        return self._session

    def _run_into(
        self, session: Any, arrays: Tensors, into: Tensors,
    ) -> dict[str, NDArray[Any]]:
        binding = session.io_binding()
        for name, array in arrays.items():
            binding.bind_input(name, 'cpu', 0, array.dtype, array.shape, array.ctypes.data)
        for spec in self._outputs:
            array = checked(self._title, spec, into.get(spec.name), 'output')
            binding.bind_output(
                spec.name, 'cpu', 0, array.dtype, array.shape, array.ctypes.data)
        session.run_with_iobinding(binding)
        return dict(into)

    def _load(self, model: Path | bytes, providers: list[tuple[str, dict[str, str]]]) -> Any:
        onnxruntime = import_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        # Threads that spin while they wait burn a processor that the rest of the graph needs.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        # What it logs as an error it also raises, and what it raises is said.
        options.log_severity_level = 4
        if self._provider in {'tensorrt', 'cuda'}:
            preload_cuda()
        where = f'ONNX Runtime {onnxruntime.__version__} cannot load {self._title}'
        try:
            session = onnxruntime.InferenceSession(
                str(model) if isinstance(model, Path) else model, options,
                providers=providers, enable_fallback=0)
        except Exception as error:  # its exceptions share no base
            raise _failure(where, error) from error
        # It goes on without a provider whose libraries do not load.
        if PROVIDERS[self._provider] not in session.get_providers():
            raise ModelError(
                f'{where} with {PROVIDERS[self._provider]}: libraries that it needs are not '
                'there, or not in the version that it needs')
        return session

    def _device_ops(self, device: int) -> DeviceOps:
        if self._provider not in {'tensorrt', 'cuda'}:
            return HostOps()
        try:
            from neuropose_ros.inference.onnx_tensors import tensor_ops
        except (ImportError, OSError):  # no torch that loads: the arrays travel
            return HostOps()
        return tensor_ops(device) or HostOps()


def _spec(node: Any) -> TensorSpec:
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    return TensorSpec(node.name, shape, _DTYPES.get(node.type, node.type))


def _failure(where: str, error: Exception) -> ModelError:
    text = ' '.join(str(error).split())
    if isinstance(error, MemoryError) or _NO_MEMORY.search(text):
        return OutOfMemoryError(f'{where}: there is no memory for it')
    unknown = _UNKNOWN_OPERATOR.search(text)
    if unknown:
        operator = next(filter(None, unknown.groups()))
        return ModelError(
            f'{where}: it does not know the operator {operator}: export the network with '
            'standard ONNX operators')
    return ModelError(f'{where}: {_NOISE.sub("", text)}')
