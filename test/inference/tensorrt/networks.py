"""Small ONNX networks whose answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from neuropose_ros.inference.ops.device import PictureInput

PICTURE = PictureInput(width=6, height=4)
WEIGHTS = np.random.default_rng(3).normal(size=(2, 3, 1, 1)).astype(np.float32)
HEAD = np.array([[0.5, -1.0], [2.0, 0.25]], np.float32).reshape(2, 2, 1, 1)


def save(path: Path, nodes: list[Any], inputs: Any, outputs: Any, weights: Any) -> Path:
    graph = helper.make_graph(
        nodes, 'test', [helper.make_tensor_value_info(*entry) for entry in inputs],
        [helper.make_tensor_value_info(*entry) for entry in outputs],
        [numpy_helper.from_array(value, name) for name, value in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def two_layers(folder: Path, batch: Any = 'n', size: Any = (4, 6)) -> Path:
    """1x1 convolution, ReLU, 1x1 convolution, mean over the picture."""
    return save(
        folder / 'two_layers.onnx',
        [helper.make_node('Conv', ['image', 'first'], ['a']),
         helper.make_node('Relu', ['a'], ['b']),
         helper.make_node('Conv', ['b', 'head'], ['c']),
         helper.make_node('ReduceMean', ['c'], ['mean'], axes=[2, 3], keepdims=0)],
        [('image', TensorProto.FLOAT, [batch, 3, *size])],
        [('mean', TensorProto.FLOAT, [batch, 2])], {'first': WEIGHTS, 'head': HEAD})


def two_layers_answer(image: Any) -> Any:
    a = np.maximum(np.einsum('nchw,oc->nohw', image, WEIGHTS[..., 0, 0]), 0)
    return np.einsum('nchw,oc->nohw', a, HEAD[..., 0, 0]).mean((2, 3))


def bright_pixels(folder: Path) -> Path:
    """Where the picture is not zero: as many rows as there are such values."""
    return save(
        folder / 'bright.onnx',
        [helper.make_node('NonZero', ['image'], ['where'])],
        [('image', TensorProto.FLOAT, ['n', 3, 4, 6])],
        [('where', TensorProto.INT64, [4, 'k'])], {})


def unknown_operator(folder: Path) -> Path:
    return save(
        folder / 'unknown.onnx',
        [helper.make_node('Relu', ['image'], ['a']),
         helper.make_node('Frobnicate', ['a'], ['out'], name='frob')],
        [('image', TensorProto.FLOAT, [1, 3, 4, 6])],
        [('out', TensorProto.FLOAT, [1, 3, 4, 6])], {})
