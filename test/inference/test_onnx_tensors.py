"""On torch's processor, which shares arrays with ONNX Runtime in the way that a GPU does."""

import numpy as np
import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.inference.runtime import TensorSpec

from . import tiny_onnx

pytest.importorskip('torch', reason='torch is not installed', exc_type=ImportError)

import onnxruntime
import torch

from neuropose_ros.inference.onnx_tensors import run_on_tensors, tensor_ops

pytestmark = pytest.mark.skipif(
    not hasattr(onnxruntime.OrtValue, '__dlpack__'),
    reason='this ONNX Runtime shares no arrays with torch')
INPUTS = (TensorSpec('x', (None, 3), 'float32'),)


@pytest.fixture
def session() -> object:
    return onnxruntime.InferenceSession(
        tiny_onnx.doubling(('n', 3)), providers=['CPUExecutionProvider'])


@pytest.mark.parametrize('batch', [1, 4])
def test_tensors_in_tensors_out(session: object, batch: int) -> None:
    x = torch.arange(3.0 * batch).reshape(batch, 3)
    got = run_on_tensors(session, 'it', INPUTS, ['y'], {'x': x})['y']
    assert torch.equal(got, 2 * x)


def test_an_output_outlives_the_next_run(session: object) -> None:
    first = run_on_tensors(session, 'it', INPUTS, ['y'], {'x': torch.ones(2, 3)})['y']
    run_on_tensors(session, 'it', INPUTS, ['y'], {'x': torch.zeros(2, 3)})
    assert torch.equal(first, torch.full((2, 3), 2.0))


@pytest.mark.parametrize(('tensors', 'said'), [
    ({}, 'it needs the input x as a tensor'),
    ({'x': np.ones((1, 3), np.float32)}, 'as a tensor'),
    ({'x': torch.ones(1, 4)}, r'contiguous float32 \(any, 3\), not float32 \(1, 4\)'),
    ({'x': torch.ones(1, 3, dtype=torch.float64)}, 'not float64'),
    ({'x': torch.ones(3, 2).T}, 'contiguous'),
])
def test_a_wrong_tensor_is_named(
    session: object, tensors: dict[str, object], said: str,
) -> None:
    with pytest.raises(ModelError, match=said):
        run_on_tensors(session, 'it', INPUTS, ['y'], tensors)


def test_without_a_gpu_the_host_does_the_work() -> None:
    if torch.cuda.is_available():
        assert tensor_ops(0).device == 'cuda:0'
    assert tensor_ops(torch.cuda.device_count()) is None
    assert OnnxRuntime(tiny_onnx.doubling((1, 3))).ops.device == 'cpu'
