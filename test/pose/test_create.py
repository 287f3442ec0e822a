"""The published networks on rendered and real people."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.layouts import BLAZEPOSE33
from neuropose_ros.core.pose import Frame, FrameStatus
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.ops.device import Picture
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.pose.create import (
    DEFAULT_DETECTOR,
    create_detector,
    create_estimator,
    create_region_estimator,
    detector_models,
    pose_models,
)
from neuropose_ros.pose.estimator import Region
from neuropose_ros.pose.stage import PoseStage
from neuropose_ros.sources.open import open_source

from . import marker_networks as networks

# x y px of MediaPipe 0.10.21's own pose solution, static_image_mode, model_complexity 1.
JOINTS = ('nose', 'left_shoulder', 'right_shoulder', 'left_wrist', 'right_wrist', 'left_hip',
          'right_hip', 'left_knee', 'right_knee', 'left_ankle', 'right_ankle')
PUBLISHED = {
    'images/coco/000000000785.jpg': (
        (364.05, 83.81), (397.33, 109.18), (369.59, 122.35), (428.08, 160.68), (302.44, 179.09),
        (428.40, 215.20), (406.43, 219.19), (433.28, 292.83), (368.68, 272.72), (471.70, 362.90),
        (402.60, 340.19)),
    'images/mpii/004645041.jpg': (
        (820.80, 260.50), (893.60, 334.20), (787.18, 310.01), (912.62, 556.11), (689.28, 255.11),
        (877.57, 520.27), (814.45, 520.06), (868.86, 658.74), (819.26, 646.06), (892.54, 761.88),
        (827.26, 749.06)),
}


@pytest.mark.parametrize('name', PUBLISHED)
def test_real_pictures_give_the_published_keypoints(
    blazepose_models: None, data_folder: Path, name: str,
) -> None:
    image = cv2.imread(str(data_folder / name))
    estimator = create_estimator('blazepose', threads=1, tracking=False)
    [person] = estimator.estimate(Frame(image, 1, 0)).persons
    got = person.keypoints[[BLAZEPOSE33.index(joint) for joint in JOINTS]]
    expected = np.array(PUBLISHED[name])
    diagonal = np.linalg.norm(np.ptp(expected, axis=0))
    distances = np.linalg.norm(got - expected, axis=-1) / diagonal
    assert distances.mean() < 1e-3
    # Metres, y down: the head is half a metre above the hips in both pictures.
    assert person.keypoints_3d is not None
    assert person.keypoints_3d[0, 1] == pytest.approx(-0.615, abs=0.02)


def test_a_rendered_walker_is_found_in_every_frame(blazepose_models: None) -> None:
    stage = PoseStage(create_estimator('blazepose', threads=1))
    source = open_source('synthetic:walk?seconds=1&rate=20&width=640&height=480')
    distances = []
    index = 0
    while (picture := source.read()) is not None:
        result = stage.process(Frame(picture.image, picture.time_ns + 1, index))
        assert result.status is FrameStatus.OK, index
        assert picture.truth is not None
        true, found = picture.truth.persons[0], result.persons[0]
        assert found.track_id == 1
        visible = true.keypoint_states == 7
        size = (true.box[2:] - true.box[:2]).max()
        offsets = np.linalg.norm(found.keypoints - true.keypoints, axis=-1)[visible]
        distances.append(offsets.mean() / size)
        index += 1
    assert index >= 20
    assert max(distances) < 0.05


def test_noise_is_nobody(blazepose_models: None) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3)).astype(np.uint8)
    stage = PoseStage(create_estimator('blazepose', threads=1))
    assert stage.process(Frame(noise, 1, 0)).status is FrameStatus.NO_PERSON


def test_8k_pictures_work(blazepose_models: None) -> None:
    source = open_source('synthetic:walk?seconds=1&width=480&height=270')
    picture = source.read()
    assert picture is not None and picture.truth is not None
    large = cv2.resize(picture.image, (7680, 4320))
    [person] = create_estimator('blazepose', threads=1).estimate(Frame(large, 1, 0)).persons
    true = picture.truth.persons[0]
    visible = true.keypoint_states == 7
    offsets = np.linalg.norm(person.keypoints / 16 - true.keypoints, axis=-1)[visible]
    assert offsets.mean() < 0.05 * (true.box[3] - true.box[1])


def test_an_unknown_name_is_named_with_the_known() -> None:
    with pytest.raises(ParameterError, match="unknown pose model 'big'; known are blazepose"):
        create_estimator('big')
    with pytest.raises(ParameterError, match="unknown person detector 'big'; known are rtmdet"):
        create_detector('big')
    with pytest.raises(ParameterError, match=r'yolox-nano is no pose model: .*kind detector'):
        create_region_estimator('yolox-nano')
    with pytest.raises(ParameterError, match='rtmo-s finds people by itself: leave the detector'):
        create_estimator('rtmo-s', detector='yolox-nano')
    with pytest.raises(ParameterError, match='rtmo-s finds people by itself, not in given boxes'):
        create_region_estimator('rtmo-s')
    assert {'blazepose', 'rtmpose-m', 'rtmo-s', 'movenet-lightning'} <= set(pose_models())
    assert DEFAULT_DETECTOR in detector_models()


def test_the_model_names_its_entry(blazepose_models: None) -> None:
    assert create_estimator('blazepose', threads=1).model.startswith('blazepose/')


OWN_LIST = """
box:
  path: box.onnx
  decoder: rtmdet
  input: {width: 320, height: 320, mean: [103.53, 116.28, 123.675],
          std: [57.375, 57.12, 58.395], channels: bgr}
