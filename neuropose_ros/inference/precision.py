"""A variant of an ONNX network that computes in half precision where that is safe.

TensorRT 11 takes its precision from the ONNX file alone, and TensorRT 10 can; so the choice of
what to compute in float16 is made here, once, for all versions.

The rule: convolutions and matrix products compute in float16, and so do the simple layers between
them as long as all their inputs are float16 already. Layers that lose or overflow in half
precision (exponentials, divisions, sums, sorting, anything unknown) stay in float32, and float32
then lasts until the next convolution or matrix product. The last convolution or matrix product of
each path and all that follows stay in float32 too: heads are cheap, and a coordinate of 600 px has
a step of half a pixel in float16. Inputs and outputs keep their types.

A file that has float16 or quantised layers already has chosen for itself, and is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import ModelError

VARIANT_VERSION = 1
# Above what sound networks show (0.3 to 2 %), far below what an overflow does. An upper bound of
# what a GPU loses: TensorRT fuses layers, and rounds only between the fused ones.
TOLERANCE = 0.05

_HEAVY = frozenset({'Conv', 'ConvTranspose', 'Gemm', 'MatMul'})
_SIMPLE = frozenset({
    'Add', 'AveragePool', 'BatchNormalization', 'Clip', 'Concat', 'DepthToSpace', 'Dropout', 'Elu',
    'Expand', 'Flatten', 'Gather', 'GlobalAveragePool', 'GlobalMaxPool', 'HardSigmoid',
    'HardSwish', 'Identity', 'LeakyRelu', 'MaxPool', 'Mul', 'Neg', 'PRelu', 'Pad', 'Relu',
    'Reshape', 'Resize', 'Sigmoid', 'Slice', 'SpaceToDepth', 'Split', 'Squeeze', 'Sub', 'Tanh',
    'Tile', 'Transpose', 'Unsqueeze',
})
_ANY_TYPE = frozenset({'Shape', 'Size'})  # look at no values
# Inputs that the ONNX standard wants in float32 whatever the type of the data.
_ALWAYS_FLOAT32 = {'Resize': (1, 2)}
_HALF = '/float16'
_FLOAT32, _FLOAT16 = 1, 10  # of onnx.TensorProto, fixed by the file format
_LARGEST = float(np.finfo(np.float16).max)
_SMALLEST = float(np.finfo(np.float16).smallest_subnormal)
# Pictures differ; a tensor may become four times as large as on the probes.
_HEADROOM = 4.0

Probe = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class HalfModel:
    """An fp16 variant.

    Attributes:
        content: the ONNX file.
        layers_float16: how many layers compute in float16 now; 0 = the file is left as it is.
        kept_float32: the layers that could, and were kept in float32 because of their values.
        difference: largest root-mean-square difference to float32 over the probes, relative to
            the root mean square in float32, at the last convolutions and matrix products.
    """

    content: bytes
    layers_float16: int
    kept_float32: tuple[str, ...]
    difference: float


def half_precision(
    model: Path, probes: Sequence[Probe], tolerance: float = TOLERANCE,
) -> HalfModel:
    """Make the fp16 variant of a network, and check it against float32 with ONNX Runtime.

    Args:
        model: an .onnx file.
        probes: inputs that the network is run with, by name.
        tolerance: largest relative difference, see `HalfModel`.

    Raises:
        ModelError: the network cannot be read or run, or differs more than the tolerance.
    """
    graph = _Graph.read(model)
    if graph.has_chosen():
        return HalfModel(graph.model.SerializeToString(), 0, (), 0.0)
    kept = graph.block_extreme_weights() + graph.block_large_activations(probes)
    variant, count = _Writer(graph).write()
    difference = _difference(graph, variant, probes)
    if not difference <= tolerance:  # also when it is no number
        raise ModelError(
            f'{model.name} in half precision differs by {difference:.1%} from float32, more than '
            f'the {tolerance:.1%} that are allowed: use precision fp32')
    return HalfModel(variant, count, tuple(dict.fromkeys(kept)), difference)


@dataclass
class _Graph:
    """A network with what has to be known of it."""

    title: str
    model: Any
    types: dict[str, int]
    weights: dict[str, NDArray[Any]]
    leads_on: set[int]  # nodes with a heavy node behind them
    blocked: set[int] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> _Graph:
        import onnx
        from onnx import numpy_helper
        try:
            model = onnx.shape_inference.infer_shapes(onnx.load(path), data_prop=True)
            _constants_to_weights(model.graph)
            weights = {
                tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        except Exception as error:  # protobuf's errors differ between its versions
            raise ModelError(f'{path} is not a readable ONNX file: {error}') from error
        graph = model.graph
        types = {value.name: value.type.tensor_type.elem_type
                 for value in (*graph.value_info, *graph.input, *graph.output)}
        types.update({tensor.name: tensor.data_type for tensor in graph.initializer})
        return cls(path.name, model, types, weights, _leading_on(graph))

    def has_chosen(self) -> bool:
        return _FLOAT16 in self.types.values() or any(
            'QuantizeLinear' in node.op_type for node in self.model.graph.node)

    def is_float32(self, name: str) -> bool:
        return self.types.get(name) == _FLOAT32

    def could_be_half(self, index: int) -> bool:
        node = self.model.graph.node[index]
        known = all(self.types.get(name) for name in (*node.input, *node.output) if name)
        return (
            index in self.leads_on and index not in self.blocked and known and not node.domain
            and node.op_type in _HEAVY | _SIMPLE and self.is_float32(node.input[0])
            and self.is_float32(node.output[0]))

    def halved_inputs(self, node: Any) -> Iterator[tuple[int, str]]:
        """Yield position and name of the inputs that become float16 with a node."""
        for position, name in enumerate(node.input):
            if self.is_float32(name) and position not in _ALWAYS_FLOAT32.get(node.op_type, ()):
                yield position, name

    def half_nodes(self) -> set[int]:
        """Return the nodes that compute in float16."""
        chosen: set[int] = set()
        half: set[str] = set()
        for index, node in enumerate(self.model.graph.node):
            if not self.could_be_half(index):
                continue
            data = [name for _, name in self.halved_inputs(node) if name not in self.weights]
            if node.op_type in _HEAVY or (data and half.issuperset(data)):
                chosen.add(index)
                half.update(name for name in node.output if self.is_float32(name))
        return chosen

    def block_extreme_weights(self) -> list[str]:
        """Keep layers in float32 whose weights float16 cannot hold."""
        kept = []
        for index in sorted(self.half_nodes()):
            node = self.model.graph.node[index]
            weights = [self.weights[name] for _, name in self.halved_inputs(node)
                       if name in self.weights]
            if any(map(_is_extreme, weights)):
                self.blocked.add(index)
                kept.append(node.name or node.output[0])
        return kept

    def block_large_activations(self, probes: Sequence[Probe]) -> list[str]:
        """Keep layers in float32 whose values come near the end of float16."""
        nodes = self.model.graph.node
        touching: dict[str, list[int]] = {}
        for index in sorted(self.half_nodes()):
            node = nodes[index]
            names = [name for _, name in self.halved_inputs(node) if name not in self.weights]
            for name in dict.fromkeys([*names, *filter(self.is_float32, node.output)]):
                touching.setdefault(name, []).append(index)
        kept = []
        for probe in probes:
            values = _run(self.title, self.model, probe, list(touching))
            for name, value in values.items():
                if value.size and not np.abs(value).max() < _LARGEST / _HEADROOM:
                    self.blocked.update(touching[name])
                    kept += [nodes[index].name or nodes[index].output[0]
                             for index in touching[name]]
        return kept

    def last_products(self) -> list[str]:
        """Return the outputs of the last convolutions and matrix products, else the network's."""
        names = [node.output[0] for index, node in enumerate(self.model.graph.node)
                 if node.op_type in _HEAVY and index not in self.leads_on
                 and self.is_float32(node.output[0])]
        return names or [value.name for value in self.model.graph.output]


