"""What no output needs leaves the graph; inputs stay."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('onnx', reason='needs onnx')

from onnx import TensorProto, helper, numpy_helper

from neuropose_ros.inference.onnx_graph import prune


def test_nodes_and_weights_without_use_go() -> None:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node('Add', ['x', 'used'], ['half']),
         helper.make_node('Mul', ['half', 'idle'], ['nobody']),
         helper.make_node('Neg', ['half'], ['y'])],
        'graph', [value(name, TensorProto.FLOAT, (1,)) for name in ('x', 'unread')],
        [value('y', TensorProto.FLOAT, (1,))],
        [numpy_helper.from_array(np.ones(1, np.float32), name) for name in ('used', 'idle')])
    assert prune(graph) == {'x', 'used', 'half', 'y'}
    assert [node.op_type for node in graph.node] == ['Add', 'Neg']
    assert [weight.name for weight in graph.initializer] == ['used']
    assert [item.name for item in graph.input] == ['x', 'unread']
