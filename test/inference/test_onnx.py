from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.convert import ImageInput, convert
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.inference.runtime import Runtime, TensorSpec, output_arrays
from neuropose_ros.inference.threads import available_processors

from . import tiny_network


@pytest.fixture
def runtime() -> OnnxRuntime:
    return OnnxRuntime(convert(tiny_network.build(), ImageInput(0.0, 1 / 255), {0: 'flat'}))


def test_it_says_what_it_takes_and_gives(runtime: OnnxRuntime) -> None:
    typed: Runtime = runtime
    assert typed.name == 'onnxruntime-cpu'
    assert typed.inputs == (TensorSpec('image', (1, 8, 8, 3), 'uint8'),)
    assert typed.outputs == (TensorSpec('flat', (1, 320), 'float32'),)


def test_the_host_is_its_device(runtime: OnnxRuntime) -> None:
    picture = np.full((1, 8, 8, 3), 7, np.uint8)
    assert runtime.ops.device == 'cpu'
    assert runtime.largest_batch == 1
    on_device = runtime.run_on_device({'image': runtime.ops.upload(picture)})
    np.testing.assert_array_equal(
        runtime.ops.download(on_device['flat']), runtime.run({'image': picture})['flat'])


def test_outputs_belong_to_the_caller(runtime: OnnxRuntime) -> None:
    black, white = np.zeros((1, 8, 8, 3), np.uint8), np.full((1, 8, 8, 3), 255, np.uint8)
    first = runtime.run({'image': black})['flat']
    kept = first.copy()
    assert not np.array_equal(runtime.run({'image': white})['flat'], kept)
    np.testing.assert_array_equal(first, kept)


def test_outputs_can_be_written_into_the_callers_arrays(runtime: OnnxRuntime) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3)).astype(np.uint8)
    arrays = output_arrays(runtime)
    got = runtime.run({'image': picture}, arrays)
    assert got['flat'] is arrays['flat']
    np.testing.assert_array_equal(got['flat'], runtime.run({'image': picture})['flat'])


@pytest.mark.parametrize(('into', 'said'), [
    ({}, 'needs the output flat as an array'),
    ({'flat': np.empty((1, 319), np.float32)}, r'output flat as contiguous float32 \(1, 320\)'),
    ({'flat': np.empty((1, 320), np.float64)}, 'not float64'),
])
def test_a_wrong_output_is_named(
    runtime: OnnxRuntime, into: dict[str, np.ndarray], said: str,
) -> None:
    with pytest.raises(ModelError, match=said):
        runtime.run({'image': np.zeros((1, 8, 8, 3), np.uint8)}, into)


@pytest.mark.parametrize(('inputs', 'said'), [
    ({}, 'needs the input image as an array'),
    ({'image': [[1]]}, 'needs the input image as an array'),
    ({'image': np.zeros((1, 8, 8, 3), np.float32)}, r'uint8 \(1, 8, 8, 3\), not float32'),
    ({'image': np.zeros((1, 8, 16, 3), np.uint8)[:, :, ::2]}, 'the input image as contiguous'),
    ({'image': np.zeros((1, 9, 8, 3), np.uint8)}, r'not uint8 \(1, 9, 8, 3\)'),
    ({'image': np.zeros((8, 8, 3), np.uint8)}, r'not uint8 \(8, 8, 3\)'),
])
def test_a_wrong_input_is_named(
    runtime: OnnxRuntime, inputs: dict[str, np.ndarray], said: str,
) -> None:
    with pytest.raises(ModelError, match=said):
        runtime.run(inputs)


def test_a_closed_network_says_so(runtime: OnnxRuntime) -> None:
    runtime.close()
    with pytest.raises(ModelError, match='is closed'):
        runtime.run({'image': np.zeros((1, 8, 8, 3), np.uint8)})


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / 'damaged.onnx'
    path.write_bytes(b'not a network')
    with pytest.raises(ModelError, match=r'cannot load .*damaged\.onnx'):
        OnnxRuntime(path)


def test_threads_never_exceed_the_processors() -> None:
    model = convert(tiny_network.build(), ImageInput(0.0, 1.0), {0: 'flat'})
    assert OnnxRuntime(model, threads=10_000).threads == available_processors()
    assert OnnxRuntime(model, threads=1).threads == 1
