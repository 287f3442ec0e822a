"""Cutting classifiers whose features are known in closed form."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.features import cut_classifier
from neuropose_ros.inference.onnx import OnnxRuntime

from . import tiny_onnx

WEIGHTS = np.arange(15, dtype=np.float32).reshape(3, 5)
BIAS = np.arange(5, dtype=np.float32)


def classifier(kind: str) -> bytes:
    """The mean of each channel, a matrix of (3, 5), perhaps a bias and a softmax."""
    nodes = [helper.make_node('GlobalAveragePool', ['image'], ['pooled'])]
    if kind != 'conv':
        nodes.append(helper.make_node('Flatten', ['pooled'], ['flat']))
    nodes += {
        'gemm': [helper.make_node('Gemm', ['flat', 'weights', 'bias'], ['scores'])],
        'matmul': [
            helper.make_node('MatMul', ['flat', 'weights'], ['raw']),
            helper.make_node('Add', ['raw', 'bias'], ['logits']),
            helper.make_node('Softmax', ['logits'], ['scores'])],
        'conv': [
            helper.make_node('Conv', ['pooled', 'kernel'], ['maps']),
            helper.make_node('Constant', [], ['form'], value_ints=[-1, 5]),
            helper.make_node('Reshape', ['maps', 'form'], ['scores'])],
    }[kind]
    constants = {'weights': WEIGHTS, 'bias': BIAS, 'kernel': WEIGHTS.T.reshape(5, 3, 1, 1)}
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes, 'classifier',
        [helper.make_tensor_value_info('image', TensorProto.FLOAT, ['n', 3, 4, 4])],
        [helper.make_tensor_value_info('scores', TensorProto.FLOAT, ['n', 5])],
        [helper.make_tensor(name, TensorProto.FLOAT, value.shape, value.ravel())
         for name, value in constants.items() if name in used])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize('kind', ['gemm', 'matmul', 'conv'])
def test_the_features_are_what_the_classifier_read(kind: str) -> None:
    content = classifier(kind)
    cut = cut_classifier(content)
    assert len(cut) < len(content)
    runtime = OnnxRuntime(cut, threads=1)
    assert [spec.name for spec in runtime.outputs] == ['features']
    images = np.random.default_rng(0).normal(size=(2, 3, 4, 4)).astype(np.float32)
    features = runtime.run({'image': images})['features']
    np.testing.assert_allclose(
        features.reshape(2, 3), images.mean((2, 3)), rtol=1e-5, atol=1e-6)
    assert cut_classifier(content) == cut, 'the same each time: its sha256 is written down'


@pytest.mark.parametrize(('content', 'said'), [
    (b'no network at all', 'not an ONNX network'),
    (b'', 'not an ONNX network: it computes nothing'),
    (tiny_onnx.doubling((1, 3)), 'does not end in a classifier'),
    (tiny_onnx.one_operator('Relu'), 'does not end in a classifier'),
])
def test_what_is_no_classifier_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        cut_classifier(content)


def test_weights_in_another_file_are_refused() -> None:
    model = onnx.load_model_from_string(classifier('gemm'))
    weights = model.graph.initializer[0]
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key='location', value='classifier.data')
    with pytest.raises(ModelError, match=r'weights are in another file, classifier\.data: '):
        cut_classifier(model.SerializeToString())
