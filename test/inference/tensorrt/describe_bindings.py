"""Prints what the bindings on the path hold, and what our own subclasses of theirs do there."""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any

import tensorrt_bindings as trt

# The package `tensorrt` of NVIDIA only passes these names on.
sys.modules['tensorrt'] = trt


def member(cls: Any, name: str) -> dict[str, Any]:
    value = inspect.getattr_static(cls, name)
    is_property = isinstance(value, property)
    return {
        'kind': 'property' if is_property else 'callable' if callable(getattr(cls, name))
        else 'value',
        'settable': is_property and value.fset is not None,
        'signatures': getattr(cls, name).__doc__ or '',
    }


def members(cls: Any) -> dict[str, Any]:
    return {name: member(cls, name) for name in dir(cls)
            if name == '__init__' or not name.startswith('_')}


def ours() -> dict[str, Any]:
    """Return what our subclasses of the bindings' classes do."""
    from neuropose_ros.core.errors import ModelError
    from neuropose_ros.inference.tensorrt import compat
    from neuropose_ros.inference.tensorrt.allocator import output_allocator
    from neuropose_ros.inference.tensorrt.engine import _deserialize
    from neuropose_ros.inference.tensorrt.logger import shared_logger
    from neuropose_ros.inference.tensorrt.progress import progress_monitor
    logger, log = shared_logger(compat.load_tensorrt())
    with log.collecting() as messages:
        for name in ('VERBOSE', 'INFO', 'WARNING', 'ERROR', 'INTERNAL_ERROR'):
            logger.log(getattr(trt.ILogger.Severity, name), name)
    try:
        refusal = str(_deserialize(trt, 'x.onnx', b'nothing'))
    except ModelError as error:
        refusal = str(error)
    monitor = progress_monitor(trt)
    if monitor is not None:
        monitor.phase_start('Building', None, 2)
        monitor.phase_finish('Building')
    return {
        'reason': messages.reason,
        'network_flags': compat.network_flags(trt),
        'without_libraries': refusal,
        'goes_on': monitor is None or monitor.step_complete('Building', 0),
        'allocator': isinstance(output_allocator(trt, None), trt.IOutputAllocator),
        'float32': trt.DataType.FLOAT.name,
    }


classes = {name: members(value) for name, value in vars(trt).items() if inspect.isclass(value)}
classes['ILogger.Severity'] = members(trt.ILogger.Severity)
print(json.dumps({
    'version': trt.__version__, 'names': dir(trt), 'classes': classes, 'ours': ours(),
    'bits': {name: int(value) for name, value in
             trt.NetworkDefinitionCreationFlag.__members__.items()},
}))
