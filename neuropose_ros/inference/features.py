"""Cutting the classifier off a picture classifier: what it reads describes the picture."""

from __future__ import annotations

from typing import Any

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.onnx_graph import prune

# Goes into the name of every file that is made so: raise it when the output changes.
FEATURES_VERSION = 1
# What may stand between the classifier's matrix and the network's output.
_AFTER = {
    'Softmax', 'LogSoftmax', 'Sigmoid', 'Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze',
    'Transpose', 'Add', 'Mul', 'Cast', 'Dropout', 'Clip', 'ArgMax',
}
_MATRICES = {'Gemm', 'MatMul', 'Conv'}


def cut_classifier(content: bytes) -> bytes:
    """Return an ONNX network that ends before its last matrix; its output is ``features``.

    Args:
        content: an ONNX classifier with one output.

    Raises:
        ModelError: it is no ONNX network, or its end is not that of a classifier.
    """
    import onnx
    from onnx import TensorProto, helper

    model = read_onnx(content)
    graph = model.graph
    features = _input_of_last_matrix(graph)
    graph.node.append(helper.make_node('Identity', [features], ['features']))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info('features', TensorProto.FLOAT, None))
    needed = prune(graph)
    inputs = [item for item in graph.input if item.name in needed]
    del graph.input[:]
    graph.input.extend(inputs)
    try:
        model = onnx.shape_inference.infer_shapes(model)
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ModelError(f'the network without its classifier is not valid: {error}') from error
    return bytes(model.SerializeToString())


def read_onnx(content: bytes) -> Any:
    """Return the parsed network.

    Raises:
        ModelError: it is no ONNX network, or its weights are in another file.
    """
    import onnx
    from onnx import external_data_helper as external

    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's own, which onnx does not name
        raise ModelError(f'not an ONNX network: {error}') from error
    if not model.graph.node:
        raise ModelError('not an ONNX network: it computes nothing')
    for tensor in model.graph.initializer:
        if external.uses_external_data(tensor):
            beside = external.ExternalDataInfo(tensor).location
            raise ModelError(
                f'its weights are in another file, {beside}: a network in one file is needed')
    return model


def _input_of_last_matrix(graph: Any) -> str:
    made = {output: node for node in graph.node for output in node.output}
    constants = {item.name for item in graph.initializer}
    constants |= {name for name, node in made.items() if node.op_type == 'Constant'}
    if len(graph.output) != 1:
        raise ModelError(f'a classifier has one output, not {len(graph.output)}')
    current = graph.output[0].name
    while current in made:
        node = made[current]
        varying = [name for name in node.input if name and name not in constants]
        if len(varying) != 1 or node.op_type not in _MATRICES | _AFTER:
            break
        if node.op_type in _MATRICES:
            return str(varying[0])
        current = varying[0]
    raise ModelError(
        'the network does not end in a classifier (a matrix, then at most its bias and a '
        'softmax): its features cannot be cut out')
