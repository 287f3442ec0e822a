"""People as bodies under ``/humans``, as REP-155 has them and libhri reads them.

REP-155 gives ``roi`` as ``sensor_msgs/RegionOfInterest``; hri_msgs 2 and libhri for ROS 2 have
normalised regions in its place, and so does this.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from hri_msgs.msg import (
    IdsList,
    NormalizedPointOfInterest2D,
    NormalizedRegionOfInterest2D,
    Skeleton2D,
)
from sensor_msgs.msg import Image

from neuropose_ros.core import wire
from neuropose_ros.core.errors import ImageError
from neuropose_ros.core.layouts import convert_person
from neuropose_ros.core.pose import JointState, PersonPose, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.nodes import images, qos
from neuropose_ros.nodes.base import StageNode
from neuropose_ros.nodes.ports import Input, Output
from neuropose_ros.nodes.types import ROS
from neuropose_ros.pose.pairing import StampBuffer

# The order of Skeleton2D's codes; its neck is the middle of the shoulders (OpenPose, COCO model).
JOINTS = SkeletonLayout('openpose18', (
    'nose', 'neck', 'right_shoulder', 'right_elbow', 'right_wrist', 'left_shoulder', 'left_elbow',
    'left_wrist', 'right_hip', 'right_knee', 'right_ankle', 'left_hip', 'left_knee', 'left_ankle',
    'left_eye', 'right_eye', 'left_ear', 'right_ear'), (), ())

_BODIES = '/humans/bodies'
_SEEN = (JointState.MEASURED, JointState.CORRECTED)
# Listeners come back to a body that was hidden for a moment.
_KEEP_S = 2.0


def create(node: StageNode) -> Humans:
    """Return the target; the node has the parameters ``id_prefix`` and ``cropped``."""
    return Humans(node)


class Humans:
    """Publishes ``/humans/bodies/tracked`` and what belongs to each body."""

    def __init__(self, node: StageNode) -> None:
        """Advertise the list of bodies."""
        self._node = node
        self._tracked: Output[tuple[PoseFrame, list[str]]] = Output(
            node, f'{_BODIES}/tracked', IdsList, qos.reliable(10), _ids_list,
            key=lambda listed: listed[0].stamp_ns)
        self._bodies: dict[str, _Body] = {}
        self._cropping = bool(node.settings['cropped'])
        self._images: StampBuffer[Any] = StampBuffer(length=16)
        self._image: Input[Any] = Input(
            node, 'image_raw', Image, qos.best_effort(5),
            lambda message: self._images.put(wire.stamp_ns(message.header.stamp), message))

    @property
    def demanded(self) -> bool:
        """Whether somebody listens to the list or to a body."""
        return self._tracked.demanded or any(body.demanded for body in self._bodies.values())

    @property
    def sent(self) -> int:
        """Lists published."""
        return self._tracked.published

    def follow_demand(self, wanted: bool) -> None:
        """Read images only for somebody who looks at cropped pictures."""
        self._image.want(wanted and any(
            body.listeners('cropped') for body in self._bodies.values()))
        self._forget(keep_s=_KEEP_S if wanted else 0.0)

    def send(self, frame: PoseFrame, layout: SkeletonLayout) -> None:
        """Publish the list, and of each body what somebody listens to."""
        now_s = time.monotonic()
        ids = []
        for person in frame.persons:
            body_id = self._id(frame, person)
            ids.append(body_id)
            body = self._bodies.get(body_id)
            if body is None:
                body = self._bodies[body_id] = _Body(self._node, body_id, self._cropping)
            body.seen_s = now_s
        self._tracked.send((frame, ids))
        for body_id, person in zip(ids, frame.persons, strict=True):
            self._publish(self._bodies[body_id], person, frame, layout)

    def _id(self, frame: PoseFrame, person: PersonPose) -> str:
        # Ids of an earlier epoch mean nothing any more; a topic's name begins with a letter.
        return f'{self._node.settings["id_prefix"]}{frame.epoch}_{person.track_id}'

    def _publish(
        self, body: _Body, person: PersonPose, frame: PoseFrame, layout: SkeletonLayout,
    ) -> None:
        if body.listeners('roi'):
            body.publish('roi', region(person, frame))
        if body.listeners('skeleton2d'):
            body.publish('skeleton2d', skeleton(person, frame, layout))
        if body.listeners('cropped'):
            message = self._images.nearest(frame.stamp_ns, 0)
            picture = None if message is None else self._cropped(message, person)
            if picture is not None:
                body.publish('cropped', picture)

    def _cropped(self, message: Any, person: PersonPose) -> Any:
        try:
            image = images.image_to_bgr(message)
        except ImageError as error:
            self._node.say_once('cropped', f'{self._image.topic}: {error}')
            return None
        height, width = image.shape[:2]
        # The centre of the top-left pixel is (0, 0).
        left, top = np.floor(np.clip(person.box[:2] + 0.5, 0, (width, height))).astype(int)
        right, bottom = np.ceil(np.clip(person.box[2:] + 0.5, 0, (width, height))).astype(int)
        if right <= left or bottom <= top:
            return None
        return images.image_message(image[top:bottom, left:right], message.header)

    def _forget(self, keep_s: float) -> None:
        oldest_s = time.monotonic() - keep_s
        for body_id in [key for key, body in self._bodies.items() if body.seen_s < oldest_s]:
            self._bodies.pop(body_id).close()

    def close(self) -> None:
        """Withdraw the bodies' topics."""
        for body in self._bodies.values():
            body.close()
        self._bodies.clear()


