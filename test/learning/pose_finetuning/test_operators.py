"""Each operator computes what ONNX Runtime computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest

pytest.importorskip('torch')
import torch
from onnx import TensorProto, helper, numpy_helper, shape_inference

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.learning.pose_finetuning.graph import GraphNetwork

RNG = np.random.default_rng(3)


def floats(*shape: int) -> np.ndarray:
    return RNG.normal(0, 2, shape).astype(np.float32)


def whole(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


MAPS = floats(2, 4, 6, 6)
CASES: list[tuple[str, np.ndarray, list[np.ndarray | None], dict[str, Any]]] = [
    ('Add', MAPS, [floats(4, 1, 1)], {}),
    ('AveragePool', MAPS, [], {'kernel_shape': [3, 3], 'strides': [1, 1], 'pads': [1, 1, 1, 1],
                               'count_include_pad': 1}),
    ('AveragePool', floats(2, 3, 8), [], {'kernel_shape': [3], 'strides': [1]}),
    ('BatchNormalization', MAPS, [
        floats(4), floats(4), floats(4), np.abs(floats(4)) + 1], {'epsilon': 1e-3}),
    ('Clip', MAPS, [np.float32(0), np.float32(1)], {}),
    ('Clip', MAPS, [None, np.float32(1)], {}),
    ('Concat', MAPS, [floats(2, 1, 6, 6)], {'axis': 1}),
    ('Conv', MAPS, [floats(8, 2, 3, 3), floats(8)], {
        'group': 2, 'kernel_shape': [3, 3], 'pads': [1, 1, 1, 1], 'strides': [2, 2]}),
    ('Conv', MAPS, [floats(3, 4, 3, 3)], {'kernel_shape': [3, 3], 'pads': [0, 0, 1, 1]}),
    ('ConvTranspose', MAPS, [floats(4, 3, 4, 4), floats(3)], {
        'kernel_shape': [4, 4], 'pads': [1, 1, 1, 1], 'strides': [2, 2]}),
    ('DepthToSpace', MAPS, [], {'blocksize': 2}),
    ('DepthToSpace', MAPS, [], {'blocksize': 2, 'mode': 'CRD'}),
    ('Div', MAPS, [np.float32(3)], {}),
    ('Expand', floats(2, 1, 6), [whole(1, 4, 1)], {}),
    ('Flatten', MAPS, [], {'axis': 1}),
    ('Flatten', MAPS, [], {'axis': 2}),
    ('Gather', MAPS, [whole(2, -1)], {'axis': 1}),
    ('Gemm', floats(2, 5), [floats(3, 5), floats(3)], {'transB': 1, 'alpha': 0.5}),
    ('GlobalAveragePool', MAPS, [], {}),
    ('HardSigmoid', MAPS, [], {}),
    ('HardSwish', MAPS, [], {}),
    ('LeakyRelu', MAPS, [], {'alpha': 0.1}),
    ('MatMul', floats(2, 3, 5), [floats(5, 4)], {}),
    ('MaxPool', MAPS, [], {'kernel_shape': [3, 3], 'pads': [1, 1, 1, 1], 'strides': [2, 2]}),
    ('PRelu', MAPS, [floats(4, 1, 1)], {}),
    ('Pad', MAPS, [whole(0, 1, 0, 0, 0, 2, 1, 0), np.float32(3)], {}),
    ('Pow', np.abs(MAPS), [np.float32(2)], {}),
    ('ReduceL2', MAPS, [], {'axes': [2, 3], 'keepdims': 1}),
    ('ReduceLogSumExp', MAPS, [], {'axes': [3], 'keepdims': 0}),
    ('ReduceMean', MAPS, [], {'axes': [-1], 'keepdims': 0}),
    ('ReduceSum', MAPS, [whole(1)], {'keepdims': 0}),
    ('Reshape', MAPS, [whole(0, -1, 3)], {}),
    ('Resize', MAPS, [np.zeros(0, np.float32), np.array([1, 1, 2, 2], np.float32)], {
        'mode': 'linear', 'coordinate_transformation_mode': 'half_pixel'}),
    ('Resize', MAPS, [np.zeros(0, np.float32), np.array([1, 1, 2, 2], np.float32)], {
        'mode': 'nearest', 'coordinate_transformation_mode': 'asymmetric',
        'nearest_mode': 'floor'}),
    ('Sigmoid', MAPS, [], {}),
    ('Slice', MAPS, [whole(1, 0), whole(4, 5), whole(1, 3), whole(2, 3)], {}),
    ('Softmax', MAPS, [], {'axis': 1}),
    ('Squeeze', floats(2, 1, 3, 1), [whole(1)], {}),
    ('Sub', MAPS, [floats(1)], {}),
    ('Transpose', MAPS, [], {'perm': [0, 2, 3, 1]}),
    ('Unsqueeze', floats(2, 3), [whole(0, -1)], {}),
]


def network(
    kind: str, data: np.ndarray, further: list[np.ndarray | None], attributes: dict[str, Any],
    outputs: int = 1,
) -> bytes:
    names = ['' if value is None else f'c{index}' for index, value in enumerate(further)]
    results = [f'out{index}' for index in range(outputs)]
    node = helper.make_node(kind, ['data', *names], results, **attributes)
    graph = helper.make_graph(
        [node], 'one', [helper.make_tensor_value_info('data', TensorProto.FLOAT, data.shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in results],
        [numpy_helper.from_array(np.asarray(value), name)
         for name, value in zip(names, further, strict=True) if value is not None])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid('', 17)])
    return bytes(shape_inference.infer_shapes(model, data_prop=True).SerializeToString())


def run(content: bytes, data: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(content, providers=['CPUExecutionProvider'])
    return list(session.run(None, {'data': data}))


@pytest.mark.parametrize(('kind', 'data', 'further', 'attributes'), CASES, ids=[
    f'{index}-{case[0]}' for index, case in enumerate(CASES)])
def test_operators_compute_what_onnx_runtime_computes(
    kind: str, data: np.ndarray, further: list[np.ndarray | None], attributes: dict[str, Any],
) -> None:
    content = network(kind, data, further, attributes)
    [expected] = run(content, data)
    with torch.no_grad():
        found = GraphNetwork(content)(torch.from_numpy(data))['out0'].numpy()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_split_gives_all_its_parts() -> None:
    content = network('Split', MAPS, [whole(1, 3)], {'axis': 1}, outputs=2)
    with torch.no_grad():
        found = GraphNetwork(content)(torch.from_numpy(MAPS))
    for name, expected in zip(('out0', 'out1'), run(content, MAPS), strict=True):
        np.testing.assert_array_equal(found[name].numpy(), expected)


@pytest.mark.parametrize(('kind', 'further', 'attributes', 'words'), [
    ('Resize', [np.zeros(0, np.float32), np.array([1, 1, 2, 2], np.float32)],
     {'mode': 'cubic'}, 'resized by cubic'),
    ('Pad', [whole(0, 0, 1, 1, 0, 0, 1, 1)], {'mode': 'reflect'}, 'something else than a cons'),
    ('MaxPool', [], {'kernel_shape': [2, 2], 'ceil_mode': 1}, 'rounds up'),
    ('Conv', [floats(4, 4, 3, 3)], {'kernel_shape': [3, 3], 'auto_pad': 'SAME_UPPER'},
     'pads automatically'),
    ('Slice', [whole(3), whole(0), whole(1), whole(-1)], {}, 'runs backwards'),
])
def test_what_is_not_read_is_said(
    kind: str, further: list[np.ndarray | None], attributes: dict[str, Any], words: str,
) -> None:
    network_of = GraphNetwork(network(kind, MAPS, further, attributes))
    with pytest.raises(TrainingError, match=words):
        network_of(torch.from_numpy(MAPS))
