"""Where TensorRT 8.6, 10 and 11 differ: told apart by names that are there or not, nowhere else.

========================  =====================  =====================  ======================
                          8.6                    10                     11
========================  =====================  =====================  ======================
explicit batch            flag required          flag ignored           flag gone
types of the ONNX file    a hint                 STRONGLY_TYPED         the default
FP16, INT8 flags          yes                    yes, not used          gone
working memory            device_memory          set_device_memory from 10.1
its size                  device_memory_size     device_memory_size_v2 from 10.1
what the parser can do    supports_model         supports_model_v2 from 10.1
progress of a build       no                     IProgressMonitor
contexts of one profile   a preview feature      always
========================  =====================  =====================  ======================

Objects of TensorRT are always called by the names in `ROLES`, in all of this package: by that, a
test lists every name and call that is used and holds it against the published bindings.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Any

from neuropose_ros.core.errors import ModelError

ROLES = types.MappingProxyType({
    'trt': '', 'builder': 'Builder', 'config': 'IBuilderConfig', 'network': 'INetworkDefinition',
    'parser': 'OnnxParser', 'parser_error': 'ParserError', 'profile': 'IOptimizationProfile',
    'layer': 'ILayer', 'network_tensor': 'ITensor', 'timing_cache': 'ITimingCache',
    'deserializer': 'Runtime', 'engine': 'ICudaEngine', 'context': 'IExecutionContext',
    'creation_flags': 'NetworkDefinitionCreationFlag', 'severity': 'ILogger.Severity',
    'data_type': 'DataType', 'preview': 'PreviewFeature',
})

_NUMPY = types.MappingProxyType({
    'FLOAT': 'float32', 'HALF': 'float16', 'INT8': 'int8', 'INT32': 'int32', 'INT64': 'int64',
    'UINT8': 'uint8', 'BOOL': 'bool',
})


def load_tensorrt() -> Any:
    """Import TensorRT.

    Raises:
        ModelError: it is not there, cannot be loaded, or is older than 8.6.
    """
    try:
        import tensorrt as trt
    except (ImportError, OSError) as error:  # OSError: one of its libraries is not there
        raise ModelError(f'TensorRT cannot be loaded ({error}): pip install tensorrt') from error
    if not hasattr(trt, 'IOutputAllocator') or not hasattr(trt, 'PreviewFeature'):
        raise ModelError(
            f'TensorRT {trt.__version__} is too old: 8.6, 10 and 11 are supported')
    return trt


def follows_file_types(trt: Any) -> bool:
    """Return whether TensorRT computes each layer in the types of the ONNX file (from 10 on)."""
    return hasattr(trt.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED')


def network_flags(trt: Any) -> int:
    """Return the flags of `create_network`: a set bit for each name."""
    creation_flags = trt.NetworkDefinitionCreationFlag
    if follows_file_types(trt):
        return 1 << int(creation_flags.STRONGLY_TYPED)
    return 1 << int(creation_flags.EXPLICIT_BATCH)


def configure(trt: Any, config: Any, network: Any, precision: str) -> None:
    """Make the builder compute as the ONNX file says, which is in ``fp16`` or ``fp32``."""
    preview = trt.PreviewFeature
    if hasattr(preview, 'RUNTIME_ACTIVATION_RESIZE_10_10'):
        # A smaller batch then needs less working memory.
        config.set_preview_feature(preview.RUNTIME_ACTIVATION_RESIZE_10_10, True)
    if precision == 'fp32':
        config.clear_flag(trt.BuilderFlag.TF32)  # on by default: 10 bits of mantissa, not 23
    if follows_file_types(trt):
        return
    # 8.6 lets one context use a profile; each input shape here has a context of its own.
    config.set_preview_feature(preview.PROFILE_SHARING_0806, True)
    if precision == 'fp16':
        config.set_flag(trt.BuilderFlag.FP16)
        config.set_flag(trt.BuilderFlag.PREFER_PRECISION_CONSTRAINTS)
        _pin_float32_layers(trt, network)


def _pin_float32_layers(trt: Any, network: Any) -> None:
    """Keep in float32 what the ONNX file keeps in float32; 8.6 takes its types for hints."""
    data_type = trt.DataType
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        ends = [layer.get_input(i) for i in range(layer.num_inputs)]
        ends += [layer.get_output(i) for i in range(layer.num_outputs)]
        if layer.num_inputs and all(
                network_tensor is not None and network_tensor.dtype == data_type.FLOAT
                for network_tensor in ends):
            layer.precision = data_type.FLOAT


def watch_progress(trt: Any, config: Any, monitor: Any) -> None:
    """Have a build report to a monitor, where TensorRT can."""
    if hasattr(trt, 'IProgressMonitor'):
        config.progress_monitor = monitor


def unsupported_nodes(parser: Any, model: bytes) -> list[int]:
    """Return the numbers of an ONNX model's nodes that TensorRT cannot run."""
    if hasattr(parser, 'supports_model_v2'):
        parser.supports_model_v2(model)
        refused: Sequence[Sequence[int]] = [
            parser.get_subgraph_nodes(index) for index in range(parser.num_subgraphs)
            if not parser.is_subgraph_supported(index)]
    else:
        refused = [nodes for nodes, supported in parser.supports_model(model)[1] if not supported]
    return sorted({int(node) for nodes in refused for node in nodes})


def context_without_memory(trt: Any, engine: Any) -> Any:
    """Return an execution context whose working memory we bring, or None."""
    if hasattr(trt, 'ExecutionContextAllocationStrategy'):
        return engine.create_execution_context(
            trt.ExecutionContextAllocationStrategy.USER_MANAGED)
    return engine.create_execution_context_without_device_memory()


def engine_memory_bytes(engine: Any) -> int:
    """Return the working memory of the largest shapes."""
    if hasattr(engine, 'device_memory_size_v2'):
        return int(engine.device_memory_size_v2)
    return int(engine.device_memory_size)


def working_memory_bytes(engine: Any, context: Any) -> int:
    """Return the working memory of a context whose profile and input shapes are set."""
    if hasattr(context, 'update_device_memory_size_for_shapes'):
        return int(context.update_device_memory_size_for_shapes())
    return engine_memory_bytes(engine)


def give_working_memory(context: Any, address: int, size_bytes: int) -> None:
    """Hand working memory to a context."""
    if hasattr(context, 'set_device_memory'):
        context.set_device_memory(address, size_bytes)
    else:
        context.device_memory = address


def numpy_dtype(engine: Any, tensor: str) -> str:
    """Return numpy's name of a tensor's type.

    Raises:
        ModelError: numpy has no such type.
    """
    name = engine.get_tensor_dtype(tensor).name
    if name not in _NUMPY:
        raise ModelError(f'the tensor {tensor} is of TensorRT type {name}, which is not supported')
    return _NUMPY[name]
