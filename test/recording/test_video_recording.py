"""The video beside a session: faces hidden by the poses of each very picture, or all of it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import FrameStatus, JointState, PersonPose, PoseFrame, TrackState
from neuropose_ros.recording import video_recording
from neuropose_ros.recording.video_recording import VideoRecording

MODEL = 'detector>pose'
STEP_NS = 33_000_000


def picture(index: int) -> Any:
    """Fine noise: what is hidden in it has hardly any contrast left."""
    return np.random.default_rng(index).integers(0, 256, (240, 320, 3), np.uint8)


def poses(index: int, model: str = MODEL) -> PoseFrame:
    """Somebody upright in the middle, the nose at (160, 60)."""
    points = np.tile(np.array((160, 140), np.float32), (17, 1))
    points[:5] = (160, 60), (165, 55), (155, 55), (172, 58), (148, 58)
    points[5:7] = (190, 90), (130, 90)
    points[11:13] = (180, 150), (140, 150)
    points[15:17] = (180, 225), (140, 225)
    person = PersonPose(
        points, np.full(17, 0.95, np.float32), np.full(17, JointState.MEASURED, np.uint8),
        np.array((120, 35, 200, 230), np.float32), 0.95, 1, TrackState.CONFIRMED)
    return PoseFrame(
        index * STEP_NS, index, COCO17.id, 320, 240, status=FrameStatus.OK, stage='pose',
        model=model, persons=(person,))


def read(path: Path) -> list[Any]:
    av = pytest.importorskip('av', reason='needs PyAV')
    with av.open(str(path)) as container:
        return [(round(frame.pts * frame.time_base * 1e9), frame.to_ndarray(format='bgr24'))
                for frame in container.decode(video=0)]


def contrast(image: Any, x_px: int, y_px: int) -> float:
    """Of a small patch."""
    return float(image[y_px - 8:y_px + 8, x_px - 8:x_px + 8].astype(float).std())


def record(path: Path, mode: str, *, model: str = MODEL, with_poses: bool = True) -> Any:
    video = VideoRecording(path, mode)
    for index in range(30):
        video.put_picture(index * STEP_NS, picture(index), wait=True)
        if with_poses:
            video.put_poses(poses(index, model))
    video.close()
    assert video.failure == '' and video.lost == 0
    return video.facts


def test_a_face_is_hidden_and_the_rest_is_not(tmp_path: Path) -> None:
    facts = record(tmp_path / 'a.mp4', 'blurred')
    frames = read(tmp_path / 'a.mp4')
    assert len(frames) == facts['count'] == 30 and facts['start_ns'] == 0
    assert frames[10][0] == pytest.approx(10 * STEP_NS, abs=20_000)
    for _, image in frames[20:]:
        assert contrast(image, 160, 60) < 12 < contrast(image, 40, 200)
    assert facts['hidden']['heads'] > 0


@pytest.mark.parametrize('how', [{'with_poses': False}, {'model': 'follows-one-person'}])
def test_without_poses_of_everybody_all_of_it_is_hidden(
    tmp_path: Path, how: dict[str, Any],
) -> None:
    facts = record(tmp_path / 'a.mp4', 'blurred', **how)
    assert facts['hidden'] == {'pictures': 30}
    for _, image in read(tmp_path / 'a.mp4'):
        assert contrast(image, 40, 200) < 12


def test_raw_is_as_it_was(tmp_path: Path) -> None:
    facts = record(tmp_path / 'a.mp4', 'raw', with_poses=False)
    assert facts['hidden'] == {'unchanged': 30}
    for _, image in read(tmp_path / 'a.mp4'):
        assert contrast(image, 160, 60) > 25


def test_poses_that_come_late_are_waited_for(tmp_path: Path) -> None:
    video = VideoRecording(tmp_path / 'a.mp4', 'blurred')
    for index in range(5):
        video.put_picture(index * STEP_NS, picture(index))
    time.sleep(0.2)
    for index in range(5):
        video.put_poses(poses(index))
    video.close()
    assert 'heads' in video.facts['hidden'] or 'persons' in video.facts['hidden']
    assert video.facts['count'] == 5


def test_a_video_can_be_played_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    video = VideoRecording(tmp_path / 'a.mp4', 'raw')
    for index in range(60):
        video.put_picture(index * STEP_NS, picture(index), wait=True)
    until = time.monotonic() + 20
    while video.facts['count'] < 60:
        assert time.monotonic() < until
        time.sleep(0.02)
    shutil.copy(tmp_path / 'a.mp4', tmp_path / 'killed.mp4')  # as a dead process leaves it
    assert len(read(tmp_path / 'killed.mp4')) >= 45
    video.close()


def test_more_than_can_be_written_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(video_recording, '_MOST_WAITING', 2)
    video = VideoRecording(tmp_path / 'a.mp4', 'blurred')  # which waits for poses
    for index in range(5):
        video.put_picture(index * STEP_NS, picture(index))
    video.close()
    assert video.lost == 3 and video.facts['count'] == 2
