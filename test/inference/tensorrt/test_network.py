from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.tensorrt.network import model_sha256, read_inputs
from neuropose_ros.inference.tensorrt.profiles import InputShape

from . import networks


def test_inputs_are_read_without_the_weights(tmp_path: Path) -> None:
    model = networks.two_layers(tmp_path, size=('h', 6))
    assert read_inputs(model) == (InputShape('image', (None, 3, None, 6), 'float32'),)


def test_a_dynamic_rank_is_refused(tmp_path: Path) -> None:
    model = networks.save(
        tmp_path / 'rank.onnx', [helper.make_node('Relu', ['x'], ['y'])],
        [('x', TensorProto.FLOAT, None)], [('y', TensorProto.FLOAT, None)], {})
    with pytest.raises(ModelError, match=r'rank.onnx: the input x has no fixed number of axes'):
        read_inputs(model)


def test_a_type_that_is_not_known_is_refused(tmp_path: Path) -> None:
    model = networks.two_layers(tmp_path)
    content = onnx.load(model)
    content.graph.input[0].type.tensor_type.elem_type = 0
    onnx.save(content, model)
    with pytest.raises(ModelError, match='the input image has no type that is known'):
        read_inputs(model)


def test_weights_beside_the_file_count(tmp_path: Path) -> None:
    model = networks.two_layers(tmp_path)
    alone = model_sha256(model)
    onnx.save_model(onnx.load(model), model, save_as_external_data=True, location='weights.bin',
                    size_threshold=0)
    beside = model_sha256(model)
    weights = tmp_path / 'weights.bin'
    weights.write_bytes(bytes(len(weights.read_bytes())))
    assert len({alone, beside, model_sha256(model)}) == 3
    weights.unlink()
    with pytest.raises(ModelError, match=r'cannot read the network .*weights.bin: No such file'):
        model_sha256(model)
