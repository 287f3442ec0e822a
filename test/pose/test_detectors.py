"""Detectors against networks whose answer is known, and real ones on real pictures."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.inference.ops.device import Picture, PictureInput
from neuropose_ros.pose.detectors import BoxDetector
from neuropose_ros.pose.geometry import box_iou

from . import marker_networks as networks

RTMDET_INPUT = PictureInput(
    320, 320, (103.53, 116.28, 123.675), (57.375, 57.12, 58.395), 'bgr')
YOLOX_INPUT = PictureInput(416, 416, channels='bgr')
BOX = (20, 30, 60, 90)
# The rectangle's outer edges, counted from the centre of the picture's first pixel.
EDGES = np.array(BOX) - 0.5


def _rtmdet(clutter: object = (), labels: object = (), **more: object) -> BoxDetector:
    rows = np.asarray(clutter, np.float64).reshape(-1, 5)
    runtime = networks.load(networks.rtmdet_network(RTMDET_INPUT, rows, labels or [0] * len(rows)))
    entry = networks.entry('rtm', 'rtmdet', RTMDET_INPUT, 'detector')
    return BoxDetector(runtime, entry, **more)


@pytest.mark.parametrize('size', [(160, 120), (320, 320), (640, 200), (100, 160)])
def test_a_rectangle_is_boxed_edge_to_edge(size: tuple[int, int]) -> None:
    found = _rtmdet().detect(Picture(networks.rectangle_picture(size, BOX)))
    # Where the crop is finer than the picture the edge is found to half a pixel of the crop.
    limit = max(size) / 320 / 2 if max(size) not in (160, 320, 640) else 1e-4
    np.testing.assert_allclose(found.boxes, [EDGES], atol=limit)
    np.testing.assert_allclose(found.scores, [0.9])
    assert found.boxes.dtype == found.scores.dtype == np.float32


def test_clutter_is_left_out() -> None:
    nan = float('nan')
    clutter = [
        (40, 60, 120, 180, 0.8),  # nearly the rectangle again
        (80, 80, 40, 40, 0.99),  # inverted
        (10, 10, 10, 50, 0.99),  # no width
        (nan, 0, 50, 50, 0.99), (0, 0, float('inf'), 50, 0.99), (0, 0, 50, 50, nan),
        (400, 400, 500, 500, 0.99),  # beside the picture
        (200, 100, 300, 200, 0.95),  # a dog
        (200, 100, 300, 200, 0.2),  # too weak
        (220, -40, 400, 60, 0.5),  # partly outside
    ]
    labels = [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    detector = _rtmdet(clutter, labels)
    found = detector.detect(Picture(networks.rectangle_picture((160, 120), BOX)))
    np.testing.assert_allclose(found.boxes, [EDGES, (109.5, -0.5, 159.5, 29.5)], atol=1e-4)
    np.testing.assert_allclose(found.scores, [0.9, 0.5])


def test_300_boxes_become_the_best_people() -> None:
    generator = np.random.default_rng(3)
    low = generator.uniform(0, 280, (300, 2))
    clutter = np.column_stack((low, low + 8, generator.uniform(0.3, 0.8, 300)))
    found = _rtmdet(clutter, most_people=6).detect(
        Picture(networks.rectangle_picture((320, 320), BOX)))
    assert len(found.boxes) == 6
    np.testing.assert_allclose(found.boxes[0], EDGES, atol=1e-4)
    assert (np.diff(found.scores) <= 0).all()
    overlaps = box_iou(found.boxes, found.boxes) - np.eye(6)
    assert overlaps.max() <= 0.65


def test_a_yolox_head_is_decoded() -> None:
    target = PictureInput(320, 256, channels='bgr')
    detector = BoxDetector(
        networks.load(networks.yolox_network(target)),
        networks.entry('x', 'yolox', target, 'detector'))
    found = detector.detect(Picture(networks.rectangle_picture((160, 120), BOX)))
    np.testing.assert_allclose(found.boxes, [EDGES], atol=1e-3)
    np.testing.assert_allclose(found.scores, [0.9], atol=1e-6)


def test_nobody_is_no_box() -> None:
    target = PictureInput(320, 256, channels='bgr')
    detector = BoxDetector(
        networks.load(networks.yolox_network(target)),
        networks.entry('x', 'yolox', target, 'detector'), least_score=0.95)
    found = detector.detect(Picture(np.zeros((120, 160, 3), np.uint8)))
    assert found.boxes.shape == (0, 4) and found.scores.shape == (0,)


def test_outputs_that_do_not_fit_are_named_with_their_shapes() -> None:
    runtime = networks.load(networks.rtmdet_network(RTMDET_INPUT, np.zeros((4, 5)), [0] * 4))
    with pytest.raises(ModelError, match=(
            r'model rtm: the decoder yolox reads one output of \(1, 2100, 5 \+ classes\), but '
            r'the network puts out dets \(1, 5, 5\), labels \(1, 5\)')):
        BoxDetector(runtime, networks.entry('rtm', 'yolox', RTMDET_INPUT, 'detector'))
    head = networks.load(networks.yolox_network(YOLOX_INPUT))
    with pytest.raises(ModelError, match=r'boxes of \(1, N, 5\).*output \(1, 3549, 85\)'):
        BoxDetector(head, networks.entry('x', 'rtmdet', YOLOX_INPUT, 'detector'))


def test_a_picture_that_does_not_fit_is_named() -> None:
    head = networks.load(networks.yolox_network(YOLOX_INPUT))
    wrong = PictureInput(416, 416, axes='nhwc')
    with pytest.raises(ModelError, match=(
            r'model x: its input picture takes \(1, 3, 416, 416\), which is nchw, not nhwc')):
        BoxDetector(head, networks.entry('x', 'yolox', wrong, 'detector'))


def test_another_kind_of_decoder_is_refused() -> None:
    with pytest.raises(ModelError, match=r'x is no person detector.*yolox, yolox-nms, rtmdet'):
        BoxDetector(networks.load(networks.yolox_network(YOLOX_INPUT)),
                    networks.entry('x', 'simcc', YOLOX_INPUT, 'detector'))


@pytest.mark.parametrize(('decoder', 'target', 'file', 'floor'), [
    ('rtmdet', RTMDET_INPUT, 'rtmdet_nano/rtmdet_nano_person_320.onnx', 0.75),
    ('yolox', YOLOX_INPUT, 'yolox_nano/yolox_nano.onnx', 0.7),
])
def test_real_detectors_find_the_people_of_coco(
    data_folder: Path, decoder: str, target: PictureInput, file: str, floor: float,
) -> None:
    detector = BoxDetector(
        OnnxRuntime(data_folder / 'models' / file, threads=1),
        networks.entry('real', decoder, target, 'detector'))
    truth = json.loads((data_folder / 'images/coco/test_coco.json').read_text())
    overlaps, extra = [], 0
    for image in truth['images']:
        boxes = np.array([
            person['bbox'] for person in truth['annotations']
            if person['image_id'] == image['id'] and person['num_keypoints']], np.float32)
        boxes[:, 2:] += boxes[:, :2]
        picture = cv2.imread(str(data_folder / 'images/coco' / image['file_name']))
        found = detector.detect(Picture(picture))
        overlaps += list(box_iou(boxes - 0.5, found.boxes).max(1))
        extra += max(0, len(found.boxes) - len(boxes))
    assert len(overlaps) == 12
    assert (np.array(overlaps) > floor).sum() >= 11
    assert np.mean(overlaps) > 0.82
    assert extra == 0
