"""The runtime on a clearly labelled stand-in for TensorRT and the GPU: standin.py says what it is.

What it proves is our logic: shapes, addresses, profiles, fall-backs. No GPU computes here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuropose_ros.core.errors import ModelError, OutOfMemoryError
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.inference.ops.device import PictureInput
from neuropose_ros.inference.runtime import TensorSpec, output_arrays
from neuropose_ros.inference.tensorrt import TensorRtRuntime

from . import networks
from .cpu_device import CpuDevice

torch = pytest.importorskip('torch')


def images(count: int) -> Any:
    return np.random.default_rng(count).uniform(-1, 1, (count, 3, 4, 6)).astype(np.float32)


def load(folder: Path, model: Path | None = None, **options: Any) -> Any:
    options = {'device': CpuDevice(), 'batch': 4, 'announce': lambda text: None, **options}
    return TensorRtRuntime(
        model or networks.two_layers(folder), input=networks.PICTURE, cache=folder, **options)


@pytest.mark.parametrize('precision', ['fp16', 'fp32'])
def test_it_computes_what_the_network_says_with_every_version(
        trt: Any, tmp_path: Path, precision: str) -> None:
    runtime = load(tmp_path, precision=precision)
    assert runtime.name == f'tensorrt-{trt.__version__}'
    assert runtime.inputs == (TensorSpec('image', (None, 3, 4, 6), 'float32'),)
    assert runtime.outputs == (TensorSpec('mean', (None, 2), 'float32'),)
    assert runtime.largest_batch == 4
    for count in (1, 3, 4, 1):
        got = runtime.run({'image': images(count)})['mean']
        expected = networks.two_layers_answer(images(count))
        assert got.shape == (count, 2)
        assert np.abs(got - expected).max() < (2e-3 if precision == 'fp16' else 1e-6)


def test_precision_comes_from_the_file_and_flags_only_where_they_exist(
        trt: Any, tmp_path: Path) -> None:
    load(tmp_path, precision='fp16')
    world = trt.world
    old = trt.__version__ == '8.6.1'
    assert b'float16' in world.parsed
    flag = trt.NetworkDefinitionCreationFlag
    assert world.network_flags == 1 << int(
        flag.EXPLICIT_BATCH if old else flag.STRONGLY_TYPED)
    assert ('+FP16' in world.flags) == old
    assert ('+PROFILE_SHARING_0806' in world.flags) == old
    # The head and the mean stay in float32 in 8.6 too.
    assert world.pinned_layers == (2 if old else 0)
    assert '-TF32' not in world.flags


def test_fp32_means_all_the_bits(trt: Any, tmp_path: Path) -> None:
    load(tmp_path, precision='fp32')
    assert b'float16' not in trt.world.parsed
    assert '-TF32' in trt.world.flags


def test_arrays_on_the_device_stay_there_and_live_until_the_next_run(
        trt_now: Any, tmp_path: Path) -> None:
    runtime = load(tmp_path, precision='fp32')
    first = runtime.run_on_device({'image': torch.from_numpy(images(2))})['mean']
    address = first.data_ptr()
    assert np.allclose(first, networks.two_layers_answer(images(2)), atol=1e-6)
    second = runtime.run_on_device({'image': torch.from_numpy(-images(2))})['mean']
    assert second.data_ptr() == address
    assert np.allclose(second, networks.two_layers_answer(-images(2)), atol=1e-6)
    assert runtime.ops.device == 'torch-cpu'


def test_results_go_into_the_arrays_of_the_caller(trt_now: Any, tmp_path: Path) -> None:
    runtime = load(tmp_path, networks.two_layers(tmp_path, batch=1), precision='fp32')
    into = output_arrays(runtime)
    assert runtime.run({'image': images(1)}, into)['mean'] is into['mean']
    assert np.allclose(into['mean'], networks.two_layers_answer(images(1)), atol=1e-6)
    with pytest.raises(ModelError, match='mean as float32'):
        runtime.run({'image': images(1)}, {'mean': np.empty((2, 2), np.float32)})


def test_dynamic_sizes_come_from_the_picture_input(trt_now: Any, tmp_path: Path) -> None:
    runtime = load(tmp_path, networks.two_layers(tmp_path, size=('h', 'w')), precision='fp32')
    assert runtime.inputs[0].shape == (None, 3, 4, 6)
    with pytest.raises(ModelError, match=r'needs the input image as float32 \(None, 3, 4, 6\)'):
        runtime.run({'image': np.zeros((1, 3, 8, 8), np.float32)})


@pytest.mark.parametrize(('given', 'words'), [
    ({}, 'needs the input image as an array'),
    ({'image': np.zeros((1, 3, 4, 6))}, 'not float64'),
    ({'image': np.zeros((3, 4, 6), np.float32)}, r'not float32 \(3, 4, 6\)'),
    ({'image': np.zeros((5, 3, 4, 6), np.float32)}, r"takes up to {'image': \(4, 3, 4, 6\)}"),
])
def test_wrong_inputs_are_refused_in_words(
        trt_now: Any, tmp_path: Path, given: Any, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        load(tmp_path).run(given)


@pytest.mark.parametrize(('picture', 'words'), [
    (PictureInput(6, 4, axes='nhwc'), 'which is nchw, not nhwc as it is said to be'),
    (PictureInput(8, 4), 'not pictures of 8x4 px'),
    (PictureInput(6, 4, dtype='uint8'), 'takes float32 values, not the uint8')])
def test_a_picture_that_does_not_fit_is_refused_before_a_build(
        trt_now: Any, tmp_path: Path, picture: PictureInput, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        TensorRtRuntime(networks.two_layers(tmp_path), input=picture, cache=tmp_path,
                        device=CpuDevice(), announce=lambda text: None)
    assert not trt_now.world.parsed


def test_one_profile_for_one_row_and_one_for_more(trt_now: Any, tmp_path: Path) -> None:
    runtime = load(tmp_path)
    assert [(dict(p.smallest)['image'][0], dict(p.tuned)['image'][0], dict(p.largest)['image'][0])
            for p in runtime._profiles] == [(1, 1, 1), (2, 4, 4)]
    assert len(load(tmp_path, batch=1)._profiles) == 1


def test_each_shape_is_recorded_once_and_played_after_that(trt_now: Any, tmp_path: Path) -> None:
    device = CpuDevice()
    runtime = load(tmp_path, device=device, precision='fp32')
    for count in (4, 4, 4, 2, 2, 4):
        got = runtime.run({'image': images(count)})['mean']
        assert np.allclose(got, networks.two_layers_answer(images(count)), atol=1e-6)
    assert (device.captures, device.replays) == (3, 4)  # one row was tried at the start


def test_more_working_memory_ends_the_graphs_that_hold_the_old_address(
        trt_now: Any, tmp_path: Path) -> None:
    device = CpuDevice()
    runtime = load(tmp_path, device=device)
    for count in (1, 4, 1):
        runtime.run({'image': images(count)})
    assert device.captures == 3  # one row again, after four had needed more
    assert device.waits == 1, 'no context goes while it may run'
    runtime.close()
    assert device.waits == 2


def test_graphs_that_cannot_be_recorded_end_with_one_announcement(
        trt_now: Any, tmp_path: Path) -> None:
    device, said = CpuDevice(), []
    device.capture_error = 'operation not permitted when stream is capturing'
    runtime = load(tmp_path, device=device, announce=said.append, precision='fp32')
    for count in (1, 1, 2):
        got = runtime.run({'image': images(count)})['mean']
        assert np.allclose(got, networks.two_layers_answer(images(count)), atol=1e-6)
    assert said[1:] == ['two_layers.onnx runs without a CUDA graph: it cannot be recorded '
                        '(operation not permitted when stream is capturing)']


def test_outputs_whose_size_the_data_tell(trt: Any, tmp_path: Path) -> None:
    said: list[str] = []
    runtime = load(tmp_path, networks.bright_pixels(tmp_path), batch=1, precision='fp32',
                   announce=said.append)
    expected_dtype = 'int32' if trt.__version__ == '8.6.1' else 'int64'
    for bright in (5, 40, 0, 7):
        image = np.zeros((1, 3, 4, 6), np.float32)
        image.ravel()[:bright] = 1
        got = runtime.run({'image': image})['where']
        assert got.dtype == expected_dtype
        assert (got == np.array(np.nonzero(image))).all() and got.shape == (4, bright)
    assert said[-1] == ('bright.onnx runs without a CUDA graph: '
                        'the size of where depends on the data')


def test_no_room_for_such_an_output_is_out_of_memory(trt: Any, tmp_path: Path) -> None:
    device = CpuDevice()
    runtime = load(tmp_path, networks.bright_pixels(tmp_path), batch=1, precision='fp32',
                   device=device)
    device.room_bytes = 400
    with pytest.raises(OutOfMemoryError, match='no room'):
        runtime.run({'image': np.ones((1, 3, 4, 6), np.float32)})
    got = runtime.run({'image': np.eye(4, 6, dtype=np.float32)[None, None].repeat(3, 1) * 0})
    assert got['where'].shape == (4, 0)


def test_a_run_that_fails_says_the_reason_of_tensorrt(trt: Any, tmp_path: Path) -> None:
    runtime = load(tmp_path)
    trt.world.run_error = 'IExecutionContext::enqueueV3: Error Code 3: illegal address'
    with pytest.raises(ModelError, match=r'cannot run.*illegal address') as caught:
        runtime.run({'image': images(1)})
    assert not isinstance(caught.value, OutOfMemoryError)
    trt.world.run_error = ''
    assert runtime.run({'image': images(1)})['mean'].shape == (1, 2)


@pytest.mark.parametrize('words', [
    'Error Code 2: OutOfMemory (no further information)', 'CUDA failure 2: out of memory'])
def test_tensorrt_out_of_memory_is_told_apart(trt_now: Any, tmp_path: Path, words: str) -> None:
    runtime = load(tmp_path)
    trt_now.world.run_error = words
    with pytest.raises(OutOfMemoryError, match=r'OutOfMemory|out of memory'):
        runtime.run({'image': images(1)})
    trt_now.world.run_error, trt_now.world.context_error = '', words
    with pytest.raises(OutOfMemoryError, match='cannot make a context'):
        runtime.run({'image': images(2)})


def test_a_smaller_batch_fits_where_a_larger_one_does_not(trt: Any, tmp_path: Path) -> None:
    device = CpuDevice()
    runtime = load(tmp_path, device=device, precision='fp32')
    device.room_bytes = 2 * 3 * 4 * 6 * 4
    with pytest.raises(OutOfMemoryError, match='Stand-in 3000 has no room'):
        runtime.run({'image': images(4)})
    got = runtime.run({'image': images(2)})['mean']
    assert np.allclose(got, networks.two_layers_answer(images(2)), atol=1e-6)


def test_arrays_of_other_batches_give_way(
        trt_now: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = CpuDevice()
    runtime = load(tmp_path, device=device, precision='fp32')
    runtime.run({'image': images(4)})
    empty = device.empty

    def small(shape: Any, dtype: str) -> Any:
        if runtime._shapes:
            raise OutOfMemoryError('no room beside the others')
        return empty(shape, dtype)

    monkeypatch.setattr(device, 'empty', small)
    got = runtime.run({'image': images(2)})['mean']
    assert np.allclose(got, networks.two_layers_answer(images(2)), atol=1e-6)
    monkeypatch.setattr(device, 'empty', lambda shape, dtype: empty((1 << 60,), dtype))
    with pytest.raises(OutOfMemoryError):
        runtime.run({'image': images(3)})


def test_what_cannot_run_fails_when_it_is_loaded(trt_now: Any, tmp_path: Path) -> None:
    trt_now.world.run_error = 'Cuda failure: 700'
    with pytest.raises(ModelError, match=r'cannot run .*Cuda failure: 700'):
        load(tmp_path)
    trt_now.world.run_error = ''
    device = CpuDevice()
    load(tmp_path, device=device).run({'image': images(1)})
    assert (device.captures, device.replays) == (1, 1)


@pytest.mark.parametrize(('name', 'entry', 'arrays'), [
    ('yolox_nano/yolox_nano.onnx', PictureInput(416, 416), {'output'}),
    ('rtmdet_nano/rtmdet_nano_person_320.onnx', PictureInput(
        320, 320, mean=(103.53, 116.28, 123.675), std=(57.375, 57.12, 58.395)),
     {'dets', 'labels'})])
def test_real_networks_give_what_onnx_runtime_gives(
        trt_now: Any, tmp_path: Path, data_folder: Path, name: str, entry: PictureInput,
        arrays: set[str]) -> None:
    model = data_folder / 'models' / name
    runtime = TensorRtRuntime(model, precision='fp32', batch=2, input=entry, cache=tmp_path,
                              device=CpuDevice(), announce=lambda text: None)
    exact = OnnxRuntime(model, threads=2)
    for seed in range(2):
        blob = np.random.default_rng(seed).normal(
            size=(1, 3, entry.height, entry.width)).astype(np.float32)
        given = {runtime.inputs[0].name: blob}
        got, expected = runtime.run(given), exact.run(given)
        assert set(got) == arrays
        for key in arrays:
            assert got[key].shape == expected[key].shape and got[key].size
            assert np.abs(got[key] - expected[key]).max() < 1e-3


def test_closed_is_said(trt_now: Any, tmp_path: Path) -> None:
    runtime = load(tmp_path)
    runtime.close()
    runtime.close()
    with pytest.raises(ModelError, match=r'two_layers.onnx is closed'):
        runtime.run({'image': images(1)})


def test_all_of_it_shares_one_logger(trt_now: Any, tmp_path: Path) -> None:
    load(tmp_path)
    load(tmp_path, precision='fp32')
    assert len(trt_now.world.loggers) == 1


def test_few_shapes_are_kept(trt_now: Any, tmp_path: Path) -> None:
    device = CpuDevice()
    runtime = load(tmp_path, device=device, batch=30)
    for count in (30, *range(1, 24)):
        runtime.run({'image': images(count)})
    captures, waits = device.captures, device.waits
    for count in range(1, 21):
        runtime.run({'image': images(count)})
    assert (device.captures, device.waits) == (captures, waits), 'all usual numbers are kept'
    for count in range(24, 30):
        runtime.run({'image': images(count)})
    assert len(runtime._shapes) == 24
    assert device.waits == waits + 6, 'no context goes while it may run'


def test_what_torch_raises_is_one_sentence(
        trt_now: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = CpuDevice()
    runtime = load(tmp_path, device=device)

    def broken(array: Any, tensor: Any) -> None:
        raise RuntimeError('CUDA error: an illegal memory access was encountered\nmore lines')

    monkeypatch.setattr(device, 'copy_in', broken)
    with pytest.raises(ModelError, match=r'failed on Stand-in 3000: CUDA error: .*countered$'):
        runtime.run({'image': images(1)})