def _is_extreme(weight: NDArray[Any]) -> bool:
    size = np.abs(weight)
    # A single small number is there to keep something from being 0; many are just small.
    vanishes = size.size == 1 and 0 < size.max() < _SMALLEST
    return bool(size.size and (vanishes or not size.max() <= _LARGEST))


def _constants_to_weights(graph: Any) -> None:
    """Turn Constant nodes into initialisers, so that there is one kind of constant."""
    others = []
    for node in graph.node:
        tensor = next((a.t for a in node.attribute if a.name == 'value'), None)
        if node.op_type == 'Constant' and tensor is not None:
            weight = graph.initializer.add()
            weight.CopyFrom(tensor)
            weight.name = node.output[0]
        else:
            others.append(node)
    del graph.node[:]
    graph.node.extend(others)


def _leading_on(graph: Any) -> set[int]:
    """Return the nodes from which a convolution or matrix product can still be reached."""
    wanted: set[str] = set()
    found: set[int] = set()
    for index in range(len(graph.node) - 1, -1, -1):
        node = graph.node[index]
        leads = not wanted.isdisjoint(node.output)
        if leads:
            found.add(index)
        if leads or node.op_type in _HEAVY:
            wanted.update(filter(None, node.input))
            wanted.update(_captured(node))
    return found


def _captured(node: Any) -> Iterator[str]:
    """Yield the names that a node's subgraphs use; some may be their own."""
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from inner.input
                yield from _captured(inner)
            yield from (value.name for value in graph.output)


