"""export and import as a person starts them; sessions with nothing in them, and wrong words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip('pyarrow', reason='needs pyarrow')

from neuropose_ros.cli.main import EXIT_BAD_INPUT, main
from neuropose_ros.core.clocks import NS_PER_S
from neuropose_ros.core.layouts import COCO17, HALPE26, convert_frame
from neuropose_ros.recording import open_session
from neuropose_ros.recording.about import About
from neuropose_ros.recording.export.formats import FORMATS
from neuropose_ros.recording.export.writing import export_session
from neuropose_ros.recording.folder import locked
from neuropose_ros.recording.privacy.subjects import Subject
from neuropose_ros.recording.writer import SessionWriter

from ..recording.people import person, pose_frame


def write(path: Path, *frames: object) -> Path:
    with SessionWriter(path) as writer:
        writer.put_note(COCO17)
        for frame in frames:
            writer.put_poses(frame)
    return path


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return write(tmp_path / 'walk', *(pose_frame(i, person(1, seed=i)) for i in range(3)))


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(list(map(str, words))) == EXIT_BAD_INPUT
    error = capsys.readouterr().err
    assert error.startswith('neuropose: ') and 'Traceback' not in error
    return error


def test_there_and_back(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['export', str(session), '--to', 'csv', '--json']) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said['folder'] == str(session.with_name('walk-csv'))
    assert all(Path(file).is_file() for file in said['files'])
    with open_session(session) as opened:
        ((exported, kind, _),) = opened.exports()
    assert (str(exported), kind) == (said['folder'], 'csv')


def test_an_import_and_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ','.join(f'{joint},{joint}' for joint in COCO17.names)
    table = tmp_path / 'poses.csv'
    table.write_text(f'scorer{",me" * 34}\nbodyparts,{names}\ncoords{",x,y" * 17}\n'
                     f'0{",1.5,2" * 17}\n1{",2.5,3" * 17}\n')
    out = tmp_path / 'session'
    assert main(['import', str(table), '--from', 'dlc', '--rate', '25', '--size', '320x240',
                 '--layout', 'halpe26', '--out', str(out), '--json']) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said['frames'] == said['people'] == 2 and said['layout'] == HALPE26.id
    with open_session(out) as opened:
        first, second = opened.poses()
    assert second.stamp_ns - first.stamp_ns == NS_PER_S // 25
    assert (first.image_width, first.image_height) == (320, 240)


def test_another_layout_and_another_topic(session: Path, tmp_path: Path) -> None:
    assert main(['export', str(session), '--to', 'json', '--layout', 'halpe26', '--topic',
                 'poses', '--out', str(tmp_path / 'out')]) == 0
    content = json.loads((tmp_path / 'out' / 'walk.json').read_text())
    assert content['layout']['id'] == HALPE26.id and content['topic'] == 'poses'
    assert len(content['frames'][0]['persons'][0]['keypoints']) == len(HALPE26)


@pytest.mark.parametrize('kind', FORMATS)
def test_an_empty_session(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = write(tmp_path / 'empty')
    assert 'nobody was recorded in this session' in refused(
        capsys, 'export', empty, '--to', kind, '--out', tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('kind', ['nwb', 'bids-motion', 'dlc', 'sleap', 'trc', 'c3d'])
def test_a_session_in_which_nobody_came(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    for package in ('pynwb', 'ezc3d', 'h5py', 'tables'):
        pytest.importorskip(package, reason=f'needs {package}')
    alone = write(tmp_path / 'alone', pose_frame(0), pose_frame(1))
    assert 'nobody' in refused(capsys, 'export', alone, '--to', kind, '--out', tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('kind', ['nwb', 'dlc', 'bids-motion'])
def test_a_recording_that_restarted(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip('pynwb', reason='needs pynwb')
    pytest.importorskip('tables', reason='needs PyTables')
    looped = write(tmp_path / 'loop', *(
        pose_frame(i, person(1, seed=i), epoch=epoch) for epoch in (0, 1) for i in range(3)))
    assert 'export one epoch of [0, 1]' in refused(
        capsys, 'export', looped, '--to', kind, '--out', tmp_path / 'out')
    assert 'they have 0, 1' in refused(
        capsys, 'export', looped, '--to', kind, '--epoch', 2, '--out', tmp_path / 'out')
    assert main(['export', str(looped), '--to', kind, '--epoch', '1', '--out',
                 str(tmp_path / 'out')]) == 0


def test_two_layouts_need_a_choice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = convert_frame(pose_frame(1, person(1)), COCO17, HALPE26)
    mixed = write(tmp_path / 'mixed', pose_frame(0, person(1)), other)
    assert 'come in several skeleton layouts' in refused(capsys, 'export', mixed, '--to', 'json')
    assert main(['export', str(mixed), '--to', 'json', '--layout', 'coco17']) == 0
    content = json.loads((tmp_path / 'mixed-json' / 'mixed.json').read_text())
    assert [len(frame['persons'][0]['keypoints']) for frame in content['frames']] == [17, 17]


def test_a_layout_that_nobody_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    strange = write(tmp_path / 'strange', pose_frame(0, person(1), layout='other@0000'))
    assert 'was not recorded and is not built in' in refused(
        capsys, 'export', strange, '--to', 'csv')


def test_what_is_there_is_not_touched(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = session.with_name('out')
    out.mkdir()
    (out / 'mine.txt').write_text('mine')
    assert 'something in it already' in refused(
        capsys, 'export', session, '--to', 'csv', '--out', out)
    assert [path.name for path in out.iterdir()] == ['mine.txt']


def test_what_a_person_should_know(tmp_path: Path) -> None:
    subjects = tuple(Subject(f's-{letter * 16}', 'key', consent) for letter, consent in (
        ('a', frozenset({'sharing'})), ('b', frozenset({'measurements'}))))
    for number in (1, 2):
        with SessionWriter(tmp_path / f'{number}', About(subjects[:number])) as writer:
            writer.put_poses(pose_frame(0, person(1)))
    agreed = export_session(tmp_path / '1', 'json', tmp_path / 'agreed')
    assert agreed.notes == ()
    with locked(tmp_path / '2'):
        done = export_session(tmp_path / '2', 'json', tmp_path / 'open')
    not_agreed, not_noted = done.notes
    assert 'not every subject has agreed' in not_agreed
    assert 'will not name this copy' in not_noted


def test_a_recording_that_was_killed_says_so(session: Path, tmp_path: Path) -> None:
    cut = tmp_path / 'cut'
    with SessionWriter(cut) as writer:
        writer.put_poses(pose_frame(0, person(1)))
        writer.flush()
        writer.put_poses(pose_frame(1, person(1)))
        writer.close(compacted=False)
    (segment,) = (cut / 'segments').glob('people-*')
    segment.write_bytes(segment.read_bytes()[:-40])
    done = export_session(cut, 'json', tmp_path / 'out')
    assert 'ended unexpectedly' in done.notes[0]
    assert len(json.loads(done.files[0].read_text())['frames']) == 1


def test_wrong_words(session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 'say which format to write' in refused(capsys, 'export', session)
    assert 'goes to --out DIR' in refused(capsys, 'export', session, tmp_path, '--to', 'csv')
    assert 'this is no session' in refused(capsys, 'export', tmp_path, '--to', 'csv')
    assert 'in the session itself' in refused(
        capsys, 'export', session, '--to', 'csv', '--out', session / 'out')
    assert 'is no session; of a trained network' in refused(capsys, 'export', tmp_path / 'x')
    assert 'there are no people of' in refused(
        capsys, 'export', session, '--to', 'csv', '--topic', 'poses_refined')
    assert 'unknown layout' in refused(
        capsys, 'export', session, '--to', 'csv', '--layout', 'coco18')
    assert 'write width and height' in refused(
        capsys, 'import', 'x', '--from', 'dlc', '--out', 'y', '--size', 'big')


def test_a_folder_that_cannot_be_made(
    session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / 'file').write_text('')
    assert 'cannot be written' in refused(
        capsys, 'export', session, '--to', 'csv', '--out', tmp_path / 'file' / 'out')
