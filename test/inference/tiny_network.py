"""A small TensorFlow Lite network made for the tests, and what it computes by definition.

8x8 RGB picture -> zero padding, 3x3 convolution (stride 2, half-precision weights, ReLU6)
-> 3x3 depthwise convolution (SAME) -> doubled in size -> 1x1 convolution (sparse weights, ReLU)
-> flattened: output 0. A second head, output 1, a 1x1 convolution of the depthwise
one, is there to be pruned; output 2 is the depthwise one with a channel of zeros before it and
two behind.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
import tflite
from numpy.typing import NDArray

Array = NDArray[Any]
SIZE = 8
RELU, RELU6 = 1, 3


def weights() -> dict[str, Array]:
    """Return the constants, (out, h, w, in) float32; ``pointwise`` is mostly zero."""
    generator = np.random.default_rng(7)
    pointwise = np.zeros((5, 1, 1, 4), np.float32)
    pointwise[[0, 1, 3, 4], 0, 0, [2, 0, 3, 1]] = [0.5, -1.5, 2.0, 0.25]
    first = generator.normal(size=(4, 3, 3, 3))
    return {
        'first': first.astype(np.float16).astype(np.float32),
        'first_bias': generator.normal(size=4).astype(np.float32),
        'depthwise': generator.normal(size=(1, 3, 3, 4)).astype(np.float32),
        'depthwise_bias': generator.normal(size=4).astype(np.float32),
        'pointwise': pointwise,
        'pointwise_bias': np.linspace(-1, 1, 5, dtype=np.float32),
        'unused': generator.normal(size=(2, 1, 1, 4)).astype(np.float32),
    }


def expected(picture: Array) -> Array:
    """Return output 0, (1, 8*8*5), for an (8, 8, 3) RGB picture in 0..1, from the definitions."""
    constant = weights()
    x = np.pad(picture.astype(np.float64), ((1, 1), (1, 1), (0, 0)))
    x = np.clip(_convolve(x, constant['first'], 2) + constant['first_bias'], 0, 6)
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    kernel = constant['depthwise'][0]
    x = sum(padded[i:i + 4, j:j + 4] * kernel[i, j] for i in range(3) for j in range(3))
    x = _double(_double(x + constant['depthwise_bias']).swapaxes(0, 1)).swapaxes(0, 1)
    x = x @ constant['pointwise'][:, 0, 0].T + constant['pointwise_bias']
    return np.clip(x, 0, None).reshape(1, -1)


def _convolve(x: Array, kernel: Array, stride: int) -> Array:
    size = (x.shape[0] - 3) // stride + 1
    return np.stack([
        np.stack([
            np.tensordot(
                x[i * stride:i * stride + 3, j * stride:j * stride + 3], kernel,
                ((0, 1, 2), (1, 2, 3)))
            for j in range(size)])
        for i in range(size)])


def _double(x: Array) -> Array:
    """Linear interpolation at half-pixel centres, along the first axis."""
    places = np.clip((np.arange(2 * len(x)) + 0.5) / 2 - 0.5, 0, len(x) - 1)
    low = np.floor(places).astype(int)
    high = np.minimum(low + 1, len(x) - 1)
    share = (places - low)[:, None, None]
    return x[low] * (1 - share) + x[high] * share


def build(last: str = 'RESHAPE') -> bytes:
    """Return the network as a .tflite file.

    Args:
        last: the operator that makes output 0 flat.
    """
    return _Builder().file(last)


class _Builder:
    def __init__(self) -> None:
        self._b = flatbuffers.Builder(1 << 16)
        self._buffers = [self._buffer(b'')]
        self._tensors: list[int] = []
        self._operators: list[int] = []
        self._codes: list[str] = []

    def file(self, last: str) -> bytes:
        c = weights()
        picture = self._tensor('picture', (1, SIZE, SIZE, 3))
        pads = self._tensor('pads', (4, 2), np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))
        padded = self._tensor('padded', (1, 10, 10, 3))
        self._operator('PAD', [picture, pads], padded)
        half = self._tensor('half', c['first'].shape, c['first'].astype(np.float16))
        first = self._tensor('first', c['first'].shape)
        self._operator('DEQUANTIZE', [half], first)
        a = self._tensor('a', (1, 4, 4, 4))
        bias = self._tensor('first_bias', (4,), c['first_bias'])
        self._operator('CONV_2D', [padded, first, bias], a, 'Conv2DOptions', Padding=1,
                       StrideH=2, StrideW=2, FusedActivationFunction=RELU6)
        kernel = self._tensor('depthwise', (1, 3, 3, 4), c['depthwise'])
        bias = self._tensor('depthwise_bias', (4,), c['depthwise_bias'])
        b = self._tensor('b', (1, 4, 4, 4))
        self._operator('DEPTHWISE_CONV_2D', [a, kernel, bias], b, 'DepthwiseConv2DOptions',
                       Padding=0, StrideH=1, StrideW=1, DepthMultiplier=1)
        size = self._tensor('size', (2,), np.array([8, 8], np.int32))
        large = self._tensor('large', (1, 8, 8, 4))
        self._operator('RESIZE_BILINEAR', [b, size], large, 'ResizeBilinearOptions',
                       HalfPixelCenters=True)
        sparse = self._sparse('sparse', c['pointwise'])
        dense = self._tensor('pointwise', c['pointwise'].shape)
        self._operator('DENSIFY', [sparse], dense)
        bias = self._tensor('pointwise_bias', (5,), c['pointwise_bias'])
        d = self._tensor('d', (1, 8, 8, 5))
        self._operator('CONV_2D', [large, dense, bias], d, 'Conv2DOptions', Padding=0,
                       StrideH=1, StrideW=1, FusedActivationFunction=RELU)
        flat = self._tensor('flat', (1, 320))
        self._operator(last, [d], flat)
        unused = self._tensor('unused', c['unused'].shape, c['unused'])
        other = self._tensor('other', (1, 4, 4, 2))
        self._operator('CONV_2D', [b, unused], other, 'Conv2DOptions', Padding=0, StrideH=1,
                       StrideW=1)
        pads = self._tensor('more', (4, 2), np.array([[0, 0], [0, 0], [0, 0], [1, 2]], np.int32))
        wide = self._tensor('wide', (1, 4, 4, 7))
        self._operator('PAD', [b, pads], wide)
        return self._finish(picture, [flat, other, wide])

    def _finish(self, picture: int, outputs: list[int]) -> bytes:
        b = self._b
        graph_parts = (self._ints([picture]), self._ints(outputs),
                       self._offsets(self._tensors), self._offsets(self._operators))
        tflite.SubGraphStart(b)
        tflite.SubGraphAddInputs(b, graph_parts[0])
        tflite.SubGraphAddOutputs(b, graph_parts[1])
        tflite.SubGraphAddTensors(b, graph_parts[2])
        tflite.SubGraphAddOperators(b, graph_parts[3])
        graphs = self._offsets([tflite.SubGraphEnd(b)])
        codes = []
        for name in self._codes:
            tflite.OperatorCodeStart(b)
            number = getattr(tflite.BuiltinOperator, name)
            tflite.OperatorCodeAddDeprecatedBuiltinCode(b, number)
            tflite.OperatorCodeAddBuiltinCode(b, number)
            codes.append(tflite.OperatorCodeEnd(b))
        codes, buffers = self._offsets(codes), self._offsets(self._buffers)
        tflite.ModelStart(b)
        tflite.ModelAddVersion(b, 3)
        tflite.ModelAddOperatorCodes(b, codes)
        tflite.ModelAddSubgraphs(b, graphs)
        tflite.ModelAddBuffers(b, buffers)
        b.Finish(tflite.ModelEnd(b), file_identifier=b'TFL3')
        return bytes(b.Output())

    def _buffer(self, content: bytes) -> int:
        data = self._b.CreateByteVector(content)
        tflite.BufferStart(self._b)
        tflite.BufferAddData(self._b, data)
        return tflite.BufferEnd(self._b)

    def _ints(self, values: Any) -> int:
        return self._b.CreateNumpyVector(np.array(values, np.int32))

    def _offsets(self, values: list[int]) -> int:
        self._b.StartVector(4, len(values), 4)
        for value in reversed(values):
            self._b.PrependUOffsetTRelative(value)
        return self._b.EndVector()

    def _tensor(
        self, name: str, shape: tuple[int, ...], data: Array | None = None, sparsity: int = 0,
    ) -> int:
        b = self._b
        number = 0
        kind = np.dtype(np.float32)
        if data is not None:
            kind, number = data.dtype, len(self._buffers)
            self._buffers.append(self._buffer(data.tobytes()))
        title, dims = b.CreateString(name), self._ints(shape)
        tflite.TensorStart(b)
        tflite.TensorAddName(b, title)
        tflite.TensorAddShape(b, dims)
        tflite.TensorAddType(b, getattr(tflite.TensorType, kind.name.upper()))
        tflite.TensorAddBuffer(b, number)
        if sparsity:
            tflite.TensorAddSparsity(b, sparsity)
        self._tensors.append(tflite.TensorEnd(b))
        return len(self._tensors) - 1

    def _sparse(self, name: str, dense: Array) -> int:
        """Store a (n, 1, 1, m) array by its rows: compressed in the last dimension."""
        b = self._b
        rows = [np.flatnonzero(row) for row in dense.reshape(len(dense), -1)]
        segments = np.cumsum([0, *map(len, rows)]).astype(np.uint8)
        vectors = []
        for values in (segments, np.concatenate(rows).astype(np.uint8)):
            content = b.CreateNumpyVector(values)
            tflite.Uint8VectorStart(b)
            tflite.Uint8VectorAddValues(b, content)
            vectors.append(tflite.Uint8VectorEnd(b))
        dimensions = []
        for size in dense.shape[:-1]:
            tflite.DimensionMetadataStart(b)
            tflite.DimensionMetadataAddFormat(b, tflite.DimensionType.DENSE)
            tflite.DimensionMetadataAddDenseSize(b, size)
            dimensions.append(tflite.DimensionMetadataEnd(b))
        tflite.DimensionMetadataStart(b)
        tflite.DimensionMetadataAddFormat(b, tflite.DimensionType.SPARSE_CSR)
        tflite.DimensionMetadataAddArraySegmentsType(b, tflite.SparseIndexVector.Uint8Vector)
        tflite.DimensionMetadataAddArraySegments(b, vectors[0])
        tflite.DimensionMetadataAddArrayIndicesType(b, tflite.SparseIndexVector.Uint8Vector)
        tflite.DimensionMetadataAddArrayIndices(b, vectors[1])
        dimensions.append(tflite.DimensionMetadataEnd(b))
        order, metadata = self._ints(range(dense.ndim)), self._offsets(dimensions)
        tflite.SparsityParametersStart(b)
        tflite.SparsityParametersAddTraversalOrder(b, order)
        tflite.SparsityParametersAddDimMetadata(b, metadata)
        sparsity = tflite.SparsityParametersEnd(b)
        return self._tensor(name, dense.shape, dense[dense != 0], sparsity)

    def _operator(
        self, kind: str, inputs: list[int], output: int, table: str = '', **options: int,
    ) -> None:
        b = self._b
        if kind not in self._codes:
            self._codes.append(kind)
        made = 0
        if table:
            if table != 'ResizeBilinearOptions':
                options = {'DilationHFactor': 1, 'DilationWFactor': 1, **options}
            getattr(tflite, f'{table}Start')(b)
            for name, value in options.items():
                getattr(tflite, f'{table}Add{name}')(b, value)
            made = getattr(tflite, f'{table}End')(b)
        ins, outs = self._ints(inputs), self._ints([output])
        tflite.OperatorStart(b)
        tflite.OperatorAddOpcodeIndex(b, self._codes.index(kind))
        tflite.OperatorAddInputs(b, ins)
        tflite.OperatorAddOutputs(b, outs)
        if made:
            tflite.OperatorAddBuiltinOptionsType(b, getattr(tflite.BuiltinOptions, table))
            tflite.OperatorAddBuiltinOptions(b, made)
        self._operators.append(tflite.OperatorEnd(b))
