"""On a network of one operator, the logistic function, and on real ones."""

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.runtime import Runtime, TensorSpec, output_arrays

pytest.importorskip('ai_edge_litert', reason='LiteRT is not installed (optional)')

from neuropose_ros.inference.litert import LiteRtRuntime

from .tiny_litert import logistic


def sigmoid(x: NDArray[Any]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-x.astype(np.float64)))


def test_it_says_what_it_takes_and_gives() -> None:
    typed: Runtime = LiteRtRuntime(logistic(), threads=1)
    assert typed.name == 'litert-cpu'
    assert typed.inputs == (TensorSpec('x', (None, 4), 'float32'),)
    assert typed.outputs == (TensorSpec('y', (None, 4), 'float32'),)
    assert typed.ops.device == 'cpu'
    assert typed.largest_batch == 0
    assert LiteRtRuntime(logistic(batch=1)).largest_batch == 1


def test_any_batch_goes_through_an_open_axis() -> None:
    runtime = LiteRtRuntime(logistic())
    for batch in (3, 1, 5, 5):
        x = np.random.default_rng(batch).normal(size=(batch, 4)).astype(np.float32)
        got = runtime.run_on_device({'x': x})['y']
        np.testing.assert_allclose(got, sigmoid(x), atol=1e-6)


def test_a_closed_axis_stays_closed() -> None:
    runtime = LiteRtRuntime(logistic(batch=1))
    with pytest.raises(ModelError, match=r'contiguous float32 \(1, 4\), not float32 \(2, 4\)'):
        runtime.run({'x': np.zeros((2, 4), np.float32)})


@pytest.mark.parametrize(('dtype', 'zero'), [('uint8', 100), ('int8', -28)])
def test_quantised_values_come_out_as_real_ones(dtype: str, zero: int) -> None:
    runtime = LiteRtRuntime(logistic(quantised=dtype))
    assert runtime.inputs[0].dtype == dtype
    assert runtime.outputs[0].dtype == 'float32'
    stored = np.array([[zero - 100, zero - 10, zero, zero + 155]], dtype)
    real = (stored.astype(np.float32) - zero) / 16
    as_bytes, as_reals = (runtime.run({'x': x})['y'] for x in (stored, real))
    np.testing.assert_allclose(as_bytes, sigmoid(real), atol=1 / 256)
    np.testing.assert_array_equal(as_reals, as_bytes)
    far = runtime.run({'x': np.full((1, 4), 1e9, np.float32)})['y']
    np.testing.assert_allclose(far, sigmoid(np.float32(155 / 16)), atol=1 / 256)


def test_outputs_belong_to_the_caller_or_lie_in_its_arrays() -> None:
    runtime = LiteRtRuntime(logistic())
    first = runtime.run({'x': np.zeros((1, 4), np.float32)})['y']
    arrays = output_arrays(runtime)
    got = runtime.run({'x': np.ones((1, 4), np.float32)}, arrays)
    assert got['y'] is arrays['y']
    np.testing.assert_array_equal(first, 0.5)
    np.testing.assert_allclose(arrays['y'], sigmoid(np.ones((1, 4))), atol=1e-6)
    with pytest.raises(ModelError, match=r'output y as contiguous float32 \(2, 4\)'):
        runtime.run({'x': np.ones((2, 4), np.float32)}, arrays)


@pytest.mark.parametrize(('inputs', 'said'), [
    ({}, 'needs the input x as an array'),
    ({'x': np.zeros((1, 5), np.float32)}, r'contiguous float32 \(any, 4\), not float32 \(1, 5\)'),
    ({'x': np.zeros((1, 4))}, 'not float64'),
])
def test_a_wrong_input_is_named(inputs: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        LiteRtRuntime(logistic()).run(inputs)


def test_a_closed_network_says_so() -> None:
    runtime = LiteRtRuntime(logistic())
    runtime.close()
    with pytest.raises(ModelError, match='is closed'):
        runtime.run({'x': np.zeros((1, 4), np.float32)})


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / 'damaged.tflite'
    path.write_bytes(logistic()[:100])
    with pytest.raises(ModelError, match=r'cannot load damaged\.tflite: .*Flatbuffer'):
        LiteRtRuntime(path)
    with pytest.raises(ModelError, match='Frobnicate'):
        LiteRtRuntime(logistic(custom='Frobnicate'))


def real_model(name: str) -> Path:
    data = os.environ.get('NEUROPOSE_DATA')
    if not data:
        pytest.skip('NEUROPOSE_DATA names no folder with real networks')
    return Path(data) / 'models' / name


def real_picture(side: int) -> NDArray[np.uint8]:
    path = sorted((Path(os.environ['NEUROPOSE_DATA']) / 'images' / 'coco').glob('*.jpg'))[0]
    picture = cv2.resize(cv2.imread(str(path)), (side, side), interpolation=cv2.INTER_AREA)
    return picture[np.newaxis, ..., ::-1].copy()


def test_movenet_finds_a_person() -> None:
    path = real_model('movenet_lightning/movenet_single_pose_lightning_ptq.tflite')
    runtime = LiteRtRuntime(path, threads=1)
    assert runtime.inputs[0].shape == (1, 192, 192, 3)
    (joints,) = runtime.run({runtime.inputs[0].name: real_picture(192)}).values()
    assert joints.shape == (1, 1, 17, 3)
    assert joints[..., 2].mean() > 0.4
    assert (joints[0, 0, 15:, 0] > joints[0, 0, 0, 0] + 0.2).all()  # ankles below the nose


def test_the_quantised_embedding_is_real_valued() -> None:
    path = real_model(
        'mobilenet_v1_embedding/mobilenet_v1_1.0_224_quant_embedding_extractor.tflite')
    runtime = LiteRtRuntime(path, threads=1)
    picture = real_picture(224)
    (embedding,) = runtime.run({'input': picture}).values()
    (same,) = runtime.run({'input': (picture.astype(np.float32) - 128) / 128}).values()
    assert embedding.dtype == np.float32
    assert 0 < embedding.max() <= 6  # after a ReLU6
    np.testing.assert_array_equal(same, embedding)
