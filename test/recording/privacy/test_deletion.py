"""Deleting a subject leaves nothing of it and everything of the others."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip('pyarrow', reason='needs pyarrow')
pytest.importorskip('mcap', reason='needs mcap')

from neuropose_ros.core.errors import PrivacyError, SessionError
from neuropose_ros.core.pose import FrameStatus
from neuropose_ros.recording import open_session
from neuropose_ros.recording.about import About
from neuropose_ros.recording.folder import locked
from neuropose_ros.recording.privacy import deletion
from neuropose_ros.recording.privacy.deletion import delete, plan
from neuropose_ros.recording.privacy.proof import search
from neuropose_ros.recording.upkeep import set_subject
from neuropose_ros.recording.writer import SessionWriter

from ..people import assert_same
from .stores import ANNA, BERT, make_store, put_values, write_bag


@pytest.fixture
def store(tmp_path, sessions):
    return make_store(tmp_path, sessions)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob('*')
            if path.is_file() and path.name != 'lock'}


def test_the_search_finds_what_lies_in_tables_databases_and_bags(store):
    traces = '\n'.join(search([store.root], ANNA.pseudonym).traces)
    for name in ('alone/session.sqlite', 'alone/bag/bag.mcap', 'alone/video-0.mp4',
                 'both/scenes.parquet', 'both/signals.parquet'):
        assert name in traces
    assert '/other/' not in traces
    assert ANNA.pseudonym.encode() not in (store.both / 'bag' / 'bag.mcap').read_bytes()


def test_nothing_is_left(store):
    done = delete([store.root], plan([store.root], ANNA.pseudonym))
    assert done.proof.is_clean and done.proof.files > 5
    assert not store.alone.exists() and not store.copy_inside.exists()
    assert {path.name for path in store.both.iterdir()} == {
        'session.sqlite', 'lock', 'people.parquet', 'actions.parquet', 'metrics.parquet'}
    for path, content in contents(store.root).items():
        assert ANNA.pseudonym.encode() not in content, path
    with sqlite3.connect(store.both / 'session.sqlite') as connection:
        assert connection.execute('PRAGMA freelist_count').fetchone() == (0,)


def test_the_others_keep_everything_that_is_surely_theirs(store):
    with open_session(store.both) as session:
        before = list(session.poses('poses'))
    other = contents(store.other)
    delete([store.root], plan([store.root], ANNA.pseudonym))
    assert contents(store.other) == other
    with open_session(store.both) as session:
        after = list(session.poses('poses'))
        assert [frame.frame_seq for frame in after] == [0, 1, 2, 3]
        for index, number in enumerate([1, None, 1, 1]):
            persons = () if number is None else (before[index].persons[number],)
            status = FrameStatus.OK if persons else FrameStatus.NO_PERSON
            assert_same(after[index], replace(before[index], persons=persons, status=status))
        assert [[a.track_id for a in frame.actions] for frame in session.actions()] == [[2]]
        assert [metric.track_id for metric in session.metrics()] == [2]
        assert [one.track_id for one in session.corrections()] == [2]
        assert session.about.subjects == (BERT,)
        assert session.about.notes == 'with ' and session.about.task == 'walk'
        assert not list(session.signals()) and not list(session.scenes())


def test_copies_elsewhere_are_listed_and_deleted_only_when_wanted(store):
    done = delete([store.root], plan([store.root], ANNA.pseudonym))
    assert done.copies_left == (store.copy_outside,) and store.copy_outside.exists()
    with open_session(store.both) as session:
        assert [export.path for export in session.exports()] == [store.copy_outside]


def test_copies_elsewhere_go_with_exports(store):
    done = delete([store.root], plan([store.root], ANNA.pseudonym), with_exports=True)
    assert not done.copies_left and not store.copy_outside.exists()


def test_a_copy_that_was_moved_is_said(store):
    store.copy_outside.rename(store.copy_outside.with_name('moved.csv'))
    assert plan([store.root], ANNA.pseudonym).absent == (store.copy_outside,)


def test_whom_one_cannot_tell_apart_is_not_deleted_with_the_others(store):
    set_subject(store.both, replace(ANNA, tracks=()))
    before = contents(store.root)
    with pytest.raises(PrivacyError, match=r'both there are other subjects .*--with-others'):
        plan([store.root], ANNA.pseudonym)
    assert contents(store.root) == before
    done = delete([store.root], plan([store.root], ANNA.pseudonym, with_others=True))
    assert done.proof.is_clean and not store.both.exists() and store.other.exists()


def test_a_session_of_others_within_one_stops_it_all(store):
    shutil.copytree(store.other, store.alone / 'inner')
    before = contents(store.root)
    with pytest.raises(PrivacyError, match='alone/inner out of it first'):
        plan([store.root], ANNA.pseudonym)
    assert contents(store.root) == before


def test_a_session_that_is_being_recorded_stops_it_all(store):
    chosen, before = plan([store.root], ANNA.pseudonym), contents(store.root)
    with locked(store.both), pytest.raises(SessionError, match='another recorder'):
        delete([store.root], chosen)
    assert contents(store.root) == before


def test_somebody_who_is_nowhere_is_an_error(store):
    with pytest.raises(PrivacyError, match=r'in none of the 3 sessions .* key ' + ANNA.key_id):
        plan([store.root], 's-' + 'a' * 16)
    with pytest.raises(PrivacyError, match='is not a folder'):
        plan([store.root / 'nowhere'], ANNA.pseudonym)


def test_a_damaged_session_stops_it_all(store):
    (store.other / 'session.sqlite').write_bytes(b'no database' * 100)
    before = contents(store.alone)
    with pytest.raises(SessionError, match='damaged'):
        plan([store.root], ANNA.pseudonym)
    assert contents(store.alone) == before


def test_what_cannot_be_read_is_no_proof(store):
    bag = store.other / 'bag.mcap'
    write_bag(bag)
    bag.write_bytes(bag.read_bytes()[:-300])
    done = delete([store.root], plan([store.root], ANNA.pseudonym))
    assert not done.proof.is_clean
    assert any(str(bag) in sentence for sentence in (*done.proof.unread, *done.proof.traces))


@pytest.mark.parametrize('broken', ['separate_tables', 'forget_in_database', '_remove'])
def test_a_deletion_that_broke_off_is_done_again(store, monkeypatch, broken):
    def fail(*_):
        raise OSError(28, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(deletion, broken, fail)
        with pytest.raises(PrivacyError, match=r'broke off .* do it once more'):
            delete([store.root], plan([store.root], ANNA.pseudonym))
    done = delete([store.root], plan([store.root], ANNA.pseudonym))
    assert done.proof.is_clean


def test_a_recording_that_was_killed_is_separated_too(tmp_path):
    path = tmp_path / 'killed'
    with SessionWriter(tmp_path / 'running', About((ANNA, BERT)), flush_s=0.0) as writer:
        put_values(writer, ANNA.pseudonym)
        writer.flush()
        shutil.copytree(writer.path, path)  # what a kill leaves behind
    assert search([path], ANNA.pseudonym).traces and (path / 'session.sqlite-wal').exists()
    done = delete([path], plan([path], ANNA.pseudonym))
    assert done.proof.is_clean
    assert not (path / 'segments').exists() and not (path / 'session.sqlite-wal').exists()
    with open_session(path) as session:
        assert [[one.track_id for one in frame.persons]
                for frame in session.poses()] == [[2], [], [2], [1]]


def test_what_has_no_number_goes_even_where_the_others_are_not_told(store):
    set_subject(store.both, replace(BERT, tracks=()))
    delete([store.root], plan([store.root], ANNA.pseudonym))
    with open_session(store.both) as session:
        assert [[one.track_id for one in frame.persons]
                for frame in session.poses()] == [[2], [], [2], [1]]
