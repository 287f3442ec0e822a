"""What ONNX Runtime can run networks on: its execution providers, and their settings."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import ModelError

# By our names, fastest first. What a provider cannot run goes to the ones after it.
PROVIDERS = {
    'tensorrt': 'TensorrtExecutionProvider',
    'cuda': 'CUDAExecutionProvider',
    'openvino': 'OpenVINOExecutionProvider',
    'cpu': 'CPUExecutionProvider',
}
TITLES = {'tensorrt': 'TensorRT', 'cuda': 'CUDA', 'openvino': 'OpenVINO', 'cpu': 'the processor'}
REQUIREMENTS = {
    'tensorrt': 'onnxruntime-gpu', 'cuda': 'onnxruntime-gpu', 'openvino': 'onnxruntime-openvino',
    'cpu': 'onnxruntime',
}
# Beside these a provider computes what it cannot run itself.
_HELPERS = {'tensorrt': ('cuda', 'cpu'), 'cuda': ('cpu',), 'openvino': ('cpu',), 'cpu': ()}


def import_onnxruntime() -> Any:
    """Return the module.

    Raises:
        ModelError: it is not installed, or does not load.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            f'ONNX Runtime does not load in this Python ({error}): pip install onnxruntime'
        ) from error
    return onnxruntime


def provider_missing(provider: str) -> str:
    """Return '' when this ONNX Runtime has a provider that may work here, else the reason.

    Args:
        provider: one of `PROVIDERS`.
    """
    try:
        present = import_onnxruntime().get_available_providers()
    except ModelError as error:
        return str(error)
    if PROVIDERS[provider] not in present:
        return f'not in this ONNX Runtime ({REQUIREMENTS[provider]} has it)'
    if provider in {'tensorrt', 'cuda'}:
        try:
            ctypes.CDLL('libcuda.so.1')
        except OSError:
            return "NVIDIA's driver (libcuda.so.1) is not there"
    return ''


def provider_settings(
    provider: str, threads: int, precision: str, cache: Path, device: int,
) -> list[tuple[str, dict[str, str]]]:
    """Return the providers of a session with their options, in order.

    Option names: the pages of the execution providers in ONNX Runtime's documentation.

    Args:
        provider: one of `PROVIDERS`.
        threads: of the processor.
        precision: ``fp16`` or ``fp32``; only TensorRT heeds it.
        cache: where TensorRT keeps its engines.
        device: number of the GPU.
    """
    options: Mapping[str, dict[str, str]] = {
        'tensorrt': {
            'device_id': str(device),
            'trt_fp16_enable': str(int(precision == 'fp16')),
            'trt_engine_cache_enable': '1',
            'trt_engine_cache_path': str(cache),
            'trt_timing_cache_enable': '1',
            'trt_timing_cache_path': str(cache),
        },
        # The default search tries every algorithm, seconds for each new shape.
        'cuda': {'device_id': str(device), 'cudnn_conv_algo_search': 'HEURISTIC'},
        'openvino': {'device_type': 'CPU', 'num_of_threads': str(threads), 'precision': 'FP32'},
        'cpu': {},
    }
    return [(PROVIDERS[name], options[name]) for name in (provider, *_HELPERS[provider])]


def preload_cuda() -> None:
    """Find the CUDA libraries that came with Python packages, torch's among them."""
    module = import_onnxruntime()
    if hasattr(module, 'preload_dlls'):  # from 1.21
        with contextlib.suppress(OSError):  # then the provider says what it misses
            module.preload_dlls()
