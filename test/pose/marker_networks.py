"""Networks built of plain ONNX operators that find drawn markers, so that the answer is known.

Two kinds of pictures: soft round spots, one in each colour channel, whose centres are anywhere
between the pixels; and a white rectangle on black, whose edges are known exactly. Each network
undoes the normalisation of its entry first: with wrong means, scales or order of channels it
finds nothing, or the wrong spot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.entry import Kind, ModelEntry
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.inference.ops.device import PictureInput

Array = NDArray[Any]
SPOTS = SkeletonLayout('spots', ('red', 'green', 'blue'), ((0, 1), (1, 2)), ())
CORNERS = SkeletonLayout('corners', ('top_left', 'bottom_right'), ((0, 1),), ())
HEIGHTS = (250.0, 200.0, 150.0)
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
_STRIDES = (8, 16, 32)


def rgb_input(width: int, height: int) -> PictureInput:
    """A picture in the order and with the normalisation of RTMPose."""
    return PictureInput(width, height, MEAN, STD, 'rgb')


def entry(
    name: str, decoder: str, target: PictureInput, kind: Kind = 'pose',
    layout: SkeletonLayout | str = '', **more: Any,
) -> ModelEntry:
    """An entry of the registry without a source."""
    return ModelEntry(
        name=name, title=name, kind=kind, licence='Apache-2.0', format='onnx', decoder=decoder,
        input=target, layout=layout, **more)


def spots_picture(
    size: tuple[int, int], people: Sequence[Sequence[tuple[float, float]]], sigma_px: float,
) -> Array:
    """Draw (H, W, 3) BGR: for each person a red, a green and a blue spot with these centres."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    rgb = np.zeros((height, width, 3))
    for centres in people:
        for channel, (cx, cy) in enumerate(centres):
            distance = (x - cx) ** 2 + (y - cy) ** 2
            rgb[..., channel] += HEIGHTS[channel] * np.exp(-distance / (2 * sigma_px ** 2))
    return np.ascontiguousarray(rgb.round().clip(0, 255).astype(np.uint8)[..., ::-1])


def load(network: bytes) -> OnnxRuntime:
    """Load an .onnx file."""
    return OnnxRuntime(network, threads=1)


class Graph:
    """A graph in the making."""

    def __init__(self, target: PictureInput, batch: int | str = 'n') -> None:
        """Begin with the picture; ``levels`` is (N, 3, H, W) in grey levels, red first."""
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.target = target
        size: tuple[int | str, ...] = (3, target.height, target.width)
        if target.axes == 'nhwc':
            size = (target.height, target.width, 3)
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(target.dtype))
        self.input = helper.make_tensor_value_info('picture', kind, (batch, *size))
        value = self.add('Cast', 'picture', to=TensorProto.FLOAT)
        if target.axes == 'nhwc':
            value = self.add('Transpose', value, perm=(0, 3, 1, 2))
        value = self.add('Mul', value, self.constant(_planes(target.std)))
        value = self.add('Add', value, self.constant(_planes(target.mean)))
        if target.channels == 'bgr':
            value = self.add('Gather', value, self.constant(np.array([2, 1, 0])), axis=1)
        self.levels = value

    def constant(self, values: Any) -> str:
        """Add a constant; floats as float32."""
        array = np.asarray(values)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        name = f'c{len(self.constants)}'
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, operator: str, *inputs: str, out: str = '', **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        name = out or f'v{len(self.nodes)}'
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def done(self, **outputs: tuple[int | str, ...]) -> bytes:
        """Return the .onnx file with these outputs and shapes."""
        made = [
            helper.make_tensor_value_info(
                name, TensorProto.INT64 if name == 'labels' else TensorProto.FLOAT, shape)
            for name, shape in outputs.items()]
        graph = helper.make_graph(
            self.nodes, 'markers', [self.input], made, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())


def _planes(values: Sequence[float]) -> Array:
    return np.reshape(np.array(values, np.float64), (3, 1, 1))


def simcc_network(target: PictureInput, sigma_px: float, *, ratio: float = 2.0) -> bytes:
    """Vectors that fall off around each spot's centre of mass from its height, 0..1.

    Args:
        target: the input.
        sigma_px: of the spots in the crop: the sum over a spot is known.
        ratio: bins per pixel.
    """
    graph = Graph(target)
    mass, x, y = _moments(graph)
    whole = 255 * 2 * np.pi * sigma_px ** 2
    height = _column(graph, graph.add('Div', mass, graph.constant(np.array([whole]))))
    for name, place, size in (
            ('simcc_x', x, target.width), ('simcc_y', y, target.height)):
        bins = graph.constant(np.arange(int(size * ratio))[np.newaxis, np.newaxis] / ratio)
        distance = graph.add('Abs', graph.add('Sub', _column(graph, place), bins))
        slope = graph.constant(np.array([0.01]))
        graph.add('Sub', height, graph.add('Mul', distance, slope), out=name)
    return graph.done(
        simcc_x=('n', 3, int(target.width * ratio)), simcc_y=('n', 3, int(target.height * ratio)))


