"""TensorFlow Lite to ONNX: channels first, only what the wanted outputs need.

Operator semantics: the TensorFlow Lite operator reference and the ONNX operator specification
(opset 17). TensorFlow Lite images are (N, H, W, C), ONNX ones (N, C, H, W).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.tflite import Network, Operator, read_network

# Goes into the name of every converted file: raise it when the output changes.
CONVERTER_VERSION = 3
_OPSET = 17
_BATCH = 'batch'  # name of the dynamic axis
_VALID = 1
_LINEAR, _RELU, _RELU6 = 0, 1, 3
_TO_CHANNELS_FIRST, _TO_CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)


@dataclass(frozen=True)
class ImageInput:
    """How the pictures that go in become what the network was trained on.

    The converted network takes any number N of uint8 pictures, (N, H, W, 3) BGR; the subtraction
    is its first operation, scale and channel order go into the weights of the first convolution.

    Attributes:
        offset: is subtracted from every value 0..255.
        scale: the difference is multiplied by it.
    """

    offset: float
    scale: float


def convert(
    content: bytes, image: ImageInput, outputs: Mapping[int, str],
) -> bytes:
    """Convert a network with one RGB picture as input to a serialised ONNX model.

    Args:
        content: the .tflite file.
        image: the picture's value range.
        outputs: name of each wanted output by its position in the file; the rest is pruned.
            Image-like outputs come channels first.

    Raises:
        ModelError: the network uses something that is not converted.
    """
    network = read_network(content)
    beyond = [position for position in outputs if position >= len(network.outputs)]
    if beyond:
        raise ModelError(
            f'the network has {len(network.outputs)} outputs, counted from 0: none at {beyond[0]}')
    wanted = {network.outputs[position]: name for position, name in outputs.items()}
    return _Converter(network, image, wanted).model()


class _Converter:
    """Builds the nodes operator by operator; state of one conversion."""

    def __init__(
        self, network: Network, image: ImageInput, outputs: Mapping[int, str],
    ) -> None:
        self._network = network
        self._image = image
        self._outputs = outputs
        self._operators = _needed(network, set(outputs))
        self._nodes: list[Any] = []
        self._constants: dict[str, NDArray[Any]] = {}
        # Zero padding that goes into the convolutions that read it, by tensor.
        self._padded: dict[int, tuple[int, tuple[int, int, int, int]]] = {}
        # Enlargement that is done after the 1x1 convolutions that read it, by tensor.
        self._late: dict[int, Operator] = {}
        self._emitters: dict[str, Callable[[Operator], None]] = {
            'CONV_2D': self._convolution,
            'DEPTHWISE_CONV_2D': self._convolution,
            'MAX_POOL_2D': self._max_pool,
            'ADD': self._add,
            'PAD': self._pad,
            'RESIZE_BILINEAR': self._resize,
            'DEPTH_TO_SPACE': self._depth_to_space,
            'RESHAPE': self._reshape,
            'CONCATENATION': self._concatenation,
            'LOGISTIC': self._logistic,
        }

    def model(self) -> bytes:
        """Return the serialised, checked model."""
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        if len(self._network.inputs) != 1:
            raise ModelError('a network with one picture as input is expected')
        source = self._network.inputs[0]
        shape = self._batch_of(self._shape(source))
        self._read_image(self._tensor_name(source))
        for operator in self._operators:
            emitter = self._emitters.get(operator.kind)
            if emitter is None:
                raise ModelError(f'operator {operator.kind} of the network is not converted')
            emitter(operator)
        graph = helper.make_graph(
            self._nodes, 'neuropose',
            [helper.make_tensor_value_info('image', TensorProto.UINT8, shape)],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, self._output_shape(tensor))
             for tensor, name in self._outputs.items()],
            [numpy_helper.from_array(value, name) for name, value in self._constants.items()],
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid('', _OPSET)], ir_version=8,
            producer_name='neuropose', producer_version=str(CONVERTER_VERSION),
        )
        try:
            onnx.checker.check_model(model, full_check=True)
        except onnx.checker.ValidationError as error:
            raise ModelError(f'the converted network is not valid ONNX: {error}') from error
        return bytes(model.SerializeToString())

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        from onnx import helper

        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        self._constants[name] = np.ascontiguousarray(value)
        return name

    def _tensor_name(self, tensor: int) -> str:
        return self._outputs.get(tensor, f't{tensor}')

    def _shape(self, tensor: int) -> tuple[int, ...]:
        return self._network.tensors[tensor].shape

    def _output_shape(self, tensor: int) -> tuple[int | str, ...]:
        shape = self._shape(tensor)
        return self._batch_of(
            tuple(shape[i] for i in _TO_CHANNELS_FIRST) if len(shape) == 4 else shape)

    def _batch_of(self, shape: tuple[int, ...]) -> tuple[int | str, ...]:
        """Return the shape for any number of pictures; the published one is for a single one."""
        if not shape or shape[0] != 1:
            raise ModelError(f'the network does not work on one picture but on {shape}')
        return (_BATCH, *shape[1:])

    def _data(self, tensor: int) -> NDArray[Any]:
        data = self._network.tensors[tensor].data
        if data is None:
            raise ModelError('the network computes a weight: not converted')
        return data

    def _read_image(self, output: str) -> None:
        self._node('Transpose', ['image'], 'planes', perm=_TO_CHANNELS_FIRST)
        if self._image.offset:
            self._node('Cast', ['planes'], 'values', to=1)
            offset = self._constant('offset', np.array(self._image.offset, np.float32))
            self._node('Sub', ['values', offset], output)
        else:
            self._node('Cast', ['planes'], output, to=1)

    def _activated(
        self, operator: Operator, kind: str, inputs: list[str], **attributes: Any,
    ) -> None:
        """Add the node that makes the operator's output, and its fused activation."""
        name = self._tensor_name(operator.outputs[0])
        activation = operator.options.get('FusedActivationFunction', 0)
        if activation not in {_LINEAR, _RELU, _RELU6}:
            raise ModelError(f'fused activation {activation} of the network is not converted')
        if activation == _LINEAR:
            self._node(kind, inputs, name, **attributes)
            return
        self._node(kind, inputs, f'{name}_linear', **attributes)
        if activation == _RELU:
            self._node('Relu', [f'{name}_linear'], name)
        else:
            low = self._constant('zero', np.zeros((), np.float32))
            high = self._constant('six', np.full((), 6, np.float32))
            self._node('Clip', [f'{name}_linear', low, high], name)

    def _convolution(self, operator: Operator) -> None:
        source, weight_tensor = operator.inputs[:2]
        depthwise = operator.kind == 'DEPTHWISE_CONV_2D'
        # (out, h, w, in), or (1, h, w, out) depthwise.
        weights = self._data(weight_tensor).transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
        size = weights.shape[2:]
        pads = self._pads(operator, size)
        padded = self._padded.get(source)
        if padded is not None:
            if operator.options['Padding'] != _VALID:
                raise ModelError('the network pads twice: not converted')
            source, pads = padded
        enlarged = self._late.get(source)
        if enlarged is not None:
            source = enlarged.inputs[0]
        if source == self._network.inputs[0]:
            weights = weights[:, ::-1] * np.float32(self._image.scale)
        name = self._tensor_name(operator.outputs[0])
        inputs = [self._tensor_name(source), self._constant(f'w{weight_tensor}_{name}', weights)]
        if len(operator.inputs) > 2 and operator.inputs[2] >= 0:
            bias = operator.inputs[2]
            inputs.append(self._constant(f'b{bias}', self._data(bias)))
        options = operator.options
        attributes = {
            'pads': pads, 'kernel_shape': size,
            'strides': (options['StrideH'], options['StrideW']),
            'dilations': (options['DilationHFactor'], options['DilationWFactor']),
            'group': self._shape(source)[3] if depthwise else 1,
        }
        if enlarged is None:
            self._activated(operator, 'Conv', inputs, **attributes)
        else:
            self._node('Conv', inputs, f'{name}_small', **attributes)
            self._enlarge(operator, f'{name}_small', enlarged)

    def _pads(self, operator: Operator, size: tuple[int, ...]) -> tuple[int, int, int, int]:
        """Return top, left, bottom, right of the SAME rule; the odd one goes below and right."""
        if operator.options['Padding'] == _VALID:
            return 0, 0, 0, 0
        options = operator.options
        shape = self._shape(operator.inputs[0])
        totals = []
        for length, kernel, stride, dilation in (
            (shape[1], size[0], options['StrideH'], options.get('DilationHFactor', 1)),
            (shape[2], size[1], options['StrideW'], options.get('DilationWFactor', 1)),
        ):
            steps = -(-length // stride) - 1
            totals.append(max(0, steps * stride + (kernel - 1) * dilation + 1 - length))
        top, left = totals[0] // 2, totals[1] // 2
        return top, left, totals[0] - top, totals[1] - left

    def _max_pool(self, operator: Operator) -> None:
        options = operator.options
        size = (options['FilterHeight'], options['FilterWidth'])
        self._activated(
            operator, 'MaxPool', [self._tensor_name(operator.inputs[0])], kernel_shape=size,
            strides=(options['StrideH'], options['StrideW']), pads=self._pads(operator, size))

    def _add(self, operator: Operator) -> None:
        if any(self._network.tensors[i].data is not None for i in operator.inputs):
            raise ModelError('the network adds a constant: not converted')
        self._activated(operator, 'Add', [self._tensor_name(i) for i in operator.inputs])

    def _pad(self, operator: Operator) -> None:
        source, target = operator.inputs[0], operator.outputs[0]
        pads = self._data(operator.inputs[1])
        convolutions = {'CONV_2D', 'DEPTHWISE_CONV_2D'}
        if len(pads) != 4:
            raise ModelError('the network pads something else than a picture: not converted')
        if (pads[[0, 3]].any() or target in self._outputs
                or any(reader.kind not in convolutions for reader in self._readers(target))):
            places = pads[list(_TO_CHANNELS_FIRST)].T.astype(np.int64).ravel()
            name = self._tensor_name(target)
            self._node('Pad', [self._tensor_name(source), self._constant(f'p{name}', places)],
                       name)
            return
        (top, bottom), (left, right) = pads[1:3].tolist()
        self._padded[target] = source, (top, left, bottom, right)

    def _resize(self, operator: Operator) -> None:
        if operator.options['AlignCorners']:
            raise ModelError('the network resizes with aligned corners: not converted')
        target = operator.outputs[0]
        if target not in self._outputs and all(map(self._is_pointwise, self._readers(target))):
            # Weighting channels and interpolating pixels are interchangeable: the weighting
            # costs a quarter on the small picture, and there are fewer channels to enlarge.
            self._late[target] = operator
        else:
            self._enlarge(operator, self._tensor_name(operator.inputs[0]), operator)

    def _enlarge(self, operator: Operator, source: str, resize: Operator) -> None:
        """Make the operator's output by resizing ``source`` as ``resize`` says."""
        old, new = self._shape(resize.inputs[0]), self._shape(resize.outputs[0])
        scales = np.array([1, 1, new[1] / old[1], new[2] / old[2]], np.float32)
        mode = 'half_pixel' if resize.options['HalfPixelCenters'] else 'asymmetric'
        constant = self._constant(f's{source}', scales)
        self._activated(operator, 'Resize', [source, '', constant], mode='linear',
                        coordinate_transformation_mode=mode)

    def _readers(self, tensor: int) -> list[Operator]:
        return [operator for operator in self._operators if tensor in operator.inputs]

    def _is_pointwise(self, operator: Operator) -> bool:
        if operator.kind != 'CONV_2D':
            return False
        stride = operator.options['StrideH'], operator.options['StrideW']
        return self._shape(operator.inputs[1])[1:3] == stride == (1, 1)

    def _depth_to_space(self, operator: Operator) -> None:
        self._node('DepthToSpace', [self._tensor_name(operator.inputs[0])],
                   self._tensor_name(operator.outputs[0]),
                   blocksize=operator.options['BlockSize'], mode='DCR')

    def _reshape(self, operator: Operator) -> None:
        source, target = operator.inputs[0], operator.outputs[0]
        name, shape = self._tensor_name(target), self._shape(target)
        current = self._tensor_name(source)
        if len(self._shape(source)) == 4:
            # The values are in channels-last order only in the network's own layout.
            self._node('Transpose', [current], f'{name}_last', perm=_TO_CHANNELS_LAST)
            current = f'{name}_last'
        if len(shape) == 4:
            raise ModelError('the network reshapes to a picture: not converted')
        if shape[0] != self._shape(source)[0]:
            raise ModelError('the network reshapes across pictures: not converted')
        places = np.array((0, *shape[1:]), np.int64)  # 0 = as it is: the number of pictures
        self._node('Reshape', [current, self._constant(f'r{name}', places)], name)

    def _concatenation(self, operator: Operator) -> None:
        target = operator.outputs[0]
        axis = operator.options['Axis'] % len(self._shape(target))
        if len(self._shape(target)) == 4:
            axis = _TO_CHANNELS_FIRST.index(axis)
        inputs = [self._tensor_name(i) for i in operator.inputs]
        self._activated(operator, 'Concat', inputs, axis=axis)

    def _logistic(self, operator: Operator) -> None:
        self._node('Sigmoid', [self._tensor_name(operator.inputs[0])],
                   self._tensor_name(operator.outputs[0]))


def _needed(network: Network, outputs: set[int]) -> list[Operator]:
    """Return the operators that the wanted outputs need, in order."""
    wanted = set(outputs)
    kept = []
    for operator in reversed(network.operators):
        if wanted.intersection(operator.outputs):
            wanted.update(operator.inputs)
            kept.append(operator)
    return kept[::-1]