class _Body:
    """The topics of one body.

    Their QoS has no parameters, as ports' have: parameters stay, and bodies come without end.
    """

    def __init__(self, node: StageNode, body_id: str, cropping: bool) -> None:
        self._node = node
        self.seen_s = 0.0
        kinds = {'roi': NormalizedRegionOfInterest2D, 'skeleton2d': Skeleton2D}
        if cropping:
            kinds['cropped'] = Image
        self._publishers = {
            name: node.create_publisher(kind, f'{_BODIES}/{body_id}/{name}', qos.reliable(10))
            for name, kind in kinds.items()}

    @property
    def demanded(self) -> bool:
        return any(self.listeners(name) for name in self._publishers)

    def listeners(self, name: str) -> int:
        publisher = self._publishers.get(name)
        return 0 if publisher is None else int(publisher.get_subscription_count())

    def publish(self, name: str, message: Any) -> None:
        self._publishers[name].publish(message)

    def close(self) -> None:
        for publisher in self._publishers.values():
            self._node.destroy_publisher(publisher)


def _ids_list(listed: tuple[PoseFrame, list[str]]) -> Any:
    frame, ids = listed
    return IdsList(header=ROS.header(frame.stamp_ns, frame.frame_id), ids=ids)


def _normalised(points_px: Any, frame: PoseFrame) -> Any:
    """Return px as shares of the picture; the centre of the top-left pixel is (0, 0) px."""
    size = np.array((max(frame.image_width, 1), max(frame.image_height, 1)), np.float64)
    return (np.asarray(points_px, np.float64) + 0.5) / size


def region(person: PersonPose, frame: PoseFrame) -> Any:
    """Return the person's box, as far as it lies in the picture."""
    corners = np.clip(_normalised(person.box.reshape(2, 2), frame), 0.0, 1.0).ravel().tolist()
    x_min, y_min, x_max, y_max = corners
    return NormalizedRegionOfInterest2D(
        header=ROS.header(frame.stamp_ns, frame.frame_id), xmin=x_min, ymin=y_min, xmax=x_max,
        ymax=y_max, c=_confidence(person.score))


def skeleton(person: PersonPose, frame: PoseFrame, layout: SkeletonLayout) -> Any:
    """Return the 18 joints: c = 0 where nothing of this frame is in the value.

    A joint that is not known, or beyond the picture, is 0, 0, 0.
    """
    converted = convert_person(person, layout, JOINTS)
    places = _normalised(converted.keypoints, frame)
    with np.errstate(invalid='ignore'):
        inside = ((places >= 0) & (places <= 1)).all(1)
    seen = np.isin(converted.keypoint_states, _SEEN)
    points = []
    for place, score, known, measured in zip(
            places.tolist(), converted.keypoint_scores.tolist(), inside.tolist(), seen.tolist(),
            strict=True):
        x, y = place if known else (0.0, 0.0)
        points.append(NormalizedPointOfInterest2D(
            x=x, y=y, c=_confidence(score) if known and measured else 0.0))
    return Skeleton2D(header=ROS.header(frame.stamp_ns, frame.frame_id), skeleton=points)


def _confidence(score: float) -> float:
    return min(max(score, 0.0), 1.0) if np.isfinite(score) else 0.0
