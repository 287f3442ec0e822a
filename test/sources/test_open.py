"""Which source a word names."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest

from neuropose_ros.core.errors import SourceError
from neuropose_ros.sources.folder import FolderSource
from neuropose_ros.sources.open import open_source
from neuropose_ros.sources.video import VideoSource

from .mjpeg_server import MjpegServer
from .videos import write_video


def test_files_and_folders(tmp_path):
    video = write_video(tmp_path / 'a.mp4', range(0, 200, 40))
    assert cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((4, 4, 3), np.uint8))
    assert isinstance(open_source(str(video)), VideoSource)
    assert isinstance(open_source(f'file://{video}'), VideoSource)
    assert isinstance(open_source(str(tmp_path / 'a.png')), FolderSource)
    folder = open_source(str(tmp_path), rate_hz=3)
    assert isinstance(folder, FolderSource)
    assert folder.rate_hz == 3


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    write_video(tmp_path / 'a.mp4', range(0, 200, 40))
    assert isinstance(open_source('~/a.mp4'), VideoSource)


@pytest.mark.parametrize(('spec', 'device'), [
    ('7042', '/dev/video7042'),
    ('webcam:7042', '/dev/video7042'),
    ('/dev/video7042', '/dev/video7042'),
    ('webcam:/dev/v4l/by-id/none', '/dev/v4l/by-id/none'),
])
def test_cameras(spec, device):
    with pytest.raises(SourceError, match=f'no camera at {device}'):
        open_source(spec)


def test_stream():
    with MjpegServer() as server:
        source = open_source(server.url, stall_s=1.0)
        assert source.live
        assert source.read() is not None
        source.close()


@pytest.mark.parametrize('spec', ['', 'clip.mpt', 'ftp://host/a', './missing/'])
def test_unknown_lists_what_is_possible(spec):
    with pytest.raises(SourceError, match=r'webcam:0.*folder.*rtsp://.*synthetic:SCENE'):
        open_source(spec)


def test_a_topic_is_for_the_pose_node():
    with pytest.raises(SourceError, match=r"'topic:/image'.*pose node"):
        open_source('topic:/image')


@pytest.mark.parametrize('form', ['{folder}/a.mp4', 'rtsp://user:secret@localhost:1/x?key=secret'])
def test_without_pyav_a_video_is_refused_in_one_sentence(form, tmp_path, monkeypatch):
    write_video(tmp_path / 'a.mp4', range(0, 200, 40))
    for name in ('decoding', 'stream', 'video'):
        monkeypatch.delitem(sys.modules, f'neuropose_ros.sources.{name}', raising=False)
    monkeypatch.setitem(sys.modules, 'av', None)
    with pytest.raises(SourceError, match='need PyAV: pip install av') as refused:
        open_source(form.format(folder=tmp_path))
    assert 'secret' not in str(refused.value)
