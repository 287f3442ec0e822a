"""Running a network with TensorRT; implements `Runtime`."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import ModelError, OutOfMemoryError
from neuropose_ros.inference.cache import cache_folder
from neuropose_ros.inference.ops.device import DeviceOps, PictureInput, Tensor
from neuropose_ros.inference.runtime import Tensors, TensorSpec
from neuropose_ros.inference.tensorrt.builder import Request
from neuropose_ros.inference.tensorrt.compat import load_tensorrt
from neuropose_ros.inference.tensorrt.device import Device, TorchDevice, device_errors
from neuropose_ros.inference.tensorrt.engine import describe, load_engine
from neuropose_ros.inference.tensorrt.logger import shared_logger
from neuropose_ros.inference.tensorrt.prepared import CudaGraphs, Loaded, Prepared, WorkingMemory
from neuropose_ros.inference.tensorrt.profiles import Shape

# Each prepared shape holds a context and its arrays. To make one takes as long as many runs: all
# numbers of people from 1 to the usual 20 are kept.
_KEPT_SHAPES = 24


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr)


def build_engine(
    model: Path, *, precision: str = 'fp16', batch: int = 1, input: PictureInput,
    cache: Path | None = None, device: Device | int = 0,
    announce: Callable[[str], None] = _to_stderr,
) -> Path:
    """Build an engine ahead of time, unless the cache has it; return where it lies.

    Args: as of `TensorRtRuntime`.

    Raises:
        ModelError: TensorRT is not here or cannot build the network; with the reason.
    """
    trt, request, there = (
        load_tensorrt(), Request.read(model, precision, batch, input), _as_device(device))
    with there.active():
        _, path = load_engine(trt, request, cache or cache_folder(), there.gpu, announce)
    return path


class TensorRtRuntime:
    """A network as a TensorRT engine; implements `Runtime`.

    Used from one thread at a time; others wait.
    """

    def __init__(
        self, model: Path, *, precision: str = 'fp16', batch: int = 1, input: PictureInput,
        cache: Path | None = None, device: Device | int = 0,
        announce: Callable[[str], None] = _to_stderr,
    ) -> None:
        """Load an engine from the cache, or build it, which takes minutes.

        Args:
            model: an .onnx file.
            precision: ``fp16`` or ``fp32``.
            batch: the largest first axis; a network with a fixed one keeps its own.
            input: what the network takes; its size stands for dynamic axes.
            cache: the user's cache when None.
            device: number of the CUDA device.
            announce: takes one sentence on each build and each fall-back.

        Raises:
            ModelError: TensorRT is not here, or cannot read, build or load the network.
            OutOfMemoryError: the device has no room for it.
        """
        trt = load_tensorrt()
        self._device = _as_device(device)
        self._title = model.name
        self._name = f'tensorrt-{trt.__version__}'
        request = Request.read(model, precision, batch, input)
        with self._device.active():
            engine, self._path = load_engine(
                trt, request, cache or cache_folder(), self._device.gpu, announce)
        self._profiles = request.profiles
        self._inputs, self._outputs = describe(trt, engine, request)
        _, log = shared_logger(trt)
        self._loaded: Loaded | None = Loaded(
            trt, self._title, engine, self._device, log, self._inputs, self._outputs)
        self._graphs = CudaGraphs(self._title, announce)
        self._working = WorkingMemory(self._device)
        self._shapes: OrderedDict[tuple[tuple[str, Shape], ...], Prepared] = OrderedDict()
        self._ops: DeviceOps | None = None
        self._lock = threading.Lock()
        self._try_one_row()

    @property
    def name(self) -> str:
        """Runtime and version."""
        return self._name

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
        """Pre- and post-processing on the same device."""
        if self._ops is None:
            self._ops = self._device.ops()
        return self._ops

    @property
    def largest_batch(self) -> int:
        """The largest first axis of the inputs."""
        return max((shape[0] for shape in self._profiles[-1].largest.values() if shape), default=1)

    @property
    def engine_path(self) -> Path:
        """The engine's file."""
        return self._path

    def run(self, inputs: Tensors, into: Tensors | None = None) -> dict[str, NDArray[Any]]:
        """Run once on arrays of the host; see `Runtime.run`.

        Raises:
            ModelError: an array is missing or of the wrong shape or type, or the run fails.
            OutOfMemoryError: the device has no room for these shapes.
        """
        results = self._run(inputs, self._device.copy_in, self._device.copy_out)
        if into is None:
            return results
        for spec in self._outputs:
            target, got = into.get(spec.name), results[spec.name]
            if target is None or target.shape != got.shape or target.dtype != got.dtype:
                raise ModelError(
                    f'{self._title} gives the output {spec.name} as {got.dtype} {got.shape}: '
                    'the array to write it into is missing or differs')
            np.copyto(target, got)
        return dict(into)

    def run_on_device(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run once on arrays that `ops` made; see `Runtime.run_on_device`.

        Raises:
            ModelError: an array is missing or of the wrong shape or type, or the run fails.
            OutOfMemoryError: the device has no room for these shapes.
        """
        return self._run(inputs, lambda value, target: target.copy_(value), lambda tensor: tensor)

    def close(self) -> None:
        """Give back the memory; the runtime is not used again."""
        with self._lock:
            self._forget_shapes()
            self._working = WorkingMemory(self._device)
            self._loaded = None

    def _run(
        self, inputs: Mapping[str, Any], copy_in: Callable[[Any, Tensor], object],
        copy_out: Callable[[Tensor], Any],
    ) -> dict[str, Any]:
        shapes = {spec.name: self._checked(spec, inputs.get(spec.name)) for spec in self._inputs}
        with self._working_on_device() as loaded:
            prepared = self._prepared(loaded, shapes)
            for name, target in prepared.inputs.items():
                copy_in(inputs[name], target)
            prepared.run()
            return {name: copy_out(tensor) for name, tensor in prepared.outputs().items()}

    def _try_one_row(self) -> None:
        """Fail here, not at the first picture; and have the first picture run from a graph."""
        shapes = {spec.name: self._profiles[0].smallest[spec.name] for spec in self._inputs}
        with self._working_on_device() as loaded:
            prepared = self._prepared(loaded, shapes)
            for target in prepared.inputs.values():
                target.zero_()
            prepared.run()

    @contextlib.contextmanager
    def _working_on_device(self) -> Iterator[Loaded]:
        with self._lock, device_errors(self._title, self._device.gpu), self._device.active():
            if self._loaded is None:
                raise ModelError(f'{self._title} is closed')
            yield self._loaded

    def _prepared(self, loaded: Loaded, shapes: Mapping[str, Shape]) -> Prepared:
        key = tuple(shapes.items())
        if key in self._shapes:
            self._shapes.move_to_end(key)
            return self._shapes[key]
        try:
            prepared = self._prepare(loaded, shapes)
        except OutOfMemoryError:
            if not self._shapes:
                raise
            self._forget_shapes()  # the arrays of other batches may be what is in the way
            prepared = self._prepare(loaded, shapes)
        self._shapes[key] = prepared
        if len(self._shapes) > _KEPT_SHAPES:
            self._device.synchronize()
            self._shapes.popitem(last=False)
        return prepared

    def _forget_shapes(self) -> None:
        """Drop all contexts; TensorRT does not allow that while one runs."""
        if self._shapes:
            self._device.synchronize()
        self._shapes.clear()

    def _prepare(self, loaded: Loaded, shapes: Mapping[str, Shape]) -> Prepared:
        index = next((i for i, known in enumerate(self._profiles) if known.holds(shapes)), -1)
        if index < 0:
            raise ModelError(
                f'the engine of {self._title} takes up to {dict(self._profiles[-1].largest)}, '
                f'not {dict(shapes)}')
        prepared = Prepared(loaded, self._graphs)
        needed = prepared.set_shapes(index, shapes)
        if needed > self._working.size_bytes:
            # Contexts and graphs hold the old address.
            self._forget_shapes()
            self._working.grow(needed)
        prepared.bind(self._working)
        return prepared

    def _checked(self, spec: TensorSpec, value: Any) -> Shape:
        """Return the shape of an array of the host or the device that fits an input."""
        if value is None or not hasattr(value, 'shape'):
            raise ModelError(f'{self._title} needs the input {spec.name} as an array')
        shape = tuple(int(size) for size in value.shape)
        dtype = str(value.dtype).rpartition('.')[2]  # torch says torch.float32
        if dtype != spec.dtype or len(shape) != len(spec.shape) or not all(
                expected in {None, got} for expected, got in zip(spec.shape, shape, strict=True)):
            raise ModelError(
                f'{self._title} needs the input {spec.name} as {spec.dtype} {spec.shape}, '
                f'not {dtype} {shape}')
        return shape


def _as_device(device: Device | int) -> Device:
    return TorchDevice(device) if isinstance(device, int) else device
