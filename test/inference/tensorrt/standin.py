"""A STAND-IN for the module `tensorrt`, on the processor: nothing of NVIDIA's runs here.

It has exactly the names that this package uses, and of those only what a version really has:
test_bindings.py holds every one of them against the published bindings. A plan is a line of JSON
and the ONNX file; ONNX Runtime computes it on the memory whose addresses are handed over, as
TensorRT would. `World` counts what happened and makes things fail.
"""

from __future__ import annotations

import enum
import importlib.machinery
import types
from dataclasses import dataclass, field
from typing import Any

from .standin_build import (
    Builder,
    IBuilderConfig,
    ILayer,
    INetworkDefinition,
    IOptimizationProfile,
    ITensor,
    ITimingCache,
    OnnxParser,
    ParserError,
)
from .standin_run import (
    ICudaEngine,
    IExecutionContext,
    Runtime,
    create_context_without_strategy,
)

# What a version lacks of the names below; and 11 moved a bit.
ABSENT = {
    '8.6.1': (
        'IProgressMonitor', 'ExecutionContextAllocationStrategy', 'DataType.INT64',
        'NetworkDefinitionCreationFlag.STRONGLY_TYPED', 'IBuilderConfig.progress_monitor',
        'PreviewFeature.RUNTIME_ACTIVATION_RESIZE_10_10', 'OnnxParser.supports_model_v2',
        'OnnxParser.num_subgraphs', 'OnnxParser.is_subgraph_supported',
        'OnnxParser.get_subgraph_nodes', 'ICudaEngine.device_memory_size_v2',
        'IExecutionContext.update_device_memory_size_for_shapes',
        'IExecutionContext.set_device_memory'),
    '10.0.1': (
        'PreviewFeature.RUNTIME_ACTIVATION_RESIZE_10_10', 'OnnxParser.supports_model_v2',
        'OnnxParser.num_subgraphs', 'OnnxParser.is_subgraph_supported',
        'OnnxParser.get_subgraph_nodes', 'ICudaEngine.device_memory_size_v2',
        'IExecutionContext.set_device_memory'),
    '10.13.3': (),
    '10.16.1': (),
    '11.4.0': (
        'BuilderFlag.FP16', 'BuilderFlag.PREFER_PRECISION_CONSTRAINTS',
        'NetworkDefinitionCreationFlag.EXPLICIT_BATCH', 'PreviewFeature.PROFILE_SHARING_0806',
        'OnnxParser.supports_model', 'ICudaEngine.device_memory_size', 'ILayer.precision',
        'ICudaEngine.create_execution_context_without_device_memory'),
}
VERSIONS = tuple(ABSENT)


@dataclass
class World:
    """What happened, and what shall go wrong."""

    version: str
    builds: int = 0
    runs: int = 0
    flags: list[str] = field(default_factory=list)
    network_flags: int = 0
    pinned_layers: int = 0
    parsed: bytes = b''
    build_error: str = ''
    load_errors: list[str] = field(default_factory=list)
    run_error: str = ''
    context_error: str = ''
    loggers: list[Any] = field(default_factory=list)

    def say(self, logger: Any, text: str) -> None:
        logger.log(_SEVERITY.ERROR, text)


_SEVERITY = enum.Enum('Severity', 'INTERNAL_ERROR ERROR WARNING INFO VERBOSE')
_ENUMS = {
    'BuilderFlag': ('FP16', 'PREFER_PRECISION_CONSTRAINTS', 'TF32'),
    'PreviewFeature': ('PROFILE_SHARING_0806', 'RUNTIME_ACTIVATION_RESIZE_10_10'),
    'NetworkDefinitionCreationFlag': ('EXPLICIT_BATCH', 'STRONGLY_TYPED'),
    'ExecutionContextAllocationStrategy': ('STATIC', 'ON_PROFILE_CHANGE', 'USER_MANAGED'),
    'TensorIOMode': ('NONE', 'INPUT', 'OUTPUT'),
    'TensorLocation': ('DEVICE', 'HOST'),
    'DataType': ('FLOAT', 'HALF', 'INT8', 'INT32', 'INT64', 'UINT8', 'BOOL'),
}



def make(version: str) -> Any:
    """Return the stand-in for a version; its ``world`` is no part of TensorRT."""
    trt = types.ModuleType('tensorrt')
    # So that importlib finds it.
    trt.__spec__ = importlib.machinery.ModuleSpec('tensorrt', None)
    absent = set(ABSENT[version])
    trt.__version__ = version
    trt.world = World(version)
    for name, members in _ENUMS.items():
        kept = [member for member in members if f'{name}.{member}' not in absent]
        # The bits of a set start at the first name that is left, as in 11.
        setattr(trt, name, enum.IntEnum(name, kept, start=0))
    for cls in _CLASSES:
        lost = {name.partition('.')[2] for name in absent if name.startswith(f'{cls.__name__}.')}
        content = {name: value for name, value in vars(cls).items()
                   if name not in lost and name not in {'__dict__', '__weakref__'}}
        if cls is ICudaEngine and 'ExecutionContextAllocationStrategy' in absent:
            content['create_execution_context'] = create_context_without_strategy
        if '__slots__' in content:  # as the bindings: other attributes are refused
            slots = [name for name in content['__slots__'] if name not in lost]
            content = {n: v for n, v in content.items() if n not in cls.__slots__}
            content['__slots__'] = slots
        setattr(trt, cls.__name__, type(cls.__name__, (), {**content, '_trt': trt}))
    for name in absent:
        if '.' not in name and hasattr(trt, name):
            delattr(trt, name)
    return trt


class ILogger:
    Severity = _SEVERITY

    def __init__(self) -> None:
        self._trt.world.loggers.append(self)


class IProgressMonitor:
    def __init__(self) -> None:
        pass


class IOutputAllocator:
    def __init__(self) -> None:
        pass


_CLASSES = (
    ILogger, IProgressMonitor, IOutputAllocator, Builder, IBuilderConfig, ITimingCache,
    IOptimizationProfile, INetworkDefinition, ITensor, ILayer, ParserError, OnnxParser, Runtime,
    ICudaEngine, IExecutionContext)
