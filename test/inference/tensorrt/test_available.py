"""Whether TensorRT can be used, without TensorRT."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.tensorrt import TensorRtRuntime, tensorrt_available
from neuropose_ros.inference.tensorrt import available as module
from neuropose_ros.inference.tensorrt.compat import load_tensorrt
from neuropose_ros.inference.tensorrt.device import TorchDevice

from . import networks

has_tensorrt = importlib.util.find_spec('tensorrt') is not None


@pytest.mark.skipif(has_tensorrt, reason='TensorRT is installed here')
def test_missing_is_said_and_nothing_heavy_is_imported(tmp_path: Path) -> None:
    assert tensorrt_available() == 'the Python package tensorrt is not installed'
    with pytest.raises(ModelError, match='TensorRT cannot be loaded'):
        TensorRtRuntime(networks.two_layers(tmp_path), input=networks.PICTURE, cache=tmp_path)
    code = ('import sys; from neuropose_ros.inference.tensorrt import tensorrt_available as t;'
            't(); print(sorted({"torch", "tensorrt", "onnx"} & set(sys.modules)))')
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True,
                          check=True).stdout.strip() == '[]'


def test_a_torch_that_does_not_load_is_said(
        trt_now: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / 'torch.py').write_text("raise OSError('libcublas.so.12: cannot open it')\n")
    monkeypatch.delitem(sys.modules, 'torch', raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(module.ctypes, 'CDLL', lambda name: None)
    said = 'torch does not load (libcublas.so.12: cannot open it)'
    assert tensorrt_available() == f'the Python package {said}'
    with pytest.raises(ModelError, match=r'needs torch with CUDA .libcublas'):
        TorchDevice(0)


def test_a_tensorrt_without_its_libraries_is_said(
        monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / 'tensorrt.py').write_text("raise OSError('libnvinfer.so.10: cannot open it')\n")
    monkeypatch.delitem(sys.modules, 'tensorrt', raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModelError, match=r'cannot be loaded .libnvinfer\.so\.10: cannot'):
        load_tensorrt()


def test_each_missing_piece_is_named(trt_now: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip('torch')

    def no_library(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(module.ctypes, 'CDLL', no_library)
    assert 'driver' in tensorrt_available()
    monkeypatch.setattr(module.ctypes, 'CDLL', lambda name: None)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(torch.version, 'cuda', None)
    assert 'is built without CUDA' in tensorrt_available()
    monkeypatch.setattr(torch.version, 'cuda', '13.0')
    assert tensorrt_available() == 'torch sees no CUDA device'
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    assert tensorrt_available() == ''
    monkeypatch.delattr(trt_now, 'IOutputAllocator')
    assert 'is too old' in tensorrt_available()
    with pytest.raises(ModelError, match=r'8\.6, 10 and 11'):
        load_tensorrt()
