"""What has to be known of an ONNX file before TensorRT reads it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.download import file_sha256
from neuropose_ros.inference.tensorrt.profiles import InputShape


def read_inputs(model: Path) -> tuple[InputShape, ...]:
    """Return the inputs of an ONNX file, without its weights.

    Raises:
        ModelError: it is not an ONNX file, or an input's rank is not known.
    """
    graph = _read(model)
    weights = {tensor.name for tensor in graph.initializer}
    return tuple(_input(model, value) for value in graph.input if value.name not in weights)


def _input(model: Path, value: Any) -> InputShape:
    from onnx import helper
    tensor = value.type.tensor_type
    if not tensor.HasField('shape'):
        raise ModelError(
            f'{model.name}: the input {value.name} has no fixed number of axes: export it '
            'with one')
    shape = tuple(
        size.dim_value if size.HasField('dim_value') and size.dim_value > 0 else None
        for size in tensor.shape.dim)
    try:
        dtype = str(helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    except KeyError as error:
        raise ModelError(
            f'{model.name}: the input {value.name} has no type that is known') from error
    return InputShape(value.name, shape, dtype)


def model_sha256(model: Path) -> str:
    """Return the sha256 of an ONNX file, and of the weights beside it where it has such.

    Raises:
        ModelError: a file cannot be read.
    """
    from onnx import external_data_helper as external
    beside = {external.ExternalDataInfo(tensor).location for tensor in _read(model).initializer
              if external.uses_external_data(tensor)}
    digest = _file_sha256(model)
    for location in sorted(beside):
        digest = hashlib.sha256(
            f'{digest} {_file_sha256(model.parent / location)}'.encode()).hexdigest()
    return digest


def _read(model: Path) -> Any:
    try:
        import onnx
    except ImportError as error:
        raise ModelError(
            f'TensorRT engines need the Python package onnx ({error}): pip install onnx'
        ) from error
    try:
        return onnx.load(model, load_external_data=False).graph
    except Exception as error:  # protobuf's errors differ between its versions
        raise ModelError(f'{model} is not a readable ONNX file: {error}') from error


def _file_sha256(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise ModelError(f'cannot read the network {path}: {error.strerror or error}') from error
