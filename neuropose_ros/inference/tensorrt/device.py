"""The GPU: memory, streams and graphs, all through torch and only here."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import ModelError, OutOfMemoryError
from neuropose_ros.inference.ops.device import DeviceOps, Tensor

# While one stream of a device is recorded, nobody may wait for the whole device, as torch does at
# the beginning of each recording.
_RECORDING = threading.Lock()


@dataclass(frozen=True)
class Gpu:
    """What an engine is bound to: its name, and its compute capability, as ``8.7``."""

    name: str
    compute_capability: str


class Device(Protocol):
    """Where TensorRT runs."""

    @property
    def gpu(self) -> Gpu:
        """The GPU."""
        ...

    @property
    def stream(self) -> int:
        """The handle of our stream."""
        ...

    def active(self) -> AbstractContextManager[None]:
        """Work on this device, in our stream, after and before the caller's own work."""
        ...

    def empty(self, shape: tuple[int, ...], dtype: str) -> Tensor:
        """Return new memory.

        Raises:
            OutOfMemoryError: there is no room.
        """
        ...

    def copy_in(self, array: NDArray[Any], tensor: Tensor) -> None:
        """Copy an array of the host."""
        ...

    def copy_out(self, tensor: Tensor) -> NDArray[Any]:
        """Return a copy on the host, when all work before it is done."""
        ...

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        """Record work on our stream; what is returned plays it.

        Raises:
            ModelError: the work cannot be recorded.
        """
        ...

    def synchronize(self) -> None:
        """Wait until all work on our stream is done."""
        ...

    def ops(self) -> DeviceOps:
        """Pre- and post-processing there."""
        ...


class TorchDevice:
    """A CUDA device of torch; implements `Device`."""

    def __init__(self, index: int = 0) -> None:
        """Take the CUDA device of this number.

        Raises:
            ModelError: there is none, it cannot be used, or torch is not installed.
            OutOfMemoryError: it has no room.
        """
        try:
            import torch
        except (ImportError, OSError) as error:  # OSError: a library that it needs is not there
            raise ModelError(
                f'TensorRT here needs torch with CUDA ({error}): pip install torch') from error
        self._torch = torch
        if index >= torch.cuda.device_count():
            raise ModelError(
                f'there is no CUDA device {index}: torch sees {torch.cuda.device_count()}')
        self._device = torch.device('cuda', index)
        # The first of these starts CUDA: the device may be somebody else's alone, or full.
        with device_errors('CUDA', Gpu(f'device {index}', '')):
            major, minor = torch.cuda.get_device_capability(index)
            self._gpu = Gpu(torch.cuda.get_device_name(index), f'{major}.{minor}')
            # TensorRT synchronises the whole device when it runs on the default stream.
            self._stream = torch.cuda.Stream(self._device)

    @property
    def gpu(self) -> Gpu:
        """The GPU."""
        return self._gpu

    @property
    def stream(self) -> int:
        """The handle of our stream."""
        return int(self._stream.cuda_stream)

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """Work on this device, in our stream, after and before the caller's own work."""
        cuda = self._torch.cuda
        caller = cuda.current_stream(self._device)
        self._stream.wait_stream(caller)
        with cuda.device(self._device), cuda.stream(self._stream):
            try:
                yield
            finally:
                caller.wait_stream(self._stream)

    def empty(self, shape: tuple[int, ...], dtype: str) -> Tensor:
        """Return new memory."""
        with memory_errors(self._gpu, f'an array of {dtype} {shape}'):
            return self._torch.empty(
                shape, dtype=getattr(self._torch, dtype), device=self._device)

    def copy_in(self, array: NDArray[Any], tensor: Tensor) -> None:
        """Copy an array of the host."""
        # torch warns of arrays that may not be written, as those of messages.
        own = np.require(array, requirements=['C', 'W'])
        tensor.copy_(self._torch.from_numpy(own))

    def copy_out(self, tensor: Tensor) -> NDArray[Any]:
        """Return a copy on the host, when all work before it is done."""
        result: NDArray[Any] = tensor.cpu().numpy()
        return result

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        """Record work on our stream as a CUDA graph."""
        graph = self._torch.cuda.CUDAGraph()
        try:
            # Other threads of a node may allocate meanwhile, which the strict mode forbids.
            with _RECORDING, self._torch.cuda.graph(
                    graph, stream=self._stream, capture_error_mode='thread_local'):
                work()
        except (RuntimeError, TypeError) as error:  # TypeError: torch before 2.1 has no such mode
            raise ModelError(str(error).partition('\n')[0]) from error
        replay: Callable[[], None] = graph.replay
        return replay

    def synchronize(self) -> None:
        """Wait until all work on our stream is done."""
        self._stream.synchronize()

    def ops(self) -> DeviceOps:
        """Pre- and post-processing there."""
        from neuropose_ros.inference.ops.torch import TorchOps
        return TorchOps(str(self._device))


@contextlib.contextmanager
def device_errors(title: str, gpu: Gpu) -> Iterator[None]:
    """Turn what torch raises when the device fails into one sentence.

    Raises:
        ModelError: the device failed.
        OutOfMemoryError: it has no room.
    """
    try:
        with memory_errors(gpu, title):
            yield
    except RuntimeError as error:
        first = str(error).partition('\n')[0]
        raise ModelError(f'{title} failed on {gpu.name}: {first}') from error


@contextlib.contextmanager
def memory_errors(gpu: Gpu, what: str) -> Iterator[None]:
    """Turn torch's out-of-memory errors, which are RuntimeErrors, into ours.

    Raises:
        OutOfMemoryError: there is no room.
    """
    try:
        yield
    except RuntimeError as error:
        # torch.OutOfMemoryError has changed its place and base over the years, not its text.
        if 'out of memory' not in str(error) and "can't allocate memory" not in str(error):
            raise
        raise OutOfMemoryError(f'{gpu.name} has no room for {what}') from error
