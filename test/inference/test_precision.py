"""The fp16 variant of a network, run by ONNX Runtime on the processor."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.precision import half_precision

IMAGE = np.random.default_rng(0).uniform(-1, 1, (1, 3, 8, 8)).astype(np.float32)


def save(path: Path, nodes: list[Any], weights: Any, outputs: Any = ('out',)) -> Path:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 4)
              for name in outputs]
    graph = helper.make_graph(
        nodes, 'test', [helper.make_tensor_value_info('image', TensorProto.FLOAT, IMAGE.shape)],
        values, [numpy_helper.from_array(value, name) for name, value in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def kernel(out: int = 3, scale: float = 0.3, seed: int = 1) -> Any:
    weights = np.random.default_rng(seed).normal(size=(out, 3, 1, 1)) * scale
    return weights.astype(np.float32)


def run(model: Any, image: Any = IMAGE) -> Any:
    session = onnxruntime.InferenceSession(
        model if isinstance(model, bytes) else str(model), providers=['CPUExecutionProvider'])
    return session.run(None, {session.get_inputs()[0].name: image})


def kinds(content: bytes) -> dict[str, str]:
    """Return the type in which each operator's first output is, by its node's name."""
    model = onnx.shape_inference.infer_shapes(
        onnx.load_model_from_string(content), True, data_prop=True)
    onnx.checker.check_model(model, full_check=True)
    types = {value.name: value.type.tensor_type.elem_type
             for value in (*model.graph.value_info, *model.graph.output)}
    names = {TensorProto.FLOAT: 'float32', TensorProto.FLOAT16: 'float16'}
    return {node.name: names.get(types[node.output[0]], 'other') for node in model.graph.node}


def node(operator: str, inputs: str, output: str, **options: Any) -> Any:
    return helper.make_node(operator, inputs.split(), [output], name=output, **options)


def test_float16_between_the_first_and_the_last_product(tmp_path: Path) -> None:
    model = save(tmp_path / 'a.onnx', [
        node('Mul', 'image two', 'scaled'), node('Conv', 'scaled k1', 'first'),
        node('Relu', 'first', 'relu'), node('Conv', 'relu k2', 'last'),
        node('Sigmoid', 'last', 'out')],
        {'k1': kernel(), 'k2': kernel(seed=2), 'two': np.float32(2)})
    half = half_precision(model, [{'image': IMAGE}])
    found = kinds(half.content)
    assert {name: found[name] for name in ('scaled', 'first', 'relu', 'last', 'out')} == {
        'scaled': 'float32', 'first': 'float16', 'relu': 'float16', 'last': 'float32',
        'out': 'float32'}
    assert half.layers_float16 == 2 and half.kept_float32 == ()
    assert 0 < half.difference < 1e-3
    assert np.abs(run(half.content)[0] - run(model)[0]).max() < 1e-3


def test_float32_lasts_until_the_next_product(tmp_path: Path) -> None:
    model = save(tmp_path / 'a.onnx', [
        node('Conv', 'image k1', 'first'), node('Exp', 'first', 'exp'),
        node('Add', 'exp one', 'add'), node('Conv', 'add k2', 'second'),
        node('Conv', 'second k1', 'out')],
        {'k1': kernel(), 'k2': kernel(seed=2), 'one': np.float32(1)})
    found = kinds(half_precision(model, [{'image': IMAGE}]).content)
    assert [found[name] for name in ('first', 'exp', 'add', 'second', 'out')] == [
        'float16', 'float32', 'float32', 'float16', 'float32']


def test_a_value_used_in_both_types_is_cast_once(tmp_path: Path) -> None:
    model = save(tmp_path / 'a.onnx', [
        node('Conv', 'image k1', 'a'), node('Exp', 'a', 'b'), node('Exp', 'a', 'c'),
        node('Add', 'b c', 'd'), node('Conv', 'd k1', 'e'), node('Conv', 'd k1', 'f'),
        node('Add', 'e f', 'g'), node('Conv', 'g k1', 'h'), node('Conv', 'e k1', 'i')],
        {'k1': kernel()}, outputs=('h', 'i', 'a'))
    half = half_precision(model, [{'image': IMAGE}])
    operators = Counter(n.op_type for n in onnx.load_model_from_string(half.content).graph.node)
    kinds(half.content)
    # image, d to float16; a, e, g to float32, each once though used twice.
    assert operators['Cast'] == 5
    for got, expected in zip(run(half.content), run(model), strict=True):
        assert np.abs(got - expected).max() < 0.02


def test_weights_that_float16_cannot_hold_stay(tmp_path: Path) -> None:
    model = save(tmp_path / 'a.onnx', [
        node('Conv', 'image k1', 'a'), node('Mul', 'a large', 'b'), node('Mul', 'b small', 'c'),
        node('Conv', 'c k1', 'd'), node('Add', 'd tiny', 'e'), node('Conv', 'e k1', 'out')],
        {'k1': kernel(), 'large': np.float32(1e6), 'small': np.float32(1e-6),
         'tiny': np.float32(1e-12)})
    half = half_precision(model, [{'image': IMAGE}])
    found = kinds(half.content)
    assert (found['b'], found['c'], found['d'], found['e']) == (
        'float32', 'float32', 'float16', 'float32')
    assert 'b' in half.kept_float32 and 'e' in half.kept_float32
    assert half.difference < 1e-3


def test_values_near_the_end_of_float16_stay(tmp_path: Path) -> None:
    model = save(tmp_path / 'a.onnx', [
        node('Conv', 'image k1', 'a'), node('Conv', 'a big', 'b'), node('Relu', 'b', 'c'),
        node('Conv', 'c small', 'd'), node('Conv', 'd k1', 'out')],
        {'k1': kernel(), 'big': np.full((3, 3, 1, 1), 3e4, np.float32),
         'small': kernel(scale=1e-4)})
    half = half_precision(model, [{'image': IMAGE}])
    found = kinds(half.content)
    assert [found[name] for name in 'abcd'] == ['float16', 'float32', 'float32', 'float32']
    assert set(half.kept_float32) == {'b', 'c', 'd'}
    assert np.isfinite(run(half.content)[0]).all()


def test_more_than_the_tolerance_is_refused(tmp_path: Path) -> None:
    model = save(tmp_path / 'a.onnx', [
        node('Conv', 'image k1', 'a'), node('Add', 'a far', 'b'), node('Sub', 'b far', 'c'),
        node('Conv', 'c k1', 'out')], {'k1': kernel(), 'far': np.float32(2000)})
    with pytest.raises(ModelError, match=r'a.onnx in half precision differs by .*%.*fp32'):
        half_precision(model, [{'image': IMAGE}])


def test_a_network_that_gives_no_numbers_is_refused(tmp_path: Path) -> None:
    model = save(tmp_path / 'a.onnx', [
        node('Conv', 'image k1', 'a'), node('Log', 'a', 'b'), node('Conv', 'b k1', 'out')],
        {'k1': kernel()})
    with pytest.raises(ModelError, match='differs by nan'):
        half_precision(model, [{'image': IMAGE}])


def test_subgraphs_see_float32(tmp_path: Path) -> None:
    def branch(name: str, *nodes: Any) -> Any:
        return helper.make_graph(
            nodes, name, [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)])

    inner = helper.make_node(
        'If', ['yes'], ['t'], then_branch=branch('i', helper.make_node('Neg', ['b'], ['i'])),
        else_branch=branch('j', helper.make_node('Neg', ['b'], ['j'])))
    model = save(tmp_path / 'a.onnx', [
        node('Conv', 'image k1', 'a'), node('Relu', 'a', 'b'),
        node('If', 'yes', 'c', then_branch=branch('t', inner),
             else_branch=branch('e', helper.make_node('Neg', ['a'], ['e']))),
        node('Conv', 'c k1', 'd'), node('Conv', 'd k1', 'out')],
        {'k1': kernel(), 'yes': np.array(True)})
    half = half_precision(model, [{'image': IMAGE}])
    found = kinds(half.content)
    assert [found[name] for name in 'abd'] == ['float16'] * 3
    assert np.abs(run(half.content)[0] - run(model)[0]).max() < 1e-3


def test_asking_for_a_shape_casts_nothing(tmp_path: Path) -> None:
    model = save(tmp_path / 'a.onnx', [
        node('Conv', 'image k1', 'a'), node('Shape', 'a', 'shape'),
        node('Relu', 'a', 'b'), node('Reshape', 'b shape', 'c'), node('Conv', 'c k1', 'out')],
        {'k1': kernel()})
    half = half_precision(model, [{'image': IMAGE}])
    found = kinds(half.content)
    assert [found[name] for name in 'abc'] == ['float16'] * 3
    assert sum(n.op_type == 'Cast' for n in onnx.load_model_from_string(
        half.content).graph.node) == 2  # image to float16, c to float32


def test_scales_of_resize_stay_float32(tmp_path: Path) -> None:
    model = save(tmp_path / 'a.onnx', [
        node('Conv', 'image k1', 'a'),
        helper.make_node('Resize', ['a', '', 'scales'], ['b'], name='b', mode='nearest'),
        node('Conv', 'b k1', 'out')],
        {'k1': kernel(), 'scales': np.array([1, 1, 2, 2], np.float32)})
    assert kinds(half_precision(model, [{'image': IMAGE}]).content)['b'] == 'float16'


def test_a_file_that_has_chosen_its_types_is_left_alone(tmp_path: Path) -> None:
    quantised = save(tmp_path / 'a.onnx', [
        node('QuantizeLinear', 'image scale zero', 'q'),
        node('DequantizeLinear', 'q scale zero', 'd'), node('Conv', 'd k1', 'e'),
        node('Conv', 'e k1', 'out')],
        {'k1': kernel(), 'scale': np.float32(0.01), 'zero': np.int8(0)})
    half = half_precision(quantised, [{'image': IMAGE}])
    assert half.layers_float16 == 0 and 'd' in kinds(half.content)
    assert set(kinds(half.content).values()) == {'float32', 'other'}
    converted = tmp_path / 'b.onnx'
    plain = save(tmp_path / 'c.onnx', [
        node('Conv', 'image k1', 'a'), node('Conv', 'a k1', 'out')], {'k1': kernel()})
    converted.write_bytes(half_precision(plain, []).content)
    again = half_precision(converted, [])
    assert again.layers_float16 == 0 and kinds(again.content) == kinds(converted.read_bytes())


def test_what_is_no_network_is_said(tmp_path: Path) -> None:
    path = tmp_path / 'page.onnx'
    path.write_bytes(b'<html>')
    with pytest.raises(ModelError, match=r'page.onnx is not a readable ONNX file'):
        half_precision(path, [])


def test_damaged_weights_are_said(tmp_path: Path) -> None:
    path = save(tmp_path / 'cut.onnx', [
        node('Conv', 'image k1', 'a'), node('Conv', 'a k1', 'out')], {'k1': kernel()})
    model = onnx.load(path)
    whole = model.graph.initializer[0].raw_data
    for change in ({'raw_data': whole[:8]}, {'data_type': 99}):
        for field, value in change.items():
            setattr(model.graph.initializer[0], field, value)
        onnx.save(model, path)
        with pytest.raises(ModelError, match=r'cut\.onnx is not a readable ONNX file'):
            half_precision(path, [])


@pytest.mark.parametrize(('name', 'mean', 'std', 'layers', 'score_error'), [
    ('rtmdet_nano/rtmdet_nano_person_320.onnx', (103.53, 116.28, 123.675),
     (57.375, 57.12, 58.395), 300, 0.02),
    ('yolox_nano/yolox_nano.onnx', (0, 0, 0), (1, 1, 1), 300, 0.05)])
def test_real_detectors_find_the_same_people(
        data_folder: Path, name: str, mean: Any, std: Any, layers: int,
        score_error: float) -> None:
    import cv2
    model = data_folder / 'models' / name
    size = 416 if 'yolox' in name else 320
    probes = []
    for path in sorted((data_folder / 'images' / 'coco').glob('*.jpg'))[:2]:
        image = cv2.resize(cv2.imread(str(path)), (size, size)).astype(np.float32)
        blob = ((image - mean) / std).transpose(2, 0, 1)[None].astype(np.float32)
        probes.append({('images' if 'yolox' in name else 'input'): blob})
    assert probes
    half = half_precision(model, probes)
    assert half.layers_float16 > layers and half.difference < 0.02
    for probe in probes:
        blob, = probe.values()
        exact, got = run(model, blob)[0], run(half.content, blob)[0]
        if 'yolox' in name:  # box, presence, classes of each cell
            assert np.abs(got[..., 4:] - exact[..., 4:]).max() < score_error
            continue
        sure = exact[0][exact[0, :, 4] > 0.3]
        assert len(sure)
        for box in sure:
            nearest = got[0][np.abs(got[0, :, :4] - box[:4]).max(1).argmin()]
            assert np.abs(nearest[:4] - box[:4]).max() < 2
            assert abs(nearest[4] - box[4]) < score_error
