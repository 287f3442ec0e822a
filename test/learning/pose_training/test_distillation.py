"""A teacher annotates what nobody labelled."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import COCO17, JHMDB15
from neuropose_ros.core.pose import FrameStatus, PersonPose, PoseFrame
from neuropose_ros.imaging.video_file import VideoFile
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.picture_files import load_pictures
from neuropose_ros.learning.pose_training.distillation import (
    DistillationSettings,
    Teacher,
    taught,
    together,
)


class BrightSpot:
    """Finds one person whose joints lie around the brightest spot; sure of all but one."""

    layout, model = COCO17, 'bright-spot'

    def __init__(self):
        self.looks = self.closed = 0

    def estimate(self, frame, expected=()):
        self.looks += 1
        _, _, _, (x, y) = cv2.minMaxLoc(cv2.GaussianBlur(frame.image[..., 0], (9, 9), 0))
        angles = np.arange(17) * 2 * np.pi / 17
        points = np.stack([x + 20 * np.cos(angles), y + 20 * np.sin(angles)], 1)
        scores = np.full(17, 0.9, np.float32)
        scores[9] = 0.2
        person = PersonPose(
            keypoints=points.astype(np.float32), keypoint_scores=scores,
            keypoint_states=np.zeros(17, np.uint8), score=0.8,
            box=np.array([x - 20, y - 20, x + 20, y + 20], np.float32))
        nobody = int(frame.image.max()) < 50
        return PoseFrame(
            stamp_ns=1, frame_seq=0, layout=COCO17.id, image_width=128, image_height=96,
            status=FrameStatus.NO_PERSON if nobody else FrameStatus.OK,
            persons=() if nobody else (person,))

    def reset(self):
        """Keep nothing."""

    def close(self):
        self.closed += 1


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / 'unlabelled'
    (root / 'below').mkdir(parents=True)
    picture = np.zeros((96, 128, 3), np.uint8)
    cv2.imwrite(str(root / 'dark.png'), picture)
    cv2.circle(picture, (60, 50), 6, (255, 255, 255), -1)
    cv2.imwrite(str(root / 'one.png'), picture)
    video = VideoFile(root / 'below' / 'walk.mp4', 10)
    for number in range(12):
        frame = np.zeros((96, 128, 3), np.uint8)
        cv2.circle(frame, (40 + 4 * number, 50), 6, (255, 255, 255), -1)
        video.write(number * NS_PER_S // 10, frame)
    video.close()
    return root


def teach(folder, tmp_path, teacher, **options):
    return taught(Teacher('bright', lambda: teacher), folder, options.pop(
        'settings', DistillationSettings(every=5)), cache=tmp_path / 'cache', **options)


def test_pictures_and_frames_are_annotated_where_the_teacher_is_sure(folder, tmp_path):
    teacher = BrightSpot()
    found = teach(folder, tmp_path, teacher)
    assert sorted((p.path.name, p.frame) for p in found.pictures) == [
        ('one.png', -1), ('walk.mp4', 0), ('walk.mp4', 5), ('walk.mp4', 10)]
    assert found.layout == COCO17 and 'bright' in found.source
    assert teacher.closed == 1
    for _, picture, image in load_pictures(found.pictures, Findings()):
        points = picture.keypoints[0]
        assert np.isfinite(points).all(1).tolist() == [joint != 9 for joint in range(17)]
        x, y = np.nanmean(points[[0, 8]], 0)  # about opposite each other: the spot is between
        assert image[round(float(y)), round(float(x))].min() > 100
        assert (picture.boxes[0, :2] < np.nanmin(points, 0)).all()


def test_what_it_found_is_kept(folder, tmp_path):
    first, second = BrightSpot(), BrightSpot()
    found, again = (teach(folder, tmp_path, teacher) for teacher in (first, second))
    assert first.looks == 5 and second.looks == 0
    for mine, other in zip(found.pictures, again.pictures, strict=True):
        np.testing.assert_array_equal(mine.keypoints, other.keypoints)
    third = BrightSpot()
    teach(folder, tmp_path, third, settings=DistillationSettings(every=3))
    assert third.looks > 0


def test_joints_are_those_that_are_wanted(folder, tmp_path):
    found = teach(folder, tmp_path, BrightSpot(), layout=JHMDB15)
    assert found.layout == JHMDB15
    picture = found.pictures[0]
    hidden = np.isnan(picture.keypoints[0]).any(1)
    assert hidden[JHMDB15.index('left_wrist')] and hidden.sum() == 1


def test_people_with_few_sure_joints_are_left_out(folder, tmp_path):
    settings = DistillationSettings(every=5, least_joints=1.0)
    with pytest.raises(DataError, match='sure of nobody in 3 files'):
        teach(folder, tmp_path, BrightSpot(), settings=settings)


def test_so_many_pictures_are_drawn_evenly(folder, tmp_path):
    found = teach(
        folder, tmp_path, BrightSpot(), settings=DistillationSettings(every=1, most=3))
    assert len(found) == 3


def test_files_that_cannot_be_read_are_listed(folder, tmp_path):
    (folder / 'broken.mp4').write_bytes(b'no video')
    findings = Findings()
    assert len(teach(folder, tmp_path, BrightSpot(), findings=findings)) == 4
    assert [item.name for item in findings.items] == ['broken.mp4']
    with pytest.raises(DataError, match='no video and no picture'):
        teach(tmp_path / 'cache', tmp_path, BrightSpot())


def test_two_sets_are_learnt_together_if_their_joints_are_the_same(folder, tmp_path):
    found = teach(folder, tmp_path, BrightSpot())
    assert len(together(found, found)) == 8
    with pytest.raises(DataError, match='cannot be learnt together'):
        together(found, replace(found, layout=JHMDB15))