class _Writer:
    """Writes a network anew; a tensor ``x`` in float16 is called ``x/float16``."""

    def __init__(self, graph: _Graph) -> None:
        self._graph = graph
        self._nodes: list[Any] = []
        self._new_weights: list[Any] = []
        self._made_half: set[str] = set()
        self._only_half: set[str] = set()

    def write(self) -> tuple[bytes, int]:
        import onnx
        chosen = self._graph.half_nodes()
        model = onnx.ModelProto()
        model.CopyFrom(self._graph.model)
        for index, node in enumerate(list(model.graph.node)):
            if index in chosen:
                self._write_half(node)
            elif node.op_type in _ANY_TYPE and node.input[0] in self._only_half:
                node.input[0] = _half_name(node.input[0])
                self._nodes.append(node)
            else:
                for name in (*node.input, *_captured(node)):
                    self._need_float32(name)
                self._nodes.append(node)
        for value in model.graph.output:
            self._need_float32(value.name)
        used = {name for node in self._nodes for name in (*node.input, *_captured(node))}
        used |= {value.name for value in model.graph.output}
        weights = [weight for weight in (*model.graph.initializer, *self._new_weights)
                   if weight.name in used]
        rewritten = onnx.GraphProto()
        rewritten.CopyFrom(model.graph)
        for old in (rewritten.node, rewritten.initializer, rewritten.value_info):
            del old[:]
        rewritten.node.extend(self._nodes)
        rewritten.initializer.extend(weights)
        model.graph.CopyFrom(rewritten)
        content: bytes = model.SerializeToString()
        return content, len(chosen)

    def _write_half(self, node: Any) -> None:
        halved = dict(self._graph.halved_inputs(node))
        for position, name in enumerate(list(node.input)):
            if position in halved:
                node.input[position] = self._half(name)
            else:
                self._need_float32(name)
        for position, name in enumerate(list(node.output)):
            if self._graph.is_float32(name):
                self._made_half.add(name)
                self._only_half.add(name)
                node.output[position] = _half_name(name)
        self._nodes.append(node)

    def _half(self, name: str) -> str:
        from onnx import TensorProto, helper, numpy_helper
        if name not in self._made_half:
            self._made_half.add(name)
            if name in self._graph.weights:
                weight = self._graph.weights[name].astype(np.float16)
                self._new_weights.append(numpy_helper.from_array(weight, _half_name(name)))
            else:
                self._nodes.append(helper.make_node(
                    'Cast', [name], [_half_name(name)], _half_name(name),
                    to=TensorProto.FLOAT16))
        return _half_name(name)

    def _need_float32(self, name: str) -> None:
        from onnx import TensorProto, helper
        if name in self._only_half:
            self._only_half.remove(name)
            self._nodes.append(helper.make_node(
                'Cast', [_half_name(name)], [name], f'{name}/float32', to=TensorProto.FLOAT))


def _half_name(name: str) -> str:
    return f'{name}{_HALF}'


def _run(
    title: str, model: Any, probe: Probe, names: Sequence[str],
) -> dict[str, NDArray[Any]]:
    """Run a network for some of its inner tensors."""
    import onnx
    import onnxruntime
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    del shown.graph.output[:]
    shown.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    if not names:
        return {}
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            shown.SerializeToString(), options, providers=['CPUExecutionProvider'])
        values = session.run(list(names), dict(probe))
    except Exception as error:  # its exceptions share no base
        raise ModelError(
            f'{title} cannot be run to check half precision: {error}') from error
    return dict(zip(names, values, strict=True))


def _rounded(half: Any) -> Any:
    """Return a variant in float32 whose every float16 value is rounded as float16.

    ONNX Runtime has few float16 layers for processors: it computes the others in float32, and
    does not even round between two of them, so that the variant itself looks better than it is.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    model = onnx.ModelProto()
    model.CopyFrom(half)
    for weight in model.graph.initializer:
        if weight.name.endswith(_HALF):
            value = numpy_helper.to_array(weight).astype(np.float32)
            weight.CopyFrom(numpy_helper.from_array(value, weight.name))
    nodes = []
    for node in model.graph.node:
        nodes.append(node)
        for position, name in enumerate(node.output):
            if name.endswith(_HALF):
                node.output[position] = f'{name}/exact'
                nodes += [
                    helper.make_node('Cast', [f'{name}/exact'], [f'{name}/rounded'],
                                     to=TensorProto.FLOAT16),
                    helper.make_node('Cast', [f'{name}/rounded'], [name], to=TensorProto.FLOAT)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _difference(graph: _Graph, variant: bytes, probes: Sequence[Probe]) -> float:
    import onnx
    half = onnx.load_model_from_string(variant)
    rounded = _rounded(half)
    names = graph.last_products()
    worst = 0.0
    for probe in probes:
        _run(graph.title, half, probe, names)  # its types are right
        exact = _run(graph.title, graph.model, probe, names)
        got = _run(graph.title, rounded, probe, names)
        for name in names:
            size = float(np.sqrt(np.mean(np.square(exact[name], dtype=np.float64))))
            error = np.subtract(got[name], exact[name], dtype=np.float64)
            off = float(np.sqrt(np.mean(np.square(error))))
            # Not max(): nothing is larger than what is not a number.
            relative = off / size if size else off
            worst = relative if not relative <= worst else worst
    return worst