def _moments(graph: Graph) -> tuple[str, str, str]:
    """Add (N, 3): sum of the levels, and x and y of their centres of mass, px."""
    mass = graph.add('ReduceSum', graph.levels, graph.constant(np.array([2, 3])), keepdims=0)
    divisor = graph.add('Max', mass, graph.constant(np.array([1e-6])))
    centres = []
    for axis, size in ((2, graph.target.width), (3, graph.target.height)):
        profile = graph.add(
            'ReduceSum', graph.levels, graph.constant(np.array([axis])), keepdims=0)
        moment = graph.add(
            'ReduceSum', graph.add('Mul', profile, graph.constant(np.arange(float(size)))),
            graph.constant(np.array([2])), keepdims=0)
        centres.append(graph.add('Div', moment, divisor))
    return mass, centres[0], centres[1]


def _column(graph: Graph, value: str) -> str:
    return graph.add('Unsqueeze', value, graph.constant(np.array([2])))


def heatmap_network(target: PictureInput, stride: int = 4) -> bytes:
    """Heat maps whose cell i is pixel i * stride, 0..1."""
    graph = Graph(target)
    share = graph.add('Div', graph.levels, graph.constant(np.array([255.0])))
    ends = graph.constant(np.array([target.height, target.width]))
    steps = graph.constant(np.array([stride, stride]))
    graph.add(
        'Slice', share, graph.constant(np.array([0, 0])), ends, graph.constant(np.array([2, 3])),
        steps, out='maps')
    return graph.done(maps=('n', 3, target.height // stride, target.width // stride))


def movenet_network(target: PictureInput) -> bytes:
    """y x score of 17 joints, joint k at the centre of mass of channel k modulo 3."""
    graph = Graph(target, batch=1)
    _, x, y = _moments(graph)
    half = graph.constant(np.array([0.5]))
    parts = [
        graph.add('Div', graph.add('Add', place, half), graph.constant(np.array([float(size)])))
        for place, size in ((y, target.height), (x, target.width))]
    height = graph.add('ReduceMax', graph.levels, axes=[2, 3], keepdims=0)
    parts.append(graph.add('Div', height, graph.constant(np.array([255.0]))))
    table = graph.add('Concat', *(_column(graph, part) for part in parts), axis=2)
    chosen = graph.add('Gather', table, graph.constant(np.arange(17) % 3), axis=1)
    graph.add('Unsqueeze', chosen, graph.constant(np.array([1])), out='joints')
    return graph.done(joints=(1, 1, len(COCO17), 3))


def rectangle_picture(size: tuple[int, int], box: tuple[int, int, int, int]) -> Array:
    """Draw (H, W, 3): black, white from pixel x_min y_min up to, without, x_max y_max."""
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    x_min, y_min, x_max, y_max = box
    picture[y_min:y_max, x_min:x_max] = 255
    return picture


def _edges(graph: Graph) -> list[str]:
    """Add the (1,) x_min, y_min, x_max, y_max of what is whiter than 140, edge to edge."""
    found = []
    for axis, size in ((2, graph.target.width), (3, graph.target.height)):
        profile = graph.add('ReduceMax', graph.levels, axes=[1, axis], keepdims=0)
        white = graph.add('Greater', profile, graph.constant(np.array([140.0])))
        flags = graph.add('Cast', white, to=TensorProto.FLOAT)
        # Equal values: the first one is taken, so weights that fall keep it the first white one.
        falling = graph.add('Mul', flags, graph.constant(np.arange(size, 0, -1, dtype=np.float32)))
        rising = graph.add('Mul', flags, graph.constant(np.arange(1, size + 1, dtype=np.float32)))
        first = graph.add('ReduceMax', falling, axes=[1], keepdims=0)
        found.append(graph.add('Sub', graph.constant(np.array([float(size)])), first))
        found.append(graph.add('ReduceMax', rising, axes=[1], keepdims=0))
    return [found[0], found[2], found[1], found[3]]


def rtmdet_network(target: PictureInput, clutter: Array, labels: Sequence[int]) -> bytes:
    """Boxes that end with the rectangle's, score 0.9, person.

    Args:
        target: the input.
        clutter: (M, 5) other rows.
        labels: (M,) their classes.
    """
    graph = Graph(target, batch=1)
    values = [*_edges(graph), graph.constant(np.array([0.9]))]
    row = graph.add('Concat', *values, axis=0)
    shaped = graph.add('Reshape', row, graph.constant(np.array([1, 1, 5])))
    rest = graph.constant(np.asarray(clutter, np.float64).reshape(1, -1, 5))
    graph.add('Concat', rest, shaped, out='dets', axis=1)
    graph.add('Identity', graph.constant(np.array([[*labels, 0]])), out='labels')
    return graph.done(dets=(1, 'm', 5), labels=(1, 'm'))


def _centre_and_sides(graph: Graph) -> list[str]:
    x_min, y_min, x_max, y_max = _edges(graph)
    half = graph.constant(np.array([0.5]))
    return [
        graph.add('Mul', graph.add('Add', x_min, x_max), half),
        graph.add('Mul', graph.add('Add', y_min, y_max), half),
        graph.add('Sub', x_max, x_min), graph.add('Sub', y_max, y_min)]


def _cells(target: PictureInput) -> tuple[Array, Array, Array]:
    """x, y and stride of each cell of a head."""
    rows = [(x, y, stride) for stride in _STRIDES
            for y in range(target.height // stride) for x in range(target.width // stride)]
    x, y, stride = np.array(rows, np.float32).T
    return x, y, stride


def yolox_network(target: PictureInput, classes: int = 80) -> bytes:
    """A raw head in which, per stride, the cell under the rectangle's centre answers.

    Objectness .9, .8, .7 by stride; all of it a person.
    """
    graph = Graph(target, batch=1)
    x, y, stride = _cells(target)
    sides = graph.constant(stride)
    cx, cy, width, height = _centre_and_sides(graph)
    inside = []
    columns = []
    for centre, cells in ((cx, x), (cy, y)):
        offset = graph.add('Sub', graph.add('Div', centre, sides), graph.constant(cells))
        whole = graph.add('Equal', graph.add('Floor', offset), graph.constant(np.zeros(1)))
        inside.append(graph.add('Cast', whole, to=TensorProto.FLOAT))
        columns.append(offset)
    for side in (width, height):
        cells = graph.add('Div', side, sides)
        columns.append(graph.add('Log', graph.add('Max', cells, graph.constant([1e-3]))))
    weight = graph.constant(np.select([stride == 8, stride == 16], [0.9, 0.8], 0.7))
    columns.append(graph.add('Mul', graph.add('Mul', *inside), weight))
    table = [graph.add('Unsqueeze', column, graph.constant(np.array([0, 2])))
             for column in columns]
    likely = np.zeros((1, len(x), classes))
    likely[..., 0] = 1
    graph.add('Concat', *table, graph.constant(likely), out='output', axis=2)
    return graph.done(output=(1, len(x), 5 + classes))


def _corner_joints(graph: Graph) -> list[str]:
    """x y score of the first and the last white pixel's centre."""
    x_min, y_min, x_max, y_max = _edges(graph)
    one = graph.constant(np.ones(1))
    x_last, y_last = graph.add('Sub', x_max, one), graph.add('Sub', y_max, one)
    sure, unsure = graph.constant(np.array([0.8])), graph.constant(np.array([0.1]))
    return [x_min, y_min, sure, x_last, y_last, unsure]


def rtmo_network(target: PictureInput) -> bytes:
    """One person, the rectangle, score 0.9, with its corners as joints."""
    graph = Graph(target, batch=1)
    row = graph.add('Concat', *_edges(graph), graph.constant(np.array([0.9])), axis=0)
    graph.add('Reshape', row, graph.constant(np.array([1, 1, 5])), out='dets')
    joints = graph.add('Concat', *_corner_joints(graph), axis=0)
    graph.add('Reshape', joints, graph.constant(np.array([1, 1, 2, 3])), out='keypoints')
    return graph.done(dets=(1, 1, 5), keypoints=(1, 1, 2, 3))


def yolo_pose_network(target: PictureInput) -> bytes:
    """A head to be suppressed: three anchors say the same, .7 .9 .8; the others nothing."""
    graph = Graph(target, batch=1)
    anchors = len(_cells(target)[0])
    scores = np.zeros((1, 1, anchors))
    scores[0, 0, [3, 40, 50]] = 0.7, 0.9, 0.8
    wide = graph.constant(np.array([1, 1, anchors]))
    rows = []
    for value in (*_centre_and_sides(graph), *_corner_joints(graph)):
        shaped = graph.add('Reshape', value, graph.constant(np.array([1, 1, 1])))
        rows.append(graph.add('Expand', shaped, wide))
    graph.add('Concat', *rows[:4], graph.constant(scores), *rows[4:], out='output0', axis=1)
    return graph.done(output0=(1, 11, anchors))


def end_to_end_yolo_pose_network(target: PictureInput) -> bytes:
    """A head that needs no suppression: the rectangle as a person (.9) and as class 1 (.95)."""
    graph = Graph(target, batch=1)
    edges, joints = _edges(graph), _corner_joints(graph)
    rows = []
    for score, kind in ((0.95, 1.0), (0.9, 0.0)):
        flags = graph.constant(np.array([score, kind]))
        row = graph.add('Concat', *edges, flags, *joints, axis=0)
        rows.append(graph.add('Reshape', row, graph.constant(np.array([1, 1, 12]))))
    graph.add('Concat', *rows, out='output0', axis=1)
    return graph.done(output0=(1, 2, 12))
