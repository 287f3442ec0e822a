"""Shapes that follow from the number of people are written down; answers stay as they are."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper

from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.learning.onnx_shapes import settle_shapes


def reshaping() -> bytes:
    """Return y = x as (N, 6), and z = x as (2 N, 3), both by shapes computed from x (N, 2, 3)."""
    node = helper.make_node
    nodes = [
        node('Shape', ['x'], ['shape']),
        node('Constant', [], ['first'], value_ints=[0]),
        node('Constant', [], ['rest'], value_ints=[-1]),
        node('Gather', ['shape', 'first'], ['people']),
        node('Concat', ['people', 'rest'], ['flat'], axis=0),
        node('Reshape', ['x', 'flat'], ['y']),
        node('Constant', [], ['three'], value_ints=[3]),
        node('Add', ['people', 'people'], ['twice']),
        node('Concat', ['twice', 'three'], ['long'], axis=0),
        node('Reshape', ['x', 'long'], ['z'])]
    values = {'x': ('N', 2, 3), 'y': ('N', 6), 'z': ('M', 3)}
    x, y, z = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
               for name, shape in values.items())
    return helper.make_model(
        helper.make_graph(nodes, 'reshaping', [x], [y, z]),
        opset_imports=[helper.make_opsetid('', 17)], ir_version=8).SerializeToString()


def test_computed_shapes_become_constants_and_the_answers_stay():
    few, many = ({'x': np.zeros((n, 2, 3), np.float32)} for n in (3, 6))
    settled = settle_shapes(reshaping(), few, many)
    assert [node.op_type for node in onnx.load_model_from_string(settled).graph.node] == [
        'Reshape', 'Reshape']
    for people in (1, 2, 5):
        inputs = {'x': np.random.default_rng(0).normal(size=(people, 2, 3)).astype(np.float32)}
        before = OnnxRuntime(reshaping()).run(inputs)
        after = OnnxRuntime(settled).run(inputs)
        for name in ('y', 'z'):
            np.testing.assert_array_equal(after[name], before[name])


def test_a_network_without_such_shapes_is_left_as_it_is():
    content = settle_shapes(reshaping(), *(
        {'x': np.zeros((n, 2, 3), np.float32)} for n in (3, 6)))
    assert settle_shapes(content, {}, {}) == content
