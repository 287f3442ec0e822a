import numpy as np
import onnx
import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.convert import ImageInput, convert
from neuropose_ros.inference.onnx import OnnxRuntime

from . import tiny_network


def _picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3)).astype(np.uint8)


@pytest.mark.parametrize('image', [ImageInput(0.0, 1 / 255), ImageInput(127.5, 1 / 127.5)])
def test_converted_network_computes_what_the_operators_define(image: ImageInput) -> None:
    runtime = OnnxRuntime(convert(tiny_network.build(), image, {0: 'flat'}), threads=1)
    picture = _picture()
    rgb = (picture[0, ..., ::-1].astype(np.float64) - image.offset) * image.scale
    got = runtime.run({'image': picture})['flat']
    np.testing.assert_allclose(got, tiny_network.expected(rgb), atol=1e-5)
    # Not all cut off by the activation: the comparison means something.
    assert (got > 0).mean() > 0.2


def test_only_what_the_wanted_outputs_need_is_kept() -> None:
    image = ImageInput(0.0, 1.0)
    all_of_it = onnx.load_from_string(
        convert(tiny_network.build(), image, {0: 'flat', 1: 'other'}))
    pruned = onnx.load_from_string(convert(tiny_network.build(), image, {0: 'flat'}))

    def convolutions(model: onnx.ModelProto) -> int:
        return [node.op_type for node in model.graph.node].count('Conv')

    assert convolutions(all_of_it) == 4
    assert convolutions(pruned) == 3
    assert [output.name for output in pruned.graph.output] == ['flat']


def test_image_like_outputs_come_channels_first() -> None:
    model = convert(tiny_network.build(), ImageInput(0.0, 1.0), {1: 'other'})
    assert OnnxRuntime(model).outputs[0].shape == (None, 2, 4, 4)


def test_pictures_of_a_batch_do_not_touch_each_other() -> None:
    runtime = OnnxRuntime(
        convert(tiny_network.build(), ImageInput(0.0, 1 / 255), {0: 'flat', 1: 'other'}))
    pictures = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 3)).astype(np.uint8)
    together = runtime.run({'image': pictures})
    for i in range(3):
        alone = runtime.run({'image': pictures[i:i + 1]})
        for name, values in alone.items():
            np.testing.assert_allclose(together[name][i:i + 1], values, atol=1e-5)


def test_channels_are_padded_with_zeros() -> None:
    runtime = OnnxRuntime(
        convert(tiny_network.build(), ImageInput(0.0, 1 / 255), {1: 'other', 2: 'wide'}))
    got = runtime.run({'image': _picture()})
    assert got['wide'].shape == (1, 7, 4, 4)
    assert not got['wide'][0, [0, 5, 6]].any()
    weights = tiny_network.weights()['unused'][:, 0, 0]
    np.testing.assert_allclose(
        np.einsum('oc,chw->ohw', weights, got['wide'][0, 1:5]), got['other'][0], atol=1e-5)


def test_enlarging_waits_for_the_convolution_that_weights_the_channels() -> None:
    model = onnx.load_from_string(
        convert(tiny_network.build(), ImageInput(0.0, 1.0), {0: 'flat'}))
    shapes = {value.name: [size.dim_value for size in value.type.tensor_type.shape.dim]
              for value in onnx.shape_inference.infer_shapes(model).graph.value_info}
    resize = next(node for node in model.graph.node if node.op_type == 'Resize')
    assert shapes[resize.input[0]][1:] == [5, 4, 4]


def test_an_unknown_operator_is_named() -> None:
    with pytest.raises(ModelError, match='FLOOR'):
        convert(tiny_network.build(last='FLOOR'), ImageInput(0.0, 1.0), {0: 'flat'})


def test_an_output_that_is_not_there_is_named() -> None:
    with pytest.raises(ModelError, match='the network has 3 outputs, counted from 0: none at 3'):
        convert(tiny_network.build(), ImageInput(0.0, 1.0), {0: 'flat', 3: 'more'})
