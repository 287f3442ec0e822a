"""Whether TensorRT can be used here."""

from __future__ import annotations

import ctypes
import importlib.util

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.tensorrt.compat import load_tensorrt


def tensorrt_available() -> str:
    """Return '' when TensorRT can run a network here, else the reason, as one sentence.

    Cheap where something is missing: torch and TensorRT are imported only when both are installed
    and the machine has NVIDIA's driver, and no CUDA context is made.
    """
    for module in ('tensorrt', 'torch'):
        if importlib.util.find_spec(module) is None:
            return f'the Python package {module} is not installed'
    try:
        ctypes.CDLL('libcuda.so.1')
    except OSError:
        return "NVIDIA's driver (libcuda.so.1) is not there"
    try:
        import torch
    except (ImportError, OSError) as error:
        return f'the Python package torch does not load ({error})'
    if not torch.cuda.is_available():
        built = torch.version.cuda
        return ('torch sees no CUDA device' if built
                else f'torch {torch.__version__} is built without CUDA')
    try:
        load_tensorrt()
    except ModelError as error:
        return str(error)
    return ''
