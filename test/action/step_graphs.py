"""Step networks whose answers are known, and the people to ask them about.

The actions are ``a`` and ``b``: ``a`` when the first joint was measured, ``b`` when it was not.
The unknown score is 1 when the second joint was not measured. ``counts`` (2,) adds up the ticks
in which the third joint was measured, and was not. Of a scene that is there, ``b`` gains 7 and
its first value.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from neuropose_ros.action.description import (
    STEP_FILE,
    RecogniserDescription,
    write_description,
)
from neuropose_ros.action.normalisation import Normalisation
from neuropose_ros.action.recogniser import Recogniser, load_recogniser
from neuropose_ros.action.stage import ActionStage
from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import LayoutError
from neuropose_ros.core.pose import FrameStatus, JointState, PersonPose, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout

FOUR = SkeletonLayout('four', ('hips', 'neck', 'hand', 'foot'),
                      ((0, 1), (1, 2), (0, 3)), ())
LABELS = LabelSet('ab', ('a', 'b'))
SURE = 6.0
RATE_HZ = 20.0
PERIOD_NS = 50_000_000
START_NS = 1_000_000_000


def description(**changes: object) -> RecogniserDescription:
    """Return what the networks of this file are."""
    return replace(RecogniserDescription(
        name='tiny', layout=FOUR, dimensions=2, labels=LABELS, rate_hz=RATE_HZ, window_s=1.0,
        states={'counts': (2,)}, normalisation=Normalisation(causal=True).as_dict(),
        unknown_threshold=0.5, decision_delay_s=0.1), **changes)


def step_network(about: RecogniserDescription, weight: float = SURE) -> bytes:
    """Return the network; `weight` is how sure it is."""
    joints, depth, size = len(about.layout), about.dimensions, about.scene_size
    constants = {'one': np.ones(1, np.float32), 'weight': np.full(1, weight, np.float32)}
    constants |= {f'at{i}': np.array([i], np.int64) for i in range(3)}
    node = helper.make_node
    nodes = []
    for i in range(3):
        nodes += [node('Gather', ['mask', f'at{i}'], [f'm{i}'], axis=1),
                  node('Sub', ['one', f'm{i}'], [f'n{i}'])]
    nodes += [
        node('Concat', ['m0', 'n0'], ['first'], axis=1), node('Mul', ['first', 'weight'], ['raw']),
        node('Identity', ['n1'], ['unknown']), node('Identity', ['keypoints'], ['completed']),
        node('Identity', ['mask'], ['error']), node('Concat', ['m2', 'n2'], ['third'], axis=1),
        node('Add', ['counts', 'third'], ['next_counts'])]
    inputs = {'keypoints': (joints, depth), 'mask': (joints,), 'counts': (2,)}
    if size:
        constants['seven'] = np.full(1, 7, np.float32)
        inputs |= {'scene': (size,), 'scene_mask': (1,)}
        nodes += [
            node('Gather', ['scene', 'at0'], ['value'], axis=1),
            node('Add', ['value', 'seven'], ['gain']),
            node('Mul', ['gain', 'scene_mask'], ['seen']),
            node('Sub', ['seen', 'seen'], ['nothing']),
            node('Concat', ['nothing', 'seen'], ['context'], axis=1),
            node('Add', ['raw', 'context'], ['logits'])]
    else:
        nodes.append(node('Identity', ['raw'], ['logits']))
    outputs = {'logits': (2,), 'unknown': (1,), 'completed': (joints, depth), 'error': (joints,),
               'next_counts': (2,)}
    sides = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, ('people', *shape))
              for name, shape in side.items()] for side in (inputs, outputs)]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, 'step', *sides, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def write_recogniser(folder: Path, content: bytes | None = None, **changes: object) -> Path:
    """Write a recogniser's folder; return it."""
    about = description(**changes)
    content = content or step_network(about)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STEP_FILE).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    write_description(replace(about, networks={STEP_FILE: digest}), folder)
    return folder


def load(folder: Path, **changes: object) -> Recogniser:
    """Return the recogniser of this file, loaded."""
    return load_recogniser(write_recogniser(folder, **changes), announce=lambda _: None)


def find_layout(name: str) -> SkeletonLayout:
    """Return the layout by id."""
    if name != FOUR.id:
        raise LayoutError(f'unknown layout {name!r}')
    return FOUR


def stage(folder: Path, parameters: object = None, **changes: object) -> ActionStage:
    """Return a stage with the recogniser of this file."""
    return ActionStage(load(folder, **changes), parameters=parameters, layouts=find_layout)


def person(track_id: int = 1, missing: str = '', offset: float = 0.0) -> PersonPose:
    """Return somebody who stands still; `missing` are the names of joints not measured."""
    points = np.array([[0, 0], [0, -50], [30, -20], [5, 60]], np.float32) + offset
    unseen = np.isin(FOUR.names, missing.split())
    states = np.where(unseen, JointState.PREDICTED, JointState.MEASURED).astype(np.uint8)
    return PersonPose(
        points, np.ones(4, np.float32), states, np.array([0, -50, 30, 60], np.float32), 1.0,
        track_id)


def frame(tick: float, *people: PersonPose, **changes: object) -> PoseFrame:
    """Return the frame at a tick of the grid."""
    stamp_ns = START_NS + round(tick * PERIOD_NS)
    return replace(PoseFrame(
        stamp_ns, 0, FOUR.id, 640, 480, status=FrameStatus.OK if people else FrameStatus.NO_PERSON,
        persons=people), **changes)


def run(this: ActionStage, ticks: int, *people: PersonPose, first: int = 0) -> object:
    """Let a stage see the same people for some ticks; return the last answer."""
    for tick in range(first, first + ticks):
        answer = this.process(frame(tick, *people))
    return answer
