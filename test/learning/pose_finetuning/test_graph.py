"""An ONNX network learns and goes back into its file."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

pytest.importorskip('torch')
import torch
from onnx import TensorProto, helper, numpy_helper

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.learning.pose_finetuning.graph import GraphNetwork

RNG = np.random.default_rng(0)


def small(extra: str = '') -> bytes:
    """Return a picture's network: uint8 in, two convolutions, a constant as a node."""
    scale = numpy_helper.from_array(np.float32(0.01), 'value')
    nodes = [
        helper.make_node('Transpose', ['image'], ['planes'], perm=[0, 3, 1, 2]),
        helper.make_node('Cast', ['planes'], ['levels'], to=TensorProto.FLOAT),
        helper.make_node('Constant', [], ['scale'], value=scale),
        helper.make_node('Mul', ['levels', 'scale'], ['values']),
        helper.make_node('Conv', ['values', 'w1', 'b1'], ['a'], kernel_shape=[3, 3]),
        helper.make_node('Relu', ['a'], ['b']),
        helper.make_node('Conv', ['b', 'w2'], ['c'], kernel_shape=[1, 1]),
        *([helper.make_node(extra, ['c'], ['e', 'scale_e', 'zero_e'][:3 if 'Q' in extra else 1])]
          if extra else []),
        helper.make_node('GlobalAveragePool', ['c'], ['out'])]
    graph = helper.make_graph(
        nodes, 'small', [helper.make_tensor_value_info('image', TensorProto.UINT8,
                                                       ['batch', 8, 8, 3])],
        [helper.make_tensor_value_info('out', TensorProto.FLOAT, ['batch', 2, 1, 1])],
        [numpy_helper.from_array(RNG.normal(0, 0.3, shape).astype(np.float32), name)
         for name, shape in (('w2', (2, 4, 1, 1)), ('w1', (4, 3, 3, 3)), ('b1', (4,)))])
    return bytes(helper.make_model(graph, ir_version=8, opset_imports=[
        helper.make_opsetid('', 17)]).SerializeToString())


def asked(content: bytes, image: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(content, providers=['CPUExecutionProvider'])
    return np.asarray(session.run(None, {'image': image})[0])


def test_untouched_it_is_the_same_file() -> None:
    content = small()
    network = GraphNetwork(content)
    image = RNG.integers(0, 255, (2, 8, 8, 3), dtype=np.uint8)
    np.testing.assert_allclose(asked(network.to_onnx(), image), asked(content, image), rtol=1e-5)
    assert (network.input, network.outputs) == ('image', ('out',))
    assert sum(weight.numel() for weight in network.parameters()) == 8 + 108 + 4


def test_what_it_learns_is_in_the_file() -> None:
    image = RNG.integers(0, 255, (2, 8, 8, 3), dtype=np.uint8)
    network = GraphNetwork(small())
    before = asked(network.to_onnx(), image)
    optimiser = torch.optim.SGD(network.parameters(), 0.2)
    for _ in range(20):
        optimiser.zero_grad()
        loss = (network(torch.from_numpy(image))['out'] - 1).square().mean()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        found = network(torch.from_numpy(image))['out'].numpy()
    after = asked(network.to_onnx(), image)
    np.testing.assert_allclose(after, found, atol=1e-5)
    assert np.abs(after - 1).mean() < 0.5 * np.abs(before - 1).mean()


def test_first_layers_can_stay() -> None:
    network = GraphNetwork(small())
    network.freeze(2 / 3)
    # In the order in which the picture meets them, not in that of the file.
    assert [weight.requires_grad for weight in network.weights] == [False, False, True]
    assert network.weights[0].shape == (4, 3, 3, 3)


def test_what_cannot_learn_is_said() -> None:
    with pytest.raises(TrainingError, match='operators that training does not read: Sin'):
        GraphNetwork(small('Sin'))
    with pytest.raises(TrainingError, match='quantised'):
        GraphNetwork(small('DynamicQuantizeLinear'))
    with pytest.raises(TrainingError, match='no readable ONNX file'):
        GraphNetwork(b'no network')
