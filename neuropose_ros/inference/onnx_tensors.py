"""ONNX Runtime on torch's arrays: nothing travels between network and processing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.checks import shape_fits, shown
from neuropose_ros.inference.ops.device import Tensor
from neuropose_ros.inference.ops.torch import TorchOps
from neuropose_ros.inference.providers import import_onnxruntime
from neuropose_ros.inference.runtime import TensorSpec


def tensor_ops(device: int) -> TorchOps | None:
    """Return the work beside a GPU; None where torch or ONNX Runtime cannot share arrays."""
    shares = hasattr(import_onnxruntime().OrtValue, '__dlpack__')
    if not shares or not torch.cuda.is_available() or device >= torch.cuda.device_count():
        return None
    return TorchOps(f'cuda:{device}')


def run_on_tensors(
    session: Any, title: str, inputs: Sequence[TensorSpec], outputs: Sequence[str],
    tensors: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """Run a session on torch tensors of one device; the outputs are tensors there.

    Args:
        session: an InferenceSession whose provider works on that device.
        title: names the network for people.
        inputs: what it takes.
        outputs: names of what it gives.
        tensors: every input by name.

    Raises:
        ModelError: a tensor is missing or of the wrong shape or type.
    """
    binding = session.io_binding()
    place = torch.device('cpu')
    for spec in inputs:
        tensor = _checked(title, spec, tensors.get(spec.name))
        place = tensor.device
        binding.bind_input(
            spec.name, place.type, place.index or 0, np.dtype(spec.dtype), tuple(tensor.shape),
            tensor.data_ptr())
    for name in outputs:
        binding.bind_output(name, place.type, place.index or 0)
    if place.type == 'cuda':
        # The session works on a stream of its own: what makes the inputs must be done.
        torch.cuda.current_stream(place).synchronize()
    session.run_with_iobinding(binding)
    binding.synchronize_outputs()
    return dict(zip(outputs, map(torch.from_dlpack, binding.get_outputs()), strict=True))


def _checked(title: str, spec: TensorSpec, tensor: Tensor | None) -> Tensor:
    if not isinstance(tensor, torch.Tensor):
        raise ModelError(f'{title} needs the input {spec.name} as a tensor')
    dtype = str(tensor.dtype).removeprefix('torch.')
    is_right = dtype == spec.dtype and tensor.is_contiguous()
    if not is_right or not shape_fits(spec.shape, tuple(tensor.shape)):
        raise ModelError(
            f'{title} needs the input {spec.name} as contiguous {spec.dtype} '
            f'{shown(spec.shape)}, not {dtype} {shown(tensor.shape)}')
    return tensor
