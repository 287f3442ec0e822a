"""`neuropose correct`: saying what is wrong in a session, listing it, and taking it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('pyarrow', reason='needs pyarrow')

from neuropose_ros.cli.main import main
from neuropose_ros.core.pose import JointState
from neuropose_ros.recording import open_session
from neuropose_ros.recording.writer import SessionWriter

from ...recording.people import person, pose_frame


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Two people in 30 frames, and later an epoch with one."""
    with SessionWriter(tmp_path / 'walk') as writer:
        for index in range(30):
            writer.put_poses(pose_frame(index, person(1), person(2)))
    return tmp_path / 'walk'


def listed(session: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(['correct', 'list', str(session), '--json']) == 0
    return json.loads(capsys.readouterr().out)


def add(session: Path, *arguments: str) -> int:
    return main(['correct', 'add', str(session), *arguments])


def test_a_joint_is_corrected_listed_revised_and_taken_back(
    session: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    assert add(session, 'keypoints', '--track', '1', '--frames', '10-12', '--joint',
               'left_wrist=5,6', '--joint', 'nose=none', '--author', 'ann', '--json') == 0
    name = json.loads(capsys.readouterr().out)['id']
    with open_session(session) as opened:
        said, = opened.corrections()
        stamps = [frame.stamp_ns for frame in opened.poses('poses')]
    assert (said.window_start_ns, said.window_end_ns) == (stamps[10], stamps[12])
    assert said.keypoint_indices.tolist() == [9, 0]
    assert add(session, 'keypoints', '--track', '1', '--frames', '10', '--joint',
               'left_wrist=7,8', '--revise', name) == 0
    assert main(['correct', 'undo', str(session), name]) == 0
    rows = listed(session, capsys)
    assert [(row['revision'], row['state']) for row in rows] == [
        (0, 'revised'), (1, f'taken back by {rows[2]["id"]}'), (0, 'holds')]
    assert rows[0]['what'] == 'left_wrist=5,6 nose=none'
    assert main(['correct', 'undo', str(session), rows[2]['id']]) == 0
    assert main(['correct', 'list', str(session)]) == 0
    text = capsys.readouterr().out
    assert 'left_wrist=7,8  [holds]' in text and 'ann' in text


def test_people_are_told_apart_rejected_and_labelled(
    session: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    assert add(session, 'identity', '--track', '1', '--frames', '20-', '--is', '2') == 0
    assert add(session, 'reject', '--seconds', '0.1-0.2') == 0
    assert add(session, 'label', '--track', '2', '--frames', '3', '--label', 'clap') == 0
    rows = listed(session, capsys)
    assert [(row['kind'], row['who'], row['what']) for row in rows] == [
        ('identity', 'track 1', 'is track 2'), ('reject', 'everybody', ''),
        ('label', 'track 2', 'clap')]
    assert rows[1]['window'] == '0.100 to 0.200 s'
    assert main(['session', str(session)]) == 0
    assert '3 corrections' in capsys.readouterr().out


def test_the_replay_is_corrected(session: Path, tmp_path: Path) -> None:
    add(session, 'keypoints', '--track', '1', '--frames', '10-12', '--joint', 'nose=5,6')
    assert main(['replay', str(session), '--out', str(tmp_path / 'out'), '--recogniser', 'none',
                 '--one-thread']) == 0
    with open_session(tmp_path / 'out' / 'walk') as results:
        corrected = [frame.frame_seq for frame in results.poses('poses_refined') if any(
            (one.keypoint_states == JointState.CORRECTED).any() for one in frame.persons)]
    assert corrected == [10, 11, 12]


@pytest.mark.parametrize(('arguments', 'words'), [
    (('reject', '--frames', '40-50'), 'no frame in frames 40-50'),
    (('reject', '--frames', '1-2', '--epoch', '3'), 'nobody was recorded in epoch 3'),
    (('reject', '--frames', '1-2', '--track', '9'), '9 is not there in frames 1-2; there are: 1'),
    (('keypoints', '--frames', '1', '--track', '1'), 'needs --joint'),
    (('keypoints', '--frames', '1', '--joint', 'nose=1,2'), 'needs --track'),
    (('keypoints', '--frames', '1', '--track', '1', '--joint', 'tail=1,2'), "no joint 'tail'"),
    (('keypoints', '--frames', '1', '--track', '1', '--joint', 'nose=left'), 'nose=412,188'),
    (('keypoints', '--frames', '1', '--track', '1', '--joint', 'nose=1,2', '--joint',
      'nose=3,4'), 'names a joint twice'),
    (('identity', '--frames', '1', '--track', '1', '--is', '1'), 'is 1 already'),
    (('reject', '--frames', '1', '--label', 'clap'), 'has no --label'),
    (('reject', '--frames', '1', '--revise', 'c-0'), "no correction 'c-0'"),
])
def test_what_cannot_be_meant_is_refused_in_one_sentence_and_nothing_is_written(
    session: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str,
) -> None:
    assert add(session, *arguments) == 2
    assert words in capsys.readouterr().err
    assert listed(session, capsys) == []


def test_windows_that_cannot_be_read_and_sessions_in_use_are_refused(
    session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    for window in ('20-10', 'x', '1-2-3'):
        with pytest.raises(SystemExit):
            add(session, 'reject', '--frames', window)
    assert main(['correct', 'undo', str(session), 'c-0']) == 2
    assert 'these do: none' in capsys.readouterr().err
    with SessionWriter(tmp_path / 'running') as writer:
        writer.put_poses(pose_frame(0, person(1)))
        writer.flush()
        assert add(tmp_path / 'running', 'reject', '--frames', '0') == 2
        assert 'another recorder' in capsys.readouterr().err
    assert main(['correct', 'list', str(tmp_path)]) == 2


@pytest.mark.parametrize(('window', 'words'), [
    (('--frames', '12-10'), "'12-10' is no window A-B: the window ends before it begins"),
    (('--frames=-5',), "'-5' is no window A-B: A and B are numbers"),
    (('--seconds', '2'), "'2' is no window A-B: a window of time has an end")])
def test_what_is_no_window_is_told_why(
    session: Path, capsys: pytest.CaptureFixture[str], window: tuple[str, ...], words: str,
) -> None:
    with pytest.raises(SystemExit):
        add(session, 'reject', *window)
    assert words in capsys.readouterr().err


def test_of_several_epochs_one_has_to_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    with SessionWriter(tmp_path / 'two') as writer:
        for epoch in (0, 1):
            for index in range(3):
                writer.put_poses(pose_frame(10 * epoch + index, person(1), epoch=epoch))
    assert add(tmp_path / 'two', 'reject', '--frames', '10-11') == 2
    assert 'epochs 0, 1' in capsys.readouterr().err
    assert add(tmp_path / 'two', 'reject', '--frames', '10-11', '--epoch', '1') == 0
    assert listed(tmp_path / 'two', capsys)[0]['window'] == '0.000 to 0.033 s of epoch 1'
