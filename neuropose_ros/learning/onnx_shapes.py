"""Shapes that an exported step computes although only the number of people varies.

An exporter that traces writes a handful of operators for each shape. In a network as small as the
step of a recogniser they cost as much as the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper

from neuropose_ros.inference.onnx_graph import prune

Arrays = Mapping[str, NDArray[Any]]


def settle_shapes(content: bytes, few: Arrays, many: Arrays) -> bytes:
    """Return the network with constant shapes in its reshaping, -1 where the people are.

    Args:
        few: inputs for some people.
        many: inputs for another number of people.
    """
    model = onnx.load_model_from_string(content)
    constant = {weight.name for weight in model.graph.initializer}
    nodes = [node for node in model.graph.node
             if node.op_type == 'Reshape' and node.input[1] not in constant]
    if not nodes:
        return content
    names = [node.output[0] for node in nodes]
    for node, a, b in zip(
            nodes, _shapes(model, names, few), _shapes(model, names, many), strict=True):
        varying = a != b
        if varying.sum() > 1:
            continue
        node.input[1] = f'{node.output[0]}/shape'
        model.graph.initializer.append(numpy_helper.from_array(
            np.where(varying, -1, a).astype(np.int64), node.input[1]))
    prune(model.graph)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _shapes(model: Any, names: list[str], inputs: Arrays) -> list[NDArray[np.int64]]:
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    shown.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = onnxruntime.InferenceSession(
        shown.SerializeToString(), providers=['CPUExecutionProvider'])
    return [np.array(value.shape) for value in session.run(names, dict(inputs))]
