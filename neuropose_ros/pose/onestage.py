"""One-stage estimation: all people and their joints from one pass (RTMO, the YOLO family)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from neuropose_ros.core.clocks import Stopwatch
from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.pose import Frame, FrameStatus, PersonPose, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.ops.device import Picture, Tensor
from neuropose_ros.inference.runtime import Runtime
from neuropose_ros.pose.decoders.boxes import STRIDES_PX
from neuropose_ros.pose.decoders.poses import (
    Poses,
    end_to_end_yolo_channels,
    end_to_end_yolo_poses,
    rtmo_poses,
    yolo_channels,
    yolo_poses,
)
from neuropose_ros.pose.geometry import (
    LARGEST_OVERLAP,
    best_boxes,
    boxes_to_picture,
    points_to_picture,
)
from neuropose_ros.pose.network import PictureNetwork
from neuropose_ros.pose.people import LEAST_JOINT_SCORE, make_person

LEAST_SCORE = 0.3
MOST_PEOPLE = 20

Reader = Callable[[Mapping[str, Tensor], float], Poses]


class OneStage:
    """Finds all people of a picture in one pass; implements `PoseEstimator`.

    Every frame is a picture of its own: expected people are not used.
    """

    def __init__(
        self, runtime: Runtime, entry: ModelEntry, *, least_score: float = LEAST_SCORE,
        most_people: int = MOST_PEOPLE, largest_overlap: float = LARGEST_OVERLAP,
    ) -> None:
        """Take a network.

        Args:
            runtime: the network.
            entry: what the registry says of it; of its options, ``least_joint_score`` is the
                score of a joint that is seen.
            least_score: of a person, 0..1.
            most_people: the best ones are returned.
            largest_overlap: of two people's boxes, intersection over union; the weaker one goes.

        Raises:
            ModelError: the network's input or outputs are not those of the entry's decoder.
        """
        form = _FORMS.get(entry.decoder)
        if form is None:
            raise ModelError(
                f'model {entry.name} is not read in one stage: its decoder is '
                f'{entry.decoder!r}; such models have one of {", ".join(_FORMS)}')
        reader, self._centred = form
        self._layout = entry.skeleton()
        self._network = PictureNetwork(runtime, entry)
        self._read = reader(self._network, len(self._layout))
        self._least_score = least_score
        self._most_people = most_people
        self._largest_overlap = largest_overlap
        self._least_joint_score = entry.options.get('least_joint_score', LEAST_JOINT_SCORE)

    @property
    def layout(self) -> SkeletonLayout:
        """The joints it finds."""
        return self._layout

    @property
    def model(self) -> str:
        """Id of model and runtime."""
        return self._network.model

    @property
    def uses_expected(self) -> bool:
        """No: it looks at whole pictures."""
        return False

    def reset(self) -> None:
        """Nothing is remembered."""

    def close(self) -> None:
        """Give back memory and devices."""
        self._network.close()

    def estimate(self, frame: Frame, expected: Sequence[PersonPose] = ()) -> PoseFrame:
        """Return the people in ``frame``, best first."""
        del expected
        clock = Stopwatch()
        picture = Picture(frame.image)
        crop, warp = self._network.whole(picture, centred=self._centred)
        preprocess_ms = clock.lap_ms()
        outputs = self._network.infer(crop)
        inference_ms = clock.lap_ms()
        poses = self._read(outputs, self._least_score)
        poses = poses._replace(
            boxes=boxes_to_picture(poses.boxes, warp),
            points=points_to_picture(poses.points, warp))
        kept, boxes = best_boxes(
            poses.boxes, poses.scores, picture.width, picture.height,
            most=self._most_people, largest_overlap=self._largest_overlap)
        people = tuple(
            make_person(
                poses.points[index], poses.point_scores[index], picture.width, picture.height,
                least_joint_score=self._least_joint_score,
                score=min(1.0, float(poses.scores[index])), box=box)
            for index, box in zip(kept, boxes, strict=True))
        return PoseFrame(
            stamp_ns=frame.stamp_ns, frame_seq=frame.frame_seq, layout=self._layout.id,
            image_width=picture.width, image_height=picture.height, frame_id=frame.frame_id,
            epoch=frame.epoch, seq_is_local=frame.seq_is_local,
            status=FrameStatus.OK if people else FrameStatus.NO_PERSON, stage='pose',
            model=self.model, receive_ms=frame.receive_ms, preprocess_ms=preprocess_ms,
            inference_ms=inference_ms, postprocess_ms=clock.lap_ms(), persons=people)


def _rtmo(network: PictureNetwork, joints: int) -> Reader:
    names = network.named('dets', 'keypoints')
    shapes = [network.shapes[name] for name in names]
    if not (len(shapes) == 2 and len(shapes[0]) == 3 and shapes[0][::2] == (1, 5)
            and len(shapes[1]) == 4 and shapes[1] == (1, shapes[0][1], joints, 3)):
        raise network.misfit(f'people of (1, N, 5) and joints of (1, N, {joints}, 3)')
    dets, points = names

    def read(outputs: Mapping[str, Tensor], least_score: float) -> Poses:
        return rtmo_poses(
            network.download(outputs[dets])[0], network.download(outputs[points])[0],
            least_score)

    return read


def _yolo_pose(network: PictureNetwork, joints: int) -> Reader:
    """Tell the two forms apart: anchors last (to be suppressed), or people first."""
    size = network.entry.input
    anchors = sum((size.width // stride) * (size.height // stride) for stride in STRIDES_PX)
    least, end_to_end = yolo_channels(joints), end_to_end_yolo_channels(joints)
    shapes = [shape for shape in network.shapes.values() if len(shape) == 3 and shape[0] == 1]
    output = next(iter(network.shapes))
    if len(network.shapes) == 1 and len(shapes) == 1:
        rows, columns = shapes[0][1:]
        if rows >= least and columns == anchors:
            return lambda outputs, least_score: yolo_poses(
                network.download(outputs[output])[0], joints, least_score)
        if columns == end_to_end:
            return lambda outputs, least_score: end_to_end_yolo_poses(
                network.download(outputs[output])[0], joints, least_score)
    raise network.misfit(
        f'one output of (1, 4 + classes + {3 * joints}, {anchors}), or of (1, N, {end_to_end}) '
        'from a network that needs no suppression')


# Where the picture lies in the input: mmpose and rtmlib put it top-left, the YOLO family centred.
_FORMS: Mapping[str, tuple[Callable[[PictureNetwork, int], Reader], bool]] = {
    'rtmo': (_rtmo, False), 'yolo-pose': (_yolo_pose, True),
}
ONE_STAGE_DECODERS = tuple(_FORMS)
