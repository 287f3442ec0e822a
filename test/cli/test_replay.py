"""`neuropose replay` and `neuropose compare`, as people use them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neuropose_ros.cli.main import main
from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.recording.writer import SessionWriter

from ..replay.flow import dot_frames, run_live, write_session

# As the live runs here: filters alone, nobody asks what people do.
QUIET = ['--recogniser', 'none', '--set', 'refinement.refiner=none']


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    return write_session(tmp_path / 'walk', run_live(dot_frames(8)))


def test_a_recording_is_replayed_and_compared(
    walk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    for out, more in (('a', []), ('b', []), ('c', ['--set', 'refinement.acceleration=5.0'])):
        assert main(['replay', str(walk), '--out', str(tmp_path / out), *QUIET, *more]) == 0
    told = capsys.readouterr().out
    assert told.count('walk: 8 frames') == 3
    assert told.count('same as the live run') == 2
    assert 'differs from the live run in poses_refined' in told
    summaries = [json.loads((tmp_path / out / 'replay.json').read_text()) for out in 'abc']
    assert summaries[0] == summaries[1] != summaries[2]
    assert main(['compare', str(tmp_path / 'a'), str(tmp_path / 'b')]) == 0
    plot = tmp_path / 'apart.png'
    assert main(['compare', str(tmp_path / 'a'), str(tmp_path / 'c'), '--plot', str(plot)]) == 1
    told = capsys.readouterr().out
    assert 'poses: 8 frames, all the same' in told
    assert 'person.keypoints' in told
    assert 'parameters.refinement.acceleration = 20.0 and 5.0' in told
    assert plot.is_file()
    assert main(['compare', str(tmp_path / 'a'), str(tmp_path / 'c'), '--json']) == 1
    found = json.loads(capsys.readouterr().out)['runs']['']
    assert found['streams']['poses']['differing'] == 0 < (
        found['streams']['poses_refined']['differing'])


def test_one_recording_that_fails_is_named_among_others(
    walk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    torn = tmp_path / 'torn.mcap'
    torn.write_bytes(b'no bag')
    out = ['--out', str(tmp_path / 'out'), *QUIET]
    assert main(['replay', str(torn), str(walk), *out]) == 1
    captured = capsys.readouterr()
    assert 'walk: 8 frames' in captured.out
    assert 'torn.mcap' in captured.err
    assert '1 of 2 recordings failed' in captured.err
    assert main(['replay', str(torn), *out]) == 2
    assert capsys.readouterr().err.startswith('neuropose: ')


@pytest.mark.parametrize(('arguments', 'words'), [
    (['nowhere.mp4'], 'no such recording'),
    (['rtsp://camera/1'], 'no such recording'),
    (['WALK', 'WALK'], 'twice'),
    (['WALK', '--workers', '0'], 'at least one'),
    (['WALK', '--mode', 'ideal', '--set', 'pose.nonsense=1'], 'nonsense'),
    (['WALK', '--scheduler', 'tcp://127.0.0.1:1', '--workers', '2'], 'scheduler'),
    (['WALK', '--mode', 'as-lived', '--refine', 'offline'], '--mode ideal'),
    (['EMPTY'], 'unrefined poses')])
def test_bad_input_is_one_sentence_and_leaves_nothing(
    arguments: list[str], words: str, walk: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    SessionWriter(tmp_path / 'empty').close()
    names = {'WALK': str(walk), 'EMPTY': str(tmp_path / 'empty')}
    given = [names.get(word, word) for word in arguments]
    before = {path: path.read_bytes() for path in walk.rglob('*') if path.is_file()}
    assert main(['replay', *given, '--out', str(tmp_path / 'out'), *QUIET]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert words in error
    assert not list((tmp_path / 'out').glob('*/*'))
    assert before == {path: path.read_bytes() for path in walk.rglob('*') if path.is_file()}


def test_a_folder_that_cannot_be_written_is_said(
    walk: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(['replay', str(walk), '--out', '/proc/nowhere', *QUIET]) == 2
    assert '--out /proc/nowhere: cannot be written' in capsys.readouterr().err


def test_a_session_of_a_newer_version_is_refused(
    walk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    with SessionWriter(tmp_path / 'newer') as writer:
        writer.put_poses(PoseFrame(1, 1, 'coco17@1a2b', 64, 48))
        writer.describe(format_version=99)
    assert main(['replay', str(tmp_path / 'newer'), '--out', str(tmp_path / 'out')]) == 2
    assert 'newer version' in capsys.readouterr().err


def test_two_clips_have_the_same_results_with_one_and_two_workers(
    data_folder: Path, tmp_path: Path,
) -> None:
    clips = [str(data_folder / 'clips' / f'{name}.mp4') for name in ('mmpose_demo', 'posetrack')]
    for workers in '12':
        assert main(['replay', *clips, '--out', str(tmp_path / workers), '--workers', workers,
                     *QUIET]) == 0
    one, two = ((tmp_path / workers / 'replay.json').read_text() for workers in '12')
    assert one == two


@pytest.mark.parametrize('inside', ['', 'results'])
def test_results_do_not_go_into_a_recording(
    inside: str, walk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    before = sorted(walk.iterdir())
    assert main(['replay', str(walk), '--out', str(walk / inside), *QUIET]) == 2
    assert 'choose a folder elsewhere' in capsys.readouterr().err
    assert sorted(walk.iterdir()) == before
    pictures = tmp_path / 'pictures'
    pictures.mkdir()
    assert main(['replay', str(pictures), '--out', str(pictures / inside), *QUIET]) == 2
    assert not list(pictures.iterdir())
    other = write_session(tmp_path / 'other', run_live(dot_frames(2)))
    assert main(['replay', str(walk), '--out', str(other / inside), *QUIET]) == 2
    assert not (other / 'walk').exists()


@pytest.mark.parametrize(('arguments', 'words'), [
    (['CLIP', 'WALK'], 'no results'), (['WALK', 'nowhere'], 'nothing of that name'),
    (['EMPTY', 'EMPTY'], 'nothing to compare'), (['WALK', 'WALK', '--plot', 'a.xyz'], 'NAME.png')])
def test_what_cannot_be_compared_is_one_sentence(
    arguments: list[str], words: str, walk: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    SessionWriter(tmp_path / 'empty').close()
    (tmp_path / 'clip.mp4').write_bytes(b'no results')
    names = {'WALK': walk, 'EMPTY': tmp_path / 'empty', 'CLIP': tmp_path / 'clip.mp4'}
    assert main(['compare', *(str(names.get(word, word)) for word in arguments)]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert not captured.out
