"""People as ``vision_msgs/Detection2DArray``."""

from __future__ import annotations

from typing import Any

import numpy as np
from geometry_msgs.msg import Point
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from neuropose_ros.core.pose import Origin3D, PersonPose, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.nodes.adapters.detections import Detections
from neuropose_ros.nodes.base import StageNode
from neuropose_ros.nodes.types import ROS

CLASS_ID = 'person'


def create(node: StageNode) -> Detections:
    """Return the target."""
    return Detections(node, Detection2DArray, to_message)


def to_message(frame: PoseFrame, layout: SkeletonLayout) -> Any:
    """Return the people as detections of class ``person``; ``id`` is the track's.

    The pose of the hypothesis is that of the mid-hip where that is known in the frame of the
    header, without an orientation; else its position is NaN, since 0 would be a place.
    """
    header = ROS.header(frame.stamp_ns, frame.frame_id)
    return Detection2DArray(header=header, detections=[
        _detection(person, layout, header) for person in frame.persons])


def _detection(person: PersonPose, layout: SkeletonLayout, header: Any) -> Any:
    found = Detection2D(header=header, id=str(person.track_id))
    x_min, y_min, x_max, y_max = (float(value) for value in person.box)
    found.bbox.center.position.x = (x_min + x_max) / 2
    found.bbox.center.position.y = (y_min + y_max) / 2
    found.bbox.size_x, found.bbox.size_y = x_max - x_min, y_max - y_min
    hypothesis = ObjectHypothesisWithPose()
    hypothesis.hypothesis.class_id = CLASS_ID
    hypothesis.hypothesis.score = float(np.clip(np.nan_to_num(person.score), 0.0, 1.0))
    place, variances = _mid_hip(person, layout, header.frame_id)
    hypothesis.pose.pose.position = Point(**dict(zip('xyz', place, strict=True)))
    covariance = np.zeros((6, 6))
    covariance[(0, 0, 0, 1, 1, 2), (0, 1, 2, 1, 2, 2)] = variances
    # Nothing is known of the orientation: any is as likely.
    covariance[(3, 4, 5), (3, 4, 5)] = np.pi**2 / 3
    covariance += np.triu(covariance, 1).T
    hypothesis.pose.covariance = covariance.ravel()
    found.results = [hypothesis]
    return found


def _mid_hip(
    person: PersonPose, layout: SkeletonLayout, frame_id: str,
) -> tuple[list[float], list[float]]:
    """Return x y z, m, and xx xy xz yy yz zz, m^2, of the mid-hip; NaN and 0 where unknown."""
    hips = [layout.names.index(joint) for joint in ('left_hip', 'right_hip')
            if joint in layout.names]
    if person.keypoints_3d is None or person.origin_3d is not Origin3D.CAMERA or (
            person.frame_3d != frame_id) or not hips:
        return [float('nan')] * 3, [0.0] * 6
    place = person.keypoints_3d[hips].mean(0)
    if person.keypoint_covariances_3d is None:
        return place.tolist(), [0.0] * 6
    # Both hips err alike: their mean is not surer than they are.
    variances = person.keypoint_covariances_3d[hips].mean(0)
    return place.tolist(), np.nan_to_num(variances).tolist()
