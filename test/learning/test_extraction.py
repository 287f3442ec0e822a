"""Videos to poses: the actor followed, what is kept, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuropose_ros.core.errors import DataError, SourceError
from neuropose_ros.core.layouts import COCO17, JHMDB15
from neuropose_ros.core.pose import PersonPose, SceneEmbedding
from neuropose_ros.learning.datasets.videos import Video
from neuropose_ros.learning.extracted import extracted_key, read_extracted, write_extracted
from neuropose_ros.learning.extraction import (
    ExtractionSettings,
    PoseExtractor,
    create_extractor,
)
from neuropose_ros.pose.estimator import Detections
from neuropose_ros.pose.people import make_person

from .video_files import moving_square


class BrightDetector:
    """Finds what is bright."""

    model = 'bright'

    def __init__(self) -> None:
        self.runs = 0

    def detect(self, picture) -> Detections:
        self.runs += 1
        rows, columns = np.nonzero(np.asarray(picture.image).max(-1) > 128)
        if not len(rows):
            return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
        box = [columns.min(), rows.min(), columns.max(), rows.max()]
        return Detections(np.array([box], np.float32), np.ones(1, np.float32))

    def close(self) -> None:
        pass


class CornerEstimator:
    """Every joint is where the box begins."""

    model = 'corner'
    layout = COCO17

    def estimate(self, picture, regions) -> list[PersonPose]:
        return [make_person(
            np.tile(region.box[:2], (17, 1)).astype(np.float32), np.full(17, 0.75, np.float32),
            picture.width, picture.height) for region in regions]

    def close(self) -> None:
        pass


class Brightness:
    """Scene of one number, every second frame."""

    def __init__(self) -> None:
        self.count = 0

    def encode(self, frame) -> SceneEmbedding | None:
        self.count += 1
        if self.count % 2 == 0:
            return None
        return SceneEmbedding(
            frame.stamp_ns, frame.frame_seq, 'brightness',
            np.array([frame.image.mean()], np.float32))

    def reset(self) -> None:
        self.count = 0

    def close(self) -> None:
        pass


@pytest.fixture
def video(tmp_path: Path) -> Video:
    path = tmp_path / 'square.mp4'
    moving_square(path, frames=10, rate_hz=25)
    return Video('move/square', path, 0, 'one')


def extractor(**changes) -> PoseExtractor:
    settings = replace(ExtractionSettings(), **changes)
    return PoseExtractor(settings, BrightDetector(), CornerEstimator(), Brightness())


def test_the_actor_is_followed_and_times_are_the_files(video: Video) -> None:
    out = extractor().extract(video)
    assert out.keypoints.shape == (10, 17, 2)
    assert out.size_px == (160, 120)
    np.testing.assert_allclose(out.times_s, np.arange(10) / 25, atol=1e-6)
    np.testing.assert_allclose(out.keypoints[:, 0, 0], 10 + 6 * np.arange(10), atol=2)
    assert out.found.all()
    assert out.scene.shape == (5, 1)
    np.testing.assert_allclose(out.scene_times_s, np.arange(5) * 2 / 25, atol=1e-6)
    assert not out.damage


def test_the_detector_may_look_less_often(video: Video) -> None:
    every = extractor(detect_every=3)
    out = every.extract(video)
    assert out.found.tolist() == [t % 3 == 0 for t in range(10)]
    np.testing.assert_allclose(out.keypoints[:, 0, 0], 10 + 6 * np.arange(10), atol=2)


def test_a_stretch_of_a_video_is_a_clip_of_its_own(video: Video) -> None:
    out = extractor().extract(replace(video, start_s=0.08, end_s=0.2))
    assert len(out.times_s) == 3
    assert out.times_s[0] == 0
    np.testing.assert_allclose(out.keypoints[0, 0, 0], 22, atol=2)
    with pytest.raises(DataError, match='no frame in the stretch'):
        extractor().extract(replace(video, start_s=9.0))


def test_without_anybody_the_whole_picture_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / 'dark.mp4'
    moving_square(path, frames=4, rate_hz=25, brightness=20)
    out = extractor().extract(Video('dark', path))
    np.testing.assert_allclose(out.boxes, np.tile([0, 0, 159, 119], (4, 1)))
    assert not out.found.any()


def test_files_that_are_no_videos_are_refused(tmp_path: Path) -> None:
    path = tmp_path / 'broken.mp4'
    path.write_bytes(b'nothing of use')
    with pytest.raises(SourceError, match=r'broken\.mp4'):
        extractor().extract(Video('broken', path))


def test_what_was_read_comes_back_and_makes_a_clip(video: Video, tmp_path: Path) -> None:
    out = extractor().extract(video)
    path = tmp_path / 'cache' / 'square.npz'
    write_extracted(out, path)
    back = read_extracted(path)
    for name in ('keypoints', 'scores', 'times_s', 'boxes', 'found', 'scene', 'scene_times_s'):
        np.testing.assert_array_equal(getattr(back, name), getattr(out, name))
    assert (back.key, back.layout, back.size_px) == (out.key, out.layout, out.size_px)
    assert extracted_key(path) == ExtractionSettings().key
    clip = back.clip('a', label=2, group='g')
    assert (clip.label, clip.group, clip.scene.shape) == (2, 'g', (5, 1))
    assert np.isnan(back.clip('a', least_score=0.8).keypoints).all()
    other = back.clip('a', layout=JHMDB15)
    assert other.keypoints.shape == (10, 15, 2)
    np.testing.assert_allclose(other.scores, 0.75)


def test_damaged_files_are_named_and_have_no_key(tmp_path: Path) -> None:
    path = tmp_path / 'a.npz'
    assert extracted_key(path) == ''
    path.write_bytes(b'PK\3\4 cut off')
    assert extracted_key(path) == ''
    with pytest.raises(DataError, match=r'a\.npz'):
        read_extracted(path)


def test_other_settings_have_another_key() -> None:
    assert ExtractionSettings().key == ExtractionSettings().key
    assert ExtractionSettings().key != ExtractionSettings(detect_every=2).key


def test_real_networks_follow_a_real_person(data_folder: Path) -> None:
    pytest.importorskip('ai_edge_litert', reason='needs LiteRT')
    path = sorted((data_folder / 'jhmdb' / 'videos' / 'golf').glob('*.mp4'))[0]
    settings = ExtractionSettings(estimator='movenet-lightning-int8', detect_every=4)
    reader = create_extractor(settings, data_folder)
    try:
        out = reader.extract(Video('golf', path, end_s=0.3))
    finally:
        reader.close()
    assert out.found.any()
    assert out.scores.mean() > 0.4
    assert out.scene.shape[1] == 1024
