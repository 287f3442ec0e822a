"""A pose network in int8: static quantisation by ONNX Runtime, with ranges seen on pictures."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.pose import Floats

_KINDS = ('Conv', 'Add', 'MaxPool', 'Resize')
_AT_ONCE = 16


def quantised(model: Path, pictures: Floats) -> bytes:
    """Return the int8 variant of a network; the answers of its heads stay in float32.

    Weights have a scale for each channel, activations one for each tensor, from the least and
    largest values that the pictures give.

    Args:
        model: an .onnx file.
        pictures: (N, 3, H, W) as the network takes them.

    Raises:
        ModelError: ONNX Runtime lacks its quantisation, or cannot quantise the network.
    """
    try:
        from onnxruntime.quantization import (
            CalibrationMethod,
            QuantFormat,
            QuantType,
            quantize_static,
        )
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        raise ModelError('int8 needs the quantisation of ONNX Runtime and onnx: pip install -r '
                         'requirements-learning.txt, or export with --set int8=false') from error
    with tempfile.TemporaryDirectory() as name:
        prepared, target = Path(name) / 'prepared.onnx', Path(name) / 'int8.onnx'
        try:
            quant_pre_process(str(model), str(prepared), skip_symbolic_shape=True)
            quantize_static(
                str(prepared), str(target), _reader(prepared, pictures),
                quant_format=QuantFormat.QDQ, op_types_to_quantize=list(_KINDS),
                nodes_to_exclude=_heads(prepared), per_channel=True,
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                extra_options={'ActivationSymmetric': False})
            return target.read_bytes()
        except (ValueError, RuntimeError, TypeError, OSError) as error:
            words = ' '.join(str(error).split())[:200]
            raise ModelError(f'{model.name} cannot be quantised: {words}') from error


def _heads(model: Path) -> list[str]:
    """Return the last convolutions: joints' maps are few, and a step of them is many px."""
    import onnx

    graph = onnx.load(str(model)).graph
    makers = {output: node for node in graph.node for output in node.output}
    found: list[str] = []
    waiting = [output.name for output in graph.output]
    while waiting:
        node = makers.pop(waiting.pop(), None)
        if node is None:
            continue
        found.append(node.name)
        if node.op_type != 'Conv':
            waiting += list(node.input)
    return found


def _reader(model: Path, pictures: NDArray[Any]) -> Any:
    import onnx
    from onnxruntime.quantization import CalibrationDataReader

    name = onnx.load(str(model)).graph.input[0].name

    class Reader(CalibrationDataReader):
        """Gives the pictures batch by batch."""

        def __init__(self) -> None:
            self._batches: Iterator[NDArray[Any]] = iter(
                np.array_split(pictures, max(len(pictures) // _AT_ONCE, 1)))

        def get_next(self) -> dict[str, NDArray[Any]] | None:
            """Return the next batch, None = there is none."""
            batch = next(self._batches, None)
            return None if batch is None else {name: batch}

    return Reader()
