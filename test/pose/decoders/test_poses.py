"""Rows of one-stage networks and of MoveNet, written out by hand."""

import numpy as np

from neuropose_ros.pose.decoders.poses import (
    end_to_end_yolo_poses,
    movenet_points,
    rtmo_poses,
    yolo_poses,
)

JOINTS = [11, 12, 0.5, 21, 22, 0.6]


def test_rtmo_has_boxes_beside_joints() -> None:
    dets = np.array([[1, 2, 3, 4, 0.2], [5, 6, 7, 8, 0.9]], np.float32)
    joints = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    poses = rtmo_poses(dets, joints, 0.3)
    assert poses.boxes.tolist() == [[5, 6, 7, 8]]
    assert poses.points.tolist() == [[[6, 7], [9, 10]]]
    assert poses.point_scores.tolist() == [[8, 11]]


def test_yolo_has_classes_before_joints() -> None:
    column = np.array([10, 20, 4, 6, 0.8, 0.95, *JOINTS], np.float32)
    other = np.array([10, 20, 4, 6, 0.1, 0.95, *JOINTS], np.float32)
    poses = yolo_poses(np.column_stack((other, column)), 2, 0.3)
    np.testing.assert_allclose(poses.scores, [0.8])
    assert poses.boxes.tolist() == [[8, 17, 12, 23]]
    assert poses.points.tolist() == [[[11, 12], [21, 22]]]
    np.testing.assert_allclose(poses.point_scores, [[0.5, 0.6]])


def test_end_to_end_yolo_has_its_class_in_a_column() -> None:
    rows = np.array([
        [1, 2, 3, 4, 0.9, 1, *JOINTS], [5, 6, 7, 8, 0.7, 0, *JOINTS],
        [0, 0, 0, 0, 0, 0, *JOINTS]], np.float32)
    poses = end_to_end_yolo_poses(rows, 2, 0.3)
    assert poses.boxes.tolist() == [[5, 6, 7, 8]]
    assert poses.points.tolist() == [[[11, 12], [21, 22]]]


def test_movenet_counts_from_edge_to_edge_and_y_first() -> None:
    points, scores = movenet_points(np.array([[0.0, 1.0, 0.3], [0.5, 0.25, 0.4]]), 192, 192)
    assert points.tolist() == [[191.5, -0.5], [47.5, 95.5]]
    assert scores.tolist() == [0.3, 0.4]
