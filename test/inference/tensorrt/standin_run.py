"""The half of the stand-in that loads plans and runs them; see standin.py."""

from __future__ import annotations

import ctypes
import json
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper

_NUMPY = {'FLOAT': 'float32', 'HALF': 'float16', 'INT8': 'int8', 'INT32': 'int32',
          'INT64': 'int64', 'UINT8': 'uint8', 'BOOL': 'bool'}
_DATA_DEPENDENT = {'NonZero', 'NonMaxSuppression'}


class Runtime:
    __slots__ = ('_logger',)

    def __init__(self, logger: Any) -> None:
        self._logger = logger

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> Any:
        world = self._trt.world
        error = world.load_errors.pop(0) if world.load_errors else ''
        head, _, model = bytes(serialized_engine).partition(b'\n')
        if not error and not head.startswith(b'{'):
            error = 'the magic tag does not match'
        if not error and json.loads(head)['version'] != world.version:
            error = 'the version tag does not match'
        if error:
            world.say(self._logger, error)
            return None
        return self._trt.ICudaEngine(self._logger, json.loads(head)['profiles'], model)


def data_type(trt: Any, kind: int) -> Any:
    dtype = str(helper.tensor_dtype_to_np_dtype(kind))
    if dtype == 'int64' and not hasattr(trt.DataType, 'INT64'):
        dtype = 'int32'  # as 8.6 does
    return next(member for member in trt.DataType if _NUMPY[member.name] == dtype)


class ICudaEngine:
    __slots__ = ('_graph', '_logger', '_model', '_profiles', '_values')

    def __init__(self, logger: Any, profiles: Any, model: bytes) -> None:
        self._logger, self._profiles, self._model = logger, profiles, model
        self._graph = onnx.load_model_from_string(model).graph
        self._values = {value.name: value for value in (*self._graph.input, *self._graph.output)}

    @property
    def num_io_tensors(self) -> int:
        return len(self._values)

    def get_tensor_name(self, index: int) -> str:
        return list(self._values)[index]

    def get_tensor_location(self, name: str) -> Any:
        return self._trt.TensorLocation.DEVICE

    def get_tensor_mode(self, name: str) -> Any:
        inputs = {value.name for value in self._graph.input}
        modes = self._trt.TensorIOMode
        return modes.INPUT if name in inputs else modes.OUTPUT

    def get_tensor_shape(self, name: str) -> Any:
        sizes = self._values[name].type.tensor_type.shape.dim
        return tuple(size.dim_value if size.HasField('dim_value') else -1 for size in sizes)

    def get_tensor_dtype(self, name: str) -> Any:
        return data_type(self._trt, self._values[name].type.tensor_type.elem_type)

    @property
    def device_memory_size(self) -> int:
        return max(_memory(shapes[2] for shapes in profile.values())
                   for profile in self._profiles)

    @property
    def device_memory_size_v2(self) -> int:
        return max(_memory(shapes[2] for shapes in profile.values())
                   for profile in self._profiles)

    def create_execution_context(self, strategy: Any = None) -> Any:
        if self._trt.world.context_error:
            self._trt.world.say(self._logger, self._trt.world.context_error)
            return None
        return self._trt.IExecutionContext(self)

    def create_execution_context_without_device_memory(self) -> Any:
        return ICudaEngine.create_execution_context(self)


def create_context_without_strategy(self: Any) -> Any:
    """Stands in for `create_execution_context` of 8.6."""
    return ICudaEngine.create_execution_context(self)


def _memory(shapes: Any) -> int:
    return sum(int(np.prod(shape)) * 4 for shape in shapes)


class IExecutionContext:
    __slots__ = ('_addresses', '_allocators', '_engine', '_given', '_profile', '_session',
                 '_shapes', 'device_memory')

    def __init__(self, engine: Any) -> None:
        self._engine, self._given = engine, (0, 0)
        self._shapes: dict[str, Any] = {}
        self._addresses: dict[str, int] = {}
        self._allocators: dict[str, Any] = {}
        self._session = onnxruntime.InferenceSession(
            engine._model, providers=['CPUExecutionProvider'])

    def set_optimization_profile_async(self, profile_index: int, stream_handle: int) -> bool:
        self._profile = self._engine._profiles[profile_index]
        return True

    def set_input_shape(self, name: str, shape: Any) -> bool:
        low, _, high = self._profile[name]
        if all(a <= b <= c for a, b, c in zip(low, shape, high, strict=True)):
            self._shapes[name] = tuple(shape)
            return True
        self._trt.world.say(self._engine._logger, f'{name} {shape} is outside the profile')
        return False

    def update_device_memory_size_for_shapes(self) -> int:
        return _memory(self._shapes.values())

    def set_device_memory(self, memory: int, size: int) -> None:
        self._given = (memory, size)

    def get_tensor_shape(self, name: str) -> Any:
        if name in self._shapes:
            return self._shapes[name]
        if any(node.op_type in _DATA_DEPENDENT for node in self._engine._graph.node):
            return self._engine.get_tensor_shape(name)  # the data decide
        zeros = {n: np.zeros(shape, _NUMPY[self._engine.get_tensor_dtype(n).name])
                 for n, shape in self._shapes.items()}
        return self._session.run([name], zeros)[0].shape

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self._addresses[name] = memory
        return memory != 0

    def set_output_allocator(self, name: str, output_allocator: Any) -> bool:
        self._allocators[name] = output_allocator
        return True

    def _working_memory_is_there(self) -> bool:
        if hasattr(self, 'set_device_memory'):
            return self._given[0] != 0 and self._given[1] >= _memory(self._shapes.values())
        return bool(self.device_memory)

    def execute_async_v3(self, stream_handle: int) -> bool:
        world = self._trt.world
        error = world.run_error
        if not self._working_memory_is_there():
            error = 'no working memory'
        if error:
            world.say(self._engine._logger, error)
            return False
        world.runs += 1
        inputs = {name: _at(self._addresses[name], shape,
                            _NUMPY[self._engine.get_tensor_dtype(name).name])
                  for name, shape in self._shapes.items()}
        names = [value.name for value in self._engine._graph.output]
        for name, result in zip(names, self._session.run(names, inputs), strict=True):
            address = self._addresses.get(name)
            value = result.astype(_NUMPY[self._engine.get_tensor_dtype(name).name])
            if name in self._allocators:
                address = self._allocate(name, value)
                if not address:
                    return False
            ctypes.memmove(address, np.ascontiguousarray(value).ctypes.data, value.nbytes)
        return True

    def _allocate(self, name: str, value: Any) -> int:
        allocator = self._allocators[name]
        if hasattr(self._trt, 'IProgressMonitor'):  # 10 and later
            address = allocator.reallocate_output_async(name, 0, value.nbytes, 256, 1)
        else:
            address = allocator.reallocate_output(name, 0, value.nbytes, 256)
        allocator.notify_shape(name, value.shape)
        return int(address)


def _at(address: int, shape: Any, dtype: str) -> Any:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(ctypes.string_at(address, size), dtype).reshape(shape)
