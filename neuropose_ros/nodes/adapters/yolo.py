"""People as ``yolo_msgs/DetectionArray``, as yolo_ros publishes its pose models' (COCO joints)."""

from __future__ import annotations

from typing import Any

import numpy as np
from yolo_msgs.msg import Detection, DetectionArray, KeyPoint2D, KeyPoint3D

from neuropose_ros.core.layouts import COCO17, convert_person
from neuropose_ros.core.pose import Origin3D, PersonPose, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.nodes.adapters.detections import Detections
from neuropose_ros.nodes.base import StageNode
from neuropose_ros.nodes.types import ROS

# Of COCO's classes, as the YOLO models number them.
CLASS_ID, CLASS_NAME = 0, 'person'


def create(node: StageNode) -> Detections:
    """Return the target."""
    return Detections(node, DetectionArray, to_message)


def to_message(frame: PoseFrame, layout: SkeletonLayout) -> Any:
    """Return the people with the joints of COCO that are known; ids count from 1 there."""
    return DetectionArray(
        header=ROS.header(frame.stamp_ns, frame.frame_id),
        detections=[_detection(convert_person(person, layout, COCO17))
                    for person in frame.persons])


def _detection(person: PersonPose) -> Any:
    found = Detection(
        class_id=CLASS_ID, class_name=CLASS_NAME, score=float(person.score),
        id=str(person.track_id))
    x_min, y_min, x_max, y_max = (float(value) for value in person.box)
    found.bbox.center.position.x = (x_min + x_max) / 2
    found.bbox.center.position.y = (y_min + y_max) / 2
    found.bbox.size.x, found.bbox.size.y = x_max - x_min, y_max - y_min
    scores = person.keypoint_scores.tolist()
    for joint in np.flatnonzero(np.isfinite(person.keypoints).all(1)).tolist():
        keypoint = KeyPoint2D(id=joint + 1, score=scores[joint])
        keypoint.point.x, keypoint.point.y = person.keypoints[joint].tolist()
        found.keypoints.data.append(keypoint)
    if person.keypoints_3d is not None and person.origin_3d is Origin3D.CAMERA:
        _add_3d(found, person, scores)
    return found


def _add_3d(found: Any, person: PersonPose, scores: list[float]) -> None:
    places = person.keypoints_3d
    assert places is not None
    known = np.flatnonzero(np.isfinite(places).all(1)).tolist()
    if not known:
        return
    for joint in known:
        keypoint = KeyPoint3D(id=joint + 1, score=scores[joint])
        keypoint.point.x, keypoint.point.y, keypoint.point.z = places[joint].tolist()
        found.keypoints3d.data.append(keypoint)
    found.keypoints3d.frame_id = found.bbox3d.frame_id = person.frame_3d
    low, high = places[known].min(0), places[known].max(0)
    box = found.bbox3d
    box.center.position.x, box.center.position.y, box.center.position.z = (
        ((low + high) / 2).tolist())
    box.size.x, box.size.y, box.size.z = (high - low).tolist()
