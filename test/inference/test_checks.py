import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.checks import check_picture_input
from neuropose_ros.inference.ops.device import PictureInput
from neuropose_ros.inference.runtime import TensorSpec

TARGET = PictureInput(192, 256)


def spec(*shape: int | None, dtype: str = 'float32') -> TensorSpec:
    return TensorSpec('x', shape, dtype)


@pytest.mark.parametrize('shape', [
    (1, 3, 256, 192), (None, 3, 256, 192), (None, 3, None, None), (None, None, None, None),
])
def test_what_fits_passes(shape: tuple[int | None, ...]) -> None:
    check_picture_input('net.onnx', [spec(*shape)], TARGET)


@pytest.mark.parametrize(('inputs', 'said'), [
    ([], 'has 0 inputs'),
    ([spec(1, 3, 256, 192), spec(2)], r'has 2 inputs \(x, x\)'),
    ([spec()], 'no fixed number of dimensions or not 4'),
    ([spec(1, 256 * 192 * 3)], 'no fixed number of dimensions or not 4'),
    ([spec(4, 3, 256, 192)], r'takes \(4, 3, 256, 192\): 4 pictures at once, no fewer: export'),
    ([spec(1, 256, 192, 3)], r'takes \(1, 256, 192, 3\), which is nhwc, not nchw'),
    ([spec(1, 1, 256, 192)], 'which is 1 channels in nchw: pictures have 3'),
    ([spec(None, 3, 192, 256)], r'\(any, 3, 192, 256\), not pictures of 192x256 px in nchw'),
    ([spec(1, 3, 256, 192, dtype='uint8')], 'takes uint8 values, not the float32'),
])
def test_what_does_not_fit_is_refused(inputs: list[TensorSpec], said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        check_picture_input('net.onnx', inputs, TARGET)
    assert str(caught.value).startswith('net.onnx')
