"""ONNX networks of one or two operators made for the tests, whose answers are known."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import TensorProto, helper

Shape = Sequence[int | str] | None


def network(
    nodes: Sequence[object], inputs: dict[str, tuple[int, Shape]],
    outputs: dict[str, tuple[int, Shape]], domains: Sequence[str] = (),
) -> bytes:
    """Return a model; a shape of None is of any rank, a name in a shape any size."""
    values = [
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in side.items()]
        for side in (inputs, outputs)]
    graph = helper.make_graph(nodes, 'tiny', *values)
    sets = [helper.make_opsetid('', 17), *(helper.make_opsetid(name, 1) for name in domains)]
    return helper.make_model(graph, opset_imports=sets, ir_version=8).SerializeToString()


def doubling(shape: Shape, kind: int = TensorProto.FLOAT) -> bytes:
    """Return y = x + x."""
    return network(
        [helper.make_node('Add', ['x', 'x'], ['y'])], {'x': (kind, shape)}, {'y': (kind, shape)})


def flattening() -> bytes:
    """Return a network that makes (1, 8, 8, 3) uint8 pictures flat float32 (1, 192)."""
    return network(
        [helper.make_node('Cast', ['image'], ['values'], to=TensorProto.FLOAT),
         helper.make_node('Flatten', ['values'], ['flat'])],
        {'image': (TensorProto.UINT8, (1, 8, 8, 3))}, {'flat': (TensorProto.FLOAT, (1, 192))})


def one_operator(operator: str, domain: str = '') -> bytes:
    """Return y = operator(x) of (1, 3), which need not exist."""
    return network(
        [helper.make_node(operator, ['x'], ['y'], domain=domain)],
        {'x': (TensorProto.FLOAT, (1, 3))}, {'y': (TensorProto.FLOAT, (1, 3))},
        (domain,) if domain else ())


def filling() -> bytes:
    """Return y = zeros of the shape that x, two int64, says."""
    return network(
        [helper.make_node('ConstantOfShape', ['x'], ['y'])],
        {'x': (TensorProto.INT64, (2,))}, {'y': (TensorProto.FLOAT, ('rows', 'columns'))})


def logistic_of_bgr(scale: float) -> bytes:
    """Return y = 1 / (1 + exp(-scale * x)), RGB (1, 3, 8, 8), of x, uint8 BGR (1, 8, 8, 3)."""
    constants = [
        helper.make_node('Constant', [], ['order'], value_ints=[2, 1, 0]),
        helper.make_node('Constant', [], ['scale'], value_float=scale)]
    return network(
        [*constants,
         helper.make_node('Gather', ['image', 'order'], ['rgb'], axis=3),
         helper.make_node('Cast', ['rgb'], ['levels'], to=TensorProto.FLOAT),
         helper.make_node('Mul', ['levels', 'scale'], ['values']),
         helper.make_node('Sigmoid', ['values'], ['last']),
         helper.make_node('Transpose', ['last'], ['y'], perm=(0, 3, 1, 2))],
        {'image': (TensorProto.UINT8, (1, 8, 8, 3))}, {'y': (TensorProto.FLOAT, (1, 3, 8, 8))})
