import numpy as np
import pytest

from neuropose_ros.pose.blazepose.detections import (
    anchor_centres,
    blend_overlapping,
    decode_detections,
    intersection_over_union,
)


def test_anchors_are_the_cells_of_three_grids() -> None:
    anchors = anchor_centres()
    assert anchors.shape == (28 * 28 * 2 + 14 * 14 * 2 + 7 * 7 * 6, 2)
    first = [(0.5 / 28, 0.5 / 28), (0.5 / 28, 0.5 / 28), (1.5 / 28, 0.5 / 28)]
    np.testing.assert_allclose(anchors[:3], first)
    np.testing.assert_allclose(anchors[1568], (0.5 / 14,) * 2)
    np.testing.assert_allclose(anchors[1960:1966], np.full((6, 2), 0.5 / 7))
    np.testing.assert_allclose(anchors[-1], (6.5 / 7,) * 2)


def test_overlap_of_boxes() -> None:
    box = np.array([0, 0, 2, 2], np.float32)
    others = np.array([[0, 0, 2, 2], [1, 1, 3, 3], [2, 0, 4, 2], [5, 5, 5, 5]], np.float32)
    np.testing.assert_allclose(intersection_over_union(box, others), [1, 1 / 7, 0, 0])


def test_overlapping_detections_are_weighted_with_their_scores() -> None:
    boxes = np.array([[0, 0, 10, 10], [5, 5, 6, 6], [1, 0, 11, 10], [20, 20, 30, 30]], np.float32)
    points = boxes.reshape(4, 2, 2)
    found = blend_overlapping(np.array([0.6, 0.5, 0.9, 0.8], np.float32), boxes, points)
    assert [one.score for one in found] == pytest.approx([0.9, 0.8, 0.5])
    expected = (0.9 * boxes[2] + 0.6 * boxes[0]) / 1.5
    np.testing.assert_allclose(found[0].box, expected, rtol=1e-6)
    np.testing.assert_allclose(found[0].points, expected.reshape(2, 2), rtol=1e-6)
    np.testing.assert_allclose(found[1].box, boxes[3])


def test_an_empty_box_stands_for_itself() -> None:
    found = blend_overlapping(
        np.array([0.9], np.float32), np.zeros((1, 4), np.float32), np.ones((1, 1, 2), np.float32))
    np.testing.assert_array_equal(found[0].points, [[1, 1]])


def test_one_detection_is_decoded_relative_to_its_anchor() -> None:
    values = np.zeros((1, 2254, 12), np.float32)
    logits = np.full((1, 2254, 1), -200, np.float32)
    logits[0, 1568] = 2.0
    values[0, 1568] = [22.4, -11.2, 44.8, 89.6, *(112,) * 2, *(0,) * 6]
    [found] = decode_detections(values, logits)
    anchor = 0.5 / 14
    assert found.score == pytest.approx(1 / (1 + np.exp(-2.0)))
    np.testing.assert_allclose(
        found.box, [anchor + 0.1 - 0.1, anchor - 0.05 - 0.2, anchor + 0.2, anchor + 0.15],
        atol=1e-6)
    np.testing.assert_allclose(found.points[0], [anchor + 0.5] * 2)
    np.testing.assert_allclose(found.points[1], [anchor] * 2)


@pytest.mark.parametrize(('logit', 'size', 'count'), [(-1e-3, 10, 0), (0, 10, 1), (5, -1, 0)])
def test_doubtful_and_impossible_detections_are_left_out(
    logit: float, size: float, count: int,
) -> None:
    values = np.zeros((1, 2254, 12), np.float32)
    values[..., 2:4] = size
    logits = np.full((1, 2254, 1), -200, np.float32)
    logits[0, 7] = logit
    assert len(decode_detections(values, logits)) == count
