import numpy as np
import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.tflite import SparseDimension, densify, read_network

from . import tiny_network


def test_densify_puts_compressed_rows_where_they_belong() -> None:
    # The example of the sparse tensor format: 3x4, rows (6 . 9 8), (. . . .), (5 . . 7).
    values = np.array([6, 9, 8, 5, 7], np.float32)
    dense = densify(
        values, (3, 4), (0, 1),
        (SparseDimension(3), SparseDimension(0, segments=(0, 3, 3, 5), indices=(0, 2, 3, 0, 3))))
    np.testing.assert_array_equal(dense, [[6, 0, 9, 8], [0, 0, 0, 0], [5, 0, 0, 7]])


def test_densify_follows_the_storage_order() -> None:
    # The same matrix stored by columns.
    values = np.array([6, 5, 9, 8, 7], np.float32)
    dense = densify(
        values, (3, 4), (1, 0),
        (SparseDimension(4), SparseDimension(0, (0, 2, 2, 3, 5), (0, 2, 0, 0, 2))))
    np.testing.assert_array_equal(dense, [[6, 0, 9, 8], [0, 0, 0, 0], [5, 0, 0, 7]])


@pytest.mark.parametrize('segments', [(0, 3, 5), (0, 3, 3, 4)])
def test_densify_refuses_what_does_not_fit(segments: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match='sparse weights'):
        densify(np.ones(5, np.float32), (3, 4), (0, 1),
                (SparseDimension(3), SparseDimension(0, segments, (0, 2, 3, 0, 3))))


def test_half_precision_and_sparse_weights_become_dense_constants() -> None:
    network = read_network(tiny_network.build())
    tensors = {tensor.name: tensor for tensor in network.tensors}
    for name, value in tiny_network.weights().items():
        data = tensors[name].data
        assert data is not None and data.dtype == np.float32
        np.testing.assert_array_equal(data, value)
    kinds = [operator.kind for operator in network.operators]
    assert kinds == ['PAD', 'CONV_2D', 'DEPTHWISE_CONV_2D', 'RESIZE_BILINEAR', 'CONV_2D',
                     'RESHAPE', 'CONV_2D', 'PAD']


def test_another_file_is_refused() -> None:
    with pytest.raises(ModelError, match='not a TensorFlow Lite network'):
        read_network(b'\x89PNG\r\n\x1a\n' + bytes(64))


def test_a_damaged_file_is_refused() -> None:
    content = tiny_network.build()
    for size in range(8, len(content) - 64, 37):
        with pytest.raises(ModelError, match=r'cut off|is not read|sparse weights'):
            read_network(content[:size])
    with pytest.raises(ModelError, match='damaged or cut off'):
        read_network(content[:8] + b'\xff' * 64)
