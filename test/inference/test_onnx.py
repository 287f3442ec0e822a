from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from neuropose_ros.core.errors import ModelError, OutOfMemoryError
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.inference.providers import (
    PROVIDERS,
    TITLES,
    provider_missing,
    provider_settings,
)
from neuropose_ros.inference.runtime import Runtime, TensorSpec, output_arrays
from neuropose_ros.inference.threads import available_processors

from . import tiny_onnx


@pytest.fixture
def runtime() -> OnnxRuntime:
    return OnnxRuntime(tiny_onnx.flattening())


def test_it_says_what_it_takes_and_gives(runtime: OnnxRuntime) -> None:
    typed: Runtime = runtime
    assert typed.name == 'onnxruntime-cpu'
    assert typed.inputs == (TensorSpec('image', (1, 8, 8, 3), 'uint8'),)
    assert typed.outputs == (TensorSpec('flat', (1, 192), 'float32'),)


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
    ({'flat': np.empty((1, 191), np.float32)}, r'output flat as contiguous float32 \(1, 192\)'),
    ({'flat': np.empty((1, 192), np.float64)}, 'not float64'),
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
    model = tiny_onnx.flattening()
    assert OnnxRuntime(model, threads=10_000).threads == available_processors()
    assert OnnxRuntime(model, threads=1).threads == 1


def test_any_batch_goes_through_an_open_axis() -> None:
    runtime = OnnxRuntime(tiny_onnx.doubling(('n', 3)))
    assert runtime.largest_batch == 0
    for batch in (1, 4, 2):
        x = np.full((batch, 3), batch, np.float32)
        np.testing.assert_array_equal(runtime.run({'x': x})['y'], 2 * x)


@pytest.mark.parametrize(('model', 'said'), [
    (tiny_onnx.one_operator('Frobnicate'), 'does not know the operator Frobnicate: export'),
    (tiny_onnx.one_operator('TRTBatchedNMS', 'mmdeploy'), 'operator mmdeploy:TRTBatchedNMS:'),
    (tiny_onnx.doubling(None), 'input x has no fixed number of dimensions'),
    (b'', r'cannot load a network of 0 bytes: No graph was found in the protobuf\.$'),
])
def test_what_it_cannot_run_is_refused_in_one_sentence(model: bytes, said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        OnnxRuntime(model)
    assert '\n' not in str(caught.value)
    assert 'ONNXRuntimeError' not in str(caught.value)


def test_an_output_that_is_no_tensor_is_refused() -> None:
    model = onnx.load_model_from_string(tiny_onnx.one_operator('SplitToSequence'))
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_sequence_value_info('y', TensorProto.FLOAT, None))
    with pytest.raises(ModelError, match=r'its y is a seq\(tensor\(float\)\), not a tensor: exp'):
        OnnxRuntime(model.SerializeToString())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r'nowhere\.onnx: there is no such file'):
        OnnxRuntime(tmp_path / 'nowhere.onnx')


def test_out_of_memory_is_an_error_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    runtime = OnnxRuntime(tiny_onnx.filling())
    with pytest.raises(OutOfMemoryError, match='failed: there is no memory for it'):
        runtime.run({'x': np.array([1 << 20, 1 << 24])})
    # It goes on, and nothing but the exception speaks.
    assert runtime.run({'x': np.array([2, 3])})['y'].shape == (2, 3)
    assert capfd.readouterr().err == ''


def test_every_provider_has_the_processor_behind_it(tmp_path: Path) -> None:
    for name, provider in PROVIDERS.items():
        settings = provider_settings(name, 3, 'fp16', tmp_path, 1)
        assert settings[0][0] == provider
        assert settings[-1] == ('CPUExecutionProvider', {})
        assert all(isinstance(value, str) for _, given in settings for value in given.values())
    assert dict(provider_settings('openvino', 3, 'fp16', tmp_path, 0))[
        'OpenVINOExecutionProvider']['num_of_threads'] == '3'
    for precision, expected in (('fp16', '1'), ('fp32', '0')):
        options = dict(provider_settings('tensorrt', 1, precision, tmp_path, 0))
        assert options['TensorrtExecutionProvider']['trt_fp16_enable'] == expected


@pytest.mark.parametrize('provider', [name for name in PROVIDERS if name != 'cpu'])
def test_a_provider_is_there_or_refused(provider: str) -> None:
    model = tiny_onnx.doubling((1, 3))
    missing = provider_missing(provider)
    if missing:
        with pytest.raises(ModelError) as caught:
            OnnxRuntime(model, provider=provider)
        assert str(caught.value) == f'ONNX Runtime cannot use {TITLES[provider]}: {missing}'
        return
    try:
        runtime = OnnxRuntime(model, provider=provider)
    except ModelError as error:  # built with it, on a machine that lacks its libraries
        assert 'libraries' in str(error)
        return
    assert runtime.name == f'onnxruntime-{provider}'
    x = runtime.run({'x': np.ones((1, 3), np.float32)})
    np.testing.assert_array_equal(x['y'], 2)
