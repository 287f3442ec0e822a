"""`neuropose session`: what a session holds, in words and as JSON, and finishing it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip('pyarrow', reason='needs pyarrow')

from neuropose_ros.cli.main import main
from neuropose_ros.core.events import EventMarker
from neuropose_ros.recording.about import About
from neuropose_ros.recording.writer import SessionWriter

from ..recording.people import person, pose_frame


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A session whose recorder died."""
    writer = SessionWriter(tmp_path / 'walk', About(task='walking'))
    for index in range(31):
        writer.put_poses(pose_frame(index, person(1)))
    writer.put_note(EventMarker(1, 'start'))
    writer.flush()
    writer._lock.release()
    segment = tmp_path / 'walk' / 'segments' / 'people-0001.arrows'
    segment.write_bytes(segment.read_bytes() + b'torn')
    return tmp_path / 'walk'


def test_a_killed_session_is_shown_and_then_finished(
    killed: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    (killed / 'video-camera.mp4').touch()
    assert main(['session', str(killed)]) == 0
    shown = capsys.readouterr().out
    assert 'not finished: its recording was killed' in shown and '1.0 s' in shown
    assert 'task: walking' in shown and '31 people, 1 events' in shown
    assert 'beside it: video' in shown
    assert 'torn off at the end: 4 bytes' in shown
    assert (killed / 'segments').exists()
    assert main(['session', str(killed), '--finish', '--json']) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts['state'] == 'finished' and facts['rows']['people'] == 31
    assert facts['torn_bytes'] == 0 and (killed / 'people.parquet').exists()


def test_an_empty_session_and_what_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    SessionWriter(tmp_path / 'empty').close()
    assert main(['session', str(tmp_path / 'empty')]) == 0
    assert 'rows: none' in capsys.readouterr().out
    assert main(['session', str(tmp_path)]) == 2
    assert 'this is no session' in capsys.readouterr().err
