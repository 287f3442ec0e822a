"""Reading a TensorFlow Lite network into plain values, its packed weights unfolded.

Layout of the file: the TensorFlow Lite flatbuffer schema (tensorflow/lite/schema/schema.fbs).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import ModelError

Array = NDArray[Any]


@dataclass(frozen=True)
class Tensor:
    """One tensor; ``data`` is set where its value is a constant."""

    name: str
    shape: tuple[int, ...]
    data: Array | None = None


@dataclass(frozen=True)
class Operator:
    """One operation on tensors (indices; -1 = an optional input left out)."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, int]


@dataclass(frozen=True)
class Network:
    """A graph in execution order; images are (N, H, W, C)."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class SparseDimension:
    """How one dimension of a sparse tensor is stored; ``segments`` is None where it is dense."""

    size: int
    segments: Sequence[int] | None = None
    indices: Sequence[int] = ()


def densify(
    values: Array, shape: tuple[int, ...], order: Sequence[int],
    dimensions: Sequence[SparseDimension],
) -> Array:
    """Return the dense array of ``shape`` of a sparse one.

    Args:
        values: the stored values, in storage order.
        shape: the dense shape.
        order: the dimensions in storage order, outermost first.
        dimensions: storage of each dimension, in storage order.

    Raises:
        ModelError: the description does not fit the values.
    """
    # Level by level: the index tuples that exist down to here, and where each one's children are.
    paths = np.zeros((1, 0), np.int64)
    for dimension in dimensions:
        if dimension.segments is None:
            children = np.tile(np.arange(dimension.size), len(paths))
            repeats: Any = dimension.size
        else:
            children = np.asarray(dimension.indices, np.int64)
            repeats = np.diff(np.asarray(dimension.segments, np.int64))
            if len(repeats) != len(paths) or repeats.sum() != len(children):
                raise ModelError('sparse weights of the network are inconsistent')
        paths = np.column_stack((np.repeat(paths, repeats, axis=0), children))
    if len(paths) != len(values) or sorted(order) != list(range(len(shape))):
        raise ModelError(
            f'sparse weights of the network: {len(values)} values for {len(paths)} places')
    dense = np.zeros(shape, values.dtype)
    dense[tuple(paths[:, list(order).index(axis)] for axis in range(len(shape)))] = values
    return dense


def read_network(content: bytes) -> Network:
    """Parse a .tflite file; half-precision and sparse weights become dense float32 constants.

    Raises:
        ModelError: not a TensorFlow Lite file, a damaged one, or one with features that are not
            read.
    """
    if content[4:8] != b'TFL3':
        raise ModelError('the file is not a TensorFlow Lite network')
    try:
        return _parsed(content)
    # What the readers make of offsets that lead nowhere.
    except (struct.error, LookupError, ValueError, TypeError, AttributeError) as error:
        raise ModelError('the TensorFlow Lite network is damaged or cut off') from error


def _parsed(content: bytes) -> Network:
    import tflite

    model = tflite.Model.GetRootAsModel(content, 0)
    graph = model.Subgraphs(0)
    tensors = [_tensor(model, graph.Tensors(i)) for i in range(graph.TensorsLength())]
    operators = []
    for i in range(graph.OperatorsLength()):
        operator = _operator(model, graph.Operators(i))
        source = tensors[operator.inputs[0]]
        if operator.kind in {'DEQUANTIZE', 'DENSIFY'} and source.data is not None:
            # Sparse data was unfolded on reading, so both are no more than a change of type.
            target = operator.outputs[0]
            data = source.data
            if operator.kind == 'DEQUANTIZE':
                data = data.astype(np.float32)
            tensors[target] = Tensor(tensors[target].name, source.shape, data)
        else:
            operators.append(operator)
    return Network(
        tuple(tensors), tuple(operators),
        tuple(int(i) for i in graph.InputsAsNumpy()),
        tuple(int(i) for i in graph.OutputsAsNumpy()),
    )


def _tensor(model: Any, tensor: Any) -> Tensor:
    import tflite

    kinds = {
        tflite.TensorType.FLOAT32: np.float32,
        tflite.TensorType.FLOAT16: np.float16,
        tflite.TensorType.INT32: np.int32,
    }
    name = tensor.Name().decode()
    shape = tuple(int(size) for size in tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()
    buffer = model.Buffers(tensor.Buffer())
    if not buffer.DataLength():
        return Tensor(name, shape)
    if tensor.Type() not in kinds:
        raise ModelError(f'tensor {name} of the network has a type that is not read')
    data = np.frombuffer(buffer.DataAsNumpy().tobytes(), kinds[tensor.Type()])
    sparsity = tensor.Sparsity()
    if sparsity is None:
        return Tensor(name, shape, data.reshape(shape))
    if sparsity.BlockMapLength():
        raise ModelError(f'tensor {name} of the network is sparse in blocks: not read')
    order = [int(i) for i in sparsity.TraversalOrderAsNumpy()]
    dimensions = [
        _sparse_dimension(sparsity.DimMetadata(i)) for i in range(sparsity.DimMetadataLength())
    ]
    return Tensor(name, shape, densify(data, shape, order, dimensions))


def _sparse_dimension(metadata: Any) -> SparseDimension:
    import tflite

    if metadata.Format() == tflite.DimensionType.DENSE:
        return SparseDimension(int(metadata.DenseSize()))
    vectors = {
        tflite.SparseIndexVector.Int32Vector: tflite.Int32Vector,
        tflite.SparseIndexVector.Uint16Vector: tflite.Uint16Vector,
        tflite.SparseIndexVector.Uint8Vector: tflite.Uint8Vector,
    }

    def values(kind: int, table: Any) -> list[int]:
        vector = vectors[kind]()
        vector.Init(table.Bytes, table.Pos)
        return [int(value) for value in vector.ValuesAsNumpy()]

    return SparseDimension(
        0,
        values(metadata.ArraySegmentsType(), metadata.ArraySegments()),
        values(metadata.ArrayIndicesType(), metadata.ArrayIndices()),
    )


_OPTIONS = {
    'CONV_2D': ('Conv2DOptions', 'Padding StrideH StrideW DilationHFactor DilationWFactor '
                'FusedActivationFunction'),
    'DEPTHWISE_CONV_2D': ('DepthwiseConv2DOptions', 'Padding StrideH StrideW DilationHFactor '
                          'DilationWFactor FusedActivationFunction'),
    'MAX_POOL_2D': ('Pool2DOptions', 'Padding StrideH StrideW FilterHeight FilterWidth '
                    'FusedActivationFunction'),
    'ADD': ('AddOptions', 'FusedActivationFunction'),
    'CONCATENATION': ('ConcatenationOptions', 'Axis FusedActivationFunction'),
    'RESIZE_BILINEAR': ('ResizeBilinearOptions', 'AlignCorners HalfPixelCenters'),
    'DEPTH_TO_SPACE': ('DepthToSpaceOptions', 'BlockSize'),
}


def _operator(model: Any, operator: Any) -> Operator:
    import tflite

    code = model.OperatorCodes(operator.OpcodeIndex())
    # Files before schema 3a keep the number in the older, 8 bit field.
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    names = {value: name for name, value in vars(tflite.BuiltinOperator).items()
             if isinstance(value, int)}
    kind = names.get(number, str(number))
    options: dict[str, int] = {}
    if kind in _OPTIONS:
        table, fields = _OPTIONS[kind]
        reader = getattr(tflite, table)()
        raw = operator.BuiltinOptions()
        if raw is None:
            raise ModelError(f'operator {kind} of the network has no options')
        reader.Init(raw.Bytes, raw.Pos)
        options = {name: int(getattr(reader, name)()) for name in fields.split()}
    return Operator(
        kind, tuple(int(i) for i in operator.InputsAsNumpy()),
        tuple(int(i) for i in operator.OutputsAsNumpy()), options,
    )
