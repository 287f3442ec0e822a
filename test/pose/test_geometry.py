"""Boxes and crop maps against slow or written-out versions of themselves."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from neuropose_ros.pose.geometry import (
    best_boxes,
    box_around,
    box_iou,
    boxes_to_picture,
    in_picture,
    letterbox,
    non_maximum_suppression,
    points_to_picture,
    square_warps,
    top_down_warps,
)


def _random_boxes(count: int, spread: float, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    low = generator.uniform(0, spread, (count, 2))
    return np.concatenate((low, low + generator.uniform(5, 60, (count, 2))), 1).astype(np.float32)


def test_overlap_of_known_boxes() -> None:
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [9, 9, 3, 3]], np.float32)
    third = np.float32(50 / 150)
    np.testing.assert_allclose(box_iou(boxes, boxes), [
        [1, third, 0, 0], [third, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]], rtol=1e-6)
    assert box_iou(boxes, boxes[:0]).shape == (4, 0)


@pytest.mark.parametrize('spread', [30.0, 300.0])
def test_suppression_is_the_greedy_one(spread: float) -> None:
    boxes = _random_boxes(200, spread, 1)
    scores = np.random.default_rng(2).integers(0, 20, 200).astype(np.float32)
    overlaps = box_iou(boxes, boxes)
    kept: list[int] = []
    for index in np.argsort(-scores, kind='stable'):
        if all(overlaps[index, other] <= 0.4 for other in kept):
            kept.append(int(index))
    assert non_maximum_suppression(boxes, scores, 0.4).tolist() == kept
    assert 1 < len(kept) < 200


def test_suppression_of_300_boxes_takes_no_time() -> None:
    boxes, scores = _random_boxes(300, 500, 3), np.linspace(1, 0, 300, dtype=np.float32)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        non_maximum_suppression(boxes, scores, 0.5)
        times.append(time.perf_counter() - start)
    assert min(times) < 3e-3  # 0.6 ms measured; other work may share the core


def test_best_boxes_are_boxes() -> None:
    nan = np.nan
    boxes = np.array([
        [0, 0, 50, 50], [1, 1, 51, 51], [nan, 0, 9, 9], [0, 0, np.inf, 9], [30, 30, 20, 40],
        [60, 60, 140, 140], [200, 200, 300, 300], [5, 5, 5.5, 40]], np.float32)
    scores = np.array([0.5, 0.6, 0.9, 0.9, 0.9, 0.4, 0.9, 0.9], np.float32)
    kept, cut = best_boxes(boxes, scores, 100, 80, most=5)
    assert kept.tolist() == [1, 5]
    np.testing.assert_allclose(cut, [[1, 1, 51, 51], [60, 60, 99.5, 79.5]])
    assert best_boxes(boxes, scores, 100, 80, most=1)[0].tolist() == [1]
    assert best_boxes(boxes[:0], scores[:0], 100, 80, most=5)[1].shape == (0, 4)


def test_a_flood_of_boxes_is_cut_before_it_is_compared() -> None:
    boxes = np.tile(_random_boxes(4000, 900, 4), (3, 1))
    scores = np.random.default_rng(5).uniform(0, 1, len(boxes)).astype(np.float32)
    kept, _ = best_boxes(boxes, scores, 1000, 1000, most=10)
    assert len(kept) == 10 and scores[kept[0]] == scores.max()


@pytest.mark.parametrize('centred', [False, True])
def test_a_letterbox_is_a_resized_picture(centred: bool) -> None:
    smooth = np.mgrid[:60, :90].sum(0) * 1.5
    picture = np.repeat(smooth[..., np.newaxis], 3, 2).astype(np.uint8)
    warp = letterbox(90, 60, 270, 270, centred=centred)
    crop = cv2.warpAffine(
        picture, warp, (270, 270), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderValue=(114,) * 3)
    resized = cv2.resize(picture, (270, 180), interpolation=cv2.INTER_LINEAR)
    top = 45 if centred else 0
    inner = crop[top:top + 180][2:-2, 2:-2].astype(int)
    assert np.abs(inner - resized[2:-2, 2:-2]).max() <= 1
    outside = crop[190:] if not centred else crop[:40]
    assert (outside == 114).all()
    edges = np.array([[0, top, 270, top + 180]], np.float32)
    np.testing.assert_allclose(
        boxes_to_picture(edges, warp), [[-0.5, -0.5, 89.5, 59.5]], atol=1e-5)


def test_a_top_down_crop_is_the_published_affine() -> None:
    # mmpose: centre (60, 70), sides (40, 100) of the box as counted there, times 1.25 = (50, 125);
    # 192 x 256 is wider than that, so the sides become (93.75, 125); the centre goes to (96, 128).
    box = np.array([[40, 20, 80, 120]]) - 0.5
    [warp] = top_down_warps(box, 192, 256)
    published = np.float64([[192 / 93.75, 0, 96 - 60 * 192 / 93.75],
                            [0, 256 / 125, 128 - 70 * 256 / 125]])
    np.testing.assert_allclose(
        cv2.invertAffineTransform(warp), published, rtol=1e-9)
    # A wide box is made taller instead.
    [wide] = top_down_warps(np.array([[0, 0, 100, 20]]) - 0.5, 192, 256)
    np.testing.assert_allclose(wide[:, :2], np.eye(2) * 125 / 192)
    np.testing.assert_allclose(points_to_picture([[96, 128]], wide), [[50, 10]], rtol=1e-6)


def test_a_square_crop_has_the_edges_of_the_square() -> None:
    [warp] = square_warps([[49.5, 29.5]], [40.0], 160)
    np.testing.assert_allclose(
        boxes_to_picture(np.array([[0, 0, 160, 160]], np.float32), warp),
        [[29.5, 9.5, 69.5, 49.5]])
    np.testing.assert_allclose(points_to_picture([[79.5, 79.5]], warp), [[49.5, 29.5]])


def test_points_go_to_their_own_picture() -> None:
    warps = square_warps([[10, 10], [50, 20]], [20, 40], 20)
    points = np.zeros((2, 3, 2)) + 9.5
    points[0, 1] = np.nan
    points[1, 2] = np.inf
    placed = points_to_picture(points, warps)
    assert placed.dtype == np.float32
    np.testing.assert_allclose(placed[:, 0], [[10, 10], [50, 20]])
    assert not np.isfinite(placed[0, 1]).any() and not np.isfinite(placed[1, 2]).any()


def test_known_points_have_a_box_and_lie_in_the_picture() -> None:
    points = np.array([[1, 2], [np.nan, 5], [-0.6, 3], [9.4, 7.4]], np.float32)
    np.testing.assert_allclose(box_around(points), [-0.6, 2, 9.4, 7.4])
    assert np.isnan(box_around(points[1:2])).all()
    assert in_picture(points, 10, 8).tolist() == [True, False, False, True]
