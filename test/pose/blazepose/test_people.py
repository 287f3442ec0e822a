"""BlazePose on regions: against a network whose answer is known, and the real ones."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.layouts import BLAZEPOSE33, COCO17, convert_person
from neuropose_ros.core.metrics import object_keypoint_similarity, oks_sigmas
from neuropose_ros.core.pose import JointState, Origin3D, PersonPose
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.models import ensure_models
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.inference.ops.device import Picture, PictureInput
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.pose.blazepose.people import (
    BOX_ROOM,
    POSE_ROOM,
    BlazePosePeople,
    square_around_box,
    square_around_pose,
)
from neuropose_ros.pose.blazepose.regions import region_from_alignment
from neuropose_ros.pose.estimator import Region
from neuropose_ros.pose.people import make_person

SIZE = 256
INPUT = PictureInput(SIZE, SIZE, channels='bgr', axes='nhwc', dtype='uint8')
# Where the made-up network has its joints, px of the crop, and the two auxiliary points.
JOINTS = np.random.default_rng(3).uniform(60, 190, (33, 2))
HIPS, TOP = (128.0, 140.0), (128.0, 40.0)


def _network() -> bytes:
    """Return a network that gives the same landmarks for every crop.

    Its presence is the crop's mean grey level, so results can be told apart.
    """
    table = np.zeros((39, 5), np.float32)
    table[:33, :2], table[33:35, :2] = JOINTS, (HIPS, TOP)
    table[:33, 3:] = 10.0
    constants = {
        'landmarks': table.reshape(1, 195),
        'heatmaps': np.full((1, 39, 64, 64), -20, np.float32),
        'world': np.linspace(-1, 1, 117, dtype=np.float32)[np.newaxis],
    }
    nodes = [
        helper.make_node('Cast', ['image'], ['values'], to=TensorProto.FLOAT),
        helper.make_node('ReduceMean', ['values'], ['grey'], axes=[1, 2, 3], keepdims=1),
        helper.make_node('Mul', ['grey', 'scale'], ['scaled']),
        helper.make_node('Reshape', ['scaled', 'flat'], ['presence']),
        helper.make_node('Mul', ['grey', 'none'], ['nothing']),
        helper.make_node('Reshape', ['nothing', 'flat'], ['zeros']),
        helper.make_node('Reshape', ['nothing', 'square'], ['zero_maps']),
    ]
    for name in constants:
        zero = 'zero_maps' if name == 'heatmaps' else 'zeros'
        nodes.append(helper.make_node('Add', [f'c_{name}', zero], [name]))
    shapes = {'landmarks': ['n', 195], 'presence': ['n', 1], 'heatmaps': ['n', 39, 64, 64],
              'world': ['n', 117]}
    graph = helper.make_graph(
        nodes, 'known', [helper.make_tensor_value_info(
            'image', TensorProto.UINT8, ['n', SIZE, SIZE, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
         for name, shape in shapes.items()],
        [numpy_helper.from_array(value, name) for name, value in {
            **{f'c_{name}': value for name, value in constants.items()},
            'scale': np.array(1 / 255, np.float32), 'none': np.array(0, np.float32),
            'flat': np.array([-1, 1], np.int64), 'square': np.array([-1, 1, 1, 1], np.int64),
        }.items()])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _entry(**changes: object) -> ModelEntry:
    values = {
        'name': 'known', 'title': '', 'kind': 'part', 'licence': '', 'format': 'onnx',
        'decoder': 'blazepose-landmarks', 'input': INPUT, 'layout': 'blazepose33'} | changes
    return ModelEntry(**values)  # type: ignore[arg-type]


def _people() -> BlazePosePeople:
    return BlazePosePeople(OnnxRuntime(_network(), threads=1), _entry())


def _box(*corners: float) -> np.ndarray:
    return np.array(corners, np.float32)


def test_the_first_look_is_a_square_around_the_box() -> None:
    square = square_around_box(_box(10, 20, 50, 120))
    assert (square.x, square.y, square.size, square.rotation) == (30, 70, 100 * BOX_ROOM, 0)
    assert square_around_box(_box(5, 5, 5, 5)).size > 0


def test_a_box_is_looked_at_twice_the_second_time_where_the_first_found_the_body() -> None:
    picture = Picture(np.full((200, 200, 3), 128, np.uint8))
    [person] = _people().estimate(picture, [Region(_box(60, 40, 120, 160))])
    first = square_around_box(_box(60, 40, 120, 160))
    hips, top = first.to_picture(np.array([HIPS, TOP], np.float32) / SIZE)
    second = region_from_alignment(hips, top)
    expected = second.to_picture((JOINTS / SIZE).astype(np.float32))
    np.testing.assert_allclose(person.keypoints, expected, atol=1e-3)
    assert person.score == pytest.approx(128 / 255, abs=1e-3)
    assert person.origin_3d is Origin3D.ROOT_RELATIVE
    assert person.keypoints_3d is not None
    assert person.keypoints_3d.shape == (33, 3)


def _standing() -> PersonPose:
    points = np.full((33, 2), np.nan, np.float32)
    for name, place in {
        'left_hip': (105, 100), 'right_hip': (95, 100), 'left_shoulder': (108, 60),
        'right_shoulder': (92, 60), 'left_ankle': (100, 180), 'nose': (100, 45),
    }.items():
        points[BLAZEPOSE33.index(name)] = place
    return make_person(points, np.ones(33, np.float32), 200, 200)


def test_a_pose_says_where_to_look_and_what_is_up() -> None:
    square = square_around_pose(_standing().keypoints)
    assert square is not None
    # The ankle is farthest from the hips, 80 px; the circle has 1.25 times that radius.
    assert (square.x, square.y) == (100, 100)
    assert square.size == pytest.approx(2 * 80 * POSE_ROOM * 1.25)
    assert square.rotation == pytest.approx(0)
    turned = _standing().keypoints[:, ::-1] * np.float32([-1, 1]) + np.float32([200, 0])
    lying = square_around_pose(turned)
    assert lying is not None
    assert abs(lying.rotation) == pytest.approx(np.pi / 2, abs=1e-5)


@pytest.mark.parametrize('missing', ['left_hip', 'right_shoulder'])
def test_a_trunk_that_is_not_known_leaves_the_box(missing: str) -> None:
    points = _standing().keypoints.copy()
    points[BLAZEPOSE33.index(missing)] = np.nan
    assert square_around_pose(points) is None


def test_a_body_without_a_direction_leaves_the_box() -> None:
    assert square_around_pose(np.full((33, 2), 50, np.float32)) is None


def test_a_predicted_pose_saves_the_first_look() -> None:
    picture = Picture(np.full((200, 200, 3), 128, np.uint8))
    [person] = _people().estimate(picture, [Region(_box(60, 40, 120, 160), _standing())])
    square = square_around_pose(_standing().keypoints)
    assert square is not None
    np.testing.assert_allclose(
        person.keypoints, square.to_picture((JOINTS / SIZE).astype(np.float32)), atol=1e-3)


def test_everybody_gets_their_own_answer_in_order() -> None:
    image = np.zeros((200, 400, 3), np.uint8)
    image[:, 200:] = 250
    regions = [
        Region(_box(290, 90, 310, 110)), Region(_box(90, 90, 110, 110), _standing()),
        Region(_box(90, 90, 110, 110))]
    people = _people()
    together = people.estimate(Picture(image), regions)
    assert [round(person.score, 1) for person in together] == [1.0, 0.0, 0.0]
    for person, region in zip(together, regions, strict=True):
        [alone] = people.estimate(Picture(image), [region])
        np.testing.assert_array_equal(person.keypoints, alone.keypoints)
        assert person.score == alone.score
    assert people.estimate(Picture(image), []) == []


def test_joints_beyond_the_picture_are_said_to_be_there() -> None:
    picture = Picture(np.full((100, 100, 3), 128, np.uint8))
    [person] = _people().estimate(picture, [Region(_box(60, -40, 140, 160))])
    outside = (person.keypoints < -0.5).any(1) | (person.keypoints > 99.5).any(1)
    assert outside.any()
    assert (person.keypoint_states[outside] == JointState.OUT_OF_FRAME).all()


def test_another_network_is_refused() -> None:
    small = PictureInput(128, 128, channels='bgr', axes='nhwc', dtype='uint8')
    with pytest.raises(ModelError):
        BlazePosePeople(OnnxRuntime(_network(), threads=1), _entry(input=small))


@pytest.mark.parametrize(('variant', 'least_oks'), [
    ('blazepose-landmarks', 0.8), ('blazepose-landmarks-lite', 0.75),
    ('blazepose-landmarks-heavy', 0.85)])
def test_the_published_networks_find_real_people(variant: str, least_oks: float) -> None:
    if 'NEUROPOSE_DATA' not in os.environ:
        pytest.skip('NEUROPOSE_DATA is not set: no real pictures here')
    folder = Path(os.environ['NEUROPOSE_DATA']) / 'images' / 'mpii'
    try:
        [path] = ensure_models(variant)
    except ModelError as error:
        pytest.skip(f'needs the published network: {error}')
    people = BlazePosePeople(OnnxRuntime(path, threads=1), load_registry()[variant])
    [entry] = [person for person in json.loads((folder / 'test_mpii.json').read_text())
               if person['image'] == '060754485.jpg']
    joints = np.array(entry['joints'], np.float32)
    box = np.concatenate((joints.min(0), joints.max(0)))
    picture = Picture(cv2.imread(str(folder / entry['image'])))
    [found] = people.estimate(picture, [Region(box)])
    common = convert_person(found, BLAZEPOSE33, COCO17).keypoints
    names = ('ankle', 'knee', 'hip')
    rows = [COCO17.index(f'right_{name}') for name in names] + [
        COCO17.index(f'left_{name}') for name in reversed(names)]
    area = float((box[2:] - box[:2]).prod()) * 0.7
    oks = object_keypoint_similarity(
        common[rows], joints[:6], area, oks_sigmas(COCO17)[rows])
    assert oks >= least_oks
    assert found.score > 0.9
