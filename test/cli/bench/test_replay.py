"""The bench of replay: what it is made of, and once as a whole in small."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neuropose_ros.cli.bench import replay, replay_live
from neuropose_ros.cli.main import main
from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.recording.writer import SessionWriter
from neuropose_ros.sources.video import VideoSource


def test_the_largest_clip_is_taken(tmp_path: Path) -> None:
    with pytest.raises(NeuroposeError, match=r'clips/\*\.mp4'):
        replay._largest_clip(str(tmp_path))
    (tmp_path / 'clips').mkdir()
    for name, size in (('a', 10), ('b', 30), ('c', 20)):
        (tmp_path / 'clips' / f'{name}.mp4').write_bytes(bytes(size))
    assert replay._largest_clip(str(tmp_path)).endswith('b.mp4')


def test_a_clip_is_as_long_as_asked(tmp_path: Path) -> None:
    source = 'synthetic:walk?width=64&height=64&seconds=0.2'
    clip = replay._make_clip(source, 15, tmp_path / 'clip.mp4')
    opened = VideoSource(clip)
    pictures = []
    while (picture := opened.read()) is not None:
        pictures.append(picture)
    opened.close()
    assert len(pictures) == 15
    assert opened.damage == ''


def test_recorded_frames_are_counted(tmp_path: Path) -> None:
    assert replay_live._frames(tmp_path) == 0
    writer = SessionWriter(tmp_path / 'live')
    writer.put_frame(FrameInfo(1, 0))
    writer.flush()
    assert replay_live._frames(tmp_path / 'live') == 1
    writer.close()


@pytest.mark.slow
def test_a_small_bench_finds_the_same_results(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['bench', 'replay', '--frames', '60', '--live-frames', '40', '--rounds', '1',
                 '--files', '2', '--no-recorder', '--json']) == 0
    report = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert report['identical'] is True
    assert report['live_frames'] == 40
    assert {'replay_ratio', 'two_workers_ratio'} <= report.keys()
