"""What is put into a session comes out of it to the last bit, whole, open or torn."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .people import START_NS, action_frame, assert_same, floats, person, pose_frame

pytest.importorskip('pyarrow', reason='needs pyarrow')

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import SessionError
from neuropose_ros.core.events import Correction, CorrectionKind, EventMarker, MovementMetric
from neuropose_ros.core.layouts import COCO17
from neuropose_ros.core.pose import FramePolicy, PoseFrame, SceneEmbedding
from neuropose_ros.core.signals import SignalChunk, SignalInfo
from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.recording import Session, open_session
from neuropose_ros.recording.about import About
from neuropose_ros.recording.privacy.subjects import Subject
from neuropose_ros.recording.upkeep import add_export, finish_session
from neuropose_ros.recording.writer import SessionWriter

PEOPLE: list[PoseFrame] = [
    pose_frame(0, person(1, rich=True), person(2, seed=5)), pose_frame(1),
    pose_frame(2, person(1, seed=9), epoch=1, seq_is_local=True, skipped_before=3,
               feedback_stamp_ns=START_NS + 7), pose_frame(3, epoch=1)]
REFINED = [pose_frame(0, person(1, seed=3, rich=True), stage='refinement')]
ACTIONS = [action_frame(0, 1, 2), action_frame(1), action_frame(2, 1)]
INFOS = [FrameInfo(START_NS, 2**63, 'camera', 4, 'video.mp4', FramePolicy.EVERY_FRAME, True)]
SCENES = [SceneEmbedding(START_NS, 1, 'clip', floats(1, 8), 'camera', 2)]
CHUNKS = [
    SignalChunk(START_NS, 'eeg', 0, floats(1, 4, 2), 'head', None, 'amp', 1.5, 0.001, 0),
    SignalChunk(START_NS + 8_000_000, 'eeg', 6, floats(2, 2, 2), lost_samples=2),
    SignalChunk(START_NS, 'button', 0, floats(3, 2, 1), offsets_ns=np.array([5, 9], np.int64))]
METRICS = [MovementMetric(START_NS, 1, 'cadence', 1.9, 'Hz', 1, 2, 1.8, 2.0, True, 'camera')]
EVENT = EventMarker(START_NS + 5, 'stimulus', 'start', 'camera')
CORRECTION = Correction(
    START_NS, 'c1', CorrectionKind.KEYPOINTS, 'walk', 1, 2, 3, 4, '',
    np.array([3, 5], np.uint16), floats(4, 2, 2), 'p1', 2, '', 'camera')
LABELS = LabelSet('two', ('sit', 'walk'))
EEG = SignalInfo('eeg', 'EEG', ('C3', 'C4'), ('uV', 'uV'), 500.0)


def fill(writer: SessionWriter) -> None:
    writer.put_frame(INFOS[0], arrival_ns=START_NS + 1)
    for frame in PEOPLE:
        writer.put_poses(frame, arrival_ns=START_NS + 2)
    writer.put_poses(REFINED[0], 'poses_refined')
    for actions in ACTIONS:
        writer.put_actions(actions)
    writer.put_scene(SCENES[0])
    for chunk in CHUNKS:
        writer.put_signal(chunk)
    writer.put_metric(METRICS[0])
    for note in (EVENT, CORRECTION, COCO17, LABELS, EEG):
        writer.put_note(note)


def assert_filled(path: Path) -> None:
    with open_session(path) as session:
        assert session.pose_topics == ('poses_refined', 'poses')
        for found, expected in (
                (session.poses('poses'), PEOPLE), (session.poses(), REFINED),
                (session.actions(), ACTIONS), (session.frames(), INFOS),
                (session.scenes(), SCENES), (session.signals(), CHUNKS),
                (session.metrics(), METRICS), (session.events(), [EVENT]),
                (session.corrections(), [CORRECTION])):
            assert_same(tuple(found), tuple(expected))
        assert session.layouts() == {COCO17.id: COCO17}
        assert session.label_sets() == {LABELS.id: LABELS}
        assert session.signal_infos() == {'eeg': EEG}
        assert next(session.recorded('frames')).arrival_ns == START_NS + 1


def test_a_closed_session_is_parquet_and_gives_everything_back(tmp_path: Path) -> None:
    subject = Subject(
        's-' + 16 * 'a', '12345678', frozenset({'video'}), date(2031, 1, 2), ((0, 1),))
    about = About((subject,), task='walking', parameters={'pose': {'model': 'blazepose'}})
    with SessionWriter(tmp_path / 'walk', about) as writer:
        fill(writer)
    assert writer.failure == ''
    assert {path.name for path in (tmp_path / 'walk').iterdir()} == {
        'session.sqlite', 'lock', 'frames.parquet', 'people.parquet', 'actions.parquet',
        'scenes.parquet', 'signals.parquet', 'metrics.parquet'}
    assert_filled(tmp_path / 'walk')
    with open_session(tmp_path / 'walk') as session:
        assert session.closed and session.torn == () and session.about == about
        assert session.facts['rows']['people'] == 5


def test_a_session_is_read_while_it_is_written(tmp_path: Path) -> None:
    writer = SessionWriter(tmp_path / 'walk')
    fill(writer)
    writer.flush()
    assert_filled(tmp_path / 'walk')
    with open_session(tmp_path / 'walk') as session:
        assert not session.closed and session.being_recorded
        assert {torn.lost_bytes for torn in session.torn} == {0}
    writer.close()
    with open_session(tmp_path / 'walk') as session:
        assert session.closed and not session.being_recorded


def test_segments_that_are_torn_open_up_to_their_last_whole_batch(tmp_path: Path) -> None:
    writer = SessionWriter(tmp_path / 'walk', flush_s=1e9)
    for index in range(6):
        writer.put_poses(pose_frame(index, person(1, seed=index)))
        writer.flush()
    writer.close(compacted=False)
    segment = tmp_path / 'walk' / 'segments' / 'people-0001.arrows'
    whole = segment.read_bytes()
    for cut, kept in ((len(whole) - 3, 6), (len(whole) - 20, 5), (len(whole) // 2, 2), (10, 0)):
        segment.write_bytes(whole[:cut])
        with open_session(tmp_path / 'walk') as session:
            assert len(list(session.recorded('people'))) == kept
            assert session.torn[0].lost_bytes > 0 and session.torn[0].path == segment


def test_the_file_does_not_show_when_it_was_flushed(tmp_path: Path) -> None:
    for name, every in (('often', 3), ('seldom', 1000)):
        with SessionWriter(tmp_path / name, flush_s=1e9) as writer:
            for index in range(50):
                writer.put_poses(pose_frame(index, person(1, seed=index)))
                if index % every == 0:
                    writer.flush()
    often, seldom = (tmp_path / name / 'people.parquet' for name in ('often', 'seldom'))
    assert often.read_bytes() == seldom.read_bytes()


def change(path: Path, **facts: Any) -> None:
    connection = sqlite3.connect(path / 'session.sqlite')
    with connection:
        connection.executemany('INSERT OR REPLACE INTO session VALUES (?, ?)', [
            (name, json.dumps(value)) for name, value in facts.items()])
    connection.close()


def test_what_is_no_session_or_a_newer_one_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match='no session'):
        open_session(tmp_path)
    SessionWriter(tmp_path / 'walk').close()
    change(tmp_path / 'walk', format_version=99)
    with pytest.raises(SessionError, match='newer version'):
        open_session(tmp_path / 'walk')
    (tmp_path / 'walk' / 'session.sqlite').write_bytes(b'this is text' * 100)
    with pytest.raises(SessionError, match='damaged'):
        open_session(tmp_path / 'walk')


def test_a_damaged_table_and_an_unknown_one_are_refused(tmp_path: Path) -> None:
    with SessionWriter(tmp_path / 'walk') as writer:
        fill(writer)
    whole = (tmp_path / 'walk' / 'people.parquet').read_bytes()
    for damaged in (b'', whole[:-100], b'no table at all'):
        (tmp_path / 'walk' / 'people.parquet').write_bytes(damaged)
        with open_session(tmp_path / 'walk') as session:
            with pytest.raises(SessionError, match=r'people\.parquet: this table is damaged'):
                list(session.recorded('people'))
            assert len(list(session.actions())) == len(ACTIONS)
            with pytest.raises(SessionError, match="no table 'faces'; it has frames"):
                list(session.batches('faces'))
            with pytest.raises(SessionError, match="no table 'faces'; it has frames"):
                session.table('faces')


def test_an_empty_session_opens_and_says_that_nobody_is_in_it(tmp_path: Path) -> None:
    SessionWriter(tmp_path / 'walk').close()
    with open_session(tmp_path / 'walk') as session:
        assert list(session.recorded('people')) == [] and session.table('signals').num_rows == 0
        with pytest.raises(SessionError, match='nobody'):
            session.numpy()


def test_one_folder_is_one_recording(tmp_path: Path) -> None:
    writer = SessionWriter(tmp_path / 'walk')
    fill(writer)
    with pytest.raises(SessionError, match='there is a session already'):
        SessionWriter(tmp_path / 'walk')
    writer.close()
    with pytest.raises(SessionError, match='there is a session already'):
        SessionWriter(tmp_path / 'walk')
    assert_filled(tmp_path / 'walk')


@pytest.mark.parametrize('left', ['people.parquet', 'segments/people-0001.arrows'])
def test_tables_of_another_session_are_never_mixed_with_new_ones(
        tmp_path: Path, left: str) -> None:
    file = tmp_path / 'copies' / left
    file.parent.mkdir(parents=True)
    file.write_bytes(b'of another session')
    with pytest.raises(SessionError, match=f'copies: {left} is there already'):
        SessionWriter(tmp_path / 'copies')
    assert file.read_bytes() == b'of another session'
    assert not (tmp_path / 'copies' / 'session.sqlite').exists()


@pytest.mark.parametrize(('damage', 'read'), [
    ('DROP TABLE subjects', lambda session: session.about),
    ('DROP TABLE events', lambda session: session.events()),
    ("DELETE FROM session WHERE name = 'state'", lambda session: session.closed)])
def test_a_database_that_lacks_a_part_is_said_to_be_damaged(
        tmp_path: Path, damage: str, read: Callable[[Session], object]) -> None:
    SessionWriter(tmp_path / 'walk').close()
    with sqlite3.connect(tmp_path / 'walk' / 'session.sqlite') as connection:
        connection.execute(damage)
    with pytest.raises(SessionError, match=r'walk: session\.sqlite is '):
        read(open_session(tmp_path / 'walk'))


def test_a_session_that_was_killed_can_be_finished(tmp_path: Path) -> None:
    writer = SessionWriter(tmp_path / 'walk')
    fill(writer)
    writer.flush()
    with pytest.raises(SessionError, match='another recorder'):
        finish_session(tmp_path / 'walk')
    kill(writer)
    torn = finish_session(tmp_path / 'walk')
    assert {entry.lost_bytes for entry in torn} == {0}
    assert_filled(tmp_path / 'walk')
    with open_session(tmp_path / 'walk') as session:
        assert session.closed and 'unexpectedly' in session.log[0][1]
    assert not (tmp_path / 'walk' / 'segments').exists()


def kill(writer: SessionWriter) -> None:
    """Leave the session as a dead process does: unfinished, and not locked."""
    writer._lock.release()


def test_a_copy_is_noted(tmp_path: Path) -> None:
    SessionWriter(tmp_path / 'walk').close()
    add_export(tmp_path / 'walk', tmp_path / 'walk.nwb', 'nwb')
    with open_session(tmp_path / 'walk') as session:
        noted, = session.exports()
    assert noted.path == tmp_path / 'walk.nwb' and noted.form == 'nwb'
