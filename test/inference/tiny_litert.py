"""A .tflite network of one operator, made for the tests."""

from __future__ import annotations

from collections.abc import Sequence

import flatbuffers
import numpy as np
import tflite


def logistic(
    quantised: str = '', batch: int = -1, custom: str = '', rest: Sequence[int] = (4,),
) -> bytes:
    """Return y = 1 / (1 + exp(-x)) of (batch, *rest) as a .tflite file, -1 = any batch.

    Args:
        quantised: ``uint8`` = x in steps of 1/16 around 100, y in steps of 1/256 from 0;
            ``int8`` = x around -28, y from -128; '' = float32.
        custom: an operator that nobody knows, instead.
    """
    b = flatbuffers.Builder(1024)

    def offsets(values: list[int]) -> int:
        b.StartVector(4, len(values), 4)
        for value in reversed(values):
            b.PrependUOffsetTRelative(value)
        return b.EndVector()

    def numbers(values: list[int]) -> int:
        return b.CreateNumpyVector(np.array(values, np.int32))

    def tensor(name: str, scale: float, zero_point: int) -> int:
        title, shape = b.CreateString(name), numbers([1, *rest])
        signature = numbers([batch, *rest])
        if quantised:
            scales = b.CreateNumpyVector(np.array([scale], np.float32))
            zero_points = b.CreateNumpyVector(np.array([zero_point], np.int64))
            tflite.QuantizationParametersStart(b)
            tflite.QuantizationParametersAddScale(b, scales)
            tflite.QuantizationParametersAddZeroPoint(b, zero_points)
            quantisation = tflite.QuantizationParametersEnd(b)
        tflite.TensorStart(b)
        tflite.TensorAddName(b, title)
        tflite.TensorAddShape(b, shape)
        tflite.TensorAddShapeSignature(b, signature)
        kind = (quantised or 'float32').upper()
        tflite.TensorAddType(b, getattr(tflite.TensorType, kind))
        if quantised:
            tflite.TensorAddQuantization(b, quantisation)
        return tflite.TensorEnd(b)

    shift = 128 if quantised == 'int8' else 0
    tensors = offsets([tensor('x', 1 / 16, 100 - shift), tensor('y', 1 / 256, -shift)])
    ins, outs = numbers([0]), numbers([1])
    tflite.OperatorStart(b)
    tflite.OperatorAddInputs(b, ins)
    tflite.OperatorAddOutputs(b, outs)
    operators = offsets([tflite.OperatorEnd(b)])
    tflite.SubGraphStart(b)
    tflite.SubGraphAddInputs(b, ins)
    tflite.SubGraphAddOutputs(b, outs)
    tflite.SubGraphAddTensors(b, tensors)
    tflite.SubGraphAddOperators(b, operators)
    graphs = offsets([tflite.SubGraphEnd(b)])
    code = tflite.BuiltinOperator.CUSTOM if custom else tflite.BuiltinOperator.LOGISTIC
    title = b.CreateString(custom)
    tflite.OperatorCodeStart(b)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(b, code)
    tflite.OperatorCodeAddBuiltinCode(b, code)
    if custom:
        tflite.OperatorCodeAddCustomCode(b, title)
    codes = offsets([tflite.OperatorCodeEnd(b)])
    tflite.BufferStart(b)
    buffers = offsets([tflite.BufferEnd(b)])
    tflite.ModelStart(b)
    tflite.ModelAddVersion(b, 3)
    tflite.ModelAddOperatorCodes(b, codes)
    tflite.ModelAddSubgraphs(b, graphs)
    tflite.ModelAddBuffers(b, buffers)
    b.Finish(tflite.ModelEnd(b), file_identifier=b'TFL3')
    return bytes(b.Output())
