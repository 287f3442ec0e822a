"""The GPU through torch: what is the same without one here, the rest where there is one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuropose_ros.core.errors import ModelError, OutOfMemoryError
from neuropose_ros.inference.tensorrt.device import (
    Gpu,
    TorchDevice,
    device_errors,
    memory_errors,
)

torch = pytest.importorskip('torch')
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA GPU')
GPU = Gpu('Some GPU', '8.7')


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(ModelError, match=r'there is no CUDA device 99: torch sees \d'):
        TorchDevice(99)


def test_a_device_that_cannot_be_used_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(index: int) -> None:
        raise RuntimeError('CUDA error: all devices are busy or unavailable\nmore lines')

    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
    monkeypatch.setattr(torch.cuda, 'get_device_capability', busy)
    with pytest.raises(ModelError, match=r'^CUDA failed on device 0: .* busy or unavailable$'):
        TorchDevice(0)


def test_out_of_memory_is_told_apart_from_other_failures() -> None:
    with pytest.raises(OutOfMemoryError, match='Some GPU has no room for a crop'):
        with memory_errors(GPU, 'a crop'):
            raise torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB')
    with pytest.raises(OutOfMemoryError), memory_errors(GPU, 'much'):
        torch.empty(1 << 60, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match='something else'), memory_errors(GPU, 'much'):
        raise RuntimeError('something else')
    with pytest.raises(ModelError, match=r'x failed on Some GPU: something else$'):
        with device_errors('x', GPU):
            raise RuntimeError('something else\nand a page of text')
    with pytest.raises(OutOfMemoryError), device_errors('x', GPU):
        torch.empty(1 << 60, dtype=torch.uint8)


@needs_gpu
def test_memory_and_copies_on_a_gpu() -> None:
    device = TorchDevice(0)
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    with device.active():
        tensor = device.empty((3, 4), 'float32')
        device.copy_in(array, tensor)
        assert (device.copy_out(tensor) == array).all()
    assert device.stream != 0 and device.gpu.name


@needs_gpu
def test_a_graph_plays_what_was_recorded_on_a_gpu() -> None:
    device = TorchDevice(0)
    with device.active():
        counter = device.empty((1,), 'int32')
        counter.zero_()

        def work() -> None:
            counter.add_(1)

        replay = device.capture(work)
        replay()
        replay()
        assert int(device.copy_out(counter)[0]) == 2


@needs_gpu
def test_our_stream_waits_for_the_callers_and_the_other_way_round() -> None:
    device = TorchDevice(0)
    size: Any = (4096, 4096)
    source = torch.ones(size, device='cuda:0')
    for _ in range(20):
        source = source @ torch.full(size, 1 / 4096, device='cuda:0')
    with device.active():
        copy = device.empty(size, 'float32')
        copy.copy_(source)
    assert float((copy - 1).abs().max()) < 1e-3
