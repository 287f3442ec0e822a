"""Rows of detectors, written out by hand."""

import numpy as np

from neuropose_ros.pose.decoders.boxes import end_to_end_boxes, yolox_boxes, yolox_cells


def test_cells_go_stride_by_stride_and_row_by_row() -> None:
    places, sides = yolox_cells(64, 32)
    assert len(places) == 8 * 4 + 4 * 2 + 2 * 1
    assert places[[0, 1, 8, 32, 36, 40]].tolist() == [
        [0, 0], [1, 0], [0, 1], [0, 0], [0, 1], [0, 0]]
    assert sides[[0, 31, 32, 39, 40, 41], 0].tolist() == [8, 8, 16, 16, 32, 32]


def test_a_row_of_yolox_is_a_box() -> None:
    values = np.zeros((42, 7), np.float32)
    values[37] = [0.5, 0.25, np.log(2), 0, 0.8, 0.5, 0.9]  # cell 1 1 of stride 16
    values[3] = [0, 0, 0, 0, 0.9, 0.1, 0.9]  # the other class
    values[5] = [0, 0, np.inf, 0, 1, 1, 0]
    values[6] = [0, 0, 0, 0, np.nan, 1, 0]
    boxes, scores = yolox_boxes(values, 64, 32, 0.3)
    np.testing.assert_allclose(scores, [1, 0.4], rtol=1e-6)
    np.testing.assert_allclose(boxes[1], [24 - 16, 20 - 8, 24 + 16, 20 + 8], rtol=1e-6)
    assert np.isfinite(boxes).all()


def test_without_classes_all_rows_are_people() -> None:
    dets = np.array([[1, 2, 3, 4, 0.5], [5, 6, 7, 8, 0.1], [0, 0, 0, 0, np.nan]], np.float32)
    boxes, scores = end_to_end_boxes(dets, None, 0.3)
    assert boxes.tolist() == [[1, 2, 3, 4]] and scores.tolist() == [0.5]
    assert len(end_to_end_boxes(dets, np.array([1, 0, 0]), 0.05)[0]) == 1
