"""Memory for outputs whose size only the data tells."""

from __future__ import annotations

from typing import Any

from neuropose_ros.core.errors import OutOfMemoryError
from neuropose_ros.inference.ops.device import Tensor
from neuropose_ros.inference.tensorrt.device import Device


def output_allocator(trt: Any, device: Device) -> Any:
    """Return an IOutputAllocator: after a run, ``shape`` and ``memory`` tell what came.

    ``failure`` holds the error of a device without room: an exception would be lost in the C++
    around the call, which then only says that the run failed.
    """
    class Allocator(trt.IOutputAllocator):
        def __init__(self) -> None:
            trt.IOutputAllocator.__init__(self)
            self.memory: Tensor = None
            self.shape: tuple[int, ...] = ()
            self.failure: OutOfMemoryError | None = None
            self._size = -1

        def reallocate_output(
            self, _tensor_name: str, _memory: Any, size: int, _alignment: int,
        ) -> int:
            self.failure = None
            # torch aligns to 512 bytes, TensorRT asks for 256 at most. Kept when large enough.
            if size > self._size:
                try:
                    self.memory = device.empty((max(1, size),), 'uint8')
                except OutOfMemoryError as error:
                    self.failure = error
                    return 0
                self._size = size
            return int(self.memory.data_ptr())

        def reallocate_output_async(
            self, tensor_name: str, memory: Any, size: int, alignment: int, _stream: int,
        ) -> int:
            return self.reallocate_output(tensor_name, memory, size, alignment)

        def notify_shape(self, _tensor_name: str, shape: Any) -> None:
            self.shape = tuple(shape)

    return Allocator()
