import os
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.inference.runtime import Runtime, TensorSpec, output_arrays

from . import tiny_onnx

pytest.importorskip('openvino', reason='OpenVINO is not installed (optional)')

from neuropose_ros.inference.openvino import OpenVinoRuntime


def test_it_says_what_it_takes_and_gives() -> None:
    typed: Runtime = OpenVinoRuntime(tiny_onnx.flattening(), threads=1)
    assert typed.name == 'openvino-cpu'
    assert typed.inputs == (TensorSpec('image', (1, 8, 8, 3), 'uint8'),)
    assert typed.outputs == (TensorSpec('flat', (1, 192), 'float32'),)
    assert typed.ops.device == 'cpu'
    assert typed.largest_batch == 1


def test_any_batch_goes_through_and_outputs_belong_to_the_caller() -> None:
    runtime = OpenVinoRuntime(tiny_onnx.doubling(('n', 3)))
    assert runtime.largest_batch == 0
    arrays = output_arrays(runtime, 2)
    first = runtime.run_on_device({'x': np.full((4, 3), 4, np.float32)})['y']
    got = runtime.run({'x': np.full((2, 3), 7, np.float32)}, arrays)
    assert got['y'] is arrays['y']
    runtime.run({'x': np.zeros((4, 3), np.float32)})
    np.testing.assert_array_equal(first, np.full((4, 3), 8))
    np.testing.assert_array_equal(got['y'], np.full((2, 3), 14))
    with pytest.raises(ModelError, match=r'output y as contiguous float32 \(3, 3\)'):
        runtime.run({'x': np.zeros((3, 3), np.float32)}, arrays)


@pytest.mark.parametrize(('model', 'said'), [
    (tiny_onnx.one_operator('Frobnicate'), 'does not know the operators Frobnicate.*: export'),
    (tiny_onnx.doubling(None), 'dynamic rank|no fixed number of dimensions'),
    (b'not a network', 'cannot load a network of 13 bytes: '),
    (Path('nowhere.onnx'), r'nowhere\.onnx'),
])
def test_what_it_cannot_run_is_refused_in_one_sentence(model: bytes, said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        OpenVinoRuntime(model)
    assert '\n' not in str(caught.value)


def test_a_wrong_input_and_a_closed_network_are_named() -> None:
    runtime = OpenVinoRuntime(tiny_onnx.doubling((1, 3)))
    with pytest.raises(ModelError, match='needs the input x as an array'):
        runtime.run({})
    runtime.close()
    with pytest.raises(ModelError, match='is closed'):
        runtime.run({'x': np.zeros((1, 3), np.float32)})


@pytest.mark.parametrize('name', ['yolox_nano/yolox_nano.onnx'])
def test_a_real_network_computes_what_onnx_runtime_computes(name: str) -> None:
    data = os.environ.get('NEUROPOSE_DATA')
    if not data:
        pytest.skip('NEUROPOSE_DATA names no folder with real networks')
    path = Path(data) / 'models' / name
    picture = np.random.default_rng(0).integers(0, 256, (1, 3, 416, 416)).astype(np.float32)
    ours, reference = (
        runtime.run({runtime.inputs[0].name: picture})
        for runtime in (OpenVinoRuntime(path, threads=1), OnnxRuntime(path, threads=1)))
    for output, expected in reference.items():
        np.testing.assert_allclose(ours[output], expected, atol=2e-3 * np.abs(expected).max())
