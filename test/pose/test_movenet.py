"""MoveNet against a network that finds centres of mass, and the real one on real people."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import JointState, PersonPose
from neuropose_ros.inference.ops.device import Picture, PictureInput
from neuropose_ros.pose.estimator import Region
from neuropose_ros.pose.movenet import MoveNet, square_around_body

from . import marker_networks as networks

TARGET = PictureInput(96, 96, axes='nhwc', dtype='uint8')
SPOTS = ((40.3, 33.7), (52.9, 48.2), (45.1, 70.6))
TRUNK = [COCO17.index(f'{side}_{name}') for name in ('hip', 'shoulder')
         for side in ('left', 'right')]


def _movenet(**options: float) -> MoveNet:
    entry = networks.entry('movenet', 'movenet', TARGET, layout='coco17', options=options)
    return MoveNet(networks.load(networks.movenet_network(TARGET)), entry)


def _picture() -> Picture:
    return Picture(networks.spots_picture((160, 120), [SPOTS], 3.0))


@pytest.mark.parametrize('box', [(20, 20, 70, 90), (5, 5, 95, 60), (-30, -20, 60, 100)])
def test_spots_are_found_between_the_pixels(box: tuple[float, ...]) -> None:
    [person] = _movenet().estimate(_picture(), [Region(np.array(box, np.float32))])
    expected = np.array(SPOTS)[np.arange(17) % 3]
    np.testing.assert_allclose(person.keypoints, expected, atol=0.05)
    np.testing.assert_allclose(
        person.keypoint_scores, np.array(networks.HEIGHTS)[np.arange(17) % 3] / 255, atol=0.06)
    assert set(person.keypoint_states) == {JointState.MEASURED}


def _standing(score: float = 0.9) -> PersonPose:
    points = np.full((17, 2), (50, 60), np.float32)
    points[TRUNK] = [(46, 60), (54, 60), (44, 40), (56, 40)]
    points[COCO17.index('left_ankle')] = (47, 100)
    points[COCO17.index('nose')] = (50, 30)
    return PersonPose(
        points, np.full(17, score, np.float32), np.full(17, 7, np.uint8),
        np.array([44, 30, 56, 100], np.float32))


def test_the_next_crop_follows_the_body() -> None:
    centre, side = square_around_body(_standing(), TRUNK)  # type: ignore[misc]
    # 1.9 times the trunk's 20 px, or 1.2 times the body's 40 px, to each side.
    np.testing.assert_allclose(centre, (50, 60))
    assert side == pytest.approx(2 * 1.2 * 40)
    weak = _standing()
    weak.keypoint_scores[COCO17.index('left_ankle')] = 0.1
    assert square_around_body(weak, TRUNK)[1] == pytest.approx(  # type: ignore[index]
        2 * 1.9 * 20)


def test_without_a_trunk_the_box_is_taken() -> None:
    assert square_around_body(_standing(0.1), TRUNK) is None
    lost = _standing()
    lost.keypoints[TRUNK[0]] = np.nan
    assert square_around_body(lost, TRUNK) is None
    box = np.array([20, 20, 70, 90], np.float32)
    picture = _picture()
    with_lost, plain = _movenet().estimate(picture, [Region(box, lost), Region(box)])
    np.testing.assert_array_equal(with_lost.keypoints, plain.keypoints)
    # A body far away from the spots: its crop is taken, and they are not seen.
    away = _standing()
    away.keypoints[:] += 300
    [unseen] = _movenet().estimate(picture, [Region(box, away)])
    assert unseen.score < 0.1


def test_outputs_that_do_not_fit_are_named_with_their_shapes() -> None:
    target = networks.rgb_input(96, 128)
    entry = networks.entry('movenet', 'movenet', target, layout='coco17')
    with pytest.raises(ModelError, match=(
            r'reads joints of \(1, 1, 17, 3\) found in a square picture, but the network puts '
            r'out simcc_x \(1, 3, 192\), simcc_y \(1, 3, 256\)')):
        MoveNet(networks.load(networks.simcc_network(target, 3.0)), entry)


COCO_SIGMAS = np.array([
    .026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062, .107, .107, .087, .087,
    .089, .089])


@pytest.mark.skipif(
    importlib.util.find_spec('ai_edge_litert') is None, reason='needs ai-edge-litert')
def test_the_real_network_on_the_people_of_coco(data_folder: Path) -> None:
    from neuropose_ros.inference.litert import LiteRtRuntime

    file = data_folder / 'models/movenet_lightning/movenet_single_pose_lightning_ptq.tflite'
    target = PictureInput(192, 192, axes='nhwc', dtype='uint8')
    entry = networks.entry('movenet', 'movenet', target, layout='coco17')
    movenet = MoveNet(LiteRtRuntime(file, threads=1), entry)
    truth = json.loads((data_folder / 'images/coco/test_coco.json').read_text())
    similarities = []
    for image in truth['images']:
        picture = Picture(cv2.imread(str(data_folder / 'images/coco' / image['file_name'])))
        for person in truth['annotations']:
            if person['image_id'] != image['id'] or not person['num_keypoints']:
                continue
            x, y, width, height = person['bbox']
            box = np.array([x, y, x + width, y + height], np.float32) - np.float32(0.5)
            [found] = movenet.estimate(picture, [Region(box)])
            table = np.array(person['keypoints'], np.float64).reshape(-1, 3)
            seen = table[:, 2] > 0
            distance = ((found.keypoints - table[:, :2]) ** 2).sum(1)
            scale = 2 * person['area'] * (2 * COCO_SIGMAS) ** 2
            similarities.append(np.exp(-distance / scale)[seen].mean())
    assert len(similarities) == 12
    assert np.mean(similarities) > 0.70