spots:
  path: spots.onnx
  decoder: simcc
  layout: {joints: [red, green, blue], bones: [[red, green], [green, blue]]}
  input: {width: 96, height: 128, mean: [123.675, 116.28, 103.53],
          std: [58.395, 57.12, 57.375], channels: rgb}
corners:
  path: corners.onnx
  decoder: rtmo
  layout: {joints: [first, last], bones: [[first, last]]}
  input: {width: 320, height: 320, channels: bgr}
"""
SPOTS = ((70.3, 33.7), (82.9, 58.2), (75.2, 70.6))


@pytest.fixture
def own_registry(tmp_path: Path) -> Mapping[str, ModelEntry]:
    """A user's list, with three networks beside it."""
    (tmp_path / 'models.yaml').write_text(OWN_LIST)
    registry = load_registry(tmp_path / 'models.yaml')
    # The detector's box is where the spots are bright: the crop is about this fine.
    builds = {
        'box': lambda target: networks.rtmdet_network(target, np.zeros((0, 5)), []),
        'spots': lambda target: networks.simcc_network(target, 6.0),
        'corners': networks.rtmo_network}
    for name, build in builds.items():
        (tmp_path / f'{name}.onnx').write_bytes(build(registry[name].input))
    return registry


def test_a_users_own_models_work_by_name(own_registry: Mapping[str, ModelEntry]) -> None:
    said: list[str] = []
    settings = {'registry': own_registry, 'threads': 1, 'runtime': 'cpu', 'announce': said.append}
    picture = Picture(networks.spots_picture((160, 120), [SPOTS], 3.0))
    found = create_detector('box', **settings).detect(picture)
    assert found.boxes.shape == (1, 4)
    estimator = create_region_estimator('spots', **settings)
    [person] = estimator.estimate(picture, [Region(found.boxes[0])])
    np.testing.assert_allclose(person.keypoints, SPOTS, atol=0.3)
    assert estimator.layout.names == ('red', 'green', 'blue')
    one_stage = create_estimator('corners', **settings)
    rectangle = networks.rectangle_picture((160, 120), (20, 30, 60, 90))
    [framed] = one_stage.estimate(Frame(rectangle, 1, 0)).persons
    np.testing.assert_allclose(framed.box, (19.5, 29.5, 59.5, 89.5), atol=1e-4)
    assert any('box.onnx runs with' in sentence for sentence in said)


def test_a_model_that_needs_boxes_gets_a_detector(
    own_registry: Mapping[str, ModelEntry],
) -> None:
    estimator = create_estimator(
        'spots', detector='box', registry=own_registry, threads=1, runtime='cpu')
    result = estimator.estimate(Frame(
        networks.spots_picture((160, 120), [SPOTS], 3.0), 1, 0))
    [person] = result.persons
    np.testing.assert_allclose(person.keypoints, SPOTS, atol=0.3)
    with pytest.raises(ParameterError, match=f"unknown person detector '{DEFAULT_DETECTOR}'"):
        create_estimator('spots', registry=own_registry, threads=1, runtime='cpu')
