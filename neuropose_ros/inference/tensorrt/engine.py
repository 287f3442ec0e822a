"""From the cache, or a build, to a loaded engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import ModelError, OutOfMemoryError
from neuropose_ros.inference.runtime import TensorSpec
from neuropose_ros.inference.tensorrt import compat
from neuropose_ros.inference.tensorrt.builder import Request, build_plan
from neuropose_ros.inference.tensorrt.device import Gpu
from neuropose_ros.inference.tensorrt.logger import shared_logger
from neuropose_ros.inference.tensorrt.store import EngineStore


def load_engine(
    trt: Any, request: Request, cache: Path, gpu: Gpu, announce: Callable[[str], None],
) -> tuple[Any, Path]:
    """Return the engine of a request, and its file; built where the cache has none that fits.

    Raises:
        ModelError: it cannot be built, stored or loaded.
        OutOfMemoryError: the device has no room for it.
    """
    store, key = EngineStore(cache), request.key(trt, gpu)

    def load(plan: bytes) -> tuple[Any, str]:
        return _deserialize(trt, request.model.name, plan)

    engine = store.obtain(
        key, load=load, announce=announce,
        build=lambda: build_plan(trt, request, store.timing_path(key), announce))
    return engine, store.path(key)


def _deserialize(trt: Any, title: str, plan: bytes) -> tuple[Any, str]:
    """Return the engine of a plan, or None and TensorRT's reason."""
    logger, log = shared_logger(trt)
    with log.collecting() as messages:
        try:
            deserializer = trt.Runtime(logger)
        except TypeError as error:  # what the bindings make of a null pointer
            raise ModelError(f'TensorRT does not work here: {messages.reason}') from error
        engine = deserializer.deserialize_cuda_engine(plan)
        if engine is None and messages.out_of_memory:
            # The plan may be right: building it anew would not help.
            raise OutOfMemoryError(
                f'the device has no room to load {title} ({len(plan) >> 20} MiB): '
                f'{messages.reason}')
        return engine, '' if engine is not None else messages.reason


def describe(
    trt: Any, engine: Any, request: Request,
) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Return the inputs and outputs of an engine; None = dynamic.

    Raises:
        ModelError: one has a type or a place that is not supported.
    """
    inputs, outputs = [], []
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        if engine.get_tensor_location(name) != trt.TensorLocation.DEVICE:
            raise ModelError(
                f'{request.model.name}: the values of {name} set the shapes of others, which is '
                'not supported; export the network with fixed shapes')
        sizes = tuple(None if size < 0 else int(size) for size in engine.get_tensor_shape(name))
        dtype = compat.numpy_dtype(engine, name)
        if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT:
            low, high = request.profiles[0].smallest[name], request.profiles[-1].largest[name]
            sizes = tuple(small if small == large else None
                          for small, large in zip(low, high, strict=True))
            inputs.append(TensorSpec(name, sizes, dtype))
        else:
            outputs.append(TensorSpec(name, sizes, dtype))
    return tuple(inputs), tuple(outputs)
