"""An engine made ready for inputs of one shape: context, arrays, CUDA graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from neuropose_ros.core.errors import ModelError, OutOfMemoryError
from neuropose_ros.inference.ops.device import Tensor
from neuropose_ros.inference.runtime import TensorSpec
from neuropose_ros.inference.tensorrt import compat
from neuropose_ros.inference.tensorrt.allocator import output_allocator
from neuropose_ros.inference.tensorrt.device import Device
from neuropose_ros.inference.tensorrt.logger import Log, Messages
from neuropose_ros.inference.tensorrt.profiles import Shape


class WorkingMemory:
    """The working memory that all contexts of an engine share, since one runs at a time."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._memory: Tensor = None
        self.size_bytes = -1

    @property
    def address(self) -> int:
        """Where it lies."""
        return int(self._memory.data_ptr())

    def grow(self, size_bytes: int) -> None:
        """Replace it by a larger one; what was captured with the old one is no longer valid.

        Raises:
            OutOfMemoryError: there is no room.
        """
        self._memory, self.size_bytes = None, -1  # first, since both might not fit
        self._memory = self._device.empty((max(1, size_bytes),), 'uint8')
        self.size_bytes = size_bytes


class CudaGraphs:
    """Whether runs are recorded; ends for good, with one announcement, where it does not work."""

    def __init__(self, title: str, announce: Callable[[str], None]) -> None:
        self._title = title
        self._announce = announce
        self.wanted = True

    def give_up(self, reason: str) -> None:
        """Run without from now on."""
        if self.wanted:
            self._announce(f'{self._title} runs without a CUDA graph: {reason}')
        self.wanted = False


@dataclass(frozen=True)
class Loaded:
    """An engine and what it runs with."""

    trt: Any
    title: str
    engine: Any
    device: Device
    log: Log
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


class Prepared:
    """One context with its arrays; input arrays are written, then `run`, then outputs read."""

    def __init__(self, loaded: Loaded, graphs: CudaGraphs) -> None:
        """Make a context; `set_shapes` and `bind` have to follow."""
        self._loaded, self._graphs = loaded, graphs
        self._allocators: dict[str, Any] = {}
        self._replay: Callable[[], None] | None = None
        self.inputs: dict[str, Tensor] = {}
        self._fixed: dict[str, Tensor] = {}
        with loaded.log.collecting() as messages:
            self._context = compat.context_without_memory(loaded.trt, loaded.engine)
            if self._context is None:
                raise self._failure('make a context', messages)

    def set_shapes(self, profile_index: int, shapes: Mapping[str, Shape]) -> int:
        """Choose the shapes; return the working memory that they need, in bytes.

        Raises:
            ModelError: TensorRT refuses them; with its reason.
        """
        context, stream = self._context, self._loaded.device.stream
        with self._loaded.log.collecting() as messages:
            if not context.set_optimization_profile_async(profile_index, stream):
                raise self._failure(f'use its profile {profile_index}', messages)
            for name, shape in shapes.items():
                if not context.set_input_shape(name, shape):
                    raise self._failure(f'take {name} of shape {shape}', messages)
            return compat.working_memory_bytes(self._loaded.engine, context)

    def bind(self, working: WorkingMemory) -> None:
        """Make the arrays and hand all addresses over.

        Raises:
            ModelError: TensorRT refuses one; with its reason.
            OutOfMemoryError: the device has no room for the arrays.
        """
        context = self._context
        compat.give_working_memory(context, working.address, working.size_bytes)
        with self._loaded.log.collecting() as messages:
            for spec in (*self._loaded.inputs, *self._loaded.outputs):
                shape = tuple(context.get_tensor_shape(spec.name))
                if any(size < 0 for size in shape):
                    self._bind_allocator(spec.name, messages)
                    continue
                # torch gives empty arrays no address, which TensorRT refuses.
                memory = self._loaded.device.empty((max(1, math.prod(shape)),), spec.dtype)
                if not context.set_tensor_address(spec.name, memory.data_ptr()):
                    raise self._failure(f'use the memory for {spec.name}', messages)
                array = memory[:math.prod(shape)].reshape(shape)
                arrays = self.inputs if spec in self._loaded.inputs else self._fixed
                arrays[spec.name] = array

    def _bind_allocator(self, name: str, messages: Messages) -> None:
        allocator = output_allocator(self._loaded.trt, self._loaded.device)
        if not self._context.set_output_allocator(name, allocator):
            raise self._failure(f'let us make the memory of {name}', messages)
        self._allocators[name] = allocator

    def run(self) -> None:
        """Compute; the first time without a graph, which is then recorded.

        Raises:
            ModelError: the run fails; with TensorRT's reason.
            OutOfMemoryError: it fails because the device has no room.
        """
        if self._replay is not None:
            self._replay()
            return
        self._execute()
        if not self._graphs.wanted:
            return
        if self._allocators:
            self._graphs.give_up(
                f'the size of {", ".join(self._allocators)} depends on the data')
            return
        try:
            self._replay = self._loaded.device.capture(self._execute)
        except ModelError as error:
            self._graphs.give_up(f'it cannot be recorded ({error})')

    def outputs(self) -> dict[str, Tensor]:
        """Return the results of the last run; valid until the next one."""
        return {
            spec.name: self._fixed[spec.name] if spec.name in self._fixed
            else _viewed(self._allocators[spec.name], self._loaded.device, spec.dtype)
            for spec in self._loaded.outputs}

    def _execute(self) -> None:
        with self._loaded.log.collecting() as messages:
            if self._context.execute_async_v3(self._loaded.device.stream):
                return
            failures = [allocator.failure for allocator in self._allocators.values()
                        if allocator.failure is not None]
            raise failures[0] if failures else self._failure('run', messages)

    def _failure(self, what: str, messages: Messages) -> ModelError:
        kind = OutOfMemoryError if messages.out_of_memory else ModelError
        return kind(f'TensorRT cannot {what} ({self._loaded.title}): {messages.reason}')


def _viewed(allocator: Any, device: Device, dtype: str) -> Tensor:
    """Return what an allocator holds in its type and shape."""
    count = math.prod(allocator.shape)
    if allocator.memory is None or not count:
        return device.empty(allocator.shape, dtype)
    example = device.empty((0,), dtype)
    size = count * example.element_size()
    return allocator.memory[:size].view(example.dtype).reshape(allocator.shape)
