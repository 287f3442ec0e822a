"""The real thing, where TensorRT and a GPU are: against ONNX Runtime on the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuropose_ros.inference.ops.device import PictureInput
from neuropose_ros.inference.tensorrt import TensorRtRuntime, tensorrt_available

from . import networks

REASON = tensorrt_available()
pytestmark = [pytest.mark.skipif(bool(REASON), reason=f'needs TensorRT and a GPU: {REASON}'),
              pytest.mark.slow, pytest.mark.timeout(900)]


def images(count: int) -> Any:
    return np.random.default_rng(count).uniform(-1, 1, (count, 3, 4, 6)).astype(np.float32)


@pytest.mark.parametrize(('precision', 'limit'), [('fp16', 5e-3), ('fp32', 1e-5)])
def test_batches_on_a_gpu(tmp_path: Path, precision: str, limit: float) -> None:
    import torch
    said: list[str] = []
    model = networks.two_layers(tmp_path)
    runtime = TensorRtRuntime(model, precision=precision, batch=4, input=networks.PICTURE,
                              cache=tmp_path, announce=said.append)
    assert len(said) == 1 and 'there is none yet' in said[0]
    for count in (1, 4, 4, 2, 1, 3, 3):  # the second time from the CUDA graph
        expected = networks.two_layers_answer(images(count))
        got = runtime.run({'image': images(count)})['mean']
        assert np.abs(got - expected).max() < limit
        there = torch.from_numpy(images(count)).to('cuda')
        got = runtime.ops.download(runtime.run_on_device({'image': there})['mean'])
        assert np.abs(got - expected).max() < limit
    assert len(said) == 1, said[1:]  # graphs could be recorded
    runtime.close()


def test_outputs_whose_size_the_data_tell_on_a_gpu(tmp_path: Path) -> None:
    runtime = TensorRtRuntime(networks.bright_pixels(tmp_path), precision='fp32',
                              input=networks.PICTURE, cache=tmp_path)
    for bright in (5, 40, 0, 7):
        image = np.zeros((1, 3, 4, 6), np.float32)
        image.ravel()[:bright] = 1
        got = runtime.run({'image': image})['where']
        assert got.shape == (4, bright) and (got == np.array(np.nonzero(image))).all()


def test_a_damaged_engine_is_rebuilt_on_a_gpu(tmp_path: Path) -> None:
    model, said = networks.two_layers(tmp_path), list[str]()
    for _ in range(2):
        runtime = TensorRtRuntime(model, input=networks.PICTURE, cache=tmp_path,
                                  announce=said.append)
        assert runtime.run({'image': images(1)})['mean'].shape == (1, 2)
        content = runtime.engine_path.read_bytes()
        runtime.engine_path.write_bytes(content[:-9])
    assert 'is damaged' in said[1]


@pytest.mark.parametrize('precision', ['fp16', 'fp32'])
def test_a_real_detector_on_a_gpu(
        tmp_path: Path, data_folder: Path, precision: str) -> None:
    import onnxruntime
    model = data_folder / 'models' / 'yolox_nano' / 'yolox_nano.onnx'
    runtime = TensorRtRuntime(model, precision=precision, cache=tmp_path,
                              input=PictureInput(416, 416, channels='bgr'))
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, 416, 416)).astype(np.float32)
    session = onnxruntime.InferenceSession(str(model), providers=['CPUExecutionProvider'])
    expected, = session.run(None, {'images': image})
    got = runtime.run({'images': image})['output']
    assert np.abs(got[..., 4:] - expected[..., 4:]).max() < (0.05 if precision == 'fp16' else 1e-3)
