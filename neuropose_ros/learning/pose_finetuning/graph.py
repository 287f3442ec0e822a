"""An ONNX network as a torch module: its weights are learnt on, and written back into the file.

The file stays what it was but for the weights: inputs, outputs, names and operators are the same,
and whatever reads the network goes on reading it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.learning.pose_finetuning.operators import OPERATORS

_QUANTISED = ('QuantizeLinear', 'DequantizeLinear', 'DynamicQuantizeLinear', 'QLinearConv',
              'ConvInteger')
# What is learnt: the inputs behind the data of these, and larger constants of the simple ones.
_LEARNT_INPUTS = {'Conv': (1, 2), 'ConvTranspose': (1, 2), 'Gemm': (1, 2), 'MatMul': (0, 1),
                  'BatchNormalization': (1, 2), 'PRelu': (1,), 'Add': (0, 1), 'Mul': (0, 1)}
_FLOAT32 = 1  # of onnx.TensorProto


@dataclass(frozen=True)
class _Step:
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    done_with: tuple[str, ...]


class GraphNetwork(nn.Module):
    """Computes what the ONNX file computes.

    Each weight is learnt as a share of the size that it has in the file, of convolutions channel
    by channel: where a normalisation was folded into them sizes differ ten thousandfold, and a
    step that is right for one breaks the other.

    Attributes:
        input: name of its one input.
        outputs: names of its outputs.
    """

    def __init__(self, content: bytes) -> None:
        """Read an .onnx file.

        Raises:
            TrainingError: it is none, has several inputs, is quantised, or has an operator that
                is not read; the sentence says which.
        """
        super().__init__()
        from onnx import numpy_helper

        self._model = _read(content)
        graph = self._model.graph
        _check(graph)
        learnt = _learnt(graph)
        order = dict.fromkeys(name for node in graph.node for name in node.input if name in learnt)
        self._names = tuple(order)
        constants: dict[str, Tensor] = {}
        for tensor in graph.initializer:
            constants[tensor.name] = torch.from_numpy(np.array(numpy_helper.to_array(tensor)))
        weights = nn.ParameterList()
        for index, name in enumerate(self._names):
            value = constants.pop(name)
            size = _size(value)
            self.register_buffer(f'size_{index}', size, persistent=False)
            share = value / size
            weights.append(nn.Parameter(
                share.contiguous(memory_format=torch.channels_last) if value.ndim == 4 else share))
        for node in graph.node:
            if node.op_type == 'Constant':
                constants[node.output[0]] = _constant(node)
        self.weights = weights
        # Whole numbers are shapes and places: they are read on the host.
        self._shapes = {name: value for name, value in constants.items()
                        if not value.is_floating_point()}
        self._floats = tuple(name for name in constants if name not in self._shapes)
        for index, name in enumerate(self._floats):
            self.register_buffer(f'constant_{index}', constants[name], persistent=False)
        self.input = next(iter(_true_inputs(graph)))
        self.outputs = tuple(value.name for value in graph.output)
        self._steps = _steps(graph, {*constants, *self._names, *self.outputs})

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return the outputs by name; shapes and values as the file's own."""
        values: dict[str, Tensor] = {
            **self._shapes, self.input: pictures,
            **{name: self.get_buffer(f'constant_{index}')
               for index, name in enumerate(self._floats)},
            **self._weights()}
        for step in self._steps:
            operands = [values[name] if name else None for name in step.inputs]
            made = OPERATORS[step.kind](operands, step.attributes)
            for name, value in zip(
                    step.outputs, (made,) if isinstance(made, Tensor) else made, strict=True):
                values[name] = value
            for name in step.done_with:
                del values[name]
        return {name: values[name] for name in self.outputs}

    def _weights(self) -> dict[str, Tensor]:
        return {name: weight * self.get_buffer(f'size_{index}')
                for index, (name, weight) in enumerate(
                    zip(self._names, self.weights, strict=True))}

    def freeze(self, share: float) -> None:
        """Let the first share of the weights be as they are: edges and corners are the same."""
        for weight in self.weights[:round(share * len(self.weights))]:
            weight.requires_grad_(False)

    def to_onnx(self) -> bytes:
        """Return the file with the weights as they are now."""
        from onnx import numpy_helper

        model = type(self._model)()
        model.CopyFrom(self._model)
        with torch.no_grad():
            now = self._weights()
        for tensor in model.graph.initializer:
            if tensor.name in now:
                value = np.ascontiguousarray(now[tensor.name].cpu().numpy())
                tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
        return bytes(model.SerializeToString())


def _size(value: Tensor) -> Tensor:
    """Return the root mean square of a weight, of convolutions for each channel of the output."""
    whole = value.square().mean().sqrt()
    whole = whole if whole > 0 else torch.ones(())
    if value.ndim < 3:
        return whole
    each = value.square().mean(tuple(range(1, value.ndim)), keepdim=True).sqrt()
    return torch.maximum(each, 0.1 * whole)  # a channel that is off may stay so


def _read(content: bytes) -> Any:
    import onnx

    try:
        model = onnx.load_model_from_string(content)
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf's errors differ between its versions
        raise TrainingError('the network is no readable ONNX file: '
                            f'{" ".join(str(error).split())[:200]}') from error
    return model


def _true_inputs(graph: Any) -> list[str]:
    weights = {tensor.name for tensor in graph.initializer}
    return [value.name for value in graph.input if value.name not in weights]


def _check(graph: Any) -> None:
    kinds = {node.op_type for node in graph.node}
    quantised = sorted(kinds.intersection(_QUANTISED))
    if quantised:
        raise TrainingError(f'the network is quantised ({quantised[0]}): its weights are whole '
                            'numbers, on which nothing is learnt; take the float32 one')
    unknown = sorted(kinds - set(OPERATORS) - {'Constant'})
    if unknown:
        raise TrainingError(f'the network has operators that training does not read: '
                            f'{", ".join(unknown)}')
    if len(_true_inputs(graph)) != 1:
        raise TrainingError(f'the network has {len(_true_inputs(graph))} inputs; one picture is '
                            'expected')


def _learnt(graph: Any) -> set[str]:
    floats = {tensor.name for tensor in graph.initializer
              if tensor.data_type == _FLOAT32 and int(np.prod(tensor.dims)) > 1}
    return {node.input[place] for node in graph.node
            for place in _LEARNT_INPUTS.get(node.op_type, ())
            if place < len(node.input) and node.input[place] in floats}


def _constant(node: Any) -> Tensor:
    from onnx import helper, numpy_helper

    [attribute] = node.attribute
    value = helper.get_attribute_value(attribute)
    array = numpy_helper.to_array(value) if attribute.name == 'value' else np.array(value)
    if array.dtype == np.float64 and attribute.name != 'value':
        array = array.astype(np.float32)
    return torch.from_numpy(np.array(array))


def _steps(graph: Any, kept: set[str]) -> tuple[_Step, ...]:
    from onnx import helper

    last = {name: index for index, node in enumerate(graph.node) for name in node.input if name}
    steps = []
    for index, node in enumerate(graph.node):
        if node.op_type == 'Constant':
            continue
        attributes = {item.name: helper.get_attribute_value(item) for item in node.attribute}
        steps.append(_Step(
            node.op_type, tuple(node.input), tuple(node.output),
            {**attributes, 'outputs': len(node.output)},
            tuple({name for name in node.input
                   if name and last[name] == index and name not in kept})))
    return tuple(steps)
