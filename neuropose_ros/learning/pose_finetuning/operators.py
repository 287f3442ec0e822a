"""ONNX operators by torch functions, as pose networks use them.

Meaning: the ONNX operator specification, opset 11 and later. Batch normalisation uses the
statistics that the file holds: a few hundred pictures give no better ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from neuropose_ros.core.errors import TrainingError

Attributes = Mapping[str, Any]
Operands = Sequence[Tensor | None]
Operator = Callable[[Operands, Attributes], Tensor | Sequence[Tensor]]

_TYPES = {1: torch.float32, 2: torch.uint8, 3: torch.int8, 6: torch.int32, 7: torch.int64,
          9: torch.bool, 11: torch.float64}
"""Of onnx.TensorProto, fixed by the file format."""


def _given(operand: Tensor | None) -> Tensor:
    if operand is None:
        raise TrainingError('an operator of the network lacks an input that it needs')
    return operand


def _optional(operands: Operands, index: int) -> Tensor | None:
    return operands[index] if index < len(operands) else None


def _whole(operand: Tensor | None) -> list[int]:
    return [int(value) for value in _given(operand).tolist()]


def _listed(operands: Operands, attributes: Attributes, index: int, name: str) -> list[int]:
    """Return what newer files give as an input and older ones as an attribute; [] = nothing."""
    operand = _optional(operands, index)
    return list(attributes.get(name, ())) if operand is None else _whole(operand)


def _padded(data: Tensor, attributes: Attributes, kernel: Sequence[int], value: float) -> Tensor:
    """Pad as convolutions and pools say: first all beginnings, then all ends."""
    axes = len(kernel)
    if attributes.get('auto_pad', b'NOTSET') not in (b'NOTSET', b'VALID'):
        raise TrainingError('the network pads automatically, which is not read: export it with '
                            'explicit pads')
    pads = list(attributes.get('pads', [0] * 2 * axes))
    if not any(pads):
        return data
    order = [side for axis in reversed(range(axes)) for side in (pads[axis], pads[axis + axes])]
    return functional.pad(data, order, value=value)


def _conv(operands: Operands, attributes: Attributes) -> Tensor:
    data, weight = _given(operands[0]), _given(operands[1])
    kernel = weight.shape[2:]
    axes = len(kernel)
    pads = list(attributes.get('pads', [0] * 2 * axes))
    even = pads[:axes] == pads[axes:] and attributes.get('auto_pad', b'NOTSET') == b'NOTSET'
    if not even:
        data = _padded(data, attributes, kernel, 0.0)
    return _CONVOLUTIONS[axes](
        data, weight, _optional(operands, 2), attributes.get('strides', [1] * axes),
        pads[:axes] if even else 0, attributes.get('dilations', [1] * axes),
        attributes.get('group', 1))


_CONVOLUTIONS: Mapping[int, Callable[..., Tensor]] = {1: functional.conv1d, 2: functional.conv2d}


def _conv_transpose(operands: Operands, attributes: Attributes) -> Tensor:
    pads = list(attributes.get('pads', [0] * 4))
    if pads[:2] != pads[2:]:
        raise TrainingError('a transposed convolution of the network is padded unevenly, which is '
                            'not read')
    return functional.conv_transpose2d(
        _given(operands[0]), _given(operands[1]), _optional(operands, 2),
        attributes.get('strides', 1), pads[:2], attributes.get('output_padding', 0),
        attributes.get('group', 1), attributes.get('dilations', 1))


def _gemm(operands: Operands, attributes: Attributes) -> Tensor:
    a, b, c = _given(operands[0]), _given(operands[1]), _optional(operands, 2)
    product = (a.T if attributes.get('transA') else a) @ (b.T if attributes.get('transB') else b)
    product = attributes.get('alpha', 1.0) * product
    return product if c is None else product + attributes.get('beta', 1.0) * c


def _batch_normalization(operands: Operands, attributes: Attributes) -> Tensor:
    data, scale, bias, mean, variance = map(_given, operands)
    return functional.batch_norm(
        data, mean, variance, scale, bias, False, 0.0, attributes.get('epsilon', 1e-5))


def _pool(operands: Operands, attributes: Attributes, *, largest: bool) -> Tensor:
    kernel = attributes['kernel_shape']
    if attributes.get('ceil_mode') or any(
            step != 1 for step in attributes.get('dilations', ())):
        raise TrainingError('a pool of the network rounds up or skips values, which is not read')
    strides = attributes.get('strides', [1] * len(kernel))
    if largest:
        data = _padded(_given(operands[0]), attributes, kernel, float('-inf'))
        return functional.max_pool2d(data, kernel, strides)
    if any(attributes.get('pads', ())) and not attributes.get('count_include_pad'):
        raise TrainingError('a mean of the network leaves its pads out, which is not read')
    data = _padded(_given(operands[0]), attributes, kernel, 0.0)
    pool: Callable[..., Tensor] = (
        functional.avg_pool1d if len(kernel) == 1 else functional.avg_pool2d)
    return pool(data, kernel, strides)


def _pad(operands: Operands, attributes: Attributes) -> Tensor:
    data = _given(operands[0])
    if attributes.get('mode', b'constant') != b'constant':
        raise TrainingError('the network pads by something else than a constant, which is not '
                            'read')
    pads = _listed(operands, attributes, 1, 'pads')
    value = _optional(operands, 2)
    order = [side for axis in reversed(range(data.ndim))
             for side in (pads[axis], pads[axis + data.ndim])]
    return functional.pad(
        data, order, value=attributes.get('value', 0.0) if value is None else float(value))


def _resize(operands: Operands, attributes: Attributes) -> Tensor:
    data = _given(operands[0])
    scales, sizes = _optional(operands, 2), _optional(operands, 3)
    if sizes is not None and sizes.numel():
        size = _whole(sizes)[2:]
    else:
        size = [int(length * factor) for length, factor in zip(
            data.shape[2:], _given(scales).tolist()[2:], strict=True)]
    mode = attributes.get('mode', b'nearest')
    places = attributes.get('coordinate_transformation_mode', b'half_pixel')
    whole = all(new % old == 0 for new, old in zip(size, data.shape[2:], strict=True))
    if mode == b'linear' and places in (b'half_pixel', b'pytorch_half_pixel', b'align_corners'):
        return functional.interpolate(
            data, size, mode='bilinear', align_corners=places == b'align_corners')
    if mode == b'nearest' and whole and places != b'align_corners':
        return functional.interpolate(data, size, mode='nearest')  # the same by any rounding
    raise TrainingError(f'the network is resized by {mode.decode()}, {places.decode()}, which is '
                        'not read')


def _reshape(operands: Operands, attributes: Attributes) -> Tensor:
    data = _given(operands[0])
    shape = _whole(operands[1])
    if not attributes.get('allowzero'):
        shape = [data.shape[axis] if length == 0 else length for axis, length in enumerate(shape)]
    return data.reshape(shape)


def _expand(operands: Operands, attributes: Attributes) -> Tensor:
    del attributes
    data = _given(operands[0])
    return data.expand(torch.broadcast_shapes(data.shape, tuple(_whole(operands[1]))))


def _flatten(operands: Operands, attributes: Attributes) -> Tensor:
    data, axis = _given(operands[0]), attributes.get('axis', 1)
    return data.flatten(axis) if axis == 1 else data.reshape(
        int(torch.tensor(data.shape[:axis]).prod()), -1)


def _slice(operands: Operands, attributes: Attributes) -> Tensor:
    del attributes
    data = _given(operands[0])
    starts, ends = _whole(operands[1]), _whole(operands[2])
    axes_given, steps_given = _optional(operands, 3), _optional(operands, 4)
    axes = list(range(len(starts))) if axes_given is None else _whole(axes_given)
    steps = [1] * len(starts) if steps_given is None else _whole(steps_given)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if step < 1:
            raise TrainingError('a slice of the network runs backwards, which is not read')
        index = [slice(None)] * data.ndim
        index[axis] = slice(start, end, step)
        data = data[tuple(index)]
    return data


def _split(operands: Operands, attributes: Attributes) -> Sequence[Tensor]:
    data, axis = _given(operands[0]), attributes.get('axis', 0)
    sizes = _listed(operands, attributes, 1, 'split')
    if sizes:
        return list(data.split(sizes, axis))
    return list(data.chunk(attributes.get('num_outputs', attributes['outputs']), axis))


def _squeeze(operands: Operands, attributes: Attributes) -> Tensor:
    data = _given(operands[0])
    axes = _listed(operands, attributes, 1, 'axes')
    return data.squeeze(tuple(axes)) if axes else data.squeeze()


def _unsqueeze(operands: Operands, attributes: Attributes) -> Tensor:
    data = _given(operands[0])
    axes = _listed(operands, attributes, 1, 'axes')
    for axis in sorted(axis % (data.ndim + len(axes)) for axis in axes):
        data = data.unsqueeze(axis)
    return data


def _gather(operands: Operands, attributes: Attributes) -> Tensor:
    data = _given(operands[0])
    index = _given(operands[1]).long().to(data.device)
    axis = attributes.get('axis', 0) % data.ndim
    index = torch.where(index < 0, index + data.shape[axis], index)
    found = data.index_select(axis, index.reshape(-1))
    return found.reshape(*data.shape[:axis], *index.shape, *data.shape[axis + 1:])


def _reduced(work: Callable[[Tensor, list[int], bool], Tensor]) -> Operator:
    def run(operands: Operands, attributes: Attributes) -> Tensor:
        data = _given(operands[0])
        axes = _listed(operands, attributes, 1, 'axes') or list(range(data.ndim))
        return work(data, axes, bool(attributes.get('keepdims', 1)))

    return run


def _clip(operands: Operands, attributes: Attributes) -> Tensor:
    least, most = _optional(operands, 1), _optional(operands, 2)
    low = attributes.get('min') if least is None else float(least)
    high = attributes.get('max') if most is None else float(most)
    data = _given(operands[0])
    if data.is_floating_point() and low is not None and high is not None:
        return functional.hardtanh(data, low, high)  # its gradient costs a third of clamp's
    return data.clamp(low, high)


def _global_mean(operands: Operands, attributes: Attributes) -> Tensor:
    del attributes
    data = _given(operands[0])
    return data.mean(tuple(range(2, data.ndim)), keepdim=True)


def _depth_to_space(operands: Operands, attributes: Attributes) -> Tensor:
    data, size = _given(operands[0]), attributes['blocksize']
    if attributes.get('mode', b'DCR') == b'CRD':
        return functional.pixel_shuffle(data, size)
    count, depth, height, width = data.shape
    parts = data.reshape(count, size, size, depth // size ** 2, height, width)
    return parts.permute(0, 3, 4, 1, 5, 2).reshape(
        count, depth // size ** 2, height * size, width * size)


def _plain(work: Callable[..., Tensor]) -> Operator:
    """Return an operator without attributes."""
    return lambda operands, _: work(*map(_given, operands))


def _hard_sigmoid(operands: Operands, attributes: Attributes) -> Tensor:
    data = _given(operands[0]) * attributes.get('alpha', 0.2) + attributes.get('beta', 0.5)
    return data.clamp(0, 1)


def _divided(a: Tensor, b: Tensor) -> Tensor:
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode='trunc')


OPERATORS: Mapping[str, Operator] = {
    'Add': _plain(torch.add),
    'AveragePool': lambda operands, attributes: _pool(operands, attributes, largest=False),
    'BatchNormalization': _batch_normalization,
    'Cast': lambda operands, attributes: _given(operands[0]).to(_TYPES[attributes['to']]),
    'Clip': _clip,
    'Concat': lambda operands, attributes: torch.cat(
        [_given(part) for part in operands], attributes['axis']),
    'Conv': _conv,
    'ConvTranspose': _conv_transpose,
    'DepthToSpace': _depth_to_space,
    'Div': _plain(_divided),
    'Elu': lambda operands, attributes: functional.elu(
        _given(operands[0]), attributes.get('alpha', 1.0)),
    'Erf': _plain(torch.erf),
    'Exp': _plain(torch.exp),
    'Expand': _expand,
    'Flatten': _flatten,
    'Gather': _gather,
    'Gemm': _gemm,
    'GlobalAveragePool': _global_mean,
    'HardSigmoid': _hard_sigmoid,
    'HardSwish': _plain(functional.hardswish),
    'Identity': lambda operands, _: _given(operands[0]),
    'LeakyRelu': lambda operands, attributes: functional.leaky_relu(
        _given(operands[0]), attributes.get('alpha', 0.01)),
    'Log': _plain(torch.log),
    'MatMul': _plain(torch.matmul),
    'MaxPool': lambda operands, attributes: _pool(operands, attributes, largest=True),
    'Mul': _plain(torch.mul),
    'Neg': _plain(torch.neg),
    'PRelu': lambda operands, _: torch.where(
        _given(operands[0]) < 0, _given(operands[0]) * _given(operands[1]), _given(operands[0])),
    'Pad': _pad,
    'Pow': _plain(torch.pow),
    'ReduceL2': _reduced(lambda data, axes, keep: data.square().sum(axes, keep).sqrt()),
    'ReduceLogSumExp': _reduced(lambda data, axes, keep: data.logsumexp(axes, keep)),
    'ReduceMax': _reduced(lambda data, axes, keep: data.amax(axes, keep)),
    'ReduceMean': _reduced(lambda data, axes, keep: data.mean(axes, keep)),
    'ReduceSum': _reduced(lambda data, axes, keep: data.sum(axes, keep)),
    'Relu': _plain(torch.relu),
    'Reshape': _reshape,
    'Resize': _resize,
    'Shape': lambda operands, _: torch.tensor(_given(operands[0]).shape),
    'Sigmoid': _plain(torch.sigmoid),
    'Slice': _slice,
    'Softmax': lambda operands, attributes: _given(operands[0]).softmax(
        attributes.get('axis', -1)),
    'Softplus': _plain(functional.softplus),
    'Split': _split,
    'Sqrt': _plain(torch.sqrt),
    'Squeeze': _squeeze,
    'Sub': _plain(torch.sub),
    'Tanh': _plain(torch.tanh),
    'Transpose': lambda operands, attributes: _given(operands[0]).permute(attributes['perm']),
    'Unsqueeze': _unsqueeze,
}
"""Those that are read, by their names."""
