"""A STAND-IN for the GPU: torch's memory on the processor, and graphs that only call again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from neuropose_ros.core.errors import ModelError, OutOfMemoryError
from neuropose_ros.inference.ops.torch import TorchOps
from neuropose_ros.inference.tensorrt.device import Gpu


class CpuDevice:
    """Implements `Device`; counts what it hands out, and can be short of room."""

    def __init__(self, gpu: str = 'Stand-in 3000', room_bytes: int = 1 << 30) -> None:
        self.gpu = Gpu(gpu, '8.6')
        self.stream = 7
        self.room_bytes = room_bytes
        self.capture_error = ''
        self.captures = 0
        self.replays = 0
        self.depth = 0
        self.waits = 0

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def empty(self, shape: tuple[int, ...], dtype: str) -> Any:
        tensor = torch.empty(shape, dtype=getattr(torch, dtype))
        if tensor.numel() * tensor.element_size() > self.room_bytes:
            raise OutOfMemoryError(f'{self.gpu.name} has no room for {shape}')
        return tensor

    def copy_in(self, array: Any, tensor: Any) -> None:
        tensor.copy_(torch.from_numpy(array))

    def copy_out(self, tensor: Any) -> Any:
        return np.array(tensor.numpy())

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        if self.capture_error:
            raise ModelError(self.capture_error)
        self.captures += 1

        def replay() -> None:
            self.replays += 1
            work()

        return replay

    def synchronize(self) -> None:
        self.waits += 1

    def ops(self) -> TorchOps:
        return TorchOps('cpu')
