"""Clips shown to the action stage as a camera would: frame by frame, with nothing known ahead."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neuropose_ros.action.stage import ActionStage
from neuropose_ros.core.action import ActionFrame
from neuropose_ros.core.clocks import nanoseconds
from neuropose_ros.core.pose import (
    FrameStatus,
    JointState,
    PersonPose,
    PoseFrame,
    SceneEmbedding,
    TrackState,
)
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.boundaries import Recognise
from neuropose_ros.learning.clips import Clip

BEGIN_NS = 1_000_000_000
"""Stamp of a clip's first frame: a stamp of 0 says that none is known."""


def stage_recognise(stage: ActionStage) -> Recognise:
    """Return the function that shows clips to a stage, each as the first thing that it sees.

    The clips must have the joints of the stage's recogniser.
    """
    def recognise(clip: Clip) -> Iterator[ActionFrame]:
        stage.reset()
        scenes = _scenes(clip, stage.scene_model) if stage.uses_scene else []
        for frame in pose_frames(clip, stage.description.layout):
            newest = None
            while scenes and scenes[0].stamp_ns <= frame.stamp_ns:
                newest = scenes.pop(0)
            yield stage.process(frame, newest)
    return recognise


def pose_frames(clip: Clip, layout: SkeletonLayout) -> Iterator[PoseFrame]:
    """Give a clip as frames with one person, track 1; what is not known is MISSING."""
    measured = clip.measured
    for index, points in enumerate(clip.keypoints):
        states = np.where(measured[index], JointState.MEASURED, JointState.MISSING).astype(
            np.uint8)
        scores = measured[index] if clip.scores is None else np.nan_to_num(clip.scores[index])
        plane = points if points.shape[1] == 2 else np.full((len(points), 2), np.nan, np.float32)
        person = PersonPose(
            keypoints=plane, keypoint_scores=np.asarray(scores, np.float32),
            keypoint_states=states, box=np.zeros(4, np.float32), score=1.0, track_id=1,
            track_state=TrackState.CONFIRMED,
            keypoints_3d=points if points.shape[1] == 3 else None,
            keypoint_states_3d=states if points.shape[1] == 3 else None)
        yield PoseFrame(
            stamp_ns=_stamp_ns(clip, clip.times_s[index]), frame_seq=index, layout=layout.id,
            image_width=0, image_height=0, status=FrameStatus.OK, persons=(person,))


def _stamp_ns(clip: Clip, time_s: float) -> int:
    return BEGIN_NS + nanoseconds(float(time_s - clip.times_s[0]))


def _scenes(clip: Clip, model: str) -> list[SceneEmbedding]:
    if clip.scene is None or clip.scene_times_s is None:
        return []
    return [SceneEmbedding(_stamp_ns(clip, time_s), index, model, vector)
            for index, (vector, time_s) in enumerate(
                zip(clip.scene, clip.scene_times_s, strict=True))]
