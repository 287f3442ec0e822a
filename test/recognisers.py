"""A recogniser whose answers are known: a matrix on joints, with a memory."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, save

from neuropose_ros.action.description import (
    STEP_FILE,
    RecogniserDescription,
    write_description,
)
from neuropose_ros.action.normalisation import Normalisation
from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.layouts import COCO17

ARM = LabelSet('arm', ('arm_down', 'arm_up'))
SCENE_MODEL = 'means'
SCENE_SIZE = 3
_WRIST_Y, _SHOULDER_Y = 2 * 9 + 1, 2 * 5 + 1


def write_arm_recogniser(
    folder: Path, *, labels: LabelSet = ARM, scene: bool = False, unknown: float = 0.1,
    unknown_threshold: float = 0.5, name: str = 'arm',
) -> Path:
    """Write a recogniser that tells whether the left wrist is above the left shoulder.

    Args:
        folder: is made.
        scene: whether it looks at the scene too, of the encoder `SCENE_MODEL`: a bright picture
            (mean above 128) tips it towards the second label whatever the arm does.
        unknown: the unknown score of every answer.
    """
    folder.mkdir(parents=True)
    weights = np.zeros((2 * len(COCO17), len(labels)), np.float32)
    weights[_WRIST_Y, :2], weights[_SHOULDER_Y, :2] = (4, -4), (-4, 4)
    save(_step_network(weights, unknown, scene), folder / STEP_FILE)
    write_description(RecogniserDescription(
        name=name, layout=COCO17, dimensions=2, labels=labels, rate_hz=20.0, window_s=1.0,
        states={'memory': (len(labels),)}, normalisation=Normalisation(causal=True).as_dict(),
        unknown_threshold=unknown_threshold, scene_model=SCENE_MODEL if scene else '',
        scene_size=SCENE_SIZE if scene else 0, decision_delay_s=0.05,
        networks={STEP_FILE: hashlib.sha256((folder / STEP_FILE).read_bytes()).hexdigest()},
    ), folder)
    return folder


def _step_network(weights: NDArray[np.float32], unknown: float, scene: bool) -> object:
    size, classes = weights.shape
    joints = size // 2
    constants = {
        'flat': np.array((-1, size)), 'weights': weights, 'half': np.float32(0.5),
        'nothing': np.zeros((joints, 1), np.float32), 'score': np.float32(unknown),
        'no_error': np.float32(0)}
    nodes = [
        ('Reshape', ('keypoints', 'flat'), 'points'), ('MatMul', ('points', 'weights'), 'raw'),
        ('Mul', ('memory', 'half'), 'past'), ('Mul', ('raw', 'half'), 'present'),
        ('Add', ('past', 'present'), 'next_memory'), ('MatMul', ('mask', 'nothing'), 'zero'),
        ('Add', ('zero', 'score'), 'unknown'), ('Identity', ('keypoints',), 'completed'),
        ('Mul', ('mask', 'no_error'), 'error'), ('Identity', ('mask',), 'attention')]
    inputs = {'keypoints': (joints, 2), 'mask': (joints,), 'memory': (classes,)}
    if scene:
        bright = np.zeros((SCENE_SIZE, classes), np.float32)
        bright[:, 1] = 1.0
        constants |= {'bright': bright, 'grey': 128 * bright.sum(0)}
        inputs |= {'scene': (SCENE_SIZE,), 'scene_mask': (1,)}
        nodes += [
            ('MatMul', ('scene', 'bright'), 'brightness'), ('Sub', ('brightness', 'grey'), 'tip'),
            ('Mul', ('tip', 'scene_mask'), 'context'),
            ('Add', ('next_memory', 'context'), 'logits')]
    else:
        nodes += [('Identity', ('next_memory',), 'logits')]
    outputs = {
        'logits': (classes,), 'unknown': (1,), 'completed': (joints, 2), 'error': (joints,),
        'attention': (joints,), 'next_memory': (classes,)}

    def values(shapes: dict[str, tuple[int, ...]]) -> list[object]:
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, ('N', *shape))
                for name, shape in shapes.items()]

    graph = helper.make_graph(
        [helper.make_node(kind, list(given), [made]) for kind, given, made in nodes],
        'step', values(inputs), values(outputs),
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()])
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
